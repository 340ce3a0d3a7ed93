"""Experimaestro's dialect: a YAML file, a class that says what may be in it, and a function ``run(helper, cfg)``.

Implements: Experimaestro guide, "Running experiments".
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

from ...config.compose import Style, named_files
from ...config.origins import COMMAND_LINE
from ...config.yaml import Located
from ...errors import ConfigError, nearest, warn
from ...planning.options import Options, resolve
from ...provenance.roots import project_of
from ...store.names import refusal
from ...store.paths import shown
from ..document import Document, Reader
from ..entry import Entry, python_file
from ..schema.classes import schema_of
from ..schema.configuration import ConfigurationBase
from ..schema.source import schema_in
from ..schema.validating import validated
from ..search import search_folders
from ..wanted import Wanted

FUNCTION = "run"
ABOUT = ("title", "subtitle", "description", "paper")
DIRTY_GIT = ("ignore", "warn", "error")


class ExperimaestroStyle(Style):
    """A file builds on those that it imports; ``pythonpath`` of all of them counts.

    Attributes
    ----------
    pythonpath
        The folders that files name, each with the place that names it; those of the last file first.
    """

    def __init__(self) -> None:
        self.pythonpath: list[tuple[str, tuple[str, int]]] = []

    def parents(self, located: Located, path: Path) -> list[tuple[Path, str]]:
        """Take ``imports`` out, or ``parent``, as it was called."""
        imports, parent = located.tree.pop("imports", None), located.tree.pop("parent", None)
        if parent is not None:
            if imports is not None:
                raise ConfigError(f"{located.where('parent')}: there are both imports and parent; use imports alone")
            warn(f"{located.where('parent')}: parent is deprecated; write imports: [{parent}]")
            return list(named_files(parent, located, "parent", path.parent))
        return list(named_files(imports, located, "imports", path.parent))

    def spread(self, located: Located) -> Located:
        """Note the search path: files come in the order of merging."""
        named = located.tree.get("pythonpath")
        found = []
        for index, name in enumerate(named if isinstance(named, list) else [] if named is None else [named]):
            place = located.positions.get(("pythonpath", index)) or located.positions[("pythonpath",)]
            found.append((name, place))
        self.pythonpath = found + self.pythonpath
        return located


class ExperimaestroFile:
    """A run file of Experimaestro's dialect.

    Parameters
    ----------
    document
        What is in it, overrides included.
    wanted
        What the command line says.
    style
        How it was read.

    Raises
    ------
    ConfigError
        Something that every such file has is missing or makes no sense.
    """

    def __init__(self, document: Document, wanted: Wanted, style: ExperimaestroStyle) -> None:
        self.document = document
        self.wanted = wanted
        tree, origins = document.tree, document.origins
        if tree.get("id") is None:
            tree["id"] = document.path.stem
        elif isinstance(tree["id"], (int, float)) and not isinstance(tree["id"], bool):
            tree["id"] = str(tree["id"])
        schema = schema_of(ConfigurationBase)
        known = {key: value for key, value in tree.items() if key in schema.fields}
        self.base = ConfigurationBase(**validated(schema, known, origins))
        refused = refusal(self.base.id) if self.base.id.strip() else "has no id; give it a name"
        if refused is not None:
            raise document.refuse(f"id: an experiment {refused}", "id")
        word = self.base.dirty_git.strip().lower()
        if word not in DIRTY_GIT:
            hint = nearest(word, DIRTY_GIT)
            choices = ", ".join(DIRTY_GIT)
            raise document.refuse(f'dirty_git must be one of {choices}, not "{self.base.dirty_git}"{hint}', "dirty_git")
        self.search = self._searched(style)

    def _searched(self, style: ExperimaestroStyle) -> Document:
        """Give the document with the search path of all files."""
        document = self.document
        tree, origins = dict(document.tree), document.origins
        if style.pythonpath and origins.place("pythonpath") != COMMAND_LINE:
            tree["pythonpath"] = [name for name, _ in style.pythonpath]
            origins = type(origins)(origins)
            for index, (_, place) in enumerate(style.pythonpath):
                origins["pythonpath", index] = place
        return Document(document.path, tree, origins, document.files)

    # -- what the file says -------------------------------------------------------------------------------------

    @cached_property
    def entry(self) -> Entry:
        """The function ``run``.

        Raises
        ------
        ConfigError
            The file names both a file and a module.
        """
        document, wanted = self.document, self.wanted
        if wanted.file is not None or wanted.module is not None:
            return Entry("command line", FUNCTION).elsewhere(wanted.file, wanted.module, document.path.parent)
        if self.base.module is not None:
            if document.tree.get("file") is not None:
                raise document.refuse("there are both file and module; name one of them", "module")
            return Entry(document.where("module"), FUNCTION, module=self.base.module)
        folder = document.folder("file") if "file" in document.tree else document.path.parent
        return Entry(document.where("file"), FUNCTION, file=python_file(self.base.file, folder))

    @property
    def about(self) -> dict[str, Any]:
        """What manifests are to say about the file."""
        said = {key: getattr(self.base, key) for key in ABOUT if getattr(self.base, key)}
        return {"run_file": {"path": shown(os.fspath(self.document.path)), **said}}

    @property
    def workdir(self) -> str:
        """The folder that holds the workspaces."""
        said = self.wanted.workdir or self.wanted.arguments.output_dir
        source = self.entry.source(search_folders(self.search, self.entry))
        here = resolve(typed=Options(said), project=project_of(os.fspath(source)) if source else None)
        folder = os.fspath(here.output_dir or "out")
        return os.path.join(folder, "DEBUG") if self.wanted.debug else folder

    def show(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Give the whole as data, typed and with defaults, and the place of each value; imports no code."""
        document = self.document
        folders = search_folders(self.search, self.entry)
        self.entry.check(folders)
        source = self.entry.source(folders)
        schema = schema_in(source, FUNCTION, 1, folders) if source is not None else None
        if schema is None:
            warn(
                f"{self.entry.where}: what run(helper, cfg) takes cannot be told from its source, so nothing is checked"
            )
            data = {**vars(self.base), **document.tree}
        else:
            data = {
                **vars(self.base),
                **validated(schema, document.tree, document.origins, self.ignored(schema.fields)),
            }
        table = document.origins.table(document.tree)
        place = f"default of {schema.name} ({schema.place})" if schema is not None else "default"
        for path in document.origins.table(data):
            table.setdefault(path, place)
        return data, {path: where for path, where in table.items() if _within(path, data)}

    def ignored(self, fields: Any) -> list[str]:
        """Name the keys that mean something to pyexp, and that the class need not have."""
        return [key for key in vars(self.base) if key not in fields]


def _within(path: str, data: Any) -> bool:
    """Tell whether a dotted path is still in the data."""
    for part in path.split("."):
        if isinstance(data, (list, tuple)):
            if not part.isdecimal() or int(part) >= len(data):
                return False
            data = data[int(part)]
        elif isinstance(data, dict) and part in data:
            data = data[part]
        else:
            return False
    return True


def read(reader: Reader, wanted: Wanted) -> ExperimaestroFile:
    """Read a run file of Experimaestro's dialect, with the overrides of the command line.

    Raises
    ------
    PyexpError
        The file or an override is wrong.
    """
    style = ExperimaestroStyle()
    document = reader.read(style)
    document.override(wanted.overrides(), create=True)
    return ExperimaestroFile(document, wanted, style)
