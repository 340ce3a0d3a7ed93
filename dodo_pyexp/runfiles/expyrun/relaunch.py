"""Executing a launch of the past again, in a folder of its own, and comparing the outcomes.

Implements: Expyrun readme, "Reproducing Experiments", for ``pyexp reproduce``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from ...arguments import script_parser
from ...config.interpolation import escaped
from ...errors import INTERRUPTED, UsageError
from ...history.past import Past
from ...history.reproduce import differing_packages, masked_settings
from ...history.verdict import DIFFERENT, TOLERANCE, Reproduction, importable, judge
from ...provenance.batch_environment import BatchEnvironment
from ...provenance.secrets.masking import Masker
from ...results.stored import StoredRun
from ...store import status as statuses
from ...store.paths import AttemptFolder, shown
from ..document import Reader
from ..wanted import Wanted
from . import file as expyrun
from .folder import CONFIG, is_own
from .launch import claim, execute
from .secrets import Masked


def relaunch(
    run: StoredRun,
    at: str | None = None,
    *,
    tolerance: float = TOLERANCE,
    settings: Sequence[str] = (),
    note: Callable[[str], None] = lambda text: None,
    live: bool = False,
    unpickle: bool = False,
) -> Reproduction:
    """Launch a run again as its ``config.yml`` has it, with the copy of the code in its folder; compare the outcomes.

    Parameters
    ----------
    run, at, tolerance, settings, note, live, unpickle
        As for `build.reproduce.reproduce`.

    Raises
    ------
    UsageError, ConfigError
        Something that it was made of is gone, or a setting makes no sense; nothing has been executed.
    """
    past = Past(run, at, run.experiment.output)
    past.require_outcome("launch it again")
    file, wanted = _read(past, settings)
    wanted.arguments.live = live
    differing = differing_packages(past, BatchEnvironment(), note)
    note(f"reproducing {past.label} with the code in {shown(past.attempt.path)}")
    number = claim(past.files.path)
    if execute(file, wanted, past.files.path, number) == INTERRUPTED:
        raise KeyboardInterrupt
    new = AttemptFolder(f"{past.files.path}/{number}", flat=True)
    made = Reproduction(run.full_name, Path(past.attempt.path), Path(new.path), DIFFERENT, tolerance)
    made.packages, made.settings = differing, masked_settings(settings, Masker())
    with importable([past.attempt.path]):
        judge(made, past, new, statuses.read(new), ignored=is_own, unpickle=unpickle)
    return made


def _read(past: Past, settings: Sequence[str]) -> tuple[expyrun.ExpyrunFile, Wanted]:
    """Read the config of a launch; its code and its place are where they are now, should the folder have moved."""
    folder = past.attempt.path
    path = Path(f"{folder}/{CONFIG}")
    if not os.path.isfile(path):
        raise UsageError(f"the config of {past.label} is gone: {shown(os.fspath(path))} is not there")
    run = Reader(path).read(expyrun.ExpyrunStyle()).tree.get(expyrun.RUN)
    if not isinstance(run, dict) or not run.get(expyrun.CODE):
        raise UsageError(
            f"{past.label} was launched with --debug, which keeps no copy of the code; "
            f"pyexp run {shown(os.fspath(path))} --debug executes it with the code of today"
        )
    conf = [f"{expyrun.RUN}.{expyrun.CODE}={json.dumps(escaped(folder), ensure_ascii=False)}", *settings]
    wanted = Wanted(path, script_parser("pyexp reproduce").parse_args([]), conf=conf)
    above = past.files.path.removesuffix(str(run.get(expyrun.NAME))).rstrip("/")
    wanted.workdir = above if above != past.files.path else None

    def check(masked: Masked) -> None:
        masked.demand("--set {}=...", past.label)

    file = expyrun.read(Reader(path), wanted, check)
    file.entry.check([file.code])
    return file, wanted
