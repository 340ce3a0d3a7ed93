"""The command ``pyexp``: finds the command that was named, and turns mistakes into one sentence and a status.

Implements: docs/reference.md, "Command line". Only the module of the command that was named is imported.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Sequence

from ..characters import never_fail
from ..errors import INTERRUPTED, PyexpError, UsageError, current_folder, nearest
from ..flushing import flush
from ..standard import UNWRITABLE, complete, lead_nowhere
from ..telling import tell

TYPE_CHECKING = False  # `typing` is a tenth of the start-up of ``pyexp --help``
if TYPE_CHECKING:
    from typing import NoReturn

    from ..arguments import Parser

#: Every command with the line that the overview shows; the module of the same name does the work.
COMMANDS = {
    "build": "bring runs up to date: execute what is missing or out of date",
    "run": "start an experiment from a YAML file",
    "list": "list runs with their state and reason, or previous batches",
    "graph": "show what depends on what",
    "results": "show results as a table",
    "log": "show what a run printed",
    "reproduce": "execute a past attempt again, with its code and config, and compare the outcomes",
    "diff": "compare two runs, attempts or batches: config, code, packages, host, results",
    "accept": "let finished runs count as made by today's code, without executing them",
    "clean": "remove runs or attempts from the output folder",
    "init": "write a first experiment and a dodo.py",
}
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit status.

    Parameters
    ----------
    arguments
        What follows the name of the program; by default from `sys.argv`.
    """
    if arguments is None:
        from ..planning.garbage import relax

        relax()  # this process is ours
    complete()
    never_fail(sys.stdout, sys.stderr)
    try:
        current_folder()
        code = _dispatch(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
        return code
    except PyexpError as error:
        return tell(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        if error.filename is not None or error.errno not in UNWRITABLE:
            raise
        lead_nowhere(sys.stdout)  # Python would complain once more when it closes stdout
        if isinstance(error, BrokenPipeError):  # whoever read our output has seen enough
            return BROKEN_PIPE
        return tell(PyexpError(f"the output cannot be written: {error.strerror}"))


def command() -> NoReturn:
    """Be the program `pyexp`: `main`, and then the end of this process without taking its memory apart."""
    code = main()
    if code == INTERRUPTED:
        from ..script import hurry

        hurry()
    if threading.active_count() > 1:  # threads of the user's modules are waited for, as always
        sys.exit(code)
    atexit._run_exitfuncs()
    flush()
    os._exit(code)


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        if arguments[1:] and arguments[0] == "help":
            return _dispatch([arguments[1], "--help"])
        print(overview())
        return 0 if arguments else UsageError.exit_code
    if arguments[0] in ("-V", "--version"):
        from .. import __version__

        print(f"pyexp {__version__}")
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        what = "option" if name.startswith("-") else "command"
        raise UsageError(f'pyexp has no {what} "{name}"{nearest(name, COMMANDS)}; see pyexp --help')
    return _run(name, arguments[1:])


def _run(name: str, arguments: list[str]) -> int:
    from importlib import import_module

    from ..arguments import Parser

    command = import_module(f"dodo_pyexp.cli.{name}")
    parser: Parser = Parser(prog=f"pyexp {name}", description=_sentence(COMMANDS[name]), allow_abbrev=False)
    command.add_arguments(parser)
    parse = getattr(command, "parse", Parser.parse_intermixed_args)
    code: int = command.run(parse(parser, arguments))
    return code


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def overview() -> str:
    """Give the text of ``pyexp --help``."""
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    return (
        "usage: pyexp COMMAND [ARGUMENT ...]\n\nExperiments as a build: execute what is missing or out of date.\n\n"
        f"{lines}\n\npyexp COMMAND --help tells more about a command."
    )
