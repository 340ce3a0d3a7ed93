"""The shape of the house: arrows point down, modules stay small, and `import pyexp` stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from dodo_pyexp.store import paths

ROOT = Path(__file__).resolve().parents[1]
ENGINE = "dodo_pyexp"
TESTS = ROOT / "tests"

# From the top down: a room may import from the rooms behind it in this list, and from itself.
ROOMS = [
    "pyexp",
    "cli",
    "runfiles",
    "decorator",
    "experiment",
    "arguments",
    "script",
    "building",
    "tasks",
    "reporting",
    "running",
    "history",
    "cleaning",
    "planning",
    "executors",
    "provenance",
    "results",
    "store",
    "config",
    "collection",
    "colour",
    "flushing",
    "main_module",
    "importing",
    "namesakes",
    "libraries",
    "bytecode",
    "later",
    "telling",
    "standard",
    "errors",
    "engine",
    "characters",
    "interchange",
    "printable",
]
HEAVY = ["asyncio", "doit", "git", "matplotlib", "numpy", "ray", "rich", "tabulate", "yaml"]

FILES = sorted([*(ROOT / ENGINE).rglob("*.py"), *(ROOT / "pyexp").rglob("*.py")])


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


@cache
def syntax(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def room(module: str) -> str | None:
    """Give the room a module stands in; None for the engine's front page, which anyone may read."""
    top, *rest = module.split(".")
    return "pyexp" if top == "pyexp" else rest[0] if rest else None


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def import_nodes(node: ast.AST, *, lazy: bool, types: bool = False) -> Iterator[ast.Import | ast.ImportFrom]:
    """Walk to the imports: those in functions only if `lazy`, those for the type checker only if `types`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and is_type_checking(child.test) and not types:
            for other in child.orelse:
                yield from import_nodes(ast.Module([other], []), lazy=lazy)
        elif lazy or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from import_nodes(child, lazy=lazy, types=types)


def imports(module: str, *, lazy: bool, types: bool = False) -> Iterator[tuple[int, str]]:
    """Give the line and the full name of every module of ours that `module` imports."""
    is_package = MODULES[module].name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    for node in import_nodes(syntax(module), lazy=lazy, types=types):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        else:
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, *([node.module] if node.module else [])])
            # `from package import name`: the name may be a module itself.
            full = [f"{base}.{alias.name}" for alias in node.names]
            found = [name if name in MODULES else base for name in full]
        for name in found:
            if name.split(".")[0] in (ENGINE, "pyexp"):
                yield node.lineno, name


def test_the_modules_are_found() -> None:
    assert {"pyexp", ENGINE, f"{ENGINE}.errors"} <= MODULES.keys()


def test_every_module_stands_in_a_room() -> None:
    assert not {module: here for module in MODULES if (here := room(module)) not in (None, *ROOMS)}


def test_every_import_points_down() -> None:
    ranks = {None: len(ROOMS)} | {name: rank for rank, name in enumerate(ROOMS)}
    upward = [
        f"{MODULES[module].relative_to(ROOT)}:{line} imports {name}"
        for module in MODULES
        for line, name in imports(module, lazy=True, types=True)
        if (there := room(name)) is not None and ranks.get(there, -1) < ranks.get(room(module), -1)
    ]
    assert not upward


def test_what_runs_what_looks_back_and_what_cleans_do_not_know_each_other() -> None:
    apart = {"running", "history", "cleaning"}
    assert not [
        f"{module} imports {name}"
        for module in MODULES
        for _, name in imports(module, lazy=True)
        if room(module) != room(name) and {room(module), room(name)} <= apart
    ]


def test_doit_is_known_in_one_room() -> None:
    """No other module imports doit, looks for its modules, or names them; but for a list of libraries."""
    assert not [
        f"{MODULES[module].relative_to(ROOT)}:{node.lineno}"
        for module in MODULES
        if room(module) not in ("tasks", "libraries")
        for node in ast.walk(syntax(module))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "doit" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "doit")
        or (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"doit(\.\w+)*", node.value)
        )
    ]


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports in functions, and those for the type checker, count as well."""
    graph = {
        module: {name for _, name in imports(module, lazy=True, types=True)} & MODULES.keys() for module in MODULES
    }
    finished: set[str] = set()

    def circle(module: str, trail: list[str]) -> list[str]:
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module not in finished:
            for name in sorted(graph[module] - {module}):
                if found := circle(name, [*trail, module]):
                    return found
            finished.add(module)
        return []

    assert not [" -> ".join(found) for module in graph if (found := circle(module, []))]


def test_a_module_says_what_it_is() -> None:
    assert not [module for module in MODULES if not ast.get_docstring(syntax(module))]


def test_a_module_has_at_most_500_lines() -> None:
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert not {module: count for module, count in lines.items() if count > 500}


