"""Building a run file of the native dialect: the function imported, the configs made, all of it an experiment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...config.compose import tidy
from ...errors import ConfigError
from ...experiment import Experiment, family
from ...planning.definition import Definition, Given, called
from ...planning.options import Options
from ...planning.signature import FUNCTION, REPORT
from ..building import RunFileRequest, introduce
from ..document import Reader
from ..entry import Entry
from ..preparing import load_code
from ..schema.classes import annotated_parameter, has_fields, schema_of
from ..wanted import Wanted
from .file import ABOUT, NativeFile, NativeStyle, own_part


def build(file: NativeFile) -> int:
    """Build what a run file declares, and give the exit status.

    Raises
    ------
    PyexpError
        Something in the file, on the command line or on this machine makes it impossible.
    """
    definition, others = declared(file)
    introduce(definition.name, (file.about["run_file"].get(key) for key in ABOUT), file.document.path)

    def reach() -> list[Definition]:
        return [*others, *family(Experiment(definition.fn))]

    return RunFileRequest([definition], Options(), file.wanted, reach).carry_out()


def declared(file: NativeFile) -> tuple[Definition, list[Definition]]:
    """Give the experiment that a run file declares, and those of other run files that it may depend on.

    Raises
    ------
    PyexpError
        Something in the file or in its code makes it impossible.
    """
    arguments = file.wanted.arguments
    os.environ.update(file.environment)
    if arguments.jobs is None:
        arguments.jobs = file.jobs
    return define(file), upstreams(file, {os.path.realpath(file.document.path)})


def define(file: NativeFile) -> Definition:
    """Import the function that a run file names, and give the experiment.

    Raises
    ------
    PyexpError
        The function is not there, or is none that can be called.
    """
    entry = file.entry
    code = load_code(file.resolved, entry)
    value = entry.value(code.module) if entry.function else _only_experiment(entry, vars(code.module))
    if not callable(value):
        raise ConfigError(f"{entry.where}: {entry.shown} is no function, but {value!r:.60}")
    function = value.fn if isinstance(value, Experiment) else value
    kind = annotated_parameter(function, 0)
    schema = own_part(schema_of(kind, sections=True)) if kind is not None and has_fields(kind) else None
    given = Given(file.configs(schema), file.document.where("config"))
    if isinstance(value, Experiment):
        definition = value.definition.replaced(configs=given, about=file.about)
        definition = definition.replaced(name=file.name(definition.name))
    else:
        count = FUNCTION.arity(function)
        definition = Definition(file.name(called(function)), function, count, given, about=file.about)
    report = file.resolved.text("report")
    if report is not None:
        definition = definition.replaced(report=_report(file, report))
    return definition.replaced(options=code.options(file.options.over(definition.options), file.wanted))


def _only_experiment(entry: Entry, namespace: dict[str, Any]) -> Experiment:
    found = {id(value): value for value in namespace.values() if isinstance(value, Experiment)}
    if len(found) != 1:
        names = [called(experiment.fn) for experiment in found.values()] or ["function"]
        count = f"{len(found)} experiments" if found else "no experiment"
        raise ConfigError(
            f"{entry.where}: {entry.shown} defines {count}; name the function that is meant, as in "
            f"{entry.shown}:{names[0]}"
        )
    return next(iter(found.values()))


def _report(file: NativeFile, text: str) -> Any:
    entry = Entry.parse(text, file.document.where("report"), file.document.folder("report"))
    entry.check()
    function = entry.value(entry.load())
    REPORT.arity(function)
    return function


def upstreams(file: NativeFile, seen: set[str]) -> list[Definition]:
    """Give the experiments of other run files that `depends_on` may reach; `seen` are those that need no look.

    Raises
    ------
    PyexpError
        A file is missing or wrong.
    """
    definitions = []
    for name, where in file.resolved.texts("upstreams"):
        path = tidy(file.document.folder("upstreams") / Path(name).expanduser())
        if not os.path.isfile(path):
            raise ConfigError(f'{where}: there is no run file "{name}"')
        if os.path.realpath(path) in seen:
            continue
        seen.add(os.path.realpath(path))
        wanted = Wanted(path, file.wanted.arguments, workdir=file.wanted.workdir, debug=file.wanted.debug)
        other = NativeFile(Reader(path).read(NativeStyle()), wanted)
        definitions += [define(other), *upstreams(other, seen)]
    return definitions
