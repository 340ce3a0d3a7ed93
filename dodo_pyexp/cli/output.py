"""The output folder that a command reads, found without importing an experiment."""

from __future__ import annotations

import os
from argparse import Namespace

from ..errors import MissingFile
from ..store.paths import OutputFolder


def output_folder(arguments: Namespace) -> OutputFolder:
    """Give the folder: what ``--output-dir`` says, else ``[tool.pyexp]``, else ``out``.

    Raises
    ------
    MissingFile
        It does not exist.
    """
    from ..build.options import Options, resolve

    path = os.fspath(resolve(Options(output_dir=arguments.output_dir)).output_dir or "out")
    if not os.path.isdir(path):
        raise MissingFile(f"there is no folder {path}; build something first, or say where with --output-dir")
    return OutputFolder(path)
