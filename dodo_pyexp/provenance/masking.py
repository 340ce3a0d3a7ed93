"""Configs without their secrets, as they are written down; and with them again, for whoever can say what they were.

What is written holds ``***`` in place of a secret, and what has the key of one is hashed as that, too.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..config.config import Config
from ..config.secret_keys import MASKED, SecretKeys, secret_key
from .credentials import environment_secrets, mask_text, parts, telling

_HOLE = rf"://{re.escape(MASKED)}@|[?&](?P<key>[\w.-]+)={re.escape(MASKED)}"
_MOST, _LONG = 20_000, 200
_PLAIN = frozenset((int, float, bool, type(None)))
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
    keys
        Which keys are those of secrets.
    """

    def __init__(
        self,
        known: Iterable[str] = (),
        keep: Callable[[str], bool] | None = None,
        keys: SecretKeys | None = None,
    ) -> None:
        self._keys = keys or SecretKeys()
        self._clean: set[str] = set()
        self._keep = keep
        self._known = list(dict.fromkeys([*known, *environment_secrets()]))

    @property
    def known(self) -> list[str]:
        """Texts that are secrets wherever they stand."""
        return self._known

    def config(self, config: Config) -> Config:
        """Give the config as it may be written down: itself, if it holds no secret."""
        if not self.has_secret(config):
            return config
        kept = Config(self._masked(config))
        again = [text for text in secrets_of(config, kept) if telling(text)]
        if again:
            kept = Config(without(kept, [*again, *self._known]))
        if self._keep is None and isinstance(config.get("name"), str):  # a run must keep its name, whatever it holds
            kept["name"] = config["name"]
        return kept

    def has_secret(self, value: Any, path: str = "") -> bool:
        """Tell whether something in a value, which stands under a dotted path, has to be masked."""
        if self._keep is not None:
            return any(masked is not one and masked != one for one, masked in _pairs(value, self._masked(value)))
        if isinstance(value, str):
            return value not in self._clean and not self._looks_clean(value)
        if isinstance(value, dict):
            for key in self._keys.suspicious(value, path):
                if value[key] != MASKED and self._keys.names(str(key), value[key], path):
                    return True
            items: Iterable[tuple[Any, Any]] = value.items()
        elif isinstance(value, (list, tuple)):
            items = (("", item) for item in value)
        else:
            return False
        for key, item in items:
            kind = type(item)
            if kind is str:
                if item not in self._clean and not self._looks_clean(item):
                    return True
            elif kind not in _PLAIN and self.has_secret(item, _below(path, key)):
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

    def _masked(self, value: Any, path: str = "", keys: tuple[tuple[str, str], ...] = ()) -> Any:
        """Mask a value; `keys` are those of the secret sections around it, where these stay sections."""
        if isinstance(value, dict):
            return {name: self._item(str(name), item, path, keys) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            items = [self._masked(item, path, keys) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        if any(self._keys.names(key, value, above) for above, key in keys) and not self._refers(value):
            return value if value == MASKED else MASKED
        return self._text(value) if isinstance(value, str) else value

    def _item(self, name: str, item: Any, path: str, keys: tuple[tuple[str, str], ...]) -> Any:
        if not self._keys.names(name, item, path):
            return self._masked(item, _below(path, name), keys)
        return MASKED if self._keep is None else self._masked(item, _below(path, name), (*keys, (path, name)))

    def _refers(self, value: Any) -> bool:
        return self._keep is not None and isinstance(value, str) and self._keep(value)


def _below(path: str, key: Any) -> str:
    """Give the dotted path of what a section holds under a key; what a list holds has the list's own."""
    if key == "":
        return path
    return f"{path}.{key}" if path else str(key)


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
    found = _between(text, left.split(MASKED))
    return [text] if found is None or left == MASKED or not all(found) else found


def _between(text: str, pieces: list[str]) -> list[str] | None:
    """Give what stands in a text between pieces of it; None if it does not consist of these."""
    if len(pieces) == 1 or not text.startswith(pieces[0]):
        return [] if text == pieces[0] else None
    found, at = [], len(pieces[0])
    for piece in pieces[1:-1]:
        next_at = text.find(piece, at + 1)
        if next_at < 0:
            return None
        found.append(text[at:next_at])
        at = next_at + len(piece)
    end = len(text) - len(pieces[-1])
    return [*found, text[at:end]] if end >= at and text.endswith(pieces[-1]) else None


def masked_text(text: str, secrets: Iterable[str]) -> str:
    """Mask a text: what has the form of a secret, these secrets, and those of the environment."""
    known = {form for secret in secrets if len(secret) >= 4 for form in _forms(secret)}
    return _replaced(mask_text(text), [*known, *environment_secrets()])


def printed_forms(config: Mapping[str, Any], kept: Mapping[str, Any], known: Iterable[str] = ()) -> list[str]:
    """List the secrets of a config, and others that are known, in all forms in which they may be printed."""
    own = [] if kept is config else secrets_of(config, kept)
    secrets = filter(telling, dict.fromkeys([*own, *known]))
    return list(dict.fromkeys(form for secret in secrets for form in _forms(secret)))


def _forms(secret: str) -> list[str]:
    """Give a secret as messages may show it: as it is, with escapes, and of several lines each one."""
    quoted = [repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    return [secret, *quoted, *(line for line in map(str.strip, secret.splitlines()) if telling(line))]


def _replaced(text: str, secrets: Iterable[str]) -> str:
    """Mask these secrets in a text, a longer one before one that it holds."""
    for secret in sorted((secret for secret in secrets if secret in text), key=len, reverse=True):
        text = text.replace(secret, MASKED)
    return text


def without(value: Any, secrets: Collection[str]) -> Any:
    """Mask these secrets in all texts of a value."""
    if isinstance(value, str):
        return _replaced(value, secrets)
    if isinstance(value, dict):
        return {key: without(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [without(item, secrets) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def masked_kinds(config: Mapping[str, Any], real: Mapping[str, Any]) -> dict[str, str]:
    """Name the types of the values that were masked, by their dotted keys."""
    paths = (path for path in _masked_paths(config) if _at(real, path) != _at(config, path))
    return {".".join(map(str, path)): type(_at(real, path)).__name__ for path in paths}


def masked_keys(config: Mapping[str, Any], real: Mapping[str, Any] | None = None) -> list[str]:
    """Name the keys, dotted, of values that were masked; with the real config, only those that really were."""
    paths = (path for path in _masked_paths(config) if real is None or _at(real, path) != _at(config, path))
    return [".".join(map(str, path)) for path in paths]


def differing_secrets(hidden: Mapping[str, Any], one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Name the dotted keys that are hidden, and have different values in two configs."""
    paths = (path for path in _masked_paths(hidden) if _at(one, path) != _at(other, path))
    return [".".join(map(str, path)) for path in paths]


def asked_keys(config: Mapping[str, Any], paths: Sequence[Path]) -> list[str]:
    """Name the keys, dotted, whose values have to be given again first: what may only repeat them comes later."""
    first = [path for path in paths if stands_for_secret(path, _at(config, path))]
    return [".".join(map(str, path)) for path in first or paths]


def stands_for_secret(path: Path, value: str) -> bool:
    """Tell whether a value can only have been masked: nobody's password is ``***``."""
    if value.strip() == MASKED:
        keys = [str(key) for key in path if not isinstance(key, int)]
        return any(secret_key(key, value, within) for within, key in pairwise(["", *keys]))
    return any(not match["key"] or secret_key(match["key"]) for match in re.finditer(_HOLE, value))


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
        before = _at(kept, path)
        value = next((other for source in sources if _fits(before, other := _at(source, path))), None)
        text = _variable(path) if value is None else None
        if text is not None:
            value = _typed(text, kinds.get(".".join(map(str, path)), "str"), written)
        if value is None:
            left.append(path)
        else:
            found[path] = value
    known = {str(value) for path, value in found.items() if _at(kept, path) == MASKED and telling(str(value))}
    repeated = known or set(environment_secrets())
    if len(repeated) == 1:
        for path in [path for path in left if not stands_for_secret(path, _at(kept, path))]:
            found[path] = _at(kept, path).replace(MASKED, *repeated)
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
    return isinstance(value, str) and _between(value, before.split(MASKED)) is not None


def _typed(text: str, kind: str, written: Callable[[str], str]) -> Any:
    """Read a text of the environment as the number that it stands for, where there was one."""
    try:
        return {"int": int, "float": float}.get(kind, written)(text)
    except ValueError:
        return written(text)


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


def masked_paths(config: Any, told: Collection[str] | None = None, *, everything: bool = False) -> list[Path]:
    """Find what was masked of a config as it was written down.

    Parameters
    ----------
    config
        The config.
    told
        The dotted keys of what was masked, where that is on record; else what can only have been masked counts.
    everything
        Without `told`: whatever reads like it was masked.
    """
    found = _masked_paths(config)
    if told is None:
        return [path for path in found if everything or stands_for_secret(path, _at(config, path))]
    return [path for path in found if ".".join(map(str, path)) in told]


def _masked_paths(config: Any) -> Iterator[Path]:
    for path, value in leaves(config):
        if isinstance(value, str) and MASKED in value:
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


def with_value(config: Any, path: Path, value: Any) -> Any:
    """Give a config, or a part of one, with another value in its place."""
    if not path:
        return value
    made: Any = list(config) if isinstance(config, tuple) else config.copy()
    made[path[0]] = with_value(config[path[0]], path[1:], value)
    return tuple(made) if isinstance(config, tuple) else made
