"""Folder and task names that are safe, readable and never shared by two different names.

Implements: docs/files-on-disk.md, "Names". A task name must not hold ``=`` and is matched with ``*``, so the folder's
name doubles as the name of the doit task.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from .digest import sha256

MAX_BYTES = 120  # leaves room for a hash, a suffix and a temporary name within the 255 bytes of a file name
RESERVED = frozenset(
    ["con", "prn", "aux", "nul", "clock$"] + [f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)]
)
_PLAIN = re.compile(r"[^\W_][\w.,@=-]*(?<![.=])|_[\w.,@=-]*(?<![.=])").fullmatch
_UNSAFE = re.compile(r"[^\w.,@-]+")


def refusal(name: str) -> str | None:
    """Say why nothing can be called `name`: it reads like a way out of its folder, though it would not lead there.

    Examples
    --------
    >>> refusal("../../x")
    'cannot be called "../../x", which goes up with ".."; choose a plain name, such as "x"'
    >>> refusal("a/b")
    """
    if ".." not in name and name[:1] not in ("/", "\\") and "\0" not in name:
        return None
    if ".." in name.replace("\\", "/").split("/"):
        why = 'goes up with ".."'
    elif name[:1] in ("/", "\\"):
        why = "is an absolute path"
    elif "\0" in name:
        why = "holds a NUL character"
    else:
        return None
    shown = name if len(name) <= 100 else f"{name[:97]}..."
    return f"cannot be called {_quoted(shown)}, which {why}; choose a plain name, such as {_plain_form(name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace("\0", "\\0") + '"'


def _plain_form(name: str) -> str:
    parts = (part for part in re.split(r"[/\\\0]+", name) if part not in ("", ".", ".."))
    return _quoted(_UNSAFE.sub("_", "_".join(parts))[:40] or "run")


@functools.cache
def _special_stem(name: str) -> bool:
    return name.split(".", 1)[0].casefold() in RESERVED


def folder_name(name: str) -> str:
    """Turn the name of a run or of an experiment into the name of its folder.

    A name of letters, digits and ``_ - . , @`` is its own folder. ``=`` becomes ``~``. Everything else
    (separators, leading dots, reserved names, very long names...) is replaced, and a hash of the real
    name is added behind a ``+``, which no plain name contains: two names never share a folder. Nothing
    leads out, also of names that `refusal` speaks against.

    Examples
    --------
    >>> folder_name("lr0.1_adam")
    'lr0.1_adam'
    >>> folder_name("lr=0.1")
    'lr~0.1'
    >>> folder_name("a/b")
    'a_b+c14cddc033f64b9d'
    """
    if (
        _PLAIN(name)
        and not _special_stem(name)
        and len(name.encode()) <= MAX_BYTES
        and (name.isascii() or unicodedata.is_normalized("NFC", name))
    ):
        return name.replace("=", "~")
    return hashed_name(name)


def hashed_name(name: str) -> str:
    """Give the folder name that is always safe: what can be read of `name`, then ``+`` and its hash."""
    readable = _UNSAFE.sub("_", unicodedata.normalize("NFC", name)).strip("._-")
    readable = readable.encode()[:MAX_BYTES].decode(errors="ignore") or "run"
    if _special_stem(readable):  # "con.txt+..." would be as reserved as "con"; "con+..." is not
        readable = readable.replace(".", "_", 1)
    digest = sha256()
    digest.update(name.encode("utf-8", "surrogatepass"))
    return f"{readable}+{digest.hexdigest()[:16]}"


def is_folder_of(folder: str, experiment: str) -> bool:
    """Tell whether a folder is where an experiment of that name lies; those of run files lie in folders of folders."""
    own = folder.rpartition("/")[2]
    return own in (experiment, folder_name(experiment), hashed_name(experiment)) or folder.endswith(f"/{experiment}")


def of_another(told: tuple[object, object], name: str, folder: str, earlier: object = None) -> str | None:
    """Name the run that a record or a status speaks of, if that is another one: then it was copied here.

    This is the one judge of that, whoever asks.

    Parameters
    ----------
    told
        The experiment and the run that are told of; what is no text says nothing.
    name
        The run that should be.
    folder
        The folder of its experiment.
    earlier
        Names that it is told to have had: as long as it is being renamed, it may still have the last one.
    """
    experiment, run = told
    if not isinstance(run, str):
        return None
    if isinstance(earlier, list) and name in earlier:
        run = name
    elsewhere = isinstance(experiment, str) and not is_folder_of(folder, experiment)
    if run == name and not elsewhere:
        return None
    return f"{experiment}:{run}" if isinstance(experiment, str) else run


def folder_names(names: list[str]) -> list[str]:
    """Give a folder to each name of an experiment; of names that differ only in case, the first keeps its own.

    A file system that ignores case would otherwise show two runs one folder.
    """
    taken = {"report"}  # the folder of the reports
    folders = []
    for name in names:
        folder = folder_name(name)
        if (key := folder.casefold()) in taken:
            folder = hashed_name(name)
            key = folder.casefold()
        taken.add(key)
        folders.append(folder)
    return folders
