"""Damage that no file's size shows: found before a build, or when it is read, and mended by the next build."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.errors import DamagedFile, DamagedResult
from dodo_pyexp.running.damage import make_way

EXP = """
    import pyexp
    from tally import mark

    @pyexp.experiment(stash=False)
    def exp(cfg, out, deps):
        mark(cfg)
        if cfg.name == "below":
            return deps[0].result["numbers"][:2]
        return {"numbers": list(range(1000))}

    @exp.configs
    def configs():
        return [{"name": "above"}, {"name": "below", "depends_on": "above", "lr": 1}, {"name": "beside"}]

    if __name__ == "__main__":
        exp.run()
"""
BELOW = ("above", "below")


def build(project: Any) -> None:
    project.write("exp.py", EXP)
    project.python("exp.py", "--executor", "fork")


@pytest.fixture
def built(once: Any) -> Any:
    return once(build)


def only(project: Any, pattern: str) -> Path:
    """The file of the newest attempt."""
    return sorted(project.out.glob(pattern))[-1]


def flip(path: Path, *, silently: bool = False) -> None:
    """Change a byte in the middle, now; `silently`, as a failing disk does it, without a newer time."""
    found, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    # Not a moment after the file itself: the result is as new as the newest of its files, and may be newer than that.
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns if silently else time.time_ns()))


def read(project: Any, name: str, batch: str | None = None) -> Any:
    project.write("read.py", f"import exp\nprint(len(exp.exp.results({batch!r})[{name!r}].result['numbers']))\n")
    return project.python("read.py", status=None)


# -- a result that was written over ---------------------------------------------------------------------------------


def test_a_result_that_was_written_over_is_told_and_built_again(built: Any) -> None:
    flip(only(built, "exp/above/*/experiment.pkl"))
    assert "stale       result damaged: experiment.pkl is not what was written" in built.pyexp("list", "exp.py").stdout
    lines = built.pyexp("results").stdout.splitlines()
    assert [line.split()[0] for line in lines if "damaged: experiment.pkl" in line] == ["above"]
    said = read(built, "above")
    assert said.returncode == 2 and "Traceback" not in said.stderr
    assert "the result of exp:above is damaged; the next `pyexp build` executes it again (out/exp/above/" in said.stderr
    built.pyexp("build", "exp.py")
    assert built.executed() == ["above"]  # it came out the same, so what is below it stays
    assert read(built, "above").stdout == "1000\n"


@pytest.mark.parametrize("silently", [False, True])
def test_readable_results_that_were_written_over_are_a_line_that_says_so(built: Any, silently: bool) -> None:
    path = only(built, "exp/beside/*/result.json")
    found = path.stat()
    path.write_text(path.read_text().replace("999", "998"))  # it is JSON all the same
    if silently:
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    lines = {line.split()[0]: line for line in built.pyexp("results").stdout.splitlines()}
    assert "damaged: result.json is not what was written" in lines["beside"]
    assert "damaged" not in lines["above"] + lines["below"]


def test_a_copied_folder_is_whole(built: Any) -> None:
    for path in built.out.rglob("*"):
        os.utime(path)  # as `cp -r` does
    assert "3 up-to-date" in built.pyexp("list", "exp.py").stdout
    assert read(built, "above").stdout == "1000\n"
    built.pyexp("build", "exp.py")
    assert built.executed() == []


def test_a_record_of_before_sums_were_kept_is_fine(built: Any) -> None:
    for path in [*built.out.glob("exp/*/.finished"), *built.out.glob("exp/*/*/status.json")]:
        values = json.loads(path.read_text())
        del values["sums"], values["written"]
        path.write_text(json.dumps(values))
    assert "3 up-to-date" in built.pyexp("list", "exp.py").stdout
    assert read(built, "above").stdout == "1000\n"


# -- a result that rotted -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["inline", "fork", "subprocess"])
def test_a_damaged_upstream_is_told_by_its_name_and_built_again_next_time(built: Any, executor: str) -> None:
    flip(only(built, "exp/above/*/experiment.pkl"), silently=True)
    built.edit("exp.py", '"lr": 1', '"lr": 2')  # so that somebody reads it
    done = built.pyexp("build", "exp.py", "--executor", executor, status=1)
    assert built.executed() == ["below"]
    assert "DamagedResult: the result of exp:above is damaged; the next `pyexp build` executes it again" in done.stderr
    assert "exp:above: its result is damaged; the next build executes it again\n" in done.stderr
    assert built.finished() == {"above", "beside"}  # marked, not removed: nothing that was there is gone
    listed = built.pyexp("list", "exp.py").stdout
    assert "exp:above   stale       result damaged: experiment.pkl is not what was written" in listed
    built.pyexp("build", "exp.py", "--executor", executor)
    assert built.executed() == ["above", "below"]
    built.pyexp("build", "exp.py")
    assert built.executed() == []


def test_plain_doit_mends_it_as_well(built: Any) -> None:
    flip(only(built, "exp/above/*/experiment.pkl"), silently=True)
    built.edit("exp.py", '"lr": 1', '"lr": 2')
    built.doit("-f", "exp.py", status=None)
    built.doit("-f", "exp.py")
    assert built.executed() == ["below", "above", "below"]


def test_a_report_that_reads_a_damaged_result_has_it_built_again(built: Any) -> None:
    flip(only(built, "exp/above/*/experiment.pkl"), silently=True)
    built.edit("exp.py", "if __name__", "exp.report(lambda results: print(results['above'].result))\n\nif __name__")
    done = built.pyexp("build", "exp.py", status=1)
    assert "the report of exp failed: " in done.stderr and "the result of exp:above is damaged" in done.stderr
    assert "Traceback" not in done.stderr
    built.pyexp("build", "exp.py")
    assert built.executed() == ["above"]


def test_reading_alone_writes_nothing_and_says_what_helps(built: Any) -> None:
    flip(only(built, "exp/above/*/experiment.pkl"), silently=True)
    before = {path: path.stat().st_mtime_ns for path in built.out.rglob("*")}
    said = read(built, "above")
    assert "`pyexp build --rerun exp:above` executes it again" in said.stderr
    assert before == {path: path.stat().st_mtime_ns for path in built.out.rglob("*")}
    built.pyexp("build", "exp.py", "--rerun", "exp:above")
    assert read(built, "above").stdout == "1000\n"


def test_an_earlier_attempt_is_not_promised_again(built: Any) -> None:
    (batch,) = [path.stem for path in built.out.glob("exp/.batches/2*.json")]
    built.pyexp("build", "exp.py", "--rerun", "exp:above")
    flip(sorted(built.out.glob("exp/above/*/experiment.pkl"))[0])
    said = read(built, "above", batch)
    assert said.returncode == 2 and "it was an earlier attempt, which no build repeats" in said.stderr


def test_in_python_the_damage_names_the_attempt(here: Path) -> None:
    import pyexp

    def exp(cfg: Any) -> str:
        return "x" * 100

    experiment = pyexp.experiment(exp, executor="inline", stash=False)
    (result,) = experiment.run(configs=[{"name": "a"}])
    flip(result.out / "experiment.pkl")
    with pytest.raises(DamagedFile) as caught:
        _ = experiment.results()["a"].result
    assert isinstance(caught.value, DamagedResult) and caught.value.attempt == str(result.out)


def test_a_result_that_needs_what_is_not_here_is_not_damaged(built: Any) -> None:
    built.write("shapes.py", "class Shape: ...")
    built.edit("exp.py", 'return {"numbers": list(range(1000))}', "import shapes; return shapes.Shape()")
    built.pyexp("build", "exp.py", "--rerun", "exp:beside")
    (built.folder / "shapes.py").unlink()
    said = read(built, "beside").stderr
    assert "cannot be read here (ModuleNotFoundError" in said and "the file itself is whole" in said


# -- something in the way -------------------------------------------------------------------------------------------


def test_an_empty_folder_in_the_way_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".finished").mkdir()
    make_way(str(tmp_path / ".finished"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_kept_beside(tmp_path: Path) -> None:
    for content in ("one", "two"):
        (tmp_path / ".finished").mkdir()
        (tmp_path / ".finished" / "mine").write_text(content)
        make_way(str(tmp_path / ".finished"))
    assert {path.name: (path / "mine").read_text() for path in tmp_path.iterdir()} == {
        ".finished.damaged": "one", ".finished.damaged-2": "two",
    }  # fmt: skip


def test_files_and_links_are_left_alone(tmp_path: Path) -> None:
    make_way(str(tmp_path / "nothing"))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for name in ("file", "link"):
        make_way(str(tmp_path / name))
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder", "link"}


@pytest.mark.parametrize("layout", ["", "timestamp=False, "])
def test_a_folder_in_place_of_the_record_is_moved_away_by_the_build(project: Any, layout: str) -> None:
    project.write("exp.py", EXP.replace("experiment(", f"experiment({layout}"))
    project.python("exp.py", "--executor", "fork")
    project.executed()
    record = only(project, "exp/above*/.finished")
    record.unlink()
    (record / "mine").mkdir(parents=True)
    assert "exp:above   stale       record damaged" in project.pyexp("list", "exp.py").stdout
    project.pyexp("build", "exp.py")
    assert project.executed() == ["above"]
    project.pyexp("build", "exp.py")
    assert project.executed() == []


def test_a_folder_in_place_of_the_reports_mark_is_moved_away(project: Any) -> None:
    project.write("exp.py", EXP)
    project.edit("exp.py", "if __name__", "exp.report(lambda results: print('reported'))\n\nif __name__")
    (project.out / "exp" / "report" / ".finished" / "mine").mkdir(parents=True)
    assert project.pyexp("build", "exp.py").stdout == "reported\n"
    assert project.pyexp("build", "exp.py").stdout == ""


@pytest.mark.parametrize("name", ["log.out", "status.json", ".finished", "config.yml"])
def test_a_folder_in_place_of_a_file_for_people_is_no_traceback(built: Any, name: str) -> None:
    path = only(built, f"exp/above/*/{name}")
    path.unlink()
    path.mkdir()
    for command in (("list", "exp.py"), ("results",), ("build", "exp.py")):
        assert "Traceback" not in built.pyexp(*command).stderr
    done = built.pyexp("log", "exp:above", status=None)
    assert done.returncode == (2 if name == "log.out" else 0) and "Traceback" not in done.stderr


def test_a_flat_upstream_that_rotted_is_built_again_although_its_readers_hold_it(project: Any) -> None:
    project.write("exp.py", EXP.replace("stash=False", "stash=False, timestamp=False"))
    project.pyexp("build", "exp.py")
    flip(only(project, "exp/above-*/experiment.pkl"), silently=True)
    project.edit("exp.py", '"lr": 1', '"lr": 2')
    assert "exp:above: its result is damaged" in project.pyexp("build", "exp.py", status=1).stderr
    project.executed()
    project.pyexp("build", "exp.py")
    assert project.executed() == ["above", "below"]


@pytest.mark.parametrize("state", ["running", "failed", "interrupted"])
def test_who_reads_believes_the_record_and_not_an_older_status(built: Any, state: str) -> None:
    path = only(built, "exp/above/*/status.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": state, "error": {"type": "E"}}))
    assert read(built, "above").stdout == "1000\n"
    table = built.pyexp("results").stdout
    assert state not in table and "above" in table


def test_the_result_of_another_run_is_not_read_as_this_ones(built: Any) -> None:
    shutil.rmtree(built.out / "exp/beside")
    shutil.copytree(built.out / "exp/above", built.out / "exp/beside")
    said = read(built, "beside").stderr
    assert "the result of exp:beside is damaged" in said and "is that of exp:above" in said
    built.pyexp("build", "exp.py")
    assert built.executed() == ["beside"]


def test_a_run_of_another_experiment_is_told_wherever_it_is_read(built: Any) -> None:
    """Copied run by run, or the whole experiment: what is there speaks of another."""
    built.write("two.py", EXP.replace("def exp(", "def two(").replace("@exp.", "@two.").replace("exp.run", "two.run"))
    built.pyexp("build", "two.py", "--executor", "fork")
    shutil.rmtree(built.out / "two/above")
    shutil.copytree(built.out / "exp/above", built.out / "two/above")
    shutil.copytree(built.out / "exp", built.out / "three")
    table = built.pyexp("results", "two").stdout
    assert "it is that of exp:above, copied here" in table and table.count("copied here") == 1
    assert built.pyexp("results", "three").stdout.count("copied here") == 3
    assert "its record is that of exp:above: it was copied here" in built.pyexp("list", "two.py").stdout
    built.write("read.py", "import two\nprint(two.two.results()['above'].result)\n")
    said = built.python("read.py", status=None).stderr
    assert "the result of two:above is damaged; the next `pyexp build`" in said and "is that of exp:above" in said
