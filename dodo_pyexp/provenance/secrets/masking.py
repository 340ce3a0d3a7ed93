"""Configs without their secrets, as they are written down: what is written holds ``***`` in place of a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...config.config import Config
from ...config.secret_keys import MASKED, SecretKeys, key_of
from .credentials import environment_secrets, mask_text, telling
from .holes import WHOLE, secrets_of, texts_of
from .repeats import replaced, without

_MOST, _LONG = 20_000, 200
_PLAIN = frozenset((int, float, bool, type(None)))


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
        if isinstance(value, WHOLE):
            return any(not self._looks_clean(text) for text in texts_of(value))
        if isinstance(value, dict):
            for key in self._keys.suspicious(value, path):
                if value[key] != MASKED and self._keys.hides(value, key, path):
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
        return replaced(masked, self._known) if self._known else masked

    def _masked(self, value: Any, path: str = "", keys: tuple[tuple[str, str], ...] = ()) -> Any:
        """Mask a value; `keys` are those of the secret sections around it, where these stay sections."""
        if isinstance(value, dict):
            return {name: self._item(value, name, path, keys) for name in value}
        if isinstance(value, (list, tuple)):
            items = [self._masked(item, path, keys) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        if any(self._keys.names(key, value, above) for above, key in keys) and not self._refers(value):
            return value if value == MASKED else MASKED
        if isinstance(value, WHOLE):  # there is no half of one
            return MASKED if any(self._text(text) != text for text in texts_of(value)) else value
        return self._text(value) if isinstance(value, str) else value

    def _item(self, section: dict[Any, Any], key: Any, path: str, keys: tuple[tuple[str, str], ...]) -> Any:
        item, name = section[key], str(key)
        if not self._keys.hides(section, key, path):
            return self._masked(item, _below(path, name), keys)
        if self._keep is None:
            return MASKED
        judged = key_of(section, key) if path and not self._keys.names(name, item, path) else name
        return self._masked(item, _below(path, name), (*keys, (path, judged)))

    def _refers(self, value: Any) -> bool:
        return self._keep is not None and isinstance(value, str) and self._keep(value)


def _below(path: str, key: Any) -> str:
    """Give the dotted path of what a section holds under a key; what a list holds has the list's own."""
    if key == "":
        return path
    return f"{path}.{key}" if path else str(key)


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
