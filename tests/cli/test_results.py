from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_the_table_has_what_differs_and_what_came_back(built: Any) -> None:
    lines = built.pyexp("results", "train").stdout.splitlines()
    assert lines[0].split() == ["run", "model.lr", "accuracy", "rows", "by.seed", "state"]
    assert lines[2].split() == ["slow", "0.1", "0.4333", "10", "7", "finished"]
    assert lines[4].split(maxsplit=2) == ["wild", "9.0", "failed: ValueError: 9.0 is too fast"]
    assert lines[5].endswith("skipped: upstream train:wild failed")


def test_several_experiments_have_a_heading_each(built: Any) -> None:
    text = built.pyexp("results").stdout
    assert text.startswith("prepare  2")
    assert "\ntrain  2" in text


def test_where_all_is_well_there_is_no_state(built: Any) -> None:
    lines = built.pyexp("results", "prepare").stdout.splitlines()
    assert lines[0].split() == ["run", "cfg.rows", "rows"]
    assert len(lines) == 4


def test_rows_are_sorted_numerically_with_missing_ones_last(built: Any) -> None:
    def order(*arguments: str) -> list[str]:
        text = built.pyexp("results", "train", "--csv", *arguments).stdout
        return [row["run"] for row in csv.DictReader(io.StringIO(text))]

    assert order("--sort", "accuracy") == ["slow", "quick", "wild", "after"]
    assert order("--sort", "accuracy,desc") == ["quick", "slow", "wild", "after"]
    assert order("--sort", "cfg.model.lr,desc") == ["wild", "quick", "after", "slow"]
    assert order("--sort", "run") == ["after", "quick", "slow", "wild"]


def test_an_unknown_sort_key_has_its_nearest(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("results", "--sort", "acuracy", status=2), '"acuracy"', '"accuracy"')


def test_where_no_name_is_near_those_that_there_are_are_told(built: Any, one_sentence: Callable[..., None]) -> None:
    columns = '; there are "run", "state", "accuracy", "rows", "by.seed", "model.lr", "model.depth"'
    one_sentence(built.pyexp("results", "train", "--sort", "nope", status=2), columns)
    one_sentence(built.pyexp("results", "--sort", "nope", status=2), '; there are "run", "state", "rows", "accuracy"')
    one_sentence(built.pyexp("results", "nope", status=2), '; there are "prepare", "train"')
    runs = '"prepare:small", "prepare:large", "train:slow", "train:quick", "train:wild" and 1 more'
    one_sentence(built.pyexp("log", "nope", status=2), f"; there are {runs}")
    one_sentence(built.pyexp("build", "zzz", status=2), '; there are "prepare", "train", "prepare:small"')
    assert '; there are "small", "large", "slow"' in built.pyexp("build", "--filter", "zzz", status=2).stderr


def test_a_format_of_tabulate(built: Any) -> None:
    assert built.pyexp("results", "prepare", "--format", "github").stdout.startswith("| run ")


def test_an_unknown_format_has_its_nearest(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("results", "--format", "githb", status=2), '"githb"', '"github"')


def test_csv_has_full_precision(built: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(built.pyexp("results", "train", "--csv").stdout)))
    assert float(rows[0]["accuracy"]) == 1 / 3 + 0.1
    assert rows[2]["accuracy"] == ""


def test_csv_of_several_experiments_says_which(built: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(built.pyexp("results", "--csv").stdout)))
    assert [row["experiment"] for row in rows] == ["prepare"] * 2 + ["train"] * 4


def test_json_has_whole_configs_and_return_values(built: Any) -> None:
    (told,) = json.loads(built.pyexp("results", "train", "--json").stdout)
    slow = told["runs"][0]
    assert slow["config"] == {"model.lr": 0.1, "model.depth": 2}
    assert slow["result"]["curve"] == [1, 2]
    assert told["runs"][2]["state"] == "failed"


def test_the_filter_chooses_rows(built: Any) -> None:
    assert "slow" not in built.pyexp("results", "train", "--filter", "^quick$").stdout


def test_an_earlier_batch_can_be_shown(built: Any) -> None:
    (before,) = (path.stem for path in (built.out / "prepare" / ".batches").iterdir())
    built.edit("dodo.py", '"rows": 10}', '"rows": 20}')
    built.pyexp("build", "prepare", "--timestamp", "2100-01-01_00-00-00")
    assert " 20" in built.pyexp("results", "prepare").stdout
    assert " 20" not in built.pyexp("results", "prepare", "--at", before).stdout
    assert "train" not in built.pyexp("results", "--at", "2100").stdout


def test_an_unknown_batch_is_refused(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("results", "--at", "1999", status=2), '"1999"')


def test_an_unknown_experiment_has_its_nearest(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("results", "tran", status=2), '"tran"', '"train"')


def test_a_damaged_attempt_is_a_line_that_says_so(built: Any) -> None:
    (attempt,) = built.attempts("slow", "train")
    (attempt / "result.json").write_text('{"accur')
    lines = built.pyexp("results", "train").stdout.splitlines()
    assert "damaged" in lines[2]
    assert lines[3].split()[:3] == ["quick", "0.5", "0.8333"]


