"""Configs without their secrets, as they are written down; and with them again, for whoever can say what they were.

What is written holds ``***`` in place of a secret. Hashes are of the real config, so that it can be told whether a
value that somebody gives is the one that was there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..config.config import Config
from ..config.hashing import hash_config
from .secrets import MASKED, mask_text, secret_key

_MOST, _LONG = 20_000, 200
Path = tuple[str | int, ...]


class Masker:
    """Masks configs: a value because of its key, or a part of a text because of its form.

    Thousands of configs have the same keys, and most have no secret: what was judged once is remembered.
    """

    def __init__(self) -> None:
        self._suspicious: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._clean: set[str] = set()

    def config(self, config: Config) -> Config:
        """Give the config as it may be written down: itself, if it holds no secret."""
        return Config(self._masked(config)) if self.has_secret(config) else config

    def has_secret(self, value: Any) -> bool:
        """Tell whether something in a value has to be masked."""
        if isinstance(value, str):
            return value not in self._clean and not self._looks_clean(value)
        if isinstance(value, dict):
            keys = tuple(value)
            suspicious = self._suspicious.get(keys)
            if suspicious is None:
                suspicious = self._suspicious[keys] = tuple(key for key in keys if secret_key(str(key)))
            for key in suspicious:
                if value[key] != MASKED and secret_key(str(key), value[key]):
                    return True
            value = value.values()
        elif not isinstance(value, (list, tuple)):
            return False
        for item in value:
            kind = type(item)
            if kind is str:
                if item not in self._clean and not self._looks_clean(item):
                    return True
            elif kind is not int and kind is not float and kind is not bool and self.has_secret(item):
                return True
        return False

    def _looks_clean(self, text: str) -> bool:
        if mask_text(text) != text:
            return False
        if len(self._clean) > _MOST:
            self._clean.clear()
        if len(text) < _LONG:
            self._clean.add(text)
        return True

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return mask_text(value)
        if isinstance(value, dict):
            return {k: MASKED if secret_key(str(k), item) else self._masked(item) for k, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self._masked(item) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        return value


def secrets_of(config: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """List the texts that a config holds and that were masked in what is written down of it."""
    return [str(value) for path, value in _leaves(config) if _at(kept, path) != value]


def masked_text(text: str, secrets: list[str]) -> str:
    """Mask a text: what has the form of a secret, and these secrets."""
    text = mask_text(text)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, MASKED)
    return text


def masked_keys(config: Mapping[str, Any]) -> list[str]:
    """Name the keys, dotted, of values that were masked."""
    return [".".join(map(str, path)) for path in _masked_paths(config)]


def restored(
    kept: Config, digest: str, *sources: Mapping[str, Any], hashed: Callable[[Config], str] = hash_config
) -> Config | None:
    """Give a config whose secrets were masked with its secrets: the first that has the hash; None if none has.

    Parameters
    ----------
    kept
        The config as it was written down.
    digest
        The hash of the real one.
    sources
        Configs that may hold the same secrets. The environment is asked, too: for `wandb.api_key` the variables
        ``WANDB_API_KEY`` and ``API_KEY``.
    hashed
        How the hash was made.
    """
    if hashed(kept) == digest:
        return kept
    paths = list(_masked_paths(kept))
    if not paths:
        return None
    texts = {path: text for path in paths if (text := _variable(path)) is not None}
    known = [{path: value for path in paths if not _is_missing(value := _at(source, path))} for source in sources]
    for found in (*known, *({**texts, **one} for one in known), texts, {path: _typed(texts[path]) for path in texts}):
        config = kept.copy()
        for path, value in found.items():
            _put(config, path, value)
        if hashed(config) == digest:
            return config
    return None


def missing_secrets(config: Mapping[str, Any], option: str = "") -> tuple[str, str]:
    """Say of a masked config which secrets are missing, and how they can be given.

    Parameters
    ----------
    config
        The config.
    option
        An option of the command line that may give them, too.

    Examples
    --------
    >>> missing_secrets({"db": {"password": "***"}})
    ('a secret under "db.password" that is', 'set the environment variable DB_PASSWORD')
    """
    keys = masked_keys(config)
    many = len(keys) > 1
    names = [next((name for name in variables(key) if name in os.environ), "") for key in keys]
    asked = ", ".join(dict.fromkeys(variables(key)[0] for key in keys))
    listed = ", ".join(f'"{key}"' for key in keys)
    what = f"{'secrets' if many else 'a secret'} under {listed} that {'are' if many else 'is'}"
    by = f"give {'them' if many else 'it'} by {option} {keys[0]}=... or by" if option else "set"
    way = f"{by} the environment variable{'s' if many else ''} {asked}"
    if all(names):
        way += f" (what {', '.join(dict.fromkeys(names))} says now is not what was there)"
    return what, way


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


def _typed(text: str) -> Any:
    """Read a text as the number that it may stand for."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _masked_paths(config: Any) -> Iterator[Path]:
    for path, value in _leaves(config):
        if value is not None and _is_missing(value):
            yield path


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Walk to the values in dicts and lists."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and MASKED in value)


def _put(config: Any, path: Path, value: Any) -> None:
    """Put a value in its place; where the place is in a tuple there is none."""
    for part in path[:-1]:
        config = config[part]
    if not isinstance(config, tuple):
        config[path[-1]] = value
