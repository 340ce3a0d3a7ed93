"""The packages that a batch ran with, read from the running interpreter's own metadata.

Implements: Expyrun readme, frozen requirements.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .roots import git_root
from .secrets.credentials import mask_text

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_INFOS = (".dist-info", ".egg-info", ".egg-link")
_NAMES = str.maketrans("_.", "--")


def packages(path: list[str] | None = None) -> dict[str, str]:
    """Give the version of every installed distribution that the running interpreter sees, by its normal name.

    Parameters
    ----------
    path : list of str, optional
        Where to look, instead of `sys.path`.
    """
    return {normal(name): version for name, version, _ in _installed(path)}


def frozen_requirements(path: list[str] | None = None) -> str:
    """Write the installed distributions as requirements, one sorted line each.

    ``name==version`` as a rule; ``name @ git+URL@COMMIT`` when it was installed from version control; for an
    editable install ``-e FOLDER  # name==version @ COMMIT``, with the commit of the repository it lies in.
    All comes from the running interpreter's own metadata: no pip is needed, no other interpreter can slip in.

    Implements: Expyrun readme, frozen requirements.
    """
    return "".join(line + "\n" for _, line in sorted(_lines(path)))


def digest(requirements: str) -> str:
    """Name what `frozen_requirements` wrote by its content, in 16 characters."""
    return hashlib.blake2b(requirements.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def state(requirements: str = "") -> str:
    """Give a text that changes when a package is installed or removed; found without reading any metadata.

    `requirements` are those of before: an editable install among them changes with the commit of its repository.
    """
    found: list[object] = [sys.version]
    for entry in dict.fromkeys(sys.path):
        try:
            with os.scandir(entry or ".") as entries:
                infos = [(one.name, one.stat().st_mtime_ns) for one in entries if one.name.endswith(_INFOS)]
        except OSError:
            continue
        if infos:
            found += [entry, sorted(infos)]
    return digest(repr([*found, *((place, head_commit(place)) for place in _editable(requirements))]))


def differences(before: str, after: str) -> list[tuple[str, str | None, str | None]]:
    r"""Tell what differs between two lists of requirements: name, version before, version after; None: not installed.

    Examples
    --------
    >>> differences("a==1\nb==1\n", "a==2\nc==1\n")
    [('a', '1', '2'), ('b', '1', None), ('c', None, '1')]
    """
    old, new = versions(before), versions(after)
    return [(name, old.get(name), new.get(name)) for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def versions(requirements: str) -> dict[str, str]:
    r"""Read requirements back: name to version; for an install from version control its address, with the commit.

    Examples
    --------
    >>> versions("Torch==2.1\ntool @ git+https://x/y@abc\n-e /home/ann/lib  # lib==0.1 @ 1234\n")
    {'torch': '2.1', 'tool': 'git+https://x/y@abc', 'lib': '0.1 @ 1234'}
    """
    found: dict[str, str] = {}
    for line in requirements.splitlines():
        text = line.partition("  # ")[2] if line.startswith("-e ") else line
        name, separator, version = text.partition("==")
        if not separator or " @ " in name:
            name, separator, version = text.partition(" @ ")
        if separator:
            found[normal(name.strip())] = version.strip()
    return found


def normal(name: str) -> str:
    """Give the one spelling of a distribution's name."""
    name = name.translate(_NAMES).lower()
    while "--" in name:
        name = name.replace("--", "-")
    return name


def head_commit(folder: str) -> str | None:
    """Give the commit that the repository around a folder is at; read by hand, as git takes long to start."""
    root = git_root(folder)
    if root is None:
        return None
    try:
        git = os.path.join(root, ".git")
        if os.path.isfile(git):
            git = os.path.join(root, _text(git).removeprefix("gitdir:").strip())
        head = _text(os.path.join(git, "HEAD"))
        if not head.startswith("ref:"):
            return head
        common = os.path.join(git, _text(os.path.join(git, "commondir"), "."))
        name = head.removeprefix("ref:").strip()
        for place in (git, common):
            if commit := _text(os.path.join(place, name), ""):
                return commit
        for line in _text(os.path.join(common, "packed-refs"), "").splitlines():
            commit, _, packed = line.partition(" ")
            if packed == name:
                return commit
    except OSError:
        pass
    return None


def _text(path: str, missing: str | None = None) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        if missing is None:
            raise
        return missing


def _lines(path: list[str] | None) -> Iterator[tuple[str, str]]:
    for name, version, found in _installed(path):
        yield normal(name), _requirement(name, version, found)


def _installed(path: list[str] | None) -> Iterator[tuple[str, str, Distribution]]:
    """Walk over the distributions; of two with one name, only the one that imports find first."""
    from importlib.metadata import distributions

    seen: set[str] = set()
    for found in distributions() if path is None else distributions(path=path):
        try:
            name, version = _name_and_version(found)
        except Exception:  # A damaged installation must not end a build; whatever it raises.
            continue
        if name and normal(name) not in seen:
            seen.add(normal(name))
            yield name, version or "unknown", found


def _name_and_version(found: Distribution) -> tuple[str, str]:
    """Read the two lines that count; `email` would parse the whole."""
    text = found.read_text("METADATA") or found.read_text("PKG-INFO") or found.read_text("") or ""
    known = {"name": "", "version": ""}
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        if not separator and not line.startswith((" ", "\t")):
            break
        if (key := key.lower()) in known and not known[key]:
            known[key] = value.strip()
            if all(known.values()):
                break
    return known["name"], known["version"]


def _requirement(name: str, version: str, found: Distribution) -> str:
    """Write one requirement."""
    plain = f"{name}=={version}"
    try:
        text = found.read_text("direct_url.json")
        if not text:
            return plain
        origin = json.loads(text)
        url = mask_text(str(origin.get("url") or ""))
        vcs, folder = origin.get("vcs_info"), origin.get("dir_info")
        if vcs:
            part = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
            return f"{name} @ {vcs['vcs']}+{url}@{vcs['commit_id']}{part}"
        if folder and folder.get("editable"):
            from urllib.parse import unquote, urlsplit

            place = unquote(urlsplit(url).path)
            commit = head_commit(place)
            return f"-e {place}  # {plain}" + (f" @ {commit}" if commit else "")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    return plain


def _editable(requirements: str) -> list[str]:
    """Give the folders of editable installs."""
    return [line[3:].partition("  # ")[0] for line in requirements.splitlines() if line.startswith("-e ")]