def test_nothing_is_unpickled(built: Any) -> None:
    before = built.pyexp("results", "--csv").stdout
    for pickled in built.out.rglob("experiment.pkl"):
        found = pickled.stat()
        pickled.write_bytes(b"x" * found.st_size)
        os.utime(pickled, ns=(found.st_atime_ns, found.st_mtime_ns))  # else it would be looked at, to see the damage
    assert built.pyexp("results", "--csv").stdout == before


# -- damage: `list`, `results` and the next build are of one mind -----------------------------------------------

ONE = """
    import pyexp

    @pyexp.experiment(executor="fork", stash=False, timestamp={timestamp})
    def one(cfg, out):
        (out / "weights.txt").write_text("1 2 3")
        return {{"x": 1}}

    one.configs(lambda: [{{"name": "a"}}, {{"name": "b"}}])
"""


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def _replace(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "the pickle is gone": ("experiment.pkl is gone", lambda attempt: (attempt / "experiment.pkl").unlink()),
    "the value is cut off": ("result.json has", lambda attempt: _cut(attempt / "result.json")),
    "a folder is in its place": ("experiment.pkl is a folder", lambda attempt: _replace(attempt / "experiment.pkl")),
    "a saved file is gone": ("weights.txt, which the run saved, is gone", lambda a: (a / "weights.txt").unlink()),
    "a saved file is cut off": ("weights.txt, which the run saved, has 3", lambda a: _cut(a / "weights.txt")),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("timestamp", [True, False])
def test_damage_is_the_same_to_everybody(project: Any, damage: str, timestamp: bool) -> None:
    words, inflict = DAMAGES[damage]
    project.write("dodo.py", ONE.format(timestamp=timestamp))
    project.pyexp("build")
    inflict(next(project.out.glob("one/a*/**/experiment.pkl")).parent)
    listed, results = project.pyexp("list").stdout.splitlines(), project.pyexp("results").stdout.splitlines()
    assert "result damaged: " in listed[0] and words in listed[0]
    assert "damaged: " in results[2] and words in results[2]
    assert "up-to-date" in listed[1] and "finished" in results[3]
    assert "1 of 2 runs would be executed" in project.pyexp("build", "-n", status=3).stdout


def test_an_attempt_that_is_gone_is_damage_to_everybody(project: Any) -> None:
    project.write("dodo.py", ONE.format(timestamp=True))
    project.pyexp("build")
    (attempt,) = project.attempts("a", "one")
    shutil.rmtree(attempt)
    assert "result damaged: experiment.pkl is gone" in project.pyexp("list").stdout
    assert "damaged: experiment.pkl is gone" in project.pyexp("results").stdout


@pytest.mark.parametrize("timestamp", [True, False])
def test_a_record_that_cannot_be_read_is_damage_to_everybody(project: Any, timestamp: bool) -> None:
    project.write("dodo.py", ONE.format(timestamp=timestamp))
    project.pyexp("build")
    _cut(next(project.out.glob("one/a*/.finished")).resolve())
    assert "record damaged: .finished cannot be read" in project.pyexp("list").stdout
    assert "damaged: .finished cannot be read" in project.pyexp("results").stdout


@pytest.mark.parametrize("timestamp", [True, False])
def test_what_the_record_vouches_for_is_fine_to_everybody(project: Any, timestamp: bool) -> None:
    project.write("dodo.py", ONE.format(timestamp=timestamp))
    project.pyexp("build")
    next(project.out.glob("one/a*/**/experiment.pkl")).with_name("status.json").unlink()
    assert "2 up-to-date" in project.pyexp("list").stdout
    assert "damaged" not in project.pyexp("results").stdout
    assert project.pyexp("build", "-n").stdout.count("0 of 2 runs")


def test_csv_has_no_control_characters_and_json_no_constants_of_its_own(project: Any) -> None:
    project.write(
        "exp.py",
        """
        import pyexp

        @pyexp.experiment(executor="inline")
        def train(cfg):
            return {"loss": float("nan") if cfg.i else float("-inf"), "said": "a\\x1b[31m\\r\\nb\\u202e"}

        @train.configs
        def configs():
            return [{"name": f"l\\u00e4uft{i}\\x1b]0;", "i": i, "k\\x1b": "v\\x9b" * (i + 1)} for i in range(2)]
        """,
    )
    project.pyexp("build", "exp.py")
    text = project.pyexp("results", "--csv").stdout
    assert all(char.isprintable() or char == "\n" for char in text)
    assert text.splitlines()[1].split(",") == [
        "l\u00e4uft0\\x1b]0;", "0", "v\\x9b", "-inf", r"a\x1b[31m\r\nb\u202e",
    ]  # fmt: skip
    (told,) = json.loads(project.pyexp("results", "--json").stdout, parse_constant=pytest.fail)
    assert [run["result"]["loss"] for run in told["runs"]] == [None, None]
    assert told["runs"][0]["result"]["said"] == "a\x1b[31m\r\nb\u202e"
    for command in (["results"], ["graph", "exp.py"], ["clean", "--all", "-n"]):
        text = project.python("-m", "pyexp", *command, env={"PYTHONIOENCODING": "ascii"}, status=None).stdout
        assert text.isascii() and "\x1b" not in text
