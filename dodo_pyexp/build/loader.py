"""Finding experiments in files: which files, what they define, and what is wrong with them.

Implements: DESIGN sections 7 (experiments at module level are task creators) and 12. Nothing of a file is executed
but its top level.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType, TracebackType
from typing import Any

from .. import importing
from ..errors import ConfigError, MissingFile, PyexpError, UsageError, nearest
from ..results.stored import shown
from .definition import Definition
from .options import project_table

DODO_FILE = "dodo.py"
HINT = "`pyexp init` writes a first one"
_ENGINE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class UserCodeError(PyexpError):
    """The user's own code raised something while it was asked for its experiments or configs.

    Attributes
    ----------
    detail
        The traceback, without frames of pyexp.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


@dataclass
class Loaded:
    """What was found in the files.

    Parameters
    ----------
    experiments
        The `Experiment` objects, each once, in the order of the namespaces.
    tasks
        Other doit tasks.
    files
        The files that were imported.
    """

    experiments: list[Any] = field(default_factory=list)
    tasks: list[Any] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

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
        if not os.path.isfile(path):
            raise MissingFile(f"there is no file {path}{_near_files(path)}")
        namespace = vars(_import(path))
        for value in list(namespace.values()):
            if _definition(value) is not None and id(value) not in seen:
                seen.add(id(value))
                loaded.experiments.append(value)
        if other_tasks:
            loaded.tasks += _other_tasks(path, namespace)
    if not loaded.experiments:
        raise UsageError(
            f"{' and '.join(loaded.files)} define{'s' if len(loaded.files) == 1 else ''} no experiment; "
            "decorate a function with @pyexp.experiment, or import one"
        )
    return loaded


def default_files() -> list[str]:
    """Give the files that are meant when none is named: ``dodo.py``, else ``experiments`` in ``[tool.pyexp]``.

    Raises
    ------
    UsageError, ConfigError
        There are none, or pyproject.toml names them wrongly.
    """
    if os.path.isfile(DODO_FILE):
        return [DODO_FILE]
    path, table = project_table(os.getcwd())
    named = table.get("experiments")
    if named is None:
        raise UsageError(f"there is no {DODO_FILE} here and no file was named; {HINT}")
    if isinstance(named, str):
        named = [named]
    if not isinstance(named, list) or not named or not all(isinstance(name, str) for name in named):
        raise ConfigError(f'{path}: tool.pyexp.experiments must be a list of files, such as ["train.py"]')
    folder = os.path.dirname(path)
    return [os.path.relpath(os.path.join(folder, name)) for name in named]


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
    with user_code(f"{path} cannot be imported"):
        return importing.import_file(path)


def _other_tasks(path: str, namespace: dict[str, Any]) -> list[Any]:
    """Let doit make the tasks that are no experiment's."""
    rest = {
        name: value
        for name, value in namespace.items()
        if not isinstance(value, (ModuleType, type)) and _definition(value) is None
    }
    from doit.exceptions import InvalidDodoFile, InvalidTask
    from doit.loader import load_tasks

    try:
        with user_code(f"{path}: its tasks cannot be made"):
            return list(load_tasks(rest, allow_delayed=True))
    except (InvalidDodoFile, InvalidTask) as error:
        raise UsageError(f"{path}: {' '.join(str(error).split())}") from None


# -- the user's own mistakes ------------------------------------------------------------------------------------


@contextmanager
def user_code(what: str) -> Iterator[None]:
    """Turn what the user's code raises into one sentence with its place; what is raised elsewhere goes through.

    Parameters
    ----------
    what
        What could not be done; begins the sentence when there is no place to tell.

    Raises
    ------
    UserCodeError
        Instead of what the user's code raised.
    """
    try:
        yield
    except SyntaxError as error:
        if error.filename is None:
            raise
        raise UserCodeError(f"{shown(error.filename)}:{error.lineno}: {type(error).__name__}: {error.msg}") from None
    except PyexpError as error:
        place = _place(error.__traceback__)
        if not place or isinstance(error, UserCodeError) or place.rpartition(":")[0] in str(error):
            raise
        raise UserCodeError(f"{place}: {error}") from None
    except (Exception, SystemExit) as error:
        frames = user_frames(error.__traceback__)
        if not frames:
            raise
        message = " ".join(str(error).split())
        kind = type(error).__name__
        said = f"{kind}: {message}" if message else kind
        shown_frames = [*traceback.format_list(frames), *traceback.format_exception_only(error)]
        text = "".join(["Traceback (most recent call last):\n", *shown_frames])
        raise UserCodeError(f"{shown(frames[-1].filename)}:{frames[-1].lineno}: {said}", text) from None


def _place(trace: TracebackType | None) -> str:
    """Tell which line of the user's led to an error of ours."""
    mine = [frame for frame in traceback.extract_tb(trace) if _is_users(frame.filename)]
    return f"{shown(mine[-1].filename)}:{mine[-1].lineno}" if mine else ""


def user_frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    """Give the part of a traceback that begins in the user's code; empty when the error comes from elsewhere."""
    frames = [frame for frame in traceback.extract_tb(trace) if not frame.filename.startswith("<frozen ")]
    last_of_ours = max((i for i, frame in enumerate(frames) if _is_ours(frame.filename)), default=-1)
    behind = frames[last_of_ours + 1 :]
    first = next((i for i, frame in enumerate(behind) if _is_users(frame.filename)), None)
    return [] if first is None else behind[first:]


def _is_ours(path: str) -> bool:
    return os.path.abspath(path).startswith(_ENGINE + os.sep)


def _is_users(path: str) -> bool:
    return not _is_ours(path) and not path.startswith("<") and not path.startswith(_libraries())


def _libraries() -> tuple[str, ...]:
    import sysconfig

    paths = sysconfig.get_paths()
    return tuple({paths[key] + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib")})
