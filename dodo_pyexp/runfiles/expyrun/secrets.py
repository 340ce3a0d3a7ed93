"""`Masked`: the secrets that are not in a run file any more, because it was written down by a launch.

What a launch writes down holds ``***`` in their place, and says in ``__run__: __masked__`` which values these are, and
of which kind they were. Such a file can be launched once they have been given again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...config.config import Config
from ...config.interpolation import escaped, only_parts, variables_in
from ...config.origins import COMMAND_LINE
from ...config.secret_keys import MASKED, secret_key
from ...config.setting import Setting
from ...config.yaml import load_yaml, parse_yaml
from ...errors import ConfigError, UsageError
from ...provenance.secrets.credentials import mask_text
from ...provenance.secrets.holes import leaves, stands_for_secret
from ...provenance.secrets.masking import Masker
from ...provenance.secrets.refill import filled, missing_secrets
from ..document import Document, Overrides
from .folder import ORIGINALS, RAW_CONFIG

MARK = "__masked__"  # the key of ``__run__`` that tells of what was masked
_KINDS: dict[str, Any] = {"int": 0, "float": 0.0}

NAMED = 3  # secrets that are named where a command is offered

Keys = tuple[Any, ...]


def marked(tree: dict[Any, Any], section: str, known: Sequence[str], *, exact: bool = False) -> dict[Any, Any]:
    """Give a config as it may be written down: without its secrets, and with what there is to say about them.

    Parameters
    ----------
    tree
        The config, variables and references as they stand.
    section
        The key that says what to launch; what it holds is told, and masked by no repetition.
    known
        Secrets that are known from elsewhere.
    exact
        The variables that are left hold secrets, and must not be missing.
    """
    own = Config({key: value for key, value in tree.items() if key != section})
    masker = Masker(known, keep=only_parts)
    kept = masker.config(own)
    variables = sorted(name for name in variables_in(own) if name in os.environ) if exact else []
    if kept is own and not variables:
        return tree
    hidden = [path for path, value in leaves(kept) if _is_masked(value) and _at(own, path) != value]
    keys: dict[str, list[str]] = {}
    repeats = []
    for path in hidden:
        source = _repeated(path, own, [other for other in hidden if _at(kept, other) == MASKED])
        if source is None:
            keys.setdefault(type(_at(own, path)).__name__, []).append(_name(path))
        else:
            repeats.append([_name(path), _name(source)])
    said: dict[str, Any] = {"keys": keys}
    if repeats:
        said["repeats"] = repeats
    if variables:
        said["variables"] = variables
    told = {**tree[section], MARK: said}
    return {key: told if key == section else kept[key] for key in tree}


def given_again(tree: dict[Any, Any], section: str) -> str:
    """Say of a config as it was written down which secrets have to be given again; nothing if none has."""
    keys = [key for names in tree[section].get(MARK, {}).get("keys", {}).values() for key in names]
    named = ", ".join(keys[:NAMED]) + (f" and {len(keys) - NAMED} more" if len(keys) > NAMED else "")
    return f"{named} given again" if keys else ""


class Masked:
    """The secrets that are missing in a run file.

    Parameters
    ----------
    document
        The file; what it says about them is taken out.
    section
        The key that says what to launch.

    Attributes
    ----------
    missing
        Their dotted keys; when the command line has been heard, those that nobody has given.
    """

    def __init__(self, document: Document, section: str) -> None:
        self._document = document
        self._section = section
        run = document.tree.get(section)
        told = run.pop(MARK, None) if isinstance(run, dict) else None
        if told is None:
            told = _told_beside(document, section)
        kinds = _kinds(told)
        if kinds is None:
            raise document.refuse(f"{MARK} is written by pyexp, and was changed; take it out", section, MARK)
        self._variables = [name for name in told.get("variables") or () if isinstance(name, str)]
        self._kept = Config(self._own())
        self._kinds: dict[Keys, str] = {}
        self._repeats: dict[Keys, str] = {}
        repeats = {str(one[0]): str(one[1]) for one in told.get("repeats") or () if isinstance(one, list) and one[1:]}
        for path, value in leaves(self._kept):
            names = [_name(path[:end]) for end in range(1, len(path) + 1)]
            kind = next((kinds[name] for name in names if name in kinds), None)
            if _is_masked(value) and (kind is not None or stands_for_secret(path, value)):
                self._kinds[path] = kind or "str"
                if kind in _KINDS:  # what is given in its place takes its type
                    self._put(path, _KINDS[kind])
            elif _is_masked(value) and _name(path) in repeats:
                self._repeats[path] = repeats[_name(path)]
        self.missing = list(map(_name, self._kinds))

    def _own(self) -> dict[Any, Any]:
        return {key: value for key, value in self._document.tree.items() if key != self._section}

    def _put(self, path: Keys, value: Any) -> None:
        inner: Any = self._document.tree
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value

    def heard(self, overrides: Overrides) -> Overrides:
        """Give the overrides of the command line; what is set where text was masked stays text."""
        texts = {_name(path) for path, kind in self._kinds.items() if kind == "str"}
        return replace(
            overrides,
            conf=[_as_text(conf) if _key(conf) in texts else conf for conf in overrides.conf],
            pairs=[(key, _literal(text) if key in texts else text) for key, text in overrides.pairs],
        )

    def fill(self) -> None:
        """When the command line has been heard: put in the other secrets, as far as the environment has them."""
        if not self._kinds and not self._repeats:
            return
        origins = self._document.origins
        left = [path for path in self._kinds if origins.place(*path) != COMMAND_LINE]
        for path in left:
            self._put(path, _at(self._kept, path))
        kinds = {_name(path): kind for path, kind in self._kinds.items()}
        found, missing = filled(Config(self._own()), left, kinds=kinds, written=escaped)
        self.missing = list(map(_name, missing))
        for path in left:
            self._put(path, _at(found, path))
        for path in self._repeats:
            if origins.place(*path) != COMMAND_LINE:
                self._repeat(path)

    def _repeat(self, path: Keys) -> None:
        """Put a secret in where it is repeated, if it was given; if it is not there any more, it has to be."""
        values = {_name(other): value for other, value in leaves(self._own())}
        source = values.get(self._repeats[path])
        if source is not None and not _is_masked(source):
            self._put(path, _at(self._kept, path).replace(MASKED, str(source)))
        elif self._repeats[path] not in self.missing:
            self.missing.append(_name(path))

    def demand(self, option: str, label: str = "") -> None:
        """Make sure that no secret is missing.

        Parameters
        ----------
        option
            How the command line gives one, with ``{}`` for its key.
        label
            Whose config it is; by default its file and line.

        Raises
        ------
        UsageError
            One is.
        """
        if self.missing:
            what, way = missing_secrets(self.missing, option)
            place = self._document.where(*self._first())
            whose = f"the config of {label}" if label else f"{place}: the config"
            raise UsageError(f"{whose} had {what} not written down; {way}")
        used = variables_in(self._own())
        unset = [name for name in self._variables if name in used and name not in os.environ]
        if unset:
            whose = f"the config of {label}" if label else f"{self._document.path}: the config"
            what, names, them = "a secret", "variable", "it"
            if len(unset) > 1:
                what, names, them = "secrets", "variables", "them"
            said = f"{what} from the environment {names} {', '.join(unset)}"
            raise UsageError(f"{whose} has {said}, not set here; set {them}")

    def _first(self) -> Keys:
        return next(path for path in (*self._kinds, *self._repeats) if _name(path) == self.missing[0])


def _kinds(told: Any) -> dict[str, str] | None:
    """Give of what kind each value was that was masked; None if that is not what is told."""
    keys = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(keys, dict) or not all(isinstance(names, list) for names in keys.values()):
        return None
    return {str(name): str(kind) for kind, names in keys.items() for name in names}


def _told_beside(document: Document, section: str) -> dict[str, Any]:
    """Find what a launch says about the files that it kept copies of."""
    folder = Path(os.path.abspath(document.path)).parent
    if folder.name == ORIGINALS and os.path.isfile(folder.parent / RAW_CONFIG):
        try:
            run = load_yaml(folder.parent / RAW_CONFIG).tree.get(section)
        except ConfigError:
            run = None
        told = run.get(MARK) if isinstance(run, dict) else None
        if isinstance(told, dict):
            return {"keys": told.get("keys")}
    return {"keys": {}}


def _is_masked(value: Any) -> bool:
    return isinstance(value, str) and MASKED in value


def _repeated(path: Keys, own: Any, hidden: list[Keys]) -> Keys | None:
    """Find the secret that a value repeats, and because of which alone it was masked."""
    value = _at(own, path)
    named = any(secret_key(str(key), value) for key in path)
    if named or not isinstance(value, str) or mask_text(value, only_parts) != value:
        return None
    return next((other for other in hidden if other != path and str(_at(own, other)) in value), None)


def _name(path: Keys) -> str:
    return ".".join(map(str, path))


def _has(tree: Any, path: Keys) -> bool:
    try:
        _at(tree, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _at(tree: Any, path: Keys) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _key(conf: str) -> str:
    """Give the dotted key that an override sets; nothing for what is none."""
    try:
        return ".".join(Setting(conf, conf.partition("=")[0].strip(), None, False).parts)
    except ConfigError:
        return ""


def _as_text(conf: str) -> str:
    """Write an override whose value is meant as text, as it stands: it may look like a number, or like a variable."""
    key, equals, text = conf.partition("=")
    if not equals:
        return conf
    read = parse_yaml(text, f'override "{conf}"').tree
    value = read if isinstance(read, str) else text
    return f"{key}={json.dumps(_literal(value), ensure_ascii=False)}"


def _literal(text: str) -> str:
    """Write a secret so that it is read as it stands, unless it only refers to one."""
    return text if only_parts(text) else escaped(text)
