"""`Launch`: what is kept of each call of ``run(helper, cfg)``, beside what the experiments in it keep themselves."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...config.config import Config
from ...errors import INTERRUPTED
from ...interchange import as_json
from ...provenance.secrets.argv import mask_arguments
from ...provenance.secrets.credentials import telling
from ...provenance.secrets.holes import secrets_of
from ...provenance.secrets.masking import Masker
from ...provenance.secrets.repeats import masked_text
from ...store import atomic, timestamps
from ...store.owner import Owner

LAUNCHES = ".launches"


class Launch:
    """The file that tells of one launch: when, where, of what; how it went, once it has ended.

    Parameters
    ----------
    workspace
        The folder of what is launched.
    facts
        What it is.
    config
        The whole config; its secrets are not written down.
    """

    def __init__(self, workspace: Path, facts: dict[str, Any], config: Mapping[str, Any]) -> None:
        owner = Owner.current()
        kept = Masker().config(Config(config))
        self._secrets = secrets_of(config, kept)
        folder = workspace / LAUNCHES
        folder.mkdir(parents=True, exist_ok=True)
        self._values: dict[str, Any] = {
            "state": "running",
            **facts,
            "config": as_json(kept),
            "command": mask_arguments(sys.argv, filter(telling, self._secrets)),
            "host": owner.host,
            "owner": owner.to_dict(),
            "start": timestamps.to_iso(time.time()),
        }
        for name in timestamps.candidates(timestamps.now()):
            self._path = os.fspath(folder / f"{name}.json")
            try:
                atomic.create_json(self._path, self._values)
            except FileExistsError:
                continue
            break

    def end(self, code: int, error: BaseException | None, experiments: list[str]) -> None:
        """Write down how it went, and which experiments it had."""
        state = "finished" if error is None and not code else "failed"
        if isinstance(error, KeyboardInterrupt) or code == INTERRUPTED:
            state = "interrupted"
        if error is not None:
            self._values["error"] = masked_text(f"{type(error).__name__}: {error}", self._secrets)
        self._values.update(state=state, exit_code=code, experiments=experiments, end=timestamps.to_iso(time.time()))
        atomic.write_json(self._path, self._values)
