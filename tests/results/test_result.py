"""`Result`: every field on demand, reading like a mapping, pickling."""

from __future__ import annotations

import copy
import os
import pickle
import sys
from pathlib import Path

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.errors import DamagedFile
from dodo_pyexp.results.outcome import save_failure, save_success
from dodo_pyexp.results.result import Result
from dodo_pyexp.store import status
from dodo_pyexp.store.paths import AttemptFolder

CONFIG = {"name": "a", "lr": 0.1}
opened: list[str] | None = None


def listen(event, arguments):
    if event == "open" and opened is not None and isinstance(arguments[0], str):  # and no descriptor
        opened.append(str(arguments[0]))


sys.addaudithook(listen)


@pytest.fixture
def files(request):
    """Names of the files that were opened since `clear()`."""
    global opened
    opened = []
    yield opened
    opened = None


def lazy(attempt, skipped=None, config=CONFIG):
    return Result.at("a", lambda: Config(config), lambda: (attempt, skipped))


def saved(tmp_path, value=None, error=None, name="attempt"):
    attempt = AttemptFolder(str(tmp_path / name))
    os.makedirs(attempt.path)
    Path(attempt.log).write_bytes(b"printed \xff\n")
    if error is None:
        save_success(attempt, {}, Config(CONFIG), value)
    else:
        save_failure(attempt, {}, Config(CONFIG), error)
    return attempt


ERROR = {"type": "ValueError", "message": "two\nlines", "where": "x.py:1", "traceback": "Traceback\n  ...\n"}


def test_every_field_of_a_finished_run(tmp_path):
    attempt = saved(tmp_path, {"accuracy": 0.9})
    result = lazy(attempt, config={**CONFIG, "depends_on": "b"})
    assert result.cfg == CONFIG and isinstance(result.cfg, Config)
    assert (result.name, result.result, result.error) == ("a", {"accuracy": 0.9}, None)
    assert (result.finished, result.skipped) == (True, False)
    assert result.out == Path(attempt.path)
    assert result.log == "printed \ufffd\n"


def test_every_field_of_a_failed_run(tmp_path):
    result = lazy(saved(tmp_path, error=ERROR))
    assert (result.result, result.finished, result.skipped) == (None, True, False)
    assert result.error == "ValueError: two\nlines\nTraceback\n  ...\n"
    assert (result["type"], result["message"]) == ("ValueError", "two\nlines")


def test_every_field_of_a_skipped_run():
    result = lazy(None, "upstream b failed")
    assert (result.result, result.finished, result.skipped, result.out, result.log) == (None, True, True, None, "")
    assert result.error == "Skipped: upstream b failed"
    assert (result["type"], result["message"]) == ("Skipped", "upstream b failed")


def test_every_field_of_a_run_that_never_started():
    result = lazy(None)
    assert (result.result, result.finished, result.skipped, result.error, result.log) == (None, False, False, None, "")


def test_a_field_is_read_when_asked_for_and_once(tmp_path, files):
    result = lazy(saved(tmp_path, 3))
    del files[:]
    assert (result.name, result.cfg.lr, result.out.name, result.skipped) == ("a", 0.1, "attempt", False)
    assert repr(result) == "Result(name='a')"
    assert files == []
    assert result.error is None and result.finished
    assert [os.path.basename(name) for name in files] == ["status.json"]
    assert result.result == 3 and result.result == 3
    assert [os.path.basename(name) for name in files] == ["status.json", "experiment.pkl"]
    assert repr(result) == "Result(name='a', finished)"


def test_an_unknown_field_is_an_attribute_error(tmp_path):
    with pytest.raises(AttributeError, match="no attribute 'accuracy'"):
        _ = lazy(None).accuracy
    with pytest.raises(AttributeError):
        _ = Result().accuracy


