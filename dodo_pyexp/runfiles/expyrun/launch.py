"""Launches with a number: ``{output}/{name}/exp.{i}``, each an attempt that nobody else has.

Implements: Expyrun readme, "What Expyrun Generates". The folder ``{output}/{name}`` is the experiment's, ``exp.{i}`` a
run with its only attempt in it.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from ...config.config import Config
from ...config.interpolation import escaped, has_parts, only_parts, variables_in
from ...config.secret_keys import secret_key
from ...config.yaml_writer import dump_yaml
from ...errors import UsageError
from ...planning.code import Code
from ...planning.definition import Definition, Given
from ...planning.options import Options
from ...planning.plan import Plan, PlannedExperiment, PlannedRun
from ...planning.planner import make_plan
from ...provenance.secrets.credentials import telling
from ...provenance.secrets.holes import leaves, secrets_of
from ...provenance.secrets.masking import Masker
from ...provenance.secrets.yaml_text import mask_yaml, secrets_in
from ...provenance.snapshots.dirty import check_dirty
from ...store.manifest import LAUNCHES
from ...store.outputs import make_output
from ...store.paths import ExperimentFolder, OutputFolder, shown
from ..building import RunFileRequest, tell
from ..wanted import DRY_RUN, GENERATE_ONLY, PREPARE, Wanted
from .file import CODE, RUN, ExpyrunFile
from .folder import CONFIG, ORIGINALS, RAW_CONFIG
from .function import Launched
from .secrets import given_again, marked

SHORTEST = 4  # letters at least of a secret that is looked for where something refers to it
# Keys that mean something in a config of the engine, and nothing in one of Expyrun's.
RESERVED = ("name", "out", "depends_on", "previous", "resources")


class NumberedExperiment(PlannedExperiment):
    """An experiment whose folder is exactly where its name says."""

    def __init__(
        self, definition: Definition, options: Options, output_dir: str, folder: str, known: list[str]
    ) -> None:
        super().__init__(definition, options)
        self.output = OutputFolder(output_dir)
        self.files = ExperimentFolder(folder)
        self.code = Code(definition.fn, self.files)
        self.target_prefix = f"{folder}/"
        self.hashed = False
        self.masker = Masker(known)


class NumberedRequest(RunFileRequest):
    """A request for one launch."""

    def __init__(self, definition: Definition, said: Options, wanted: Wanted, file: ExpyrunFile, folder: str) -> None:
        super().__init__([definition], said, wanted)
        self._file = file
        self._folder = folder
        self._debug = wanted.debug

    def _again(self, runs: list[PlannedRun]) -> str | None:
        """Offer the command that does the same again: with the code as it was, if there is a copy of it."""
        config = shown(f"{self._folder}/{runs[0].folder}/{CONFIG}")
        command = shlex.join(["pyexp", "run", config, *(["--debug"] if self._debug else [])])
        launched: Any = self.definitions[0].fn
        secrets = f", with {launched.secrets}" if launched.secrets else ""
        return f"To run it again, in a folder of its own{secrets}: {command}"

    def plan(self) -> Plan:
        """Plan the one run."""
        definition = self.definitions[0]
        options = self._options(definition)
        experiment = NumberedExperiment(definition, options, self._file.output_dir, self._folder, _secrets(self._file))
        return make_plan([(experiment, definition.call_configs())], tuple)


def launch(file: ExpyrunFile, wanted: Wanted) -> int:
    """Claim a folder and execute the run in it; give the exit status.

    Raises
    ------
    PyexpError
        It cannot be done; the folder is given back.
    """
    file.entry.check([file.code, *Launched.search_path(file.code)])
    name = f"DEBUG/{file.name}" if wanted.debug else file.name
    folder = os.path.normpath(f"{file.output_dir}/{name}")
    if wanted.mode == DRY_RUN:
        number = free_name(folder)
        tell(f"{file.name}: {shown(f'{folder}/{number}')}")
        return execute(file, wanted, folder, number)
    if wanted.mode == PREPARE:
        tell(f"{file.name}: nothing to prepare, as it depends on no other run")
        return 0
    if wanted.arguments.dirty_git is not None:
        changes = check_dirty(Path(file.code), wanted.arguments.dirty_git, [Path(file.output_dir)])
        if changes:
            tell(f"warning: {changes}")
    make_output(file.output_dir)
    number = claim(folder)
    try:
        if wanted.mode == GENERATE_ONLY:
            launched = _launched(file, f"{folder}/{number}", wanted)
            launched.lay_out(f"{folder}/{number}")
            here = shown(f"{folder}/{number}")
            secrets = f", with {launched.secrets}" if launched.secrets else ""
            tell(f"{file.name}: written down in {here}; pyexp run {here}/{CONFIG} executes it{secrets}")
            return 0
        tell(f"{file.name}: {shown(f'{folder}/{number}')}")
        wanted.arguments.live = wanted.arguments.live or not wanted.arguments.json
        return execute(file, wanted, folder, number)
    finally:
        _give_back(f"{folder}/{number}")


def execute(file: ExpyrunFile, wanted: Wanted, folder: str, number: str) -> int:
    """Execute the run in the folder ``folder/number``, which is claimed; give the exit status.

    Raises
    ------
    PyexpError
        It cannot be done; the folder is given back.
    """
    try:
        launched = _launched(file, f"{folder}/{number}", wanted)
        said = Options(output_dir=file.output_dir, timestamp=False, stash=False, code="ignore")
        given = Given([{"name": number, **engine_config(file)}], file.where())
        about = {"run_file": {"path": shown(os.fspath(file.path))}, LAUNCHES: True}
        definition = Definition(file.name, launched, 1, given, about=about)
        return NumberedRequest(definition, said, wanted, file, folder).carry_out()
    finally:
        _give_back(f"{folder}/{number}")


def _give_back(folder: str) -> None:
    """Remove a folder that was claimed if nothing came of it."""
    try:
        os.rmdir(folder)
    except OSError:
        pass


def engine_config(file: ExpyrunFile) -> dict[Any, Any]:
    """Give the config as the engine keeps it, but for the name."""
    return {key: value for key, value in file.own.items() if key not in RESERVED}


def _launched(file: ExpyrunFile, folder: str, wanted: Wanted) -> Launched:
    """Make what is executed."""
    config, raw = dict(file.config), dict(file.raw)
    if not wanted.debug:
        config[RUN], raw[RUN] = {**config[RUN], CODE: folder}, {**raw[RUN], CODE: escaped(folder)}
    known = list(filter(telling, _secrets(file)))
    exact = marked(_exact(config, raw, Masker(_secrets(file))), RUN, known, exact=True)
    originals, secret = _originals(file.files, known)
    return Launched(
        name=file.name,
        config=file.own,
        file=os.path.abspath(file.entry.file) if file.entry.file is not None else "",
        module=file.entry.module,
        function=file.entry.function,
        code=file.code,
        copies=not wanted.debug,
        texts={
            CONFIG: dump_yaml(exact) + "\n",
            RAW_CONFIG: dump_yaml(marked(raw, RUN, known)) + "\n",
            **originals,
        },
        output_dir=file.output_dir,
        secret=secret,
        secrets=given_again(exact, RUN),
    )


def _originals(files: list[Path], known: list[str]) -> tuple[dict[str, str], list[str]]:
    """Give the files that a config was read from as they are, but for their secrets; and name those that hold some.

    Of files with the same name, the later ones are numbered.
    """
    found: dict[str, str] = {}
    secret = []
    for index, path in enumerate(files):
        name = f"{ORIGINALS}/{path.name}"
        name = f"{ORIGINALS}/{index}-{path.name}" if name in found else name
        text = path.read_bytes().decode()
        found[name] = mask_yaml(text, known, only_parts)
        if found[name] != text:
            secret.append(os.path.abspath(path))
    return found, secret


def _secrets(file: ExpyrunFile) -> list[str]:
    """List the secrets that may stand in other values: those known again anywhere, and what values refer to."""
    own = Config(file.own)
    found = secrets_of(own, Masker(keep=lambda text: False).config(own))
    named = {name: os.environ.get(name, "") for name in sorted(variables_in(file.raw))}
    found += [text for name, text in named.items() if secret_key(name, text)]
    for path in file.files:  # also those that the command line has replaced
        found += secrets_in(path.read_bytes().decode(), only_parts)
    within = [path for path, text in leaves(file.raw) if has_parts(text)]
    referring = [str(value) for path, value in leaves(file.config) if any(path[: len(top)] == top for top in within)]
    return [
        text
        for text in dict.fromkeys(found)
        if telling(text) or (len(text) >= SHORTEST and any(text in value for value in referring))
    ]


def _exact(value: Any, raw: Any, masker: Masker, key: Any = "") -> Any:
    """Write a resolved config so that it resolves to the very same; what refers to a secret stays as it was written."""
    if isinstance(raw, str) and has_parts(raw) and masker.has_secret({key: value}):
        return escaped(value) if Masker(keep=only_parts).has_secret({key: raw}) else raw
    if isinstance(value, dict) and isinstance(raw, dict):
        around = key if secret_key(str(key), value) else None
        return {name: _exact(item, raw.get(name), masker, around or name) for name, item in value.items()}
    if isinstance(value, list) and isinstance(raw, list):
        return [_exact(item, other, masker, key) for item, other in zip(value, raw, strict=True)]
    return escaped(value)


def free_name(folder: str) -> str:
    """Give the first ``exp.{i}`` that is free, without taking it."""
    try:
        taken = set(os.listdir(folder))
    except OSError:
        taken = set()
    number = 0
    while f"exp.{number}" in taken:
        number += 1
    return f"exp.{number}"


def claim(folder: str) -> str:
    """Make the first ``exp.{i}`` that is free: of all who ask at the same time, each gets one of its own.

    Raises
    ------
    UsageError
        Nothing can be written there.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        while True:
            name = free_name(folder)
            try:
                os.mkdir(f"{folder}/{name}")
            except FileExistsError:
                continue
            return name
    except OSError as error:
        raise UsageError(
            f"cannot write to {shown(folder)}: {error.strerror}; choose another folder with --workdir"
        ) from None
