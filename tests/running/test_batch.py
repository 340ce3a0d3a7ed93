"""Batches: manifests written before the first run, going on with a batch from its saved configs, reports, secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.store import timestamps

EXPERIMENT = """
import os
import pyexp
from pathlib import Path
from tally import mark

@pyexp.experiment(name="exp", executor="inline", stash=False, **eval(os.environ.get("OPTIONS", "{}")))
def exp(cfg, out):
    mark(cfg)
    if cfg.name == "breaks" and os.path.exists("break"):
        os.kill(os.getpid(), 9)
    if cfg.name == "fails" and os.path.exists("break"):
        raise ValueError("no luck")
    return [cfg.x, type(cfg.path).__name__, cfg.shape]

@exp.configs
def configs():
    common = {"path": Path("data"), "shape": (1, 2)}
    return [{"name": name, "x": number, **common} for number, name in enumerate(NAMES)]

NAMES = ["one", "breaks", "three"]

if __name__ == "__main__":
    exp.run()
"""


@pytest.fixture
def broken(project: Any) -> Any:
    """A build that died in its second run: one finished, one was interrupted, one never started."""
    project.write("exp.py", EXPERIMENT)
    (project.folder / "break").touch()
    project.python("exp.py", status=-9)
    assert project.executed() == ["one", "breaks"]
    (project.folder / "break").unlink()
    return project


def manifest_files(project: Any) -> list[Path]:
    return sorted(project.out.glob("exp/.batches/*.json"), key=lambda path: timestamps.order(path.stem))


def manifests(project: Any) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in manifest_files(project)]


def test_the_manifest_holds_every_config_before_the_first_run_starts(broken: Any) -> None:
    (manifest,) = manifests(broken)
    assert manifest["runs"] == ["one", "breaks", "three"]
    assert [manifest["configs"][run]["x"] for run in manifest["runs"]] == [0, 1, 2]
    assert manifest["command"][0].endswith("exp.py")
    assert {"host", "python", "start", "experiment"} <= set(manifest)


@pytest.mark.parametrize("options", ["{}", "{'timestamp': False}", "{'hash_configs': True}"])
def test_continue_goes_on_with_what_was_not_finished_and_not_even_started(
    project: Any, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    monkeypatch.setenv("OPTIONS", options)
    project.write("exp.py", EXPERIMENT)
    (project.folder / "break").touch()
    project.python("exp.py", status=-9)
    (project.folder / "break").unlink()
    project.executed()
    project.python("exp.py", "--continue")
    assert project.executed() == ["breaks", "three"]
    project.python("exp.py", "--continue", "latest")
    project.python("exp.py")
    assert project.executed() == []


def test_continue_uses_the_saved_configs_even_of_runs_that_the_code_has_lost(broken: Any) -> None:
    broken.edit("exp.py", 'NAMES = ["one", "breaks", "three"]', 'NAMES = ["other"]')
    broken.python("exp.py", "--continue")
    assert broken.executed() == ["breaks", "three"]
    (attempt,) = broken.attempts("three")
    assert json.loads((attempt / "result.json").read_text()) == [2, "PosixPath", [1, 2]]
    (manifest,) = manifests(broken)
    assert set(manifest["attempts"]) == {"one", "breaks", "three"}
    broken.python("exp.py")
    assert broken.executed() == ["other"]


def test_the_same_command_again_needs_no_flag(broken: Any) -> None:
    broken.python("exp.py")
    assert broken.executed() == ["breaks", "three"]
    assert len(manifests(broken)) == 2


def test_continue_tries_failed_runs_again(project: Any) -> None:
    project.write("exp.py", EXPERIMENT)
    project.edit("exp.py", 'NAMES = ["one", "breaks", "three"]', 'NAMES = ["one", "fails"]')
    (project.folder / "break").touch()
    project.python("exp.py", status=1)
    project.python("exp.py", "--continue", status=1)
    (project.folder / "break").unlink()
    project.python("exp.py", "--continue")
    assert project.executed() == ["one", "fails", "fails", "fails"]
    assert "2/2" in project.python("exp.py", "--list").stdout
    assert len(manifests(project)) == 1


def test_a_timestamp_continues_that_batch(broken: Any) -> None:
    (manifest,) = manifests(broken)
    broken.edit("exp.py", 'NAMES = ["one", "breaks", "three"]', 'NAMES = ["other"]')
    broken.python("exp.py", "--timestamp", manifest["timestamp"], "--filter", "three")
    assert broken.executed() == ["three"]
    broken.python("exp.py", "--timestamp", manifest["timestamp"], "--rerun")
    assert broken.executed() == ["one", "breaks", "three"]


def test_retry_keeps_the_logs_of_all_tries_and_cleans_the_folder(project: Any) -> None:
    project.write(
        "exp.py",
        """
        import os
        import pyexp
        from tally import mark

        @pyexp.experiment(stash=False, retry=3)
        def exp(cfg, out):
            mark(cfg)
            found = sorted(path.name for path in out.iterdir())
            assert "half" not in found and "folder" not in found
            number = len(open(os.environ["TALLY"]).readlines())
            print("this is try", number)
            (out / "half").write_text("")
            (out / "folder").mkdir()
            if number == 1:
                raise ValueError("first")
            if number == 2:
                os._exit(3)
            return number

        @exp.configs
        def configs():
            return [{"name": "a"}]

        if __name__ == "__main__":
            exp.run()
        """,
    )
    for executor in ("subprocess", "fork"):
        project.python("exp.py", "--executor", executor, "--rerun")
        assert project.executed() == ["a"] * 3
        attempt = project.attempts("a")[-1]
        log = (attempt / "log.out").read_text()
        for text in ("this is try 1", "ValueError: first", "this is try 2", "exit status 3", "this is try 3"):
            assert text in log
        status = json.loads((attempt / "status.json").read_text())
        assert (status["tries"], status["state"]) == (3, "finished")
        assert json.loads((attempt / "config.json").read_text())["name"] == "a"
        Path(project.environment["TALLY"]).unlink()
        project._seen = 0


def test_live_shows_what_runs_print_and_keeps_it(project: Any) -> None:
    project.write("exp.py", EXPERIMENT.replace("    mark(cfg)", '    mark(cfg)\n    print("hello", cfg.name)'))
    for executor in ("inline", "fork", "subprocess"):
        done = project.python("exp.py", "-s", "--executor", executor, "--rerun")
        assert [line for line in done.stdout.splitlines() if line.startswith("hello")] == [
            "hello one", "hello breaks", "hello three"
        ]  # fmt: skip
        assert (project.attempts("one")[-1] / "log.out").read_text() == "hello one\n"
    quiet = project.python("exp.py", "--rerun")
    assert "hello" not in quiet.stdout + quiet.stderr


def test_secrets_of_the_command_line_are_not_kept(project: Any) -> None:
    project.write("exp.py", EXPERIMENT.replace(
        "    exp.run()",
        '    import sys; sys.argv += ["--api-key", "hunter2hunter2", "--token=s3cr3ts3cr3t"]\n'
        "    globals()['__name__'] = 'x'\n    exp.run()"))  # fmt: skip
    project.edit("exp.py", "@pyexp.experiment(", '__name__ = "elsewhere"\n@pyexp.experiment(')
    project.edit("exp.py", 'if __name__ == "__main__":', "if True:")
    project.python("exp.py")
    assert project.executed() == ["one", "breaks", "three"]
    kept = "".join(path.read_text(errors="replace") for path in project.out.rglob("*") if path.is_file())
    assert "--api-key" in kept
    assert "hunter2hunter2" not in kept and "s3cr3ts3cr3t" not in kept


REPORT = """
@exp.report
def report(results, out):
    print("report on", results.names, [r.result for r in results])
    (out / "table").write_text(str(len(results)))
