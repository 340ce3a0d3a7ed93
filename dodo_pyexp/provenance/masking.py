"""Configs without their secrets, as they are written down; and with them again, for whoever can say what they were.

What is written holds ``***`` in place of a secret. Hashes are of the real config, so that it can be told whether a
value that somebody gives is the one that was there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from ..config.config import Config
from ..config.hashing import hash_config
from .secrets import MASKED, environment_secrets, mask_text, parts, secret_key, telling

_HOLE = rf"://{re.escape(MASKED)}@|[?&](?P<key>[\w.-]+)={re.escape(MASKED)}"
_MOST, _LONG, _MOST_TRIES, _MOST_READINGS = 20_000, 200, 2_000, 64
Path = tuple[str | int, ...]


class Masker:
    """Masks configs: a value because of its key, or a part of a text because of its form.

    What is the value of an environment variable that is named like a secret is one anywhere, and so is, in a config
    that holds secrets, what repeats one of them.

    Thousands of configs have the same keys, and most have no secret: what was judged once is remembered.

    Parameters
    ----------
    known
        Texts that are secrets wherever they stand.
    keep
        Tells of a text that it only refers to a secret, and may stay. With it, what is masked is to be read again:
        sections and lists below the key of a secret stay such, and what they hold is masked one by one.
    """

    def __init__(self, known: Iterable[str] = (), keep: Callable[[str], bool] | None = None) -> None:
        self._suspicious: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._clean: set[str] = set()
        self._keep = keep
        self._known = list(dict.fromkeys([*known, *environment_secrets()]))

    def config(self, config: Config) -> Config:
        """Give the config as it may be written down: itself, if it holds no secret."""
        if not self.has_secret(config):
            return config
        kept = Config(self._masked(config))
        again = [text for text in secrets_of(config, kept) if telling(text)]
        if again:
            kept = Config(_without(kept, [*again, *self._known]))
        if self._keep is None and isinstance(config.get("name"), str):  # a run must keep its name, whatever it holds
            kept["name"] = config["name"]
        return kept

    def has_secret(self, value: Any) -> bool:
        """Tell whether something in a value has to be masked."""
        if self._keep is not None:
            return any(masked is not one and masked != one for one, masked in _pairs(value, self._masked(value)))
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
        if (self._text(text) if self._known else mask_text(text)) != text:  # there are many, and most are plain
            return False
        if len(self._clean) > _MOST:
            self._clean.clear()
        if len(text) < _LONG:
            self._clean.add(text)
        return True

    def _text(self, text: str) -> str:
        """Mask the secrets inside a text."""
        masked = mask_text(text) if self._keep is None else mask_text(text, self._keep)
        return _replaced(masked, self._known) if self._known else masked

    def _masked(self, value: Any, keys: tuple[str, ...] = ()) -> Any:
        """Mask a value; `keys` are those of the secret sections around it, where these stay sections."""
        if isinstance(value, dict):
            return {name: self._item(name, item, keys) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self._masked(item, keys) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        if any(secret_key(key, value) for key in keys) and not self._refers(value):
            return value if value == MASKED else MASKED
        return self._text(value) if isinstance(value, str) else value

    def _item(self, name: Any, item: Any, keys: tuple[str, ...]) -> Any:
        if not secret_key(str(name), item):
            return self._masked(item, keys)
        return MASKED if self._keep is None else self._masked(item, (*keys, str(name)))

    def _refers(self, value: Any) -> bool:
        return self._keep is not None and isinstance(value, str) and self._keep(value)


def secrets_of(config: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """List the texts that a config holds and that were masked in what is written down of it."""
    found: dict[str, None] = {}
    for path, value in leaves(config):
        left = _at(kept, path)
        if left == value or value is None or isinstance(value, bool):
            continue
        if isinstance(value, str):
            hidden = [*(_hidden(value, left) if isinstance(left, str) else [value]), *parts(value)]
        else:
            hidden = [str(value)]
        found.update(dict.fromkeys(hidden))
    return list(found)


def _hidden(text: str, left: str) -> list[str]:
    """Give what was masked of a text; all of it, where that cannot be told."""
    match = re.fullmatch("(.+?)".join(map(re.escape, left.split(MASKED))), text, re.DOTALL)
    return [text] if match is None or left == MASKED else list(match.groups())


def masked_text(text: str, secrets: Iterable[str]) -> str:
    """Mask a text: what has the form of a secret, these secrets, and those of the environment."""
    known = {form for secret in secrets if len(secret) >= 4 for form in _forms(secret)}
    return _replaced(mask_text(text), [*known, *environment_secrets()])


def _forms(secret: str) -> list[str]:
    """Give a secret as messages may show it: as it is, with escapes, and of several lines each one."""
    quoted = [repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    return [secret, *quoted, *(line for line in map(str.strip, secret.splitlines()) if telling(line))]


def _replaced(text: str, secrets: Iterable[str]) -> str:
    """Mask these secrets in a text, a longer one before one that it holds."""
    for secret in sorted((secret for secret in secrets if secret in text), key=len, reverse=True):
        text = text.replace(secret, MASKED)
    return text


def _without(value: Any, secrets: list[str]) -> Any:
    """Mask these secrets in all texts of a value."""
    if isinstance(value, str):
        return _replaced(value, secrets)
    if isinstance(value, dict):
        return {key: _without(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_without(item, secrets) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def masked_keys(config: Mapping[str, Any]) -> list[str]:
    """Name the keys, dotted, of values that were masked."""
    return [".".join(map(str, path)) for path in _masked_paths(config)]


def asked_keys(config: Mapping[str, Any]) -> list[str]:
    """Name the keys, dotted, whose values have to be given again first: what may only repeat them comes later."""
    paths = list(_masked_paths(config))
    first = [path for path in paths if stands_for_secret(path, _at(config, path))]
    return [".".join(map(str, path)) for path in first or paths]


def stands_for_secret(path: Path, value: str) -> bool:
    """Tell whether a value can only have been masked: nobody's password is ``***``."""
    if value.strip() == MASKED:
        return any(secret_key(str(key), value) for key in path)
    return any(not match["key"] or secret_key(match["key"]) for match in re.finditer(_HOLE, value))


