"""What the command line sets in a run file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.config.compose import Style
from dodo_pyexp.errors import ConfigError, MissingFile
from dodo_pyexp.runfiles.document import Overrides, Reader, find_file


def test_the_suffix_may_be_left_out(here: Any) -> None:
    here.write(a_yml="x: 1\n", b_yaml="x: 1\n")
    assert find_file("a") == Path("a.yml")
    assert find_file("b") == Path("b.yaml")
    with pytest.raises(MissingFile, match=r'c\.yml.*did you mean "[ab]\.y'):
        find_file("c.yml")


def read(here: Any, text: str) -> Any:
    here.write(a_yml=text)
    return Reader(Path("a.yml")).read(Style())


def test_overrides_are_yaml_or_take_the_type_of_what_they_replace(here: Any) -> None:
    document = read(here, "lr: 0.1\nl: [{name: a}, {name: b}]\ns: {t: 1}\nn: 3\n")
    document.override(Overrides(["lr=1", "l.0.name=x", "s={t: 2}", "n", "l[1].name=null"], [("lr", "2"), ("s.t", "5")]))
    assert document.tree == {"lr": 2.0, "l": [{"name": "x"}, {"name": None}], "s": {"t": 5}, "n": None}
    assert document.where("lr") == document.where("l", 0, "name") == "command line"
    assert document.where("l") == "a.yml:2"


def test_keys_of_a_section_need_not_name_it(here: Any) -> None:
    document = read(here, "name: x\nconfig: {lr: 1, name: {deep: 1}}\n")
    document.override(Overrides(["lr=2", "config.name.deep=2", "name=y"], own=("name", "config"), section="config"))
    assert document.tree == {"name": "y", "config": {"lr": 2, "name": {"deep": 2}}}


def test_keys_that_mean_something_may_be_set_although_they_are_not_there(here: Any) -> None:
    document = read(here, "config: {lr: 1}\n")
    document.override(Overrides(["sweep={lr: [1, 2]}"], [("executor", "fork")], ("sweep", "executor"), "config"))
    assert document.tree == {"config": {"lr": 1}, "sweep": {"lr": [1, 2]}, "executor": "fork"}


def test_an_unknown_key_is_told_with_the_nearest(here: Any) -> None:
    document = read(here, "learning_rate: 1\n")
    with pytest.raises(ConfigError, match=r'"learning_rat=2": .*did you mean "learning_rate"'):
        document.override(Overrides(["learning_rat=2"]))
    with pytest.raises(ConfigError, match=r'did you mean "executor"'):
        document.override(Overrides(pairs=[("executr", "fork")], flags=["executor"]))
    nested = read(here, "config: {model: {width: 1}}\n")
    with pytest.raises(ConfigError, match=r'no key "config.modle" \(did you mean "model"\?\)'):
        nested.override(Overrides(pairs=[("modle.width", "2")], flags=["module-name", "code"], section="config"))
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        document.override(Overrides(["=3"]))


def test_or_made_and_left_to_somebody_who_knows(here: Any) -> None:
    document = read(here, "a: 1\n")
    document.override(Overrides(["b.c=2"], later=True))
    assert document.tree == {"a": 1, "b": {"c": 2}}
    assert len(document.unknown) == 1
