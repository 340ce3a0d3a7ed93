"""Where a run file's code is looked for.

Implements: Experimaestro guide, "Experiment code in a module".
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import MissingFile
from .document import Document
from .entry import Entry, add_to_path, find_module


def search_folders(document: Document, entry: Entry) -> list[str]:
    """Name the folders in which code can be looked for without importing it."""
    found = _named_folders(document)
    if entry.file is not None:
        found.append(os.path.abspath(entry.file.parent))
    else:
        found += [os.getcwd(), _above(document, entry)]
    return [*found, *sys.path]


def _above(document: Document, entry: Entry) -> str:
    """Give the folder that holds the package, if the run file lies in the folder of the module."""
    folder = document.folder("module" if "module" in document.tree else "entry")
    return os.path.normpath(os.path.abspath(folder / "/".join([".."] * entry.module.count("."))))


def _named_folders(document: Document) -> list[str]:
    folders = []
    for index, (name, where) in enumerate(document.texts("pythonpath")):
        keys = ("pythonpath", index) if isinstance(document.tree["pythonpath"], list) else ("pythonpath",)
        folder = os.path.normpath(os.path.abspath(document.folder(*keys) / Path(name).expanduser()))
        if not os.path.isdir(folder):
            raise MissingFile(f'{where}: there is no folder "{name}"')
        folders.append(folder)
    return folders


def set_search_path(document: Document, entry: Entry) -> None:
    """Make what ``pythonpath`` names importable; without it, what the place of the run file suggests."""
    add_to_path(_named_folders(document))
    if entry.module and find_module(entry.module) is None:
        for folder in (os.getcwd(), _above(document, entry)):
            if find_module(entry.module, [folder]) is not None:
                add_to_path([folder])
                break
