"""The schema of a class, read from its source: nothing is imported, so ``--show`` is fast and no import can fail.

Implements: Experimaestro guide, "Previewing the merged configuration". What cannot be told from the source alone, such
as a default that has to be computed, is shown as it is written; a type that is not understood takes anything.
"""

from __future__ import annotations

import ast
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config.inputs import File, Folder
from ...store.paths import shown
from ..entry import defined_names, find_module
from .classes import schema_of
from .configuration import ConfigurationBase
from .paths import InputType, PathType
from .schema import ANY, Atom, Choice, Either, Field, Fixed, Items, Schema, Table, Type

_ATOMS = {"str": str, "int": int, "float": float, "bool": bool, "None": type(None)}
_PATHS = ("Path", "PurePath", "PosixPath", "PurePosixPath")
_INPUTS = {"File": File, "Folder": Folder}
_LISTS = ("list", "List", "Sequence", "Iterable", "Collection")
_SETS = ("set", "Set", "MutableSet", "frozenset", "FrozenSet", "AbstractSet")
_TABLES = ("dict", "Dict", "Mapping", "MutableMapping")
_DECORATORS = ("configuration", "dataclass", "define", "frozen", "mutable", "s", "dataclasses.dataclass")
_ENUMS = ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")
_DEPTH = 30


@dataclass(frozen=True)
class Unknown:
    """A default that only executing code can tell.

    Parameters
    ----------
    text
        How it is written.
    """

    text: str

    def __str__(self) -> str:
        return f"<{self.text}>"


def schema_in(source: Path, function: str, index: int, folders: list[str]) -> Schema | None:
    """Give the schema that a parameter of a function is annotated with; None if that cannot be told.

    Parameters
    ----------
    source
        The Python file.
    function
        The name of the function in it.
    index
        Which parameter.
    folders
        Where modules are found that it imports.

    Raises
    ------
    ConfigError
        The file is no valid Python.
    """
    reading = _Reading(folders)
    found = reading.module(source).function(function, 0)
    if found is None:
        return None
    module, node = found
    parameters = [*node.args.posonlyargs, *node.args.args]
    if index >= len(parameters) or parameters[index].annotation is None:
        return None
    kind = module.type(parameters[index].annotation)
    return kind if isinstance(kind, Schema) else None


class _Reading:
    """Reads modules; each once."""

    def __init__(self, folders: list[str]) -> None:
        self.folders = [*folders, *sys.path]
        self._modules: dict[str, _Module] = {}

    def module(self, source: Path) -> _Module:
        key = os.path.realpath(source)
        if key not in self._modules:
            self._modules[key] = _Module(self, source)
        return self._modules[key]

    def imported(self, name: str, level: int, source: Path) -> _Module | None:
        """Find a module that another one imports from."""
        if level:
            folder = source.parent
            for _ in range(level - 1):
                folder = folder.parent
            found = find_module(name, [os.fspath(folder)]) if name else folder / "__init__.py"
        else:
            found = find_module(name, self.folders)
        if found is None or found.suffix != ".py" or not os.path.isfile(found):
            return None
        return self.module(found)


