"""What a run gave back, on disk."""

from __future__ import annotations

import collections
import dataclasses
import enum
import json
import os
import threading
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.results.outcome import OwnFiles, UnsavableResult, save_failure, save_success
from dodo_pyexp.results.result import load_pickle
from dodo_pyexp.store import status
from dodo_pyexp.store.paths import AttemptFolder


@pytest.fixture
def attempt(tmp_path):
    Path(tmp_path / "config.json").write_text("{}")
    return AttemptFolder(str(tmp_path))


def readable(attempt, value):
    save_success(attempt, {}, Config(), value)
    with open(attempt.result_json, encoding="utf-8") as file:
        return json.load(file)


class Pair(NamedTuple):
    left: int
    right: list[int]


@dataclasses.dataclass
class Score:
    name: str
    pair: Pair
    limit: ClassVar[int] = 3


class Text(str, enum.Enum):  # noqa: UP042  # StrEnum prints otherwise
    RED = "red"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": 1, "b": [1.5, None, True], "c": (1, 2)}, {"a": 1, "b": [1.5, None, True], "c": [1, 2]}),
        ({"f": np.float32(0.5), "d": np.float64(0.25), "i": np.int64(3)}, {"f": 0.5, "d": 0.25, "i": 3}),
        ({"array": np.zeros(3), "acc": 1}, {"array": {"__pickled__": "numpy.ndarray"}, "acc": 1}),
        (Config(a={"b": 1}), {"a": {"b": 1}}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.defaultdict(float, a=1.0), {"a": 1.0}),
        ({1: "x", "y": 2}, {"1": "x", "y": 2}),
        ({(1, 2): "x"}, {"__pickled__": "builtins.dict"}),
        (Score("a", Pair(1, [2])), {"name": "a", "pair": {"left": 1, "right": [2]}}),
        (Score, {"__pickled__": "builtins.type"}),
        (Text.RED, "red"),
        (len, {"__pickled__": "builtins.builtin_function_or_method"}),
        ("\ud800é", "\ud800é"),
        ([0] * 10_001, {"__pickled__": "builtins.list"}),
        (None, None),
    ],
)
def test_what_json_can_hold_is_written_as_such_and_the_rest_by_its_type(attempt, value, found):
    assert readable(attempt, value) == found
    assert list(status.read(attempt)["files"]) == ["experiment.pkl", "config.json", "result.json"]


def test_a_value_that_contains_itself_or_is_huge_has_no_json_form(attempt):
    value: list = []
    value += [value, value]
    save_success(attempt, {}, Config(), value)
    assert not os.path.exists(attempt.result_json)
    assert status.read(attempt)["state"] == "finished"


def test_equal_values_have_equal_digests(tmp_path):
    digests = []
    for n, value in enumerate([{"a": 1}, {"a": 1}, {"a": 1.0}]):
        folder = tmp_path / str(n)
        folder.mkdir()
        save_success(AttemptFolder(str(folder)), {}, Config(n=n), value)
        digests.append(status.read(AttemptFolder(str(folder)))["digest"])
    assert digests[0] == digests[1] != digests[2]


def test_the_sizes_are_those_on_disk(attempt):
    save_success(attempt, {}, Config(), {"é": 1})
    for name, size in status.read(attempt)["files"].items():
        assert os.stat(f"{attempt.path}/{name}").st_size == size


def test_an_unpicklable_value_leaves_nothing_behind(attempt):
    with pytest.raises(UnsavableResult, match="cannot be pickled"):
        save_success(attempt, {}, Config(), threading.Lock())
    assert os.listdir(attempt.path) == ["config.json"]


def test_a_full_disk_leaves_no_success_behind(attempt, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(status, "write", full)
    with pytest.raises(OSError, match="No space"):
        save_success(attempt, {}, Config(), 1)
    assert not os.path.exists(attempt.pickle)


def test_files_the_function_put_in_place_of_pyexps_are_told(attempt):
    Path(attempt.status).write_text("{}")
    before = Path(attempt.config_json).read_text()
    own, launch = OwnFiles(attempt), OwnFiles(attempt, ["config.json"])
    assert own.taken() == set()
    Path(attempt.config_json).write_text('{"mine": 1}')
    Path(attempt.result_json).write_text("mine")
    Path(attempt.log).write_text("logs grow")
    os.unlink(attempt.status)
    assert own.taken() == {"config.json", "result.json"}
    assert launch.rescue() == []
    assert own.rescue() == ["config.json"], "there was no result.json of pyexp's that could stand beside"
    assert Path(attempt.own("config.json")).read_text() == before
    assert Path(attempt.config_json).read_text() == '{"mine": 1}'
    assert attempt.own("config.yml") == attempt.config_yml


def test_the_folder_is_made_again_if_the_function_deleted_it(tmp_path):
    attempt = AttemptFolder(str(tmp_path / "gone"))
    save_success(attempt, {}, Config(), 1)
    assert load_pickle(attempt, "r").result == 1
    attempt = AttemptFolder(str(tmp_path / "gone2"))
    save_failure(attempt, {}, Config(), {"type": "E", "message": "m"})
    assert load_pickle(attempt, "r").error == "E: m"
