"""What happens before a run file's code is imported, and its import: search path, `pre_experiment`, mocks.

Implements: Experimaestro guide, "Experiment code in a module" and "Pre-experiment Setup".
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import ConfigError, MissingFile, nearest
from ..planning.mistakes import user_code
from ..planning.options import Options
from . import mocks
from .building import tell
from .document import Document
from .entry import Entry, add_to_path, find_module
from .search import set_search_path
from .wanted import Wanted

# What scripts defined that were executed before; their functions may be called later.
_namespaces: list[dict[str, Any]] = []


@dataclass(frozen=True)
class Code:
    """A run file's code.

    Parameters
    ----------
    module
        The module that holds the entry point.
    mocked
        While it was imported, other modules were replaced by something that only looks like them.
    """

    module: ModuleType
    mocked: bool
    _told: set[str] = field(default_factory=set)

    def options(self, options: Options, wanted: Wanted) -> Options:
        """Choose an executor whose runs import everything anew, where this process has imported mocks."""
        if not self.mocked:
            return options
        chosen = wanted.arguments.executor or options.executor
        if isinstance(chosen, str) and chosen in ("fork", "inline"):
            if chosen not in self._told:
                self._told.add(chosen)
                tell(f'the executor is "subprocess", not "{chosen}", because this process has imported mocked modules')
            wanted.arguments.executor = None
            return Options(executor="subprocess").over(options)
        return options


def load_code(document: Document, entry: Entry) -> Code:
    """Import a run file's code.

    Parameters
    ----------
    document
        Says where the code is, and what to execute before.
    entry
        The entry point.

    Raises
    ------
    PyexpError
        Something is not there, or raises something.
    """
    set_search_path(document, entry)
    entry.check()
    before = set(sys.modules)
    try:
        execute_first(document)
        module = entry.load()
    finally:
        mocked = mocks.remove_all() | bool(_strange(before))
    return Code(module, mocked)


def execute_first(document: Document) -> None:
    """Execute what ``pre_experiment`` names: a Python file, or a module.

    Raises
    ------
    PyexpError
        It is not there, or raises something.
    """
    name = document.text("pre_experiment")
    if not name:
        return
    where, folder = document.where("pre_experiment"), document.folder("pre_experiment")
    path = folder / Path(name).expanduser()
    is_path = name.endswith(".py") or "/" in name or "\\" in name
    found = next((one for one in (path, path.with_name(f"{path.name}.py")) if os.path.isfile(one)), None)
    if found is not None and (is_path or found.suffix == ".py"):
        namespace = {"__name__": "pre_experiment", "__file__": os.path.abspath(found), "__builtins__": __builtins__}
        _namespaces.append(namespace)
        with user_code():
            exec(compile(found.read_bytes(), os.path.abspath(found), "exec"), namespace)
        return
    if is_path:
        try:
            hint = nearest(path.name, os.listdir(path.parent))
        except OSError:
            hint = ""
        raise MissingFile(f'{where}: there is no file "{name}" for pre_experiment{hint}')
    if find_module(name) is None:
        add_to_path([folder for folder in (os.getcwd(), os.path.abspath(document.folder("pre_experiment")))
                     if find_module(name, [folder]) is not None][:1])  # fmt: skip
    if find_module(name) is None:
        raise ConfigError(f'{where}: pre_experiment "{name}" is neither a Python file nor a module')
    with user_code():
        importlib.import_module(name)


def _strange(before: set[str]) -> list[str]:
    """Name the modules, new since then, that are something else than modules: mocks that were put in by hand."""
    return [name for name in set(sys.modules) - before if not isinstance(sys.modules[name], ModuleType)]