def test_as_a_mapping_returned_keys_come_first(tmp_path):
    result = lazy(saved(tmp_path, {"name": "mine", "accuracy": 0.9}))
    assert (result["name"], result["accuracy"], result["config"]) == ("mine", 0.9, CONFIG)
    assert result.keys() == ["name", "accuracy", "config"]
    assert dict(result.items())["accuracy"] == 0.9
    assert "accuracy" in result and "value" not in result and list(result) == result.keys()
    assert result.get("__error__") is None and result.get("none", 3) == 3
    with pytest.raises(KeyError):
        _ = result["none"]


@pytest.mark.parametrize("value", [None, 0.5, [1, 2], "text"])
def test_a_returned_value_that_is_no_dict_stands_under_value(tmp_path, value):
    result = lazy(saved(tmp_path, value))
    assert result["value"] == value and result["name"] == "a"
    assert len(result) == 3 and bool(result)


def test_a_failure_reads_as_the_readmes_error(tmp_path):
    result = lazy(saved(tmp_path, error=ERROR))
    assert result["__error__"] is True
    assert result["traceback"] == ERROR["traceback"]
    assert result.keys() == ["name", "config", "__error__", "type", "message", "traceback"]


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "garbage", "other"])
def test_a_damaged_pickle_harms_nothing_but_the_value(tmp_path, damage):
    attempt = saved(tmp_path, list(range(100)))
    if damage == "gone":
        os.unlink(attempt.pickle)
    elif damage == "cut":
        os.truncate(attempt.pickle, 50)
    else:
        content = {"empty": b"", "garbage": b"\x80\x05garbage", "other": pickle.dumps([1])}[damage]
        Path(attempt.pickle).write_bytes(content)
    result = lazy(attempt)
    assert result.finished and result.error is None and result.cfg.lr == 0.1
    with pytest.raises(DamagedFile, match="build"):
        _ = result.result


def test_a_damaged_status_reads_as_unfinished(tmp_path):
    attempt = saved(tmp_path, 1)
    Path(attempt.status).write_text('{"state": "fini')
    result = lazy(attempt)
    assert (result.finished, result.result, result.error) == (False, None, None)


@pytest.mark.parametrize("through", [lambda r: pickle.loads(pickle.dumps(r)), copy.copy, copy.deepcopy])
def test_a_result_that_was_read_pickles_whole(tmp_path, through):
    result = through(lazy(saved(tmp_path, {"accuracy": 0.9})))
    assert (result.name, result.cfg, result.result, result.finished) == ("a", CONFIG, {"accuracy": 0.9}, True)
    assert result.log == "printed \ufffd\n" and result["accuracy"] == 0.9
    failed = through(lazy(saved(tmp_path, error={**ERROR, "message": "m"}, name="failed")))
    assert (failed["type"], failed["message"], failed.result) == ("ValueError", "m", None)


def test_a_result_made_by_hand(tmp_path):
    result = Result(Config(CONFIG), result={"x": 1}, finished=True, log="l")
    assert (result.name, result["x"], result.log, result.out) == ("a", 1, "l", None)
    again = pickle.loads(pickle.dumps(result))
    assert (again.name, again.result, again.log, again.finished) == ("a", {"x": 1}, "", True)
    assert repr(again) == "Result(name='a', finished)"
    assert repr(Result()) == "Result(name='', unfinished)"


def test_a_result_reaches_another_process_by_reference(tmp_path, files):
    attempt = saved(tmp_path, 5)
    del files[:]
    reference = pickle.loads(pickle.dumps(lazy(attempt).reference()))
    result = Result.referred(reference)
    assert (result.name, result.cfg, result.out) == ("a", CONFIG, Path(attempt.path))
    assert files == []
    assert result.result == 5
    assert Result.referred(lazy(None).reference()).out is None


def test_the_pickle_of_an_attempt_says_the_same_without_its_folder(tmp_path):
    attempt = saved(tmp_path, 5)
    with open(attempt.pickle, "rb") as file:
        result = pickle.load(file)
    assert (result.result, result.cfg, result.name, result.finished, result.out) == (5, CONFIG, "a", True, None)
    assert status.read(attempt)["state"] == "finished"
