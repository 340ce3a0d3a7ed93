"""What was declared first for the keys of an experiment's configs, kept in its folder: `.defaults.json`.

Runs that lack a key count as having that value, for ever; see `Defaults`. Should the file be lost, the newest manifest
tells it as well.
"""

from __future__ import annotations

import os
from typing import Any

from ..config.defaults import Defaults, flat, read_first
from ..config.encode import encode
from ..errors import ConfigError
from ..provenance.secrets.masking import Masker
from ..store import atomic
from ..store import manifest as manifests
from ..store.paths import ExperimentFolder

FORMAT = 1


def load(files: ExperimentFolder, declared: Any, where: str, masker: Masker | None = None) -> Defaults | None:
    """Give the defaults of an experiment; None if there are none, and never were.

    Parameters
    ----------
    files
        Its folder.
    declared
        What the user says today, or None.
    where
        Starts the message of an error.
    masker
        Knows which keys are those of secrets.

    Raises
    ------
    ConfigError, ConfigTypeError
        What is declared makes no sense.
    """
    today = {} if declared is None else flat(declared, where)
    masker = masker or Masker()
    if masker.has_secret(today):
        key = next(key for key, value in today.items() if masker.has_secret({key: value}))
        raise ConfigError(
            f'{where}: defaults has a secret for "{key}", and defaults are written down; let the configs read it from '
            "the environment"
        )
    known = _kept(files)
    if known is None and (today or os.path.exists(files.defaults)):
        manifest = manifests.newest(files)
        known = None if manifest is None else read_first(manifest.about.get("defaults"))
    return Defaults(today, known) if today or known else None


def keep(files: ExperimentFolder, defaults: Defaults | None) -> None:
    """Write down what was declared first, unless it is there already.

    Raises
    ------
    OSError
        It cannot be written.
    """
    if defaults is None:
        return
    known = _kept(files) or {}
    if all(key in known for key in defaults.first):
        return
    os.makedirs(files.path, exist_ok=True)
    atomic.write_json(files.defaults, {"format": FORMAT, "values": encode({**defaults.first, **known})})


def _kept(files: ExperimentFolder) -> dict[str, Any] | None:
    told = atomic.read_json(files.defaults)
    return read_first(told.get("values")) if told is not None and told.get("format") == FORMAT else None
