"""What a config may hold: told by a class that was imported, and by its source, the same."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.config.origins import Origins
from dodo_pyexp.config.yaml import parse_yaml
from dodo_pyexp.errors import ConfigError
from dodo_pyexp.runfiles.schema.classes import annotated_parameter, schema_of
from dodo_pyexp.runfiles.schema.configuration import plain
from dodo_pyexp.runfiles.schema.schema import Schema
from dodo_pyexp.runfiles.schema.source import Unknown, schema_in
from dodo_pyexp.runfiles.schema.validating import validated

SOURCE = """
    {future}
    import enum
    import typing as t
    from dataclasses import dataclass, field
    from pathlib import Path
    from typing import Any, ClassVar, Dict, List, Literal, Optional, Tuple, Union

    from pyexp.experiments import configuration
    {imports}

    WIDTH = 2 ** 5

    class Mode(enum.Enum):
        FAST = "fast"
        SLOW = "slow"

    Number = Union[int, float]

    @configuration
    class Model:
        width: int = WIDTH
        mode: Mode = Mode.FAST

    @dataclass
    class Data:
        root: Path
        size: float = 1 / 4
        names: List[str] = field(default_factory=list)

    @configuration
    class Config:
        lr: float
        model: Model = Model(width=4)
        data: Optional[Data] = None
        layers: t.List[int] = [1, 2]
        pair: Tuple[int, str] = (1, "a")
        many: tuple[float, ...] = ()
        table: Dict[str, float] = {{}}
        kind: Literal["a", "b", 3] = "a"
        number: Number = 0
        maybe: int | None = None
        models: list[Model] = []
        flag: bool = False
        text: str = "x"
        path: Path = Path("/tmp")
        anything: Any = None
        constant: ClassVar[int] = 3

    def run(helper, cfg: Config):
        pass
