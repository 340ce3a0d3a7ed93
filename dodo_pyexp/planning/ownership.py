"""Whose an experiment's folder is: of two files that define an experiment of one name, only one may write there.

The folder says which file its runs were made for, relative to the project: once for all of them, in `.experiment.json`.
A file that was moved or renamed takes its runs along, as where it was nothing defines that experiment any more.
"""

from __future__ import annotations

import os
from typing import Any

from ..errors import UsageError
from ..executors.imports.rerouting import users_own
from ..provenance.code.declared import line_declaring
from ..provenance.roots import is_installed
from ..store import atomic
from ..store.names import folder_name
from ..store.paths import ExperimentFolder, OutputFolder, shown
from .definition import Definition, place
from .options import Options
from .source import innermost, project, source_file


def folder_of(definition: Definition, said: Options) -> ExperimentFolder:
    """Give the folder of an experiment, if it is this one's.

    Raises
    ------
    PyexpError
        It is another one's, or what is said makes no sense.
    """
    output_dir = definition.resolved(said).output_dir or "out"
    files = OutputFolder(output_dir).experiment(folder_name(definition.name))
    check(files, definition)
    return files


def check(files: ExperimentFolder, definition: Definition) -> None:
    """Make sure that nobody else's runs lie in the folder.

    Raises
    ------
    UsageError
        Another file that is still there defines an experiment of this name, and the runs are that one's.
    """
    own, told = _file(definition), atomic.read_json(files.whose)
    if own is None or told is None:
        return
    file, function = told.get("file"), told.get("function")
    if not isinstance(file, str) or not isinstance(function, str | None) or file == own:
        return
    root = project(definition.fn)
    other = os.path.join(root, file)
    real, top = os.path.realpath(other), os.path.realpath(root)
    if not real.startswith(os.path.join(top, "")) and not is_installed(real):  # no build has written that
        return
    line = line_declaring(other, definition.name, function) if os.path.isfile(other) else None
    if line is not None:
        raise UsageError(
            f'{shown(files.path)} holds the runs of {shown(other)}:{line}, and {place(definition.fn)} is "'
            f'{definition.name}" as well; give one of the two experiments another name, or another output_dir'
        )


def claim(files: ExperimentFolder, definition: Definition) -> None:
    """Write down that the folder is this experiment's, before anything is executed for it.

    Raises
    ------
    UsageError
        Another one's it is, see `check`: also if that has begun in this moment.
    OSError
        It cannot be written.
    """
    own, told = _file(definition), atomic.read_json(files.whose)
    if own is None or (told is not None and told.get("file") == own):
        return
    claimed: dict[str, Any] = {"file": own}
    source = source_file(definition.fn)
    if source is not None and line_declaring(source, definition.name) is None:  # a run file or `--name` calls it so
        claimed["function"] = getattr(innermost(definition.fn), "__name__", None)
    os.makedirs(files.path, exist_ok=True)
    if told is None:
        try:
            atomic.create_json(files.whose, claimed)
        except FileExistsError:
            check(files, definition)
        else:
            return
    check(files, definition)
    atomic.write_json(files.whose, claimed, indent=None)


def _file(definition: Definition) -> str | None:
    """Give the experiment's file, relative to its project; None for a notebook's."""
    source = source_file(definition.fn)
    if source is None:
        return None
    return os.path.relpath(os.path.realpath(users_own(source)), project(definition.fn))
