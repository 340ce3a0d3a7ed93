"""Configs whose secrets were masked, with these again: for whoever can say what they were."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...config.config import Config
from ...config.secret_keys import MASKED
from .credentials import environment_secrets, telling
from .holes import WHOLE, Path, at, between, stands_for_secret


def filled(
    kept: Config,
    paths: Iterable[Path],
    *sources: Mapping[str, Any],
    kinds: Mapping[str, str] | None = None,
    written: Callable[[str], str] = str,
) -> tuple[Config, list[Path]]:
    """Give a config whose secrets were masked with its secrets, and name those that nobody knows.

    Which value it was cannot be told, and need not be: another API key is not another config.

    Parameters
    ----------
    kept
        The config as it was written down.
    paths
        What was masked of it.
    sources
        Configs that may hold values for these: the first that has one counts. The environment is asked last: for
        `wandb.api_key` the variables ``WANDB_API_KEY`` and ``API_KEY``.
    kinds
        Of which type the value of a dotted key was, by the type's name; a text where nobody knows.
    written
        How a text stands in the config.
    """
    kinds = kinds or {}
    found: dict[Path, Any] = {}
    left = []
    for path in paths:
        before = at(kept, path)
        value = next((other for source in sources if _fits(before, other := at(source, path))), None)
        text = _variable(path) if value is None else None
        if text is not None:
            value = _typed(text, kinds.get(".".join(map(str, path)), "str"), written)
        if value is None:
            left.append(path)
        else:
            found[path] = value
    alone = {str(value) for path, value in found.items() if at(kept, path) == MASKED and not isinstance(value, WHOLE)}
    known = set(filter(telling, alone))
    repeated = known or set(environment_secrets())
    if len(repeated) == 1:
        for path in [path for path in left if not stands_for_secret(path, at(kept, path))]:
            if kinds.get(".".join(map(str, path)), "str") != "str":  # it held the secret, and more
                continue
            found[path] = at(kept, path).replace(MASKED, *repeated)
            left.remove(path)
    for path, value in found.items():
        kept = with_value(kept, path, value)
    return kept, left


def _fits(before: Any, value: Any) -> bool:
    """Tell whether a value can be the one of which this was left."""
    if value is None or value == before:
        return False
    if not isinstance(before, str) or before == MASKED:
        return True
    return isinstance(value, str) and between(value, before.split(MASKED)) is not None


def _typed(text: str, kind: str, written: Callable[[str], str]) -> Any:
    """Read a text of the environment as the number that it stands for, where there was one."""
    types: dict[str, Callable[[str], Any]] = {
        "int": int, "float": float, "bytes": str.encode, "PosixPath": pathlib.Path
    }  # fmt: skip
    try:
        return types.get(kind, written)(text)
    except ValueError:
        return written(text)


def with_value(config: Any, path: Path, value: Any) -> Any:
    """Give a config, or a part of one, with another value in its place."""
    if not path:
        return value
    made: Any = list(config) if isinstance(config, tuple) else config.copy()
    made[path[0]] = with_value(config[path[0]], path[1:], value)
    return tuple(made) if isinstance(config, tuple) else made


def asked_keys(config: Mapping[str, Any], paths: Sequence[Path], *, repeats: bool = True) -> list[str]:
    """Name the keys, dotted, whose values have to be given again: all that have to be, so that nobody is asked twice.

    Parameters
    ----------
    config
        The config as it was written down.
    paths
        What of it nobody knows.
    repeats
        Some of it may only repeat the secret of another key. Where there is one secret, that need not be given.
    """
    whole = [path for path in paths if at(config, path).strip() == MASKED]
    secrets = [path for path in whole if stands_for_secret(path, at(config, path))]
    asked = paths
    if repeats and len(secrets) == 1:
        asked = [path for path in paths if path in whole or stands_for_secret(path, at(config, path))]
    return [".".join(map(str, path)) for path in asked]


def missing_secrets(keys: Sequence[str], option: str = "") -> tuple[str, str]:
    """Say which secrets of a config are missing, and how they can be given.

    Parameters
    ----------
    keys
        Their dotted keys.
    option
        How the command line may give one, too, with ``{}`` for the key.

    Examples
    --------
    >>> missing_secrets(["db.password"])
    ('a secret under "db.password" that is', 'set the environment variable DB_PASSWORD')
    >>> missing_secrets(["db.password"], "--set {}=...")[1]
    'give it by --set db.password=... or by the environment variable DB_PASSWORD'
    """
    many = len(keys) > 1
    asked = ", ".join(dict.fromkeys(variables(key)[0] for key in keys))
    listed = ", ".join(f'"{key}"' for key in keys)
    what = f"{'secrets' if many else 'a secret'} under {listed} that {'are' if many else 'is'}"
    by = f"give {'them' if many else 'it'} by {option.format(keys[0])}" if option else ""
    return what, f"{f'{by} or by' if by else 'set'} the environment variable{'s' if many else ''} {asked}"


def variables(key: str) -> list[str]:
    """Name the environment variables that may hold a secret.

    Examples
    --------
    >>> variables("wandb.api_key")
    ['WANDB_API_KEY', 'API_KEY']
    """
    names = [key, key.rpartition(".")[2]]
    return list(dict.fromkeys("".join(c if c.isalnum() else "_" for c in name).upper() for name in names))


def _variable(path: Path) -> str | None:
    """Ask the environment for a secret."""
    found = (os.environ.get(name) for name in variables(".".join(map(str, path))))
    return next((value for value in found if value is not None), None)