"""


@pytest.fixture(scope="module", params=["", "from __future__ import annotations"], ids=["objects", "texts"])
def module(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("classes") / "configured.py"
    path.write_text(textwrap.dedent(SOURCE).format(future=request.param, imports=""))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(path.parent)
        patch.delitem(sys.modules, "configured", raising=False)
        yield importlib.import_module("configured")
        sys.modules.pop("configured", None)


@cache
def both(module: Any) -> list[Schema]:
    """The schema of the imported class, and of its source; of the source it takes a while, as it follows imports."""
    read = schema_in(Path(module.__file__), "run", 1, [])
    assert read is not None
    return [schema_of(annotated_parameter(module.run, 1)), read]


def form(value: Any) -> Any:
    """Give a value as JSON shows it, so that objects and sections can be compared."""
    if hasattr(value, "__dataclass_fields__"):
        value = vars(value)
    if hasattr(value, "__configuration_fields__"):
        value = plain(value)
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [form(item) for item in value]
    return value if isinstance(value, (int, float, str, type(None))) else str(getattr(value, "value", value))


def checked(schema: Schema, text: str) -> dict[str, Any]:
    located = parse_yaml(text, "a.yml")
    return validated(schema, located.tree, Origins(located.positions))


def test_defaults_are_filled_in(module: Any) -> None:
    expected = {
        "lr": 0.1, "model": {"width": 4, "mode": "fast"}, "data": None, "layers": [1, 2], "pair": [1, "a"], "many": [],
        "table": {}, "kind": "a", "number": 0, "maybe": None, "models": [], "flag": False, "text": "x", "path": "/tmp",
        "anything": None,
    }  # fmt: skip
    for schema in both(module):
        assert form(checked(schema, "lr: 0.1\n")) == expected


GOOD = [
    ("lr: 1\n", "lr", 1.0),
    ("lr: '1e-4'\n", "lr", 1e-4),
    ("lr: 1\nlayers: ['3', 4.0]\n", "layers", [3, 4]),
    ("lr: 1\nflag: 'yes'\n", "flag", True),
    ("lr: 1\nflag: 0\n", "flag", False),
    ("lr: 1\nmodel: {mode: slow}\n", "model", {"width": 32, "mode": "slow"}),
    ("lr: 1\nmodel: {mode: SLOW}\n", "model", {"width": 32, "mode": "slow"}),
    ("lr: 1\ndata: {root: /x}\n", "data", {"root": "/x", "size": 0.25, "names": []}),
    ("lr: 1\ndata: null\n", "data", None),
    ("lr: 1\npair: ['7', b]\n", "pair", [7, "b"]),
    ("lr: 1\nmany: [1, 2]\n", "many", [1.0, 2.0]),
    ("lr: 1\ntable: {a: 1}\n", "table", {"a": 1.0}),
    ("lr: 1\nkind: 3\n", "kind", 3),
    ("lr: 1\nnumber: 0.5\n", "number", 0.5),
    ("lr: 1\nnumber: 5\n", "number", 5),
    ("lr: 1\nmaybe: 5\n", "maybe", 5),
    ("lr: 1\nmodels: [{width: 1}, {}]\n", "models", [{"width": 1, "mode": "fast"}, {"width": 32, "mode": "fast"}]),
    ("lr: 1\nanything: {a: [1]}\n", "anything", {"a": [1]}),
]


@pytest.mark.parametrize(("text", "key", "value"), GOOD, ids=[text.replace("\n", "; ") for text, _, _ in GOOD])
def test_values_are_given_their_types(module: Any, text: str, key: str, value: Any) -> None:
    for schema in both(module):
        found = form(checked(schema, text))[key]
        assert found == value
        assert type(found) is type(value)


BAD = [
    ("lr: 1\nlearning: 2\n", ("a.yml:2", 'unknown key "learning"')),
    ("lr: 1\nmodle: {}\n", ("a.yml:2", 'unknown key "modle" (did you mean "model"')),
    ("lr: 1\nmodel:\n  widht: 2\n", ("a.yml:3", 'unknown key "model.widht" (did you mean "width"?)')),
    ("layers: []\n", ("a.yml:1", 'the key "lr" is missing', "Config (", "a number")),
    ("lr: 1\ndata:\n  size: 1\n", ("a.yml:2", 'data: the key "root" is missing', "Data (", "a path")),
    ("lr: x\n", ("a.yml:1", "lr must be a number, not 'x'")),
    ("lr: true\n", ("a.yml:1", "lr must be a number, not True")),
    ("lr: 1\nlayers:\n- 1\n- x\n", ("a.yml:4", "layers.1 must be a whole number, not 'x'")),
    ("lr: 1\nlayers: 3\n", ("a.yml:2", "layers must be a list (of a whole number), not 3")),
    ("lr: 1\nmodel: 3\n", ("a.yml:2", "model must be a section (Model), not 3")),
    (
        "lr: 1\nmodel: {mode: fats}\n",
        ("a.yml:2", 'model.mode must be one of "fast", "slow", "FAST", "SLOW", not', 'did you mean "fast"'),
    ),
    ("lr: 1\npair: [1]\n", ("a.yml:2", "pair must be a list of 2")),
    ("lr: 1\ntext: 3\n", ("a.yml:2", "text must be text, not 3")),
    ("lr: 1\nflag: maybe\n", ("a.yml:2", "flag must be true or false")),
    ("lr: 1\nmaybe: 1.5\n", ("a.yml:2", "maybe must be a whole number or null")),
    ("lr: 1\ndata: {root: /x, sise: 1}\n", ("a.yml:2", '"data.sise" (did you mean "size"?)')),
    ("lr: 1\nkind: c\n", ("a.yml:2", 'one of "a", "b", 3')),
    ("lr: 1\ntable: [1]\n", ("a.yml:2", "table must be a section, not [1]")),
    ("lr: 1\npath: 3\n", ("a.yml:2", "path must be a path, not 3")),
]


@pytest.mark.parametrize(("text", "says"), BAD, ids=[text.replace("\n", "; ") for text, _ in BAD])
def test_what_does_not_fit_is_one_sentence_with_its_line(module: Any, text: str, says: tuple[str, ...]) -> None:
    for schema in both(module):
        with pytest.raises(ConfigError) as raised:
            checked(schema, text)
        for part in says:
            assert part in str(raised.value)


def test_objects_are_made_of_the_classes(module: Any) -> None:
    values = checked(both(module)[0], "lr: 1\nmodel: {mode: slow}\ndata: {root: /x}\n")
    assert isinstance(values["model"], module.Model)
    assert values["model"].mode is module.Mode.SLOW
    assert isinstance(values["data"], module.Data)
    assert values["path"] == Path("/tmp")
    assert values["pair"] == (1, "a")


def source(tmp_path: Path, text: str, function: str = "run", **others: str) -> Schema | None:
    for name, other in others.items():
        path = tmp_path / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(other))
    path = tmp_path / "exp.py"
    path.write_text(textwrap.dedent(text))
    return schema_in(path, function, 1, [str(tmp_path)])


def test_classes_from_other_modules_are_followed(tmp_path: Path) -> None:
    schema = source(
        tmp_path,
        """
        from lib.configs import Train as Config
        from lib import parts
        from pyexp.experiments import configuration
        @configuration
        class Here(Config):
            part: parts.Part = parts.Part()
        def run(helper, cfg: "Here"): ...
        """,
        lib____init__="",
        lib__configs="from .base import configuration, Base\n@configuration\nclass Train(Base):\n    lr: float = 1\n",
        lib__base="from pyexp.experiments import configuration\n@configuration\nclass Base:\n    seed: int = 3\n",
        lib__parts="from dataclasses import dataclass\n@dataclass\nclass Part:\n    a: int = 1\n",
    )
    assert schema is not None
    assert form(checked(schema, "{}")) == {"seed": 3, "lr": 1, "part": {"a": 1}}


@pytest.mark.parametrize(
    "definition",
    [
        "def run(helper, cfg: C): ...",
        "def other(helper, cfg: C): ...\nrun = ExperimentHelper(other)",
        "def other(helper, cfg: C): ...\nrun = other",
        "@MyHelper.decorator()\ndef run(helper, cfg: C): ...",
        "if True:\n    def run(helper, cfg: C): ...",
    ],
)
def test_the_function_is_found_in_whatever_way_it_is_defined(tmp_path: Path, definition: str) -> None:
    head = "from pyexp.experiments import *\n@configuration\nclass C:\n    a: int = 1\n"
    schema = source(tmp_path, head + definition)
    assert schema is not None
    assert list(schema.fields) == ["a"]


def test_a_default_that_has_to_be_computed_is_shown_as_it_is_written(tmp_path: Path) -> None:
    schema = source(
        tmp_path,
        """
        import os
        @configuration
        class C:
            a: str = os.environ["HOME"]
            b: int = compute(3)
            c: float = field(default=1e-3)
            d: list = field(factory=list)
            e: int = 2 ** 10 + 1
            f: int = 10 ** 10 ** 10
        def run(helper, cfg: C): ...
        """,
    )
    assert schema is not None
    values = checked(schema, "{}")
    assert str(values["a"]) == "<os.environ['HOME']>"
    assert isinstance(values["b"], Unknown)
    assert (values["c"], values["d"], values["e"]) == (1e-3, [], 1025)
    assert isinstance(values["f"], Unknown)
    json.dumps({key: str(value) for key, value in values.items()})


@pytest.mark.parametrize(
    "text",
    ["def run(helper, cfg): ...", "def run(helper): ...", "def run(helper, cfg: Unknown): ...", "run = 3", "x = 1",
     "class C: pass\ndef run(helper, cfg: C): ..."],
)  # fmt: skip
def test_what_cannot_be_told_is_none(tmp_path: Path, text: str) -> None:
    assert source(tmp_path, text) is None


def test_classes_that_refer_to_each_other_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
        from typing import List
        from pyexp.experiments import configuration

        @configuration
        class Node:
            value: int = 0
            below: List["Node"] = []
            beside: "list[Node]" = []

        def run(helper, cfg: Node): ...
        """
    read = source(tmp_path, text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "exp", raising=False)  # another test's
    imported = importlib.import_module("exp")
    for schema in (read, schema_of(imported.Node)):
        assert schema is not None
        found = form(checked(schema, "below: [{value: 1, beside: [{}]}]\n"))["below"][0]["beside"]
        assert found == [{"value": 0, "below": [], "beside": []}]
        with pytest.raises(ConfigError, match=r'"below\.0\.valeu" \(did you mean "value"'):
            checked(schema, "below: [{valeu: 1}]\n")
    sys.modules.pop("exp")


def test_an_annotation_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    from dodo_pyexp.runfiles.schema.configuration import configuration

    @configuration
    class Odd:
        x: "NoSuchThing" = 1  # type: ignore[name-defined, assignment]  # noqa: F821, UP037  # what it is about

    with pytest.raises(ConfigError, match=r"annotation of x in Odd .*NoSuchThing.* cannot be read"):
        schema_of(Odd)
