"""One run on its way: whatever is raised while it is prepared or started fails it, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import pyexp
from dodo_pyexp.config.encode import dumps_config
from dodo_pyexp.errors import ExecutorError
from dodo_pyexp.executors.handle import Ended, Handle
from dodo_pyexp.planning import resume
from dodo_pyexp.running import attempt, settlement

NAMES = ["first", "bad", "last"]


class Stop(BaseException):
    """Such as asyncio has of its own."""


def build(**options: Any) -> dict[str, Any]:
    @pyexp.experiment(stash=False, executor="inline")
    def train(cfg: Any) -> Any:
        return cfg.name

    return {result.name: result for result in train.run(configs=[{"name": name} for name in NAMES], **options)}


def status(here: Path) -> dict[str, Any]:
    (path,) = here.glob("out/train/bad/*/status.json")
    return dict(json.loads(path.read_text()))


def check(here: Path, results: dict[str, Any], kind: str, message: str) -> None:
    """The healthy runs are done, and the cause of the bad one's failure is on record, in its log too."""
    assert [results[name].result for name in ("first", "last")] == ["first", "last"]
    error = status(here)["error"]
    assert (status(here)["state"], error["type"]) == ("failed", kind)
    assert message in error["message"]
    assert message in results["bad"].error
    assert message in results["bad"].log


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), SystemExit("no"), Stop("no")])
def test_a_function_of_resources_that_raises(here: Path, error: BaseException) -> None:
    def resources(cfg: Any) -> dict[str, float]:
        if cfg.name == "bad":
            raise error
        return {"num_cpus": 1}

    check(here, build(resources=resources), "ConfigError", f"{type(error).__name__}: no")


def test_no_secret_gets_into_the_cause(here: Path) -> None:
    @pyexp.experiment(stash=False, executor="inline", resources=lambda cfg: {}[cfg.api_key])
    def train(cfg: Any) -> None: ...

    (result,) = train.run(configs=[{"name": "bad", "api_key": "s3cr3t-and-l0ng"}])
    assert "KeyError" in result.error and "s3cr3t" not in result.error + result.log + json.dumps(status(here))


def test_a_function_of_resources_that_gives_no_table(here: Path) -> None:
    results = build(resources=lambda cfg: 5 if cfg.name == "bad" else None)
    check(here, results, "ConfigError", "resources must be a table")


def test_a_bug_of_ours_before_its_config_is_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dumps(config: Any, **options: Any) -> str:
        if config["name"] == "bad":
            raise RuntimeError("a bug")
        return dumps_config(config, **options)

    monkeypatch.setattr(attempt, "dumps_config", dumps)
    check(here, build(), "RuntimeError", "a bug")


def test_a_bug_of_ours_when_the_try_begins(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made_of(run: Any, upstream: Any) -> dict[str, Any]:
        if run.name == "bad":
            raise RuntimeError("a bug")
        return {}

    monkeypatch.setattr(resume, "made_of", made_of)
    check(here, build(resume=False), "RuntimeError", "a bug")


def test_a_bug_of_ours_when_the_run_has_ended(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = settlement.Record.write

    def broken(record: Any, run: Any) -> None:
        if record.name == "bad":
            raise RuntimeError("a bug")
        write(record, run)

    monkeypatch.setattr(settlement.Record, "write", broken)
    check(here, build(), "RuntimeError", "a bug")


def test_an_executor_whose_check_raises_is_refused_in_a_sentence(here: Path) -> None:
    class Broken(pyexp.Executor):
        def run(self, fn: Any, config: Any, result_path: str) -> Any:
            return fn(config)

        def check(self) -> None:
            raise OSError("no cluster")

    with pytest.raises(ExecutorError, match="Broken cannot be used: OSError: no cluster"):
        build(executor=Broken())


@pytest.mark.parametrize("step", ["warm", "cool", "close"])
def test_a_bug_in_what_no_run_hangs_on_is_told_and_ends_nothing(
    here: Path, step: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def bug(*_: Any) -> None:
        raise RuntimeError("a bug")

    class Later(Handle):
        def __init__(self, job: Any) -> None:
            self._job, self._left = job, 3

        def poll(self) -> Ended | None:
            self._left -= 1
            return None if self._left else Ended(self._job.perform())

    class Own(pyexp.Executor):
        blocking = step == "cool"  # as if code of the user's was executed here

        def start(self, job: Any, log: Any, guardian: Any) -> Handle:
            log.abandon()
            return Later(job)

    executor = Own()
    setattr(executor, step, bug)
    assert [result.result for result in build(executor=executor).values()] == NAMES
    assert capfd.readouterr().err.count("Own itself failed: RuntimeError: a bug") == 1


class TestAConfigOfItsOwn:
    """Every try and every run has one, also where they are executed in one process."""

    def test_what_a_try_changes_the_next_one_does_not_see(self, here: Path) -> None:
        seen: list[Any] = []

        @pyexp.experiment(stash=False, executor="inline", retry=1)
        def train(cfg: Any, out: Path, deps: Any) -> Any:
            seen.append((cfg.name, list(cfg.model.sizes), sorted(cfg.model), [dep.cfg.model.width for dep in deps]))
            cfg.model.width = 99
            cfg.model.sizes.append(cfg.name)
            cfg.model.pop("depth", None)
            for dep in deps:
                dep.cfg.model.width = 77
            if len(seen) == 1:
                raise ValueError
            return cfg.model.width

        model = {"width": 1, "depth": 2, "sizes": [1]}
        configs = [{"name": "a", "model": model}, {"name": "b", "model": model, "depends_on": "a"}]
        results = train.run(configs=configs)
        keys = ["depth", "sizes", "width"]
        assert seen == [("a", [1], keys, []), ("a", [1], keys, []), ("b", [1], keys, [1])]
        assert [dict(result.cfg.model) for result in results] == [model, model]
        assert model == {"width": 1, "depth": 2, "sizes": [1]}
        assert results["a"].result == 99


def test_pyexps_own_files_are_read_where_the_function_took_their_names(here: Path) -> None:
    @pyexp.experiment(stash=False, executor="inline")
    def train(cfg: Any, out: Path) -> Any:
        for name in ("config.json", "config.yml", "result.json", ".commit"):
            (out / name).write_text("mine")
        return cfg.lr

    assert [result.result for result in train.run(configs=[{"name": "a", "lr": 1}])] == [1]
    attempt = next(here.glob("out/train/a/2*"))
    assert json.loads((attempt / "config.json.pyexp").read_text()) == {"name": "a", "lr": 1}
    assert (attempt / "config.yml.pyexp").read_text() == "name: a\nlr: 1\n"
    assert json.loads((attempt / "status.json").read_text())["saved"].keys() == {
        ".commit", "config.json", "config.yml", "result.json",
    }  # fmt: skip
    assert train.run(configs=[{"name": "a", "lr": 2}])[0].result == 2
    status = json.loads(max(here.glob("out/train/a/2*/status.json")).read_text())
    assert status["why"] == "config: lr 1 -> 2"