def test_a_folder_has_at_most_25_modules() -> None:
    folders = Counter(path.parent for path in MODULES.values() if path.name != "__init__.py")
    assert not {str(folder.relative_to(ROOT)): count for folder, count in folders.items() if count > 25}


def test_the_folder_of_the_engine_is_found_in_one_place() -> None:
    """Nobody else counts how many folders there are between a module and the engine's own."""
    assert not [
        f"{module}:{node.lineno}"
        for module in MODULES
        if module != f"{ENGINE}.engine"
        for node in ast.walk(syntax(module))
        if isinstance(node, ast.Call) and re.fullmatch(r"(os\.path\.dirname\(){2}.*__file__.*", ast.unparse(node))
    ]


def covered(folder: Path) -> dict[str, str]:
    """Read which test file stands in for those that modules of a room do not have."""
    path = folder / "conftest.py"
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
    return next(
        (
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COVERED"
        ),
        {},
    )


def test_each_module_has_a_test_file_or_a_line_that_names_one() -> None:
    wrong = []
    for module, path in MODULES.items():
        if path.name == "__init__.py" or module.split(".")[0] != ENGINE:
            continue
        folder = TESTS / path.relative_to(ROOT / ENGINE).parent
        own, named = folder / f"test_{path.stem}.py", covered(folder).get(path.stem)
        if named is None:
            wrong += [] if own.exists() else [f"{module} has no test"]
        elif own.exists():
            wrong.append(f"{module} has a test of its own, and needs no line")
        elif not any((place / named).is_file() for place in (folder, TESTS)):
            wrong.append(f"{module}: there is no {named}")
    assert not wrong


def test_a_line_that_names_a_test_is_about_a_module() -> None:
    assert not [
        f"{conftest}: {name}"
        for conftest in TESTS.rglob("conftest.py")
        for name in covered(conftest.parent)
        if not (ROOT / ENGINE / conftest.parent.relative_to(TESTS) / f"{name}.py").is_file()
    ]


def test_no_module_is_a_heap_of_utilities() -> None:
    assert not [module for module in MODULES if "util" in module]


def test_both_packages_are_marked_as_typed() -> None:
    assert (ROOT / "pyexp" / "py.typed").is_file()
    assert (ROOT / ENGINE / "py.typed").is_file()


# What these open lies elsewhere: pyproject.toml, code, what the kernel tells, a node's own folder.
OPENS_OTHER_FILES = {"planning.options", "executors.memory", "executors.ray.sender"}
OPENERS = {"store.opening", "store.atomic"}
READS_OUTPUT = [*ROOMS[ROOMS.index("building") : ROOMS.index("executors") + 1], "cli", "results", "store"]


def opens_for_reading(call: ast.AST) -> bool:
    """Tell whether a call opens a file for reading that may lie anywhere."""
    if not isinstance(call, ast.Call):
        return False
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in ("read_text", "read_bytes") and not isinstance(call.func.value, ast.Name)
    if not isinstance(call.func, ast.Name) or call.func.id != "open":
        return False
    path, *modes = [ast.unparse(argument).strip("f'\"") for argument in call.args]
    return not path.startswith("/proc/") and not (modes and modes[0][0] in "wx")


def test_files_of_the_output_folder_are_opened_in_one_place() -> None:
    """Whatever has taken the place of a file there, `store/opening.py` neither waits for it nor drowns in it."""
    found = [
        f"{module}:{node.lineno}"
        for module in MODULES
        if room(module) in READS_OUTPUT and module.removeprefix(f"{ENGINE}.") not in OPENS_OTHER_FILES | OPENERS
        for node in ast.walk(syntax(module))
        if opens_for_reading(node)
    ]
    assert not found


def test_names_in_the_output_folder_stand_in_one_place() -> None:
    names = (paths.FINISHED, paths.STATUS, paths.LOG, paths.COMMIT, paths.CONFIG, paths.CONFIG_YML, paths.RESULT)
    names += (paths.PICKLE, paths.BATCHES, paths.LOCKS, paths.DOIT_DB)
    assert not [
        f"{MODULES[module].relative_to(ROOT)}:{node.lineno} {node.value}"
        for module in MODULES
        # Expyrun's own folders have files of the same names.
        if module not in (f"{ENGINE}.store.paths", f"{ENGINE}.runfiles.expyrun.folder")
        for node in ast.walk(syntax(module))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value in names or (node.value.endswith(tuple(f"/{name}" for name in names)) and " " not in node.value)
    ]


def loaded_by(statement: str) -> set[str]:
    """Give the modules that a fresh interpreter holds after a statement."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_pyexp_imports_nothing_heavy() -> None:
    assert not loaded_by("import pyexp") & set(HEAVY)


def test_a_heavy_module_would_be_noticed() -> None:
    assert "yaml" in loaded_by("import yaml")
