from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_without_arguments_it_says_what_could_go_and_removes_nothing(
    built: Any, one_sentence: Callable[..., None]
) -> None:
    before = sorted(built.out.rglob("*"))
    done = built.pyexp("clean", status=2)
    one_sentence(done, "say what to remove")
    assert "train:\n  3 runs, " in done.stdout
    assert "1 failed or interrupted attempt (--failed)" in done.stdout
    assert sorted(built.out.rglob("*")) == before


def test_a_run_is_removed_and_built_again(built: Any) -> None:
    done = built.pyexp("clean", "train:slow", "--yes")
    assert "train:slow  run, " in done.stdout
    assert not (built.out / "train" / "slow").exists()
    built.pyexp("build", "train:slow")
    assert built.executed() == ["slow"]


def test_a_dry_run_removes_nothing(built: Any) -> None:
    done = built.pyexp("clean", "train", "-n")
    assert "bytes" in done.stdout or "kB" in done.stdout
    assert (built.out / "train" / "slow" / ".finished").exists()


def test_with_nobody_to_ask_nothing_is_removed(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("clean", "train:slow", status=2), "--yes")
    assert (built.out / "train" / "slow" / ".finished").exists()


def test_an_experiment_goes_as_a_whole(built: Any) -> None:
    built.pyexp("clean", "train", "-y")
    assert not (built.out / "train").exists()
    assert (built.out / "prepare" / "small" / ".finished").exists()


def test_all_experiments_go(built: Any) -> None:
    built.pyexp("clean", "--all", "-y")
    assert [path.name for path in built.out.iterdir() if not path.name.startswith(".")] == []


def test_failed_attempts_go_and_nothing_else(built: Any) -> None:
    built.pyexp("clean", "--failed", "-y")
    assert built.attempts("wild", "train") == []
    assert len(built.attempts("slow", "train")) == 1
    assert "train:wild     missing" in built.pyexp("list").stdout


def test_failed_attempts_of_one_run_only(built: Any) -> None:
    built.pyexp("clean", "train:slow", "--failed", "-y")
    assert len(built.attempts("wild", "train")) == 1


def test_attempts_that_newer_ones_replaced_go(built: Any) -> None:
    built.pyexp("build", "train:slow", "--rerun", "--timestamp", "2100-01-01_00-00-00")
    built.pyexp("clean", "--old", "-y")
    assert [attempt.name for attempt in built.attempts("slow", "train")] == ["2100-01-01_00-00-00"]
    assert built.pyexp("build", "train:slow").stderr.startswith("2 runs: all up to date")


def test_leftovers_of_killed_writers_go_as_well(built: Any) -> None:
    leftover = built.out / "train" / "slow" / "..finished.123.tmp"
    leftover.touch()
    built.pyexp("clean", "--old", "-y")
    assert not leftover.exists()


def test_patterns_name_several_runs(built: Any) -> None:
    built.pyexp("clean", "train:*i*", "-y")
    assert {path.name for path in (built.out / "train").iterdir() if not path.name.startswith(".")} == {"slow"}


def test_an_unknown_name_has_its_nearest(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("clean", "tran", "-y", status=2), '"train"')
    one_sentence(built.pyexp("clean", "../../x", "-y", status=2), "../../x")


def test_names_and_all_do_not_go_together(built: Any, one_sentence: Callable[..., None]) -> None:
    one_sentence(built.pyexp("clean", "train", "--all", "-y", status=2), "--all")