def restored(
    kept: Config,
    digest: str,
    *sources: Mapping[str, Any],
    hashed: Callable[[Config], str] = hash_config,
    written: Callable[[str], str] = str,
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
    written
        How a text stands in the config.
    """
    if hashed(kept) == digest:
        return kept
    paths = list(_masked_paths(kept))
    if not paths:
        return None
    texts = {path: written(text) for path in paths if (text := _variable(path)) is not None}
    known = [
        {path: value for path in paths if (value := _at(source, path)) is not None and value != _at(kept, path)}
        for source in sources
    ]
    readings = list(_readings(texts))
    for found in (*known, *({**reading, **one} for one in known for reading in readings), *readings):
        config = kept.copy()
        for path, value in found.items():
            config = with_value(config, path, value)
        if hashed(config) == digest:
            return config
        for repeated in _repeated(config, [path for path in paths if path not in found], found.values()):
            if hashed(repeated) == digest:
                return repeated
    return None


def _readings(texts: dict[Path, str]) -> Iterator[dict[Path, Any]]:
    """Read texts of the environment as they are, and as the numbers that they may stand for."""
    numbers = {path: value for path, text in texts.items() if (value := _typed(text)) != text}
    for chosen in islice(product((False, True), repeat=len(numbers)), _MOST_READINGS):
        meant = dict(zip(numbers, chosen, strict=True))
        yield {path: numbers[path] if meant.get(path) else text for path, text in texts.items()}
    yield {**texts, **numbers}


def _repeated(config: Config, paths: list[Path], given: Iterable[Any]) -> Iterator[Config]:
    """Put secrets that were given, and those of the environment, where one of them may have been repeated."""
    texts = [str(value) for value in given]
    secrets = [*texts, *(part for text in texts for part in parts(text)), *environment_secrets()]
    secrets = [text for text in dict.fromkeys(secrets) if telling(text)]
    choices = [[None, *secrets] for _ in paths]
    for chosen in islice(product(*choices), 1, _MOST_TRIES) if secrets else ():
        made = config
        for path, secret in zip(paths, chosen, strict=True):
            if secret is not None:
                made = with_value(made, path, _at(config, path).replace(MASKED, secret))
        yield made


def missing_secrets(keys: Sequence[str], option: str = "", *, environment: bool = True) -> tuple[str, str]:
    """Say which secrets of a config are missing, and how they can be given.

    Parameters
    ----------
    keys
        Their dotted keys.
    option
        How the command line may give one, too, with ``{}`` for the key.
    environment
        Environment variables may give them.

    Examples
    --------
    >>> missing_secrets(["db.password"])
    ('a secret under "db.password" that is', 'set the environment variable DB_PASSWORD')
    >>> missing_secrets(["db.password"], "--set {}=...", environment=False)
    ('a secret under "db.password" that is', 'give it by --set db.password=...')
    """
    many = len(keys) > 1
    names = [next((name for name in variables(key) if name in os.environ), "") for key in keys]
    asked = ", ".join(dict.fromkeys(variables(key)[0] for key in keys))
    listed = ", ".join(f'"{key}"' for key in keys)
    what = f"{'secrets' if many else 'a secret'} under {listed} that {'are' if many else 'is'}"
    by = f"give {'them' if many else 'it'} by {option.format(keys[0])}" if option else ""
    if not environment:
        return what, by
    way = f"{f'{by} or by' if by else 'set'} the environment variable{'s' if many else ''} {asked}"
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
    for path, value in leaves(config):
        if value is not None and _is_missing(value):
            yield path


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Walk to the values in dicts and lists."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def _pairs(value: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    """Walk to the values of two configs of the same form."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _pairs(item, other[key])
    elif isinstance(value, (list, tuple)):
        for item, twin in zip(value, other, strict=True):
            yield from _pairs(item, twin)
    else:
        yield value, other


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and MASKED in value)


def with_value(config: Any, path: Path, value: Any) -> Any:
    """Give a config, or a part of one, with another value in its place."""
    if not path:
        return value
    made: Any = list(config) if isinstance(config, tuple) else config.copy()
    made[path[0]] = with_value(config[path[0]], path[1:], value)
    return tuple(made) if isinstance(config, tuple) else made
