"""Saving configs as JSON with every type kept."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, Flag, IntEnum, StrEnum
from pathlib import Path, PureWindowsPath
from types import ModuleType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.encode import TAG, decode, dumps_config, encode, loads_config
from dodo_pyexp.config.hashing import hash_value
from dodo_pyexp.errors import ConfigTypeError, DamagedFile


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


class Mode(StrEnum):
    FAST = "fast"


class Access(Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: int
    y: Any


class Stamp(datetime):
    pass


class Day(date):
    pass


class Bytes(bytes):
    pass


class Loud(str):
    pass


class Words(list):
    pass


MISNAMED = namedtuple("Other", "a")


def local_enum():
    class Local(Enum):
        ONE = 1

    return Local


def local_tuple():
    class Local(NamedTuple):
        a: int

    return Local


def through_json(value):
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


def exactly(value):
    """Give a form in which values are equal only when their types are, too."""
    if isinstance(value, dict):
        return ["dict", [[exactly(key), exactly(item)] for key, item in value.items()]]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, [exactly(item) for item in value]]
    if isinstance(value, (set, frozenset)):
        return [type(value).__name__, sorted(repr(exactly(item)) for item in value)]
    return [type(value).__name__, repr(value)]


@pytest.mark.parametrize(
    "value",
    [
        Path("/a/b"),
        (1, (2, [3])),
        {1, 2},
        frozenset({1, (2, 3)}),
        b"\x00\xff",
        date(2024, 1, 2),
        datetime(2024, 1, 2, 3, 4, 5, 6),
        datetime(2024, 1, 2, tzinfo=UTC),
        datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        float("nan"),
        float("inf"),
        float("-inf"),
        -0.0,
        {1: "a", None: "b", 2.5: "c", "d": "e"},
        {True: "a"},
        {(1, 2): "a", Path("x"): "b", float("inf"): "c"},
        {TAG: 1},
        {TAG: "path", "value": "/a"},
        {"x": {TAG: {TAG: (1,)}}},
        {},
        "",
        10**30,
        [10**4000],
        "a\udcff",
        {"a\ud800": Path("a\udcff")},
        Colour.RED,
        Size.BIG,
        Mode.FAST,
        Access.WRITE,
        Access.READ | Access.WRITE,
        Access(0),
        {Colour.RED: {Mode.FAST, "fast"}},
        Point(1, Point(2, Colour.RED)),
        {Point(1, 2): 1},
        np.float64(0.1),
        np.float32(0.1),
        np.float16("nan"),
        np.int8(-3),
        np.uint64(2**64 - 1),
        np.bool_(False),
        np.str_("a"),
        np.str_("a\0"),
        np.bytes_(b"a"),
        np.bytes_(b"a\0"),
        datetime(2024, 1, 2, tzinfo=ZoneInfo("Europe/Paris")),
        datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Paris")),
        datetime(2020, 10, 25, 2, 30, fold=1),
    ],
)
def test_every_type_comes_back(value):
    assert exactly(through_json({"x": [value]})) == exactly({"x": [value]})


def test_an_ordinary_config_is_saved_as_it_is():
    config = Config(name="a", model={"width": 3, "sizes": [1, 2]}, lr=0.1, on=True, none=None)
    assert encode(config) is config
    assert json.loads(dumps_config(config)) == config


def test_a_dict_of_any_type_comes_back_as_one():
    assert exactly(through_json(OrderedDict(a=1))) == exactly({"a": 1})


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Stamp(2024, 1, 2), "datetime"),
        (Day(2024, 1, 2), "date"),
        (Bytes(b"x"), "bytes"),
        (Loud("x"), "str"),
        (Words(["x"]), "list"),
        (PureWindowsPath("a"), "pathlib.Path"),
    ],
)
def test_what_would_lose_its_type_is_refused(value, plain):
    """As `pandas.Timestamp` is a datetime, and `NaT`."""
    message = rf"^lr holds .*{type(value).__name__}, which would come back as a plain {plain}; make it one$"
    for write in (encode, hash_value):
        with pytest.raises(ConfigTypeError, match=message):
            write({"lr": value})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([10**5000], "a whole number of 5,000 digits"),
        ({-(10**5000): 1}, "a whole number of 5,000 digits"),
        (local_enum().ONE, "a class inside a function"),
        (local_tuple()(1), "a class inside a function"),
        (MISNAMED(1), "cannot be found again"),
        (datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=2), "X")), "a time with a datetime.timezone"),
        (np.datetime64("2024-01-02"), "a numpy.datetime64"),
        (np.complex64(1), "a numpy.complex64"),
        (np.void(b"x"), "a numpy.void"),
        (ZoneInfo("UTC"), "a zoneinfo.ZoneInfo"),
    ],
)
def test_what_cannot_be_found_again_is_refused(value, message):
    for write in (encode, hash_value):
        with pytest.raises(ConfigTypeError, match=message):
            write({"x": [value]})


SAVED_ENUM = '{"__pyexp__": "enum", "value": ["%s", "%s", "RED", "red"]}'
SAVED_TUPLE = '{"__pyexp__": "namedtuple", "value": ["nowhere", "Point", [1, {"__pyexp__": "path", "value": "a"}]]}'


@pytest.mark.parametrize("name", [("nowhere", "Colour"), (__name__, "Nothing"), (__name__, "np"), ("os", "path.join")])
def test_where_its_class_is_not_there_a_value_is_what_it_counts_as(name):
    assert loads_config('{"a": %s}' % (SAVED_ENUM % name)).a == "red"
    assert loads_config(f'{{"a": {SAVED_TUPLE}}}').a == (1, Path("a"))


def test_a_member_that_is_gone_is_what_it_counts_as():
    saved = SAVED_ENUM % (__name__, "Colour")
    assert loads_config(f'{{"a": {saved.replace("RED", "GREEN").replace("red", "green")}}}').a == "green"


def test_reading_imports_nothing(monkeypatch, tmp_path):
    (tmp_path / "hostile.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert loads_config('{"a": %s}' % (SAVED_ENUM % ("hostile", "Colour"))).a == "red"


@pytest.mark.parametrize("raised", ["RuntimeError('another ABI')", "SystemExit(3)", "ImportError('libblas')"])
def test_a_numpy_that_is_damaged_is_as_one_that_is_not_there(monkeypatch, tmp_path, raised):
    saved = dumps_config({"a": np.float32(1.5)})
    (tmp_path / "numpy.py").write_text(f"raise {raised}")
    (tmp_path / "shades.py").write_text("import numpy")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "numpy")
    assert repr(loads_config(saved).a) == "1.5"
    for text in (saved, '{"a": %s}' % (SAVED_ENUM % ("shades", "Colour"))):
        with pytest.raises(ImportError, match="of which the config holds a value, is not there any more, or is dama"):
            pickle.loads(pickle.dumps(loads_config(text, lambda kept: kept)))


def test_what_is_kept_becomes_the_value_where_it_is_unpickled(monkeypatch, tmp_path):
    """So a past attempt gets the enums of its own code, whatever is imported in the process that starts it."""
    config = loads_config('{"a": %s}' % (SAVED_ENUM % ("shades", "Colour")), lambda kept: kept)
    assert (str(config.a), repr(config), hash_value(config)) == ("'red'", "a: red", hash_value({"a": "red"}))
    assert json.loads(dumps_config(config))["a"]["value"] == ["shades", "Colour", "RED", "red"]
    pickled = pickle.dumps(config)
    with pytest.raises(ImportError, match=r"shades\.Colour, of which the config holds a value, is not there any more"):
        pickle.loads(pickled)
    (tmp_path / "shades.py").write_text("import enum\nclass Colour(enum.Enum):\n    RED = 'red'\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert pickle.loads(pickled).a is importlib.import_module("shades").Colour.RED


def test_a_class_of_a_script_is_found_however_the_script_is_called(monkeypatch):
    script = ModuleType("__main__")
    script.__file__ = "/somewhere/train.py"
    exec("import enum\nclass Colour(enum.Enum):\n    RED = 'red'\n", vars(script))
    monkeypatch.setitem(sys.modules, "__main__", script)
    saved = dumps_config({"a": script.Colour.RED})
    assert json.loads(saved)["a"]["value"][:2] == ["train", "Colour"]
    assert loads_config(saved).a is script.Colour.RED
    for name in ("train", "lab.train"):
        module = ModuleType(name)
        module.Colour = Enum("Colour", {"RED": "red"}, module=name)
        monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        monkeypatch.setitem(sys.modules, name, module)
        assert loads_config(saved).a is module.Colour.RED
        monkeypatch.delitem(sys.modules, name)


def test_loading_gives_a_config_at_every_depth():
    config = loads_config(dumps_config({"a": {"b": {1: {"c": (2,)}}}}))
    assert config.a.b[1].c == (2,)


def test_the_text_is_indented_unless_told_otherwise():
    assert dumps_config({"a": 1}) == '{\n  "a": 1\n}'
    assert dumps_config({"a": 1}, indent=None) == '{"a": 1}'


def test_what_cannot_be_saved_is_refused_by_its_key_path():
    with pytest.raises(ConfigTypeError, match=r'^config "a": model.0.fn holds a function'):
        encode({"model": [{"fn": len}]}, 'config "a"')
    with pytest.raises(ConfigTypeError, match=r"^model holds a function"):
        dumps_config({"model": print})
    with pytest.raises(ConfigTypeError, match=r"^the config holds an object"):
        encode(object())


def test_an_endless_value_is_refused():
    endless: list = []
    endless.append(endless)
    with pytest.raises(ConfigTypeError, match="contains itself"):
        encode(endless)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"a": 1',
        "[1]",
        "3",
        '{"__pyexp__": "unknown", "value": 1}',
        '{"a": {"__pyexp__": "path"}}',
        '{"a": {"__pyexp__": "datetime", "value": "no"}}',
        '{"a": {"__pyexp__": "dict", "value": [[1]]}}',
        '{"a": {"__pyexp__": ["x"], "value": 1}}',
        '{"a": {"__pyexp__": "set", "value": [[1]]}}',
        '{"__pyexp__": "path", "value": "a"}',
        "[" * 100000,
    ],
)
def test_a_damaged_text_is_told_in_one_sentence(text):
    with pytest.raises(DamagedFile, match="a saved config"):
        loads_config(text)


atoms = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
keys = st.text(max_size=3) | st.integers() | st.booleans() | st.none() | st.sampled_from([TAG, "value"])
zones = st.none() | st.just(UTC) | st.sampled_from(["Europe/Paris", "UTC", "Asia/Kolkata"]).map(ZoneInfo)
moments = st.datetimes(timezones=zones, allow_imaginary=True)
classes = st.sampled_from([Colour.RED, Size.BIG, Mode.FAST, Access.READ, Access.READ | Access.WRITE])
numpys = (
    st.floats(width=32, allow_nan=False).map(np.float32)
    | st.floats(allow_nan=False).map(np.float64)
    | st.integers(-128, 127).map(np.int8)
    | st.booleans().map(np.bool_)
    | st.text(max_size=3).map(np.str_)
)
texts = st.text(st.characters(), max_size=4)  # half a surrogate pair among them
members = (
    texts
    | atoms
    | st.binary(max_size=3)
    | st.dates()
    | moments
    | st.text("ab/", max_size=4).map(Path)
    | classes
    | numpys
)
values = st.recursive(
    members | st.frozensets(members, max_size=3) | st.sets(members, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.builds(Point, inner, inner)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(values)
def test_decoding_undoes_encoding_with_all_types_and_the_hash_is_the_same(value):
    try:
        digest = hash_value(value)
    except ConfigTypeError as error:  # a member of a set that counts as another one: `Mode.FAST`, "fast"
        assert "two" in str(error)
        return
    back = through_json(value)
    assert exactly(back) == exactly(value)
    assert hash_value(back) == digest


@settings(max_examples=60)
@given(st.dictionaries(keys, values, max_size=4))
def test_configs_come_back_from_text(tree):
    assert loads_config(dumps_config(tree)) == Config(tree)
