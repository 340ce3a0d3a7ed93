"""Finding experiments in files: which files, what they define, and what is wrong with them.

Implements: docs/reference.md, "Command line" (FILE). Nothing of a file is executed but its top level.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from .. import importing
from ..errors import ConfigError, MissingFile, UsageError, current_folder, nearest
from ..planning.definition import Definition
from ..planning.mistakes import user_code
from ..planning.options import project_table
from ..provenance.roots import project_around
from ..tasks.user_tasks import OwnTasks, load_own

DODO_FILE = "dodo.py"
RUN_FILES = (".yml", ".yaml")
HINT = "`pyexp init` writes a first one"


@dataclass
class Loaded:
    """What was found in the files.

    Parameters
    ----------
    experiments
        The `Experiment` objects, each once, in the order of the namespaces.
    own
        Other doit tasks.
    files
        The files that were imported.
    upstreams
        What `depends_on` may reach besides.
    """

    experiments: list[Any] = field(default_factory=list)
    own: OwnTasks = field(default_factory=OwnTasks)
    files: list[str] = field(default_factory=list)
    upstreams: list[Definition] = field(default_factory=list)

    @property
    def definitions(self) -> list[Definition]:
        """What was said about the experiments."""
        return [experiment.definition for experiment in self.experiments]


def load(files: Sequence[str] = (), *, other_tasks: bool = False) -> Loaded:
    """Import files and collect their experiments.

    Parameters
    ----------
    files
        Python files; by default those of `default_files`.
    other_tasks
        Collect what other doit tasks the files define, too.

    Raises
    ------
    MissingFile, UsageError, UserCodeError
        A file does not exist, is no valid Python, raises something, or defines no experiment.
    """
    loaded = Loaded(files=list(files) or default_files())
    seen: set[int] = set()
    for path in loaded.files:
        if os.path.isdir(path):
            raise UsageError(f"{path} is a folder; name the Python file inside it")
        if not os.path.isfile(path):
            raise MissingFile(f"there is no file {path}{_near_files(path)}")
        namespace = vars(_import(path))
        for value in list(namespace.values()):
            if _definition(value) is not None and id(value) not in seen:
                seen.add(id(value))
                loaded.experiments.append(value)
        if other_tasks:
            loaded.own.add(_own_tasks(path, namespace))
    if not loaded.experiments:
        raise UsageError(
            f"{' and '.join(loaded.files)} define{'s' if len(loaded.files) == 1 else ''} no experiment; "
            "decorate a function with @pyexp.experiment, or import one"
        )
    return loaded


def is_file(word: str) -> bool:
    """Tell whether a word of a command line names a file that defines experiments, and no target."""
    return word.endswith((".py", *RUN_FILES))


def file_of(word: str, folder: str = ".") -> str:
    """Give the file that a module's name leads to, ``lab.exp`` to ``lab/exp.py``; anything else as it is."""
    parts = word.split(".")
    if is_file(word) or len(parts) < 2 or not all(part.isidentifier() for part in parts):
        return word
    for place in (folder, os.path.join(folder, "src"), *sys.path):
        path = os.path.join(place, *parts)
        for file in (f"{path}.py", os.path.join(path, "__init__.py")):
            if os.path.isfile(file):
                return os.path.relpath(file)
    return word


def default_files() -> list[str]:
    """Give the files that are meant when none is named: the project's ``dodo.py``, else what ``[tool.pyexp]`` names.

    Raises
    ------
    UsageError, ConfigError
        There are none, or pyproject.toml names them wrongly.
    """
    here = current_folder()
    dodo = os.path.join(project_around(here) or here, DODO_FILE)
    if os.path.isfile(dodo):
        return [os.path.relpath(dodo)]
    path, table = project_table(here)
    named = table.get("experiments")
    if named is None:
        raise UsageError(f"there is no {DODO_FILE} here and no file was named; {HINT}")
    if isinstance(named, str):
        named = [named]
    if not named:
        raise ConfigError(f'{path}: tool.pyexp: experiments must be a list of files, such as ["train.py"]')
    folder = os.path.dirname(path)
    files = [file_of(name, folder) if isinstance(name, str) else name for name in named]
    return [os.path.relpath(os.path.join(folder, name)) if name in named else name for name in files]


def _near_files(path: str) -> str:
    folder, name = os.path.split(path)
    try:
        names = [found for found in os.listdir(folder or ".") if found.endswith(".py")]
    except OSError:
        return ""
    return nearest(name, names)


def _definition(value: Any) -> Definition | None:
    if isinstance(value, (ModuleType, type)):
        return None
    try:
        definition = getattr(value, "definition", None)
    except Exception:  # somebody's own __getattr__
        return None
    return definition if isinstance(definition, Definition) else None


def _import(path: str) -> ModuleType:
    with user_code():
        return importing.import_file(path)


def _own_tasks(path: str, namespace: dict[str, Any]) -> OwnTasks:
    values = {name: value for name, value in namespace.items() if not isinstance(value, (ModuleType, type))}
    experiments = {name: made for name, value in values.items() if (made := _definition(value)) is not None}
    return load_own(path, {name: value for name, value in values.items() if name not in experiments}, experiments)
