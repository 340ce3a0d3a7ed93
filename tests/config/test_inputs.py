"""Files and folders as values in a config: how they are written, read, compared, and handed to the function."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.encode import dumps_config, loads_config
from dodo_pyexp.config.hashing import hash_config
from dodo_pyexp.config.inputs import File, Folder, as_path, inputs_in, replaced, rooted
from dodo_pyexp.config.interpolation import Resolver, escaped, variables_in
from dodo_pyexp.config.origins import Origins
from dodo_pyexp.config.typed import typed_like
from dodo_pyexp.config.yaml import parse_yaml
from dodo_pyexp.config.yaml_writer import dump_yaml
from dodo_pyexp.errors import ConfigError, ConfigTypeError

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(NAMES)
def test_an_input_comes_back_as_it_was_written(name: str) -> None:
    config = Config(data=File(name), more=[Folder(name), {"deep": (File("a"),)}])
    again = loads_config(dumps_config(config))
    assert again == config and type(again.data) is File and type(again.more[0]) is Folder
    assert hash_config(again) == hash_config(config)
    assert pickle.loads(pickle.dumps(config)) == config


def test_a_name_that_is_not_in_utf8_is_kept() -> None:
    value = File(os.fsdecode(b"caf\xe9.csv"))
    assert loads_config(dumps_config({"data": value})).data == value
    assert "!file" in dump_yaml({"data": value})


def test_the_path_as_it_is_written_is_what_counts() -> None:
    values: list[Any] = ["a", Path("a"), File("a"), Folder("a"), File("./a")]
    assert len({hash_config({"data": value}) for value in values}) == len(values)
    assert File("a") == File(Path("a")) == File(File("a")) and File("a") != Folder("a")
    assert len({File("a"), File("a"), Folder("a")}) == 2


def test_yaml_has_tags_for_them() -> None:
    tree = parse_yaml("data: !file data/train.csv\nimages: [!folder 'my images/']\n", "a.yml").tree
    assert tree == {"data": File("data/train.csv"), "images": [Folder("my images/")]}
    assert parse_yaml(dump_yaml(tree), "b.yml").tree == tree


@pytest.mark.parametrize("text", ["data: !file\n", "data: !file [a]\n", "data: !folder {a: 1}\n", "data: !File a\n"])
def test_a_tag_without_a_path_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^a\.yml:1: "):
        parse_yaml(text, "a.yml")


@pytest.mark.parametrize("path", ["", None, 3, b"a", "a\0b", ["a"]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(ConfigTypeError, match=r"^pyexp\.File takes a path"):
        File(path)


def test_a_subclass_could_not_come_back_and_is_refused() -> None:
    class Mine(File):
        pass

    with pytest.raises(ConfigTypeError, match=r"would come back as a plain pyexp\.File"):
        hash_config({"data": Mine("a")})


def test_the_command_line_names_another_file() -> None:
    assert typed_like(" other.csv", File("a.csv")) == File("other.csv")
    assert typed_like("b/", Folder("a")) == Folder("b/")


def test_variables_and_references_count_in_their_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA", "/data")
    tree = {"set": "train", "data": File("$DATA/{set}.csv"), "raw": [Folder("!P{set}")]}
    assert variables_in(tree) == {"DATA"}
    resolved = Resolver(tree, Origins()).resolve()
    assert resolved["data"] == File("/data/train.csv") and resolved["raw"] == [Folder("{set}")]
    assert Resolver(escaped(resolved), Origins()).resolve() == resolved


def test_they_are_found_at_any_depth_and_replaced() -> None:
    config = Config(a=File("a"), b=[{"c": (Folder("b"), 1)}], d={File("c")}, e=3)
    assert [(path, value.path) for path, value in inputs_in(config)] == [
        (("a",), "a"), (("b", 0, "c", 0), "b"), (("d", 0), "c"),
    ]  # fmt: skip
    paths = replaced(config, lambda value: as_path(rooted(value, "/project")))
    assert paths == Config(a=Path("/project/a"), b=[{"c": (Path("/project/b"), 1)}], d={Path("/project/c")}, e=3)


def test_a_path_from_home_or_from_the_root_needs_no_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert rooted(File("~/data.csv"), "/project").place == "/home/ann/data.csv"
    assert rooted(File("/data.csv"), "/project").place == "/data.csv"
