"""Plain doit, seen from the file it loads: how mistakes are told there, doit's settings, the file's place in a package.

Implements: docs/files-on-disk.md (`out/.doit.db`); docs/reference.md, "Errors". doit is not imported here: where it is
the program, it has been.
"""

from __future__ import annotations

import os
import sys

from ..errors import PyexpError
from ..importing import module_name
from ..standard import UNWRITABLE, lead_nowhere
from ..store.paths import DOIT_DB
from ..telling import tell

TYPE_CHECKING = False  # a worker process imports this module
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from ..planning.definition import Definition


class _OneSentence:
    """In place of the module `traceback`, where doit shows the traceback of whatever it does not expect."""

    @staticmethod
    def format_exc() -> str:
        """Give the sentence alone of a mistake of the user's, as doit does with mistakes that it knows."""
        import traceback

        error = sys.exception()
        sentence = None if error is None else _sentence(error)
        return traceback.format_exc() if sentence is None else f"ERROR: {sentence}\n"


def _sentence(error: BaseException) -> str | None:
    """Say in a sentence what a user has to mend; None if it is something else that was raised."""
    if isinstance(error, PyexpError):
        return str(error)
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    module = "" if place is None else str(place.tb_frame.f_globals.get("__name__"))
    if module == "doit.cmd_forget" and isinstance(error, TypeError):  # it goes through names that are None
        return "name the tasks that doit is to forget, or say --all"
    if module.startswith("doit."):
        if isinstance(error, AttributeError) and error.obj is None and sys.__stdout__ is None:
            return "stdout is closed, and doit writes to it; lead it to /dev/null, or say pyexp build"
        if isinstance(error, OSError) and error.errno in UNWRITABLE and error.filename is None:
            lead_nowhere(sys.stdout)  # Python would complain once more when it closes stdout
            return f"the output cannot be written: {error.strerror}"
    return None


def greet() -> None:
    """Do what is to be done as soon as a file that doit loads imports pyexp; nothing in any other program."""
    doit: Any = sys.modules.get("doit.doit_cmd")
    if doit is None:
        return
    doit.traceback = _OneSentence
    settle_in_package()


def is_doit() -> bool:
    """Tell whether the program is doit's own command, which shows a traceback for whatever an experiment raises."""
    main = sys.modules.get("__main__")
    if "doit.doit_cmd" not in sys.modules or main is None:
        return False
    spec, path = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    return (spec.name if spec is not None else os.path.basename(path or "")) in ("doit.__main__", "doit", "doit.exe")


class plainly:  # noqa: N801  # read in a `with` statement, like contextlib's own
    """Under doit's own command, let a mistake in what the block does end it with one sentence and status 2.

    What doit itself prints from then on, names of tasks above all, ends nothing.
    """

    def __enter__(self) -> None:
        if is_doit():
            from ..characters import never_fail

            never_fail(sys.stdout, sys.stderr)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PyexpError) and is_doit():
            raise SystemExit(tell(error)) from None


def settle_in_package() -> None:
    """Let the dodo file that doit is loading just now be the module of its package, if it lies in one.

    doit imports it by its stem alone; what it imports after pyexp may be relative to the package then, as elsewhere.
    """
    dodo = _dodo_file()
    if dodo is not None:
        settle(dodo)


def settle(dodo: dict[str, Any]) -> None:
    """Let a module that was found by its stem alone be the module of its package; `dodo` is its namespace."""
    path = dodo.get("__file__")
    if not isinstance(path, str):
        return
    path = os.path.realpath(path)
    name, root = module_name(path)
    if "." in name and name not in sys.modules:
        if root not in sys.path:
            sys.path.insert(0, root)
        from importlib.machinery import ModuleSpec

        sys.modules[name] = sys.modules[dodo["__name__"]]
        dodo.update(__name__=name, __package__=name.rpartition(".")[0], __spec__=ModuleSpec(name, None, origin=path))


def configure_doit(definition: Definition) -> None:
    """Tell the doit that is loading a dodo file just now to keep its database in the output folder.

    The file may define this experiment itself or import it. Whatever it says in a ``DOIT_CONFIG`` of its own wins.
    """
    dodo = _dodo_file()
    if dodo is not None:
        try:
            output_dir = os.fspath(definition.resolved().output_dir or "out")
        except PyexpError:  # told when the tasks are made
            return
        settings = {"backend": "pyexp", "dep_file": f"{output_dir}/{DOIT_DB}", "continue": True}
        dodo.setdefault("DOIT_CONFIG", settings)


def _dodo_file() -> dict[str, Any] | None:
    """Give the namespace of the dodo file that doit is loading just now; None if it loads none."""
    frame: FrameType | None = sys._getframe(1)
    dodo = None
    while frame is not None and frame.f_globals.get("__name__") != "doit.loader":
        if frame.f_code.co_name == "<module>" and not frame.f_code.co_filename.startswith("<frozen"):
            dodo = frame.f_globals
        frame = frame.f_back
    return None if frame is None else dodo


def loaded_file() -> str | None:
    """Give the file in which doit is looking for tasks just now; None if it looks elsewhere."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != "doit.loader":
        frame = frame.f_back
    namespace = frame.f_locals.get("namespace") if frame is not None else None
    file = namespace.get("__file__") if isinstance(namespace, dict) else None
    return file if isinstance(file, str) and os.path.isfile(file) else None