def test_a_symbolic_link_is_not_followed(built: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (built.out / "train" / "slow").rename(elsewhere)
    (built.out / "train" / "slow").symlink_to(elsewhere)
    assert "left alone" in built.pyexp("clean", "train:slow", "-y", status=1).stderr
    assert (elsewhere / ".finished").exists()


def test_a_link_inside_a_run_is_removed_and_not_what_it_points_to(built: Any, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "precious").touch()
    (built.attempts("slow", "train")[0] / "data").symlink_to(data)
    built.pyexp("clean", "train:slow", "-y")
    assert not (built.out / "train" / "slow").exists()
    assert (data / "precious").exists()


# -- orphans ----------------------------------------------------------------------------------------------------


@pytest.fixture
def shrunk(built: Any) -> Any:
    """The pipeline without `train:slow`, which nothing depends on."""
    built.edit("dodo.py", '{"name": "slow", "model": {"lr": 0.1, "depth": 2}, "depends_on": "prepare:small"},', "")
    return built


def test_orphans_go_as_a_whole_and_nothing_else(shrunk: Any) -> None:
    done = shrunk.pyexp("clean", "--orphans", "-y")
    assert done.stdout.startswith("train:slow  orphan, ")
    assert sorted(path.name for path in (shrunk.out / "train").iterdir() if path.name[0] != ".") == ["quick", "wild"]
    assert shrunk.pyexp("clean", "--orphans", "-y").stdout == "nothing to remove\n"
    shrunk.pyexp("build", status=1)
    assert shrunk.executed() == ["wild"]


def test_only_orphans_of_what_is_named(shrunk: Any) -> None:
    for words in (["prepare"], ["train:quick"], ["--filter", "quick"]):
        assert shrunk.pyexp("clean", "--orphans", "-n", *words).stdout == "nothing to remove\n"
    for words in (["train"], ["train:slow"], ["dodo.py"], ["train:s*"], ["--filter", "sl"], ["--all"]):
        assert "train:slow  orphan" in shrunk.pyexp("clean", "--orphans", "-n", *words).stdout


def test_young_orphans_stay_when_an_age_is_named(shrunk: Any) -> None:
    assert shrunk.pyexp("clean", "--orphans", "--older-than", "1d", "-n").stdout == "nothing to remove\n"
    aged(shrunk, "slow", days=2)
    assert "train:slow  orphan" in shrunk.pyexp("clean", "--orphans", "--older-than", "1d", "-n").stdout


def test_the_newest_attempts_of_orphans_stay_when_a_number_is_named(built: Any) -> None:
    built.pyexp("build", "train:slow", "--rerun", "--timestamp", "2100-01-01_00-00-00")
    built.edit("dodo.py", '{"name": "slow", "model": {"lr": 0.1, "depth": 2}, "depends_on": "prepare:small"},', "")
    built.pyexp("build", status=1)
    built.pyexp("clean", "--orphans", "--keep-latest", "1", "-y")
    assert [path.name for path in built.attempts("slow", "train")] == ["2100-01-01_00-00-00"]


def test_an_orphan_that_another_files_experiment_was_made_from_stays(built: Any) -> None:
    built.write(
        "later.py",
        """
        import pyexp
        from dodo import train

        @pyexp.experiment(stash=False)
        def later(cfg, out, deps):
            return deps[0].result

        later.configs(lambda: [{"name": "x", "depends_on": "train:slow"}])
        """,
    )
    built.pyexp("build", "later.py", "later")
    built.edit("dodo.py", '{"name": "slow", "model": {"lr": 0.1, "depth": 2}, "depends_on": "prepare:small"},', "")
    done = built.pyexp("clean", "--orphans", "-y", "dodo.py", status=1)
    assert "train:slow stays, because later:x was made from it" in done.stderr
    assert (built.out / "train" / "slow" / ".finished").exists()
    built.pyexp("clean", "train:slow", "-y")
    assert not (built.out / "train" / "slow").exists()


def test_orphans_cannot_be_told_without_a_file(built: Any, one_sentence: Callable[..., None]) -> None:
    (built.folder / "dodo.py").unlink()
    one_sentence(built.pyexp("clean", "--orphans", "-y", status=2), "dodo.py")


def test_a_file_stands_for_its_experiments(built: Any) -> None:
    built.write("other.py", "import pyexp\nfrom dodo import prepare")
    assert "train" not in built.pyexp("clean", "other.py", "-n").stdout
    assert built.pyexp("clean", "other.py", "-n").stdout.startswith("prepare:large ")


# -- attempts ---------------------------------------------------------------------------------------------------


def aged(project: Any, run: str, days: float) -> None:
    """Let the attempts of a run have ended long ago."""
    for attempt in project.attempts(run, "train"):
        status = json.loads((attempt / "status.json").read_text())
        status["start_seconds"] -= days * 86400
        (attempt / "status.json").write_text(json.dumps(status))


def test_attempts_older_than_an_age_go_unless_they_are_needed(built: Any) -> None:
    built.pyexp("build", "train:slow", "--rerun")
    batches = built.out / "train" / ".batches"
    min(batches.glob("2*.json")).rename(batches / "2001-01-01_00-00-00.json")
    for run in ("slow", "quick", "wild"):
        aged(built, run, days=40)
    done = built.pyexp("clean", "--older-than", "30d", "-n")
    first = built.attempts("slow", "train")[0].name
    assert done.stdout.startswith(f"train:slow {first}  older attempt, ")
    assert "1 to remove" in done.stdout
    built.pyexp("clean", "--older-than", "30d", "-y")
    assert built.pyexp("build", "train:slow", "train:quick").stderr.startswith("4 runs: all up to date")
    assert len(built.attempts("wild", "train")) == 1  # the newest of a run that has not finished


def test_the_newest_attempts_are_kept(built: Any) -> None:
    for day in (1, 2, 3):
        built.pyexp("build", "train:slow", "--rerun", "--timestamp", f"2100-01-0{day}_00-00-00")
    built.pyexp("clean", "train:slow", "--keep-latest", "2", "-y")
    assert [path.name[:10] for path in built.attempts("slow", "train")] == ["2100-01-02", "2100-01-03"]
    built.pyexp("build", "train:slow")


def test_flags_combine(built: Any) -> None:
    built.pyexp("build", "train:slow", "--rerun")
    aged(built, "wild", days=2)
    shown = built.pyexp("clean", "--failed", "--old", "-n").stdout
    assert "train:wild" in shown and "train:slow" in shown
    assert "train:slow" not in built.pyexp("clean", "--failed", "--old", "--older-than", "24h", "-n").stdout
    assert "2 to remove" in shown


def test_a_dry_run_shows_every_piece(built: Any) -> None:
    for day in range(10, 32):
        (built.attempts("slow", "train")[0].parent / f"2001-01-{day}_00-00-00").mkdir()
    assert built.pyexp("clean", "--failed", "-n", "train:slow").stdout.count("failed attempt") == 22


def test_programs_are_told_exact_bytes(built: Any) -> None:
    told = json.loads(built.pyexp("clean", "--failed", "-n", "--json").stdout)
    (piece,) = told["pieces"]
    folder = built.attempts("wild", "train")[0]
    assert piece == {
        "path": str(folder.relative_to(built.folder)), "kind": "failed attempt", "experiment": "train",
        "run": "train:wild", "attempt": folder.name, "bytes": piece["bytes"], "removed": False,
    }  # fmt: skip
    files = {path.stat().st_ino: path.stat().st_size for path in folder.rglob("*")}
    assert piece["bytes"] == told["bytes"] == sum(files.values())
    told = json.loads(built.pyexp("clean", "--failed", "-y", "--json").stdout)
    assert told["pieces"][0]["removed"] and told["removed_bytes"] == piece["bytes"]
    assert not folder.exists()


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1y", "1 d 2 h"])
def test_an_age_needs_a_unit(built: Any, one_sentence: Callable[..., None], age: str) -> None:
    one_sentence(built.pyexp("clean", f"--older-than={age}", status=2), "30d", age)


@pytest.mark.parametrize("number", ["-1", "1.5", "x"])
def test_a_number_of_attempts_is_whole(built: Any, one_sentence: Callable[..., None], number: str) -> None:
    one_sentence(built.pyexp("clean", f"--keep-latest={number}", status=2), number)


def test_a_run_that_is_being_executed_is_skipped_and_said(project: Any) -> None:
    project.write(
        "dodo.py",
        """
        import pathlib, time
        import pyexp

        @pyexp.experiment(stash=False)
        def exp(cfg):
            while cfg.wait and not pathlib.Path("go").exists():
                pathlib.Path("started").touch()  # this file was read, and may be edited
                time.sleep(0.02)

        exp.configs(lambda: [{"name": "a", "wait": False}, {"name": "b", "wait": False}])
        """,
    )
    project.pyexp("build")
    project.edit("dodo.py", '"b", "wait": False', '"b", "wait": True')
    build = project.start("-m", "pyexp", "build", "--rerun")
    deadline = time.monotonic() + 60
    while not (project.folder / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    project.edit("dodo.py", '{"name": "a", "wait": False}, {"name": "b", "wait": True}', '{"name": "c", "wait": False}')
    done = project.pyexp("clean", "--orphans", "-y", status=1)
    assert "exp:b is being executed; left alone" in done.stderr
    assert "exp:a  orphan" not in done.stdout
    assert "exp:a may be in use by a build of exp that goes on; left alone" in done.stderr  # the build has made it
    assert len(project.attempts("a")) == 2 and len(project.attempts("b")) == 2
    (project.folder / "go").touch()
    assert build.wait(60) == 0
    project.pyexp("clean", "--orphans", "-y")
    assert not (project.out / "exp" / "a").exists() and not (project.out / "exp" / "b").exists()


LONG = """
    import pathlib, time
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="fork")
    def up(cfg):
        mark(cfg)
        if cfg.get("fails"):
            raise ValueError("as it should")
        return 1

    up.configs(lambda: [{"name": "u"}, {"name": "bad", "fails": True}])

    @pyexp.experiment(executor="fork")
    def down(cfg, out, deps):
        mark(cfg)
        while cfg.name == "second" and not pathlib.Path("go").exists():
            time.sleep(0.02)
        return deps[0].result

    down.configs(lambda: [{"name": name, "depends_on": "^u$"} for name in ("first", "second", "third")])
"""


def test_what_a_living_build_uses_is_left_alone_also_between_its_runs(project: Any) -> None:
    project.write("dodo.py", LONG)
    project.pyexp("build", "up", status=1)
    build = project.start("-m", "pyexp", "build", "down")
    deadline = time.monotonic() + 60
    while "second" not in project.tally() and time.monotonic() < deadline:
        time.sleep(0.02)
    foretold = json.loads(project.pyexp("clean", "--all", "-n", "--json").stdout)
    done = project.pyexp("clean", "--all", "-y", "--json", status=1)  # everything, of both experiments
    removed = json.loads(done.stdout)
    assert [{**piece, "removed": False} for piece in removed["pieces"]] == foretold["pieces"]
    assert all(piece["removed"] for piece in removed["pieces"]) and removed["left"] == foretold["left"]
    for kept in ("up:u", "down:first"):
        assert f"{kept} may be in use by a build" in done.stderr
    assert len(project.attempts("u", "up")) == 1
    assert list((project.out / "down" / ".batches").iterdir()) and list((project.out / "down" / ".snapshots").iterdir())
    project.pyexp("clean", "--failed", "-y")  # nobody is given what failed
    assert project.attempts("bad", "up") == []
    (project.folder / "go").touch()
    told = build.communicate(timeout=60)[1]
    assert build.returncode == 0, told
    assert project.tally() == {"u": 1, "bad": 1, "first": 1, "second": 1, "third": 1}
    project.pyexp("build", "-n", "down")
    project.pyexp("clean", "--all", "-y")
    assert not (project.out / "up").exists()
