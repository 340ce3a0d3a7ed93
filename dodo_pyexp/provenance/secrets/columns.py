"""Secrets in the columns of a table: a list of users with their passwords, the keys that a service gives out as CSV."""

from __future__ import annotations

import csv
import io
from itertools import islice

from ...config.secret_keys import secret_key
from .assignments import is_literal

_ENDINGS = (".csv", ".tsv", ".psv", ".tab")
_ROWS = 1000
_LONGEST_HEAD = 10_000


def is_table(name: str) -> bool:
    """Tell by its name whether a file is a table with separators."""
    return name.lower().endswith(_ENDINGS)


def secret_column(text: str) -> str | None:
    r"""Name the first column of a table that holds secrets; None if there is none.

    Its name says so, and at least half of its first thousand values can be secrets: the `token` of a data set of words
    holds none, nor does a `password` that is only ``yes`` or ``no``.

    Examples
    --------
    >>> secret_column("user,password\nann,hunter2\n"), secret_column("token,label\nthe,DET\ncat,NOUN\n")
    ('password', None)
    """
    head = text.partition("\n")[0].lstrip("\ufeff")
    if len(head) > _LONGEST_HEAD:
        return None
    separator = max(",\t;|", key=head.count)
    try:
        names = next(csv.reader([head], delimiter=separator), [])
        columns = {index: name.strip() for index, name in enumerate(names) if secret_key(name.strip())}
        if not columns:
            return None
        rows = list(islice(csv.reader(io.StringIO(text), delimiter=separator), 1, 1 + _ROWS))
    except csv.Error:
        return None
    for index, name in columns.items():
        values = [row[index] for row in rows if len(row) > index and row[index].strip()]
        if values and 2 * sum(is_literal(name, value, bare=True) for value in values) >= len(values):
            return name
    return None
