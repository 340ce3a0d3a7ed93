"""What a command reads, and where it writes: the output folder, and a stdout of its own."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import IO

from ..characters import never_fail
from ..errors import MissingFile, current_folder
from ..provenance.roots import nearest_with, project_around
from ..store.paths import OutputFolder, check_folder


def output_folder(arguments: Namespace) -> OutputFolder:
    """Give the folder: what ``--output-dir`` says, else ``[tool.pyexp]``, else ``out`` of the project.

    Where the project has none, or the current folder is in no project, it is the nearest one above.

    Raises
    ------
    MissingFile, UsageError
        It does not exist, or it is a file.
    """
    from ..planning.options import DEFAULTS, Options, placed, project_options, resolve

    usual, here = os.fspath(DEFAULTS.output_dir or ""), current_folder()
    path = os.fspath(resolve(typed=Options(output_dir=arguments.output_dir)).output_dir or usual)
    said = arguments.output_dir or project_options(here).output_dir
    if not said and not os.path.isdir(path):
        project, found = project_around(here), nearest_with(here, [usual])
        if found is not None and (project is None or f"{found}{os.sep}".startswith(f"{project}{os.sep}")):
            path = placed(usual, found)
    check_folder(os.path.abspath(path))
    if not os.path.isdir(path):
        raise MissingFile(f"there is no folder {path}; build something first, or say where with --output-dir")
    return OutputFolder(path)


@contextmanager
def kept(wanted: bool) -> Iterator[IO[str]]:
    """Give the stdout that JSON is written to; what the user's modules and tasks print meanwhile goes to stderr.

    Parameters
    ----------
    wanted
        JSON was asked for; else stdout is what it is to everybody.
    """
    if not wanted:
        yield sys.stdout
        return
    before = sys.stdout
    before.flush()
    own = os.dup(1)
    try:
        os.dup2(2, 1)  # also for the commands that tasks start
        with open(own, "w", encoding=before.encoding, closefd=False) as stream, redirect_stdout(sys.stderr):
            never_fail(stream)
            yield stream
    finally:
        before.flush()
        os.dup2(own, 1)
        os.close(own)