"""


@pytest.fixture
def reported(project: Any) -> Any:
    project.write("exp.py", EXPERIMENT.replace("if __name__ ==", REPORT + "\nif __name__ =="))
    return project


def test_report_only_executes_nothing(reported: Any, one_sentence: Any) -> None:
    one_sentence(reported.python("exp.py", "--report", status=None), "no batch")
    reported.python("exp.py", "--timestamp", "2024-01-25_14-30-00")
    reported.edit("exp.py", 'NAMES = ["one", "breaks", "three"]', 'NAMES = ["other"]')
    reported.python("exp.py", "--timestamp", "2024-02-25_14-30-00")
    reported.executed()
    assert "report on ['other']" in reported.python("exp.py", "--report").stdout
    assert "report on ['one', 'breaks', 'three']" in reported.python("exp.py", "--report", "2024-01").stdout
    assert "report on ['one'" in reported.python("exp.py", "--timestamp", "2024-01-25_14-30-00", "--report").stdout
    one_sentence(reported.python("exp.py", "--report", "2023", status=None), '"2023"')
    assert reported.executed() == []


def test_a_report_that_fails_is_status_1_and_nothing_is_lost(reported: Any) -> None:
    reported.edit("exp.py", '    (out / "table")', '    raise KeyError("accuracy")\n    (out / "table")')
    done = reported.python("exp.py", status=1)
    assert "KeyError: 'accuracy'" in done.stderr
    done = reported.doit("-f", "exp.py", status=2)  # of doit's own: the group could not be completed
    assert "KeyError: 'accuracy'" in done.stdout + done.stderr and "dodo_pyexp" not in done.stdout + done.stderr
    assert reported.pyexp("build", "exp.py", status=1).returncode == 1
    assert reported.executed() == ["one", "breaks", "three"]


def test_the_report_task_is_made_again_only_when_results_or_its_code_change(reported: Any) -> None:
    tables = lambda: len(list(reported.out.glob("exp/report/*/table")))  # noqa: E731
    for expected in (1, 1):
        reported.doit("-f", "exp.py")
        assert tables() == expected
    reported.edit("exp.py", "str(len(results))", "str(len(results) + 1)")
    reported.doit("-f", "exp.py")
    assert tables() == 2
    reported.edit("exp.py", 'NAMES = ["one", "breaks", "three"]', 'NAMES = ["one", "breaks"]')
    reported.doit("-f", "exp.py")
    assert tables() == 3
    reported.pyexp("build", "exp.py")
    assert tables() == 3


def test_list_counts_what_became_of_each_batch(broken: Any) -> None:
    (broken.folder / "break").touch()
    broken.edit("exp.py", 'NAMES = ["one", "breaks", "three"]', 'NAMES = ["one", "fails"]')
    broken.python("exp.py", status=1)
    lines = broken.python("exp.py", "--list").stdout.splitlines()
    stamps = [manifest["timestamp"] for manifest in manifests(broken)]
    assert len(stamps) == 2
    first, second = (next(line for line in lines if f"{stamp} " in line) for stamp in stamps)
    assert "1/3" in first
    assert "1/2" in second and "1 failed" in second


def test_a_damaged_manifest_is_one_damaged_line(broken: Any) -> None:
    broken.python("exp.py")
    newest = manifest_files(broken)[-1]
    newest.write_text(newest.read_text()[:50])
    assert "damaged" in broken.python("exp.py", "--list").stdout
    broken.python("exp.py", "--continue")
    assert broken.executed() == ["breaks", "three"]
