"""Calling ``run(helper, cfg)`` of a run file of Experimaestro's dialect, in its workspace."""

from __future__ import annotations

import time
import traceback
from typing import Any

from ...config.config import Config
from ...errors import ConfigError, PyexpError
from ...planning.mistakes import user_frames, way_to
from ...planning.options import Options
from ...provenance.frames import place_of
from ..building import introduce, tell
from ..preparing import Code, load_code
from ..schema.classes import annotated_parameter, has_fields, schema_of
from ..schema.validating import validated
from .file import ABOUT, ExperimaestroFile
from .helper import ExperimentHelper, helper_of
from .workspace import Workspace


class _Told(Exception):
    """The function ``run`` has raised something, and that has been told."""


def launch(file: ExperimaestroFile) -> int:
    """Call ``run(helper, cfg)`` in the workspace, and give the exit status.

    Raises
    ------
    PyexpError
        Something in the file, in the code or on this machine makes it impossible.
    """
    code = load_code(file.search, file.entry)
    helper = helper_of(file.entry.value(code.module), file.entry.where)
    cfg = _configured(file, helper)
    helper.xp = workspace = _workspace(file, code)
    introduce(workspace.id, (getattr(file.base, key) for key in ABOUT), file.document.path)
    try:
        with workspace:
            _call(helper, cfg, workspace)
    except _Told:
        return 1
    return workspace.exit_code


def _workspace(file: ExperimaestroFile, code: Code) -> Workspace:
    def choose(options: Options) -> Options:
        if file.wanted.debug:
            options = Options(executor="inline", stash=False).over(options)
        return code.options(options, file.wanted)

    return Workspace(
        file.workdir,
        file.base.id + (time.strftime("-%Y%m%d-%H%M") if file.base.add_timestamp else ""),
        dirty_git=file.base.dirty_git,
        wanted=file.wanted,
        about=file.about,
        source=getattr(code.module, "__file__", None),
        config={**vars(file.base), **file.document.tree},
        choose=choose,
    )


def _call(helper: ExperimentHelper, cfg: Any, workspace: Workspace) -> None:
    """Call the function; what it raises is shown as it is, without frames of pyexp."""
    try:
        helper.run([], cfg)
    except PyexpError:
        raise
    except Exception as error:
        frames = user_frames(error.__traceback__)
        place = place_of(frames)
        if place is None:
            raise  # ours
        for line in ("Traceback (most recent call last):", *way_to(place, frames)):
            tell(line)
        tell("".join(traceback.format_exception_only(error)))
        workspace.failure = error
        raise _Told from None


def _configured(file: ExperimaestroFile, helper: ExperimentHelper) -> Any:
    """Make the object that ``run`` is given: of the class that its second parameter is annotated with."""
    document = file.document
    kind = annotated_parameter(helper.callable, 1)
    if kind is not None and has_fields(kind):
        schema = schema_of(kind)
        return schema.make(validated(schema, document.tree, document.origins, file.ignored(schema.fields)))
    if isinstance(kind, type) and not issubclass(kind, dict):
        raise ConfigError(
            f"{file.entry.where}: run(helper, cfg) takes a {kind.__name__}, which is no configuration; "
            "decorate the class with @configuration"
        )
    return Config({**vars(file.base), **document.tree})
