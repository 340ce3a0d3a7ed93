"""Secrets in the columns of a table."""

from __future__ import annotations

import pytest

from dodo_pyexp.provenance.secrets.columns import is_table, secret_column


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("name,password\nann,hunter-2\n", "password"),
        ('\ufeff"name";"API key"\r\n"ann";"k-0123"\r\n', "API key"),
        ("user\tsecret\nann\thunter-2\nbob\t\n", "secret"),
        ("Access key ID,Secret access key\nA,abcDEF012/+\n", "Secret access key"),
        ("user,token\nann,0a1b2c3d4e5f60718293\n", "token"),
        ("token,label\nthe,DET\ncat,NOUN\n", None),
        ("token\nthe\n3.14\n2021-01-01\n", None),
        ("key,value\na,1\n", None),
        ("password,login\nyes,1\nno,2\n", None),
        ("password,x\n", None),
        ("", None),
        ("password" + ",a" * 10_000 + "\nhunter-2\n", None),
        ('password,"\n"' + "a" * 200_000, None),
    ],
)
def test_a_column_of_secrets_is_known_by_its_name_and_its_values(text: str, column: str | None) -> None:
    assert secret_column(text) == column


def test_tables_are_known_by_their_names() -> None:
    assert [is_table(name) for name in ("a.csv", "b/A.TSV", "a.csv.py", "csv")] == [True, True, False, False]