class _Module:
    """One module, as its source has it."""

    def __init__(self, reading: _Reading, source: Path) -> None:
        defined_names(source)  # tells what is wrong with the file, if anything is
        self._reading = reading
        self._source = source
        self._schemas: dict[str, Schema] = {}
        self._nodes: dict[str, ast.AST] = {}
        self._imports: dict[str, tuple[str, int, str]] = {}
        self._walk(ast.parse(source.read_bytes()).body)

    def _walk(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                self._nodes[node.name] = node
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self._nodes[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                self._nodes[node.target.id] = node.value
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._imports[alias.asname or alias.name] = (node.module or "", node.level, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.split(".")[0]
                    self._imports[alias.asname or name] = (name, 0, "")
            elif isinstance(node, ast.If | ast.Try):
                self._walk([*node.body, *node.orelse])

    # -- names --------------------------------------------------------------------------------------------------

    def find(self, name: str, depth: int = 0) -> tuple[_Module, ast.AST] | None:
        """Find what a name, which may be dotted, stands for, here or where it is imported from."""
        if depth > _DEPTH:
            return None
        head, _, rest = name.partition(".")
        if head in self._nodes:
            return None if rest else (self, self._nodes[head])
        if head not in self._imports:
            return None
        module, level, inside = self._imports[head]
        home = self._reading.imported(module, level, self._source)
        if inside and not rest:
            found = home.find(inside, depth + 1) if home is not None else None
            return found
        if inside:
            below = self._reading.imported(f"{module}.{inside}" if module else inside, level, self._source)
            return below.find(rest, depth + 1) if below is not None else None
        return home.find(rest, depth + 1) if home is not None and rest else None

    def function(self, name: str, depth: int) -> tuple[_Module, ast.FunctionDef] | None:
        """Find a function, also behind ``run = Helper(function)``."""
        found = self.find(name)
        if found is None or depth > _DEPTH:
            return None
        module, node = found
        if isinstance(node, ast.FunctionDef):
            return module, node
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[-1], ast.Name):
            return module.function(node.args[-1].id, depth + 1)
        return module.function(node.id, depth + 1) if isinstance(node, ast.Name) else None

    # -- types --------------------------------------------------------------------------------------------------

    def type(self, node: ast.expr | None, depth: int = 0) -> Type:
        """Give the type that an annotation means."""
        if node is None or depth > _DEPTH:
            return ANY
        if isinstance(node, ast.Constant):
            if node.value is None:
                return Atom(type(None))
            return self.type(_parsed(node.value), depth + 1) if isinstance(node.value, str) else ANY
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return Either((self.type(node.left, depth + 1), self.type(node.right, depth + 1)))
        if isinstance(node, ast.Subscript):
            inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return self._generic(_last(node.value), inside, depth)
        return self._named(_dotted(node), depth)

    def _named(self, name: str, depth: int) -> Type:
        last = name.rpartition(".")[2]
        if name in _ATOMS:
            return Atom(_ATOMS[name])
        if last in _PATHS:
            return PathType(str)
        if last in _INPUTS:
            return InputType(_INPUTS[last])
        if last in _LISTS or last in _SETS or last in ("tuple", "Tuple"):
            return Items()
        if last in _TABLES:
            return Table()
        found = self.find(name)
        if found is None:
            return schema_of(ConfigurationBase) if last == "ConfigurationBase" else ANY
        module, node = found
        if isinstance(node, ast.ClassDef):
            return module.class_type(node)
        return module.type(node, depth + 1) if isinstance(node, ast.expr) else ANY  # an alias

    def _generic(self, name: str, inside: list[ast.expr], depth: int) -> Type:
        if name == "Literal":
            values = [one.value for one in inside if isinstance(one, ast.Constant)]
            return Choice(tuple((value, value) for value in values)) if len(values) == len(inside) else ANY
        kinds = [self.type(one, depth + 1) for one in inside]
        if name == "Optional":
            return Either((kinds[0], Atom(type(None))))
        if name == "Union":
            return Either(tuple(kinds))
        if name in ("Annotated", "Final"):
            return kinds[0]
        if name in _LISTS or name in _SETS:
            return Items(kinds[0])
        if name in ("tuple", "Tuple"):
            if len(inside) == 2 and isinstance(inside[1], ast.Constant) and inside[1].value is Ellipsis:
                return Items(kinds[0])
            return Fixed(tuple(kinds))
        return Table(kinds[0], kinds[1]) if name in _TABLES and len(kinds) == 2 else ANY

    def class_type(self, node: ast.ClassDef) -> Type:
        """Give the type that a class means."""
        if any(_last(base) in _ENUMS for base in node.bases):
            return _enum(node)
        if node.name in self._schemas:
            return self._schemas[node.name]
        decorated = any(
            _last(one.func if isinstance(one, ast.Call) else one) in _DECORATORS for one in node.decorator_list
        )
        if not decorated:
            return ANY
        line = node.decorator_list[0].lineno
        schema = self._schemas[node.name] = Schema(node.name, f"{shown(os.fspath(self._source))}:{line}")
        for base in reversed(node.bases):
            kind = self.type(base)
            if isinstance(kind, Schema):
                schema.fields.update(kind.fields)
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                text = ast.unparse(item.annotation)
                if not text.removeprefix("typing.").startswith("ClassVar"):
                    schema.fields[item.target.id] = self._field(item)
        return schema

    def _field(self, node: ast.AnnAssign) -> Field:
        kind = self.type(node.annotation)
        value = node.value
        if isinstance(value, ast.Call) and _last(value.func) in ("field", "ib", "attrib"):
            said = {keyword.arg: keyword.value for keyword in value.keywords}
            factory = said.get("default_factory", said.get("factory"))
            if factory is not None:
                value = ast.Call(factory, [], [])
                ast.copy_location(value, factory)
            else:
                value = said.get("default")
        if value is None:
            return Field(kind)
        default = self.value(value)
        return Field(kind, required=False, default=lambda: default)

    # -- values -------------------------------------------------------------------------------------------------

    def value(self, node: ast.expr, depth: int = 0) -> Any:
        """Give the value of a default, as JSON can hold it; as it is written, if only executing it could tell."""
        unknown = Unknown(ast.unparse(node))
        if depth > _DEPTH:
            return unknown
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            pass
        if isinstance(node, ast.BinOp):
            return _computed(node.op, self.value(node.left, depth + 1), self.value(node.right, depth + 1), unknown)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return [self.value(one, depth + 1) for one in node.elts]
        if isinstance(node, ast.Call):
            return self._call(node, unknown, depth)
        if isinstance(node, ast.Lambda):
            return self.value(node.body, depth + 1)
        name = _dotted(node)
        found = self.find(name) if name else None
        if found is None and "." in name:
            owner, _, member = name.rpartition(".")
            found = self.find(owner)
            if found is not None and isinstance(found[1], ast.ClassDef):
                kind = found[0].class_type(found[1])
                members = dict(_members(found[1])) if isinstance(kind, Choice) else {}
                return members.get(member, unknown)
            return unknown
        if found is not None and isinstance(found[1], ast.expr):
            return found[0].value(found[1], depth + 1)
        return unknown

    def _call(self, node: ast.Call, unknown: Unknown, depth: int) -> Any:
        name = _last(node.func)
        if name in _PATHS and len(node.args) == 1:
            return self.value(node.args[0], depth + 1)
        if name in ("list", "dict", "set", "tuple") and not node.args and not node.keywords:
            return {} if name == "dict" else []
        kind = self._named(_dotted(node.func), depth) if not node.args else ANY
        if isinstance(kind, Schema) and all(keyword.arg for keyword in node.keywords):
            given = {str(keyword.arg): self.value(keyword.value, depth + 1) for keyword in node.keywords}
            return {
                key: given.get(key, None if wanted.required else wanted.default())
                for key, wanted in kind.fields.items()
            }
        return unknown


def _enum(node: ast.ClassDef) -> Choice:
    members = _members(node)
    values = [(value, value) for _, value in members]
    taken = [value for value, _ in values]
    return Choice(tuple([*values, *((name, value) for name, value in members if name not in taken)]))


def _members(node: ast.ClassDef) -> list[tuple[str, Any]]:
    """Give the members of an enum with their values, as far as they are plain."""
    found: list[tuple[str, Any]] = []
    for item in node.body:
        if isinstance(item, ast.Assign) and len(item.targets) == 1 and isinstance(item.targets[0], ast.Name):
            name = item.targets[0].id
            if isinstance(item.value, ast.Constant):
                found.append((name, item.value.value))
            elif isinstance(item.value, ast.Call) and _last(item.value.func) == "auto":
                text = any(_last(base) == "StrEnum" for base in node.bases)
                found.append((name, name.lower() if text else len(found) + 1))
    return found


def _computed(operation: ast.operator, left: Any, right: Any, unknown: Unknown) -> Any:
    """Compute with plain numbers and texts, and only what cannot take long."""
    if not isinstance(left, (int, float, str)) or not isinstance(right, (int, float, str)):
        return unknown
    number = isinstance(left, (int, float)) and isinstance(right, (int, float))
    try:
        if isinstance(operation, ast.Add):
            return left + right  # type: ignore[operator]  # a mixture raises, as it would in the user's code
        if not number:
            return unknown
        if isinstance(operation, ast.Sub):
            return left - right  # type: ignore[operator]  # numbers
        if isinstance(operation, ast.Mult):
            return left * right  # type: ignore[operator]  # numbers
        if isinstance(operation, ast.Div):
            return left / right  # type: ignore[operator]  # numbers
        if isinstance(operation, ast.FloorDiv):
            return left // right  # type: ignore[operator]  # numbers
        if isinstance(operation, ast.Pow) and abs(left) < 1e6 and abs(right) < 100:  # type: ignore[arg-type]  # numbers
            return left**right  # type: ignore[operator]  # numbers
    except (TypeError, ArithmeticError, ValueError):
        pass
    return unknown


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _dotted(node: ast.AST) -> str:
    """Give a dotted name as it is written; nothing for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inside = _dotted(node.value)
        return f"{inside}.{node.attr}" if inside else ""
    return ""


def _last(node: ast.AST) -> str:
    return _dotted(node).rpartition(".")[2]
