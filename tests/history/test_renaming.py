"""A run that was renamed is asked about, and taken over without being executed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from dodo_pyexp.store.locks import RunLock

EXPERIMENT = """
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="inline", stash=False{options})
    def train(cfg, out, deps):
        mark(cfg)
        (out / "saved.txt").write_text(str(cfg.lr))
        return cfg.lr + sum(one.result for one in deps)

    @train.configs
    def configs():
        return {configs}

    @pyexp.experiment(executor="inline", stash=False)
    def evaluate(cfg, out, deps):
        mark(cfg)
        return sum(one.result for one in deps)

    @evaluate.configs
    def configs():
        return [{{"name": "all", "depends_on": "train:"}}]
"""
TWO = '[{"name": "lr0.1", "lr": 0.1}, {"name": "lr0.2", "lr": 0.2}]'
RENAMED = TWO.replace('"lr0', '"new_lr0')


def write(project: Any, configs: str = TWO, options: str = "") -> None:
    project.write("exp.py", EXPERIMENT.format(configs=configs, options=options))


def reasons(project: Any) -> dict[str, str]:
    told = json.loads(project.pyexp("list", "exp.py", "--json").stdout)
    return {run["run"]: run["reason"] for run in told["runs"]}


def built(project: Any, configs: str = TWO, options: str = "") -> None:
    write(project, configs, options)
    project.pyexp("build", "exp.py")
    project.executed()


LAYOUTS = ["", ", timestamp=False", ", hash_configs=True"]


@pytest.mark.parametrize("options", LAYOUTS)
def test_renamed_runs_are_asked_about_and_taken_over_with_what_lies_behind_them(project: Any, options: str) -> None:
    built(project, options=options)
    write(project, RENAMED, options)
    assert reasons(project) | {"evaluate:all": ""} == {
        "train:new_lr0.1": "never run; train:lr0.1, an orphan, has the same config: renamed?",
        "train:new_lr0.2": "never run; train:lr0.2, an orphan, has the same config: renamed?",
        "evaluate:all": "",
    }
    done = project.pyexp("build", "-n", "exp.py", status=3)
    hint = "2 runs look renamed: `pyexp accept --renamed` takes them over, and executes nothing"
    assert done.stdout.splitlines()[-1] == hint == project.pyexp("list", "exp.py").stdout.splitlines()[-2]
    before = sorted(path.name for path in (project.out / "train").iterdir())
    would = project.pyexp("accept", "--renamed", "-n", "exp.py").stdout
    assert would.startswith("would take over 2 runs of train: lr0.1") and "-> new_lr0.1" in would
    assert sorted(path.name for path in (project.out / "train").iterdir()) == before
    assert project.pyexp("accept", "--renamed", "exp.py").stdout == would.replace("would take", "took")
    assert set(reasons(project).values()) == {""}
    project.pyexp("build", "exp.py")
    assert project.executed() == []
    rows = json.loads(project.pyexp("results", "train", "--json").stdout)
    assert "new_lr0.1" in json.dumps(rows) and "copied" not in json.dumps(rows)
    assert project.pyexp("accept", "--renamed", "exp.py").stdout.startswith("there is nothing to take over")


def test_what_it_was_called_before_still_leads_to_it(project: Any) -> None:
    built(project)
    first = max((project.out / "train/.batches").glob("*.json")).stem
    write(project, RENAMED)
    project.pyexp("accept", "--renamed", "exp.py")
    project.pyexp("build", "exp.py")
    assert project.pyexp("log", "train:lr0.1").stdout == project.pyexp("log", "train:new_lr0.1").stdout
    old = project.pyexp("results", "train", "--at", first).stdout
    assert "new_lr0.1" in old and "0.2" in old and "missing" not in old
    code = (
        f"import exp; print([r.result for r in exp.train.results({first!r})], exp.train.results()['new_lr0.1'].result)"
    )
    assert project.python("-c", code).stdout == "[0.1, 0.2] 0.1\n"
    assert project.pyexp("diff", "train:new_lr0.1", "train:new_lr0.2").returncode == 0


def test_an_upstream_that_was_renamed_leaves_its_downstream_up_to_date(project: Any) -> None:
    chain = '[{"name": "a", "lr": 1}, {"name": "b", "lr": 2, "depends_on": "^A?a?$"}]'
    built(project, chain)
    both = chain.replace('"a"', '"A"').replace('"b"', '"B"').replace("^A?a?$", "^A$")
    write(project, both)
    assert "renamed?" in reasons(project)["train:B"]
    project.pyexp("accept", "--renamed", "exp.py")
    project.pyexp("build", "exp.py")
    assert project.executed() == []


@pytest.mark.parametrize("options", LAYOUTS[1:])
def test_what_was_made_from_a_run_that_cannot_be_taken_over_cannot_either(project: Any, options: str) -> None:
    chain = '[{{"name": "{}", "lr": {}}}, {{"name": "{}", "lr": 2, "depends_on": "^[Aa]$"}}]'
    built(project, chain.format("a", 7, "b"), options)
    built(project, chain.format("A", 1, "b"), options)
    write(project, chain.format("a", 1, "B"), options)  # a has been another config
    assert reasons(project)["train:a"] == "config: lr 7 -> 1"
    assert reasons(project)["train:B"] == "never run"


def test_all_cells_of_a_sweep_whose_axes_were_swapped_are_taken_over(project: Any) -> None:
    sweep = 'pyexp.sweep(pyexp.sweep([{{"name": "s"}}], {}), {})'
    one, other = '[{"name": "a", "lr": 1}, {"name": "b", "lr": 2}]', '[{"name": "x", "w": 1}, {"name": "y", "w": 2}]'
    built(project, sweep.format(one, other))
    write(project, sweep.format(other, one))
    told = project.pyexp("accept", "--renamed", "exp.py").stdout
    assert told.startswith("took over 4 runs of train: ")
    project.pyexp("build", "exp.py")
    assert project.executed() == ["all"]  # the order of its upstreams is another one


def test_of_several_that_fit_none_is_taken(project: Any) -> None:
    same = '[{"name": "a", "lr": 1}, {"name": "b", "lr": 1}]'
    built(project, same)
    write(project, '[{"name": "c", "lr": 1}]')
    said = "never run; train:a, train:b, orphans, have the same config: renamed?"
    assert reasons(project)["train:c"] == said
    hint = project.pyexp("build", "-n", "exp.py", status=3).stdout.splitlines()[-1]
    assert hint.startswith("1 run may have been renamed, but it has the config of several orphans: `pyexp clean`")
    assert f"train:c is left alone: {said}" in project.pyexp("accept", "--renamed", "exp.py").stdout
    write(project, same.replace('"a"', '"c"').replace('"b"', '"a"'))
    write(project, '[{"name": "c", "lr": 1}, {"name": "d", "lr": 1}, {"name": "a", "lr": 1}]')
    told = project.pyexp("accept", "--renamed", "exp.py").stdout
    assert "train:c, train:d are left alone: several runs have the config of train:b\n" in told
    assert sorted(path.name for path in (project.out / "train").iterdir() if path.name[0] != ".") == ["a", "b"]


@pytest.mark.parametrize(
    ("edit", "renamed"),
    [
        (lambda project: project.edit("exp.py", "str(cfg.lr)", "str(cfg.lr * 2)"), False),
        (lambda project: (project.out / "train/lr0.1/.finished").write_text("{"), False),
        (lambda project: [path.unlink() for path in project.out.glob("train/lr0.1/*/saved.txt")], False),
        (lambda project: project.write("data.txt", "other"), False),
        (lambda project: None, True),
    ],
)
def test_only_what_was_made_from_the_same_is_the_same(project: Any, edit: Any, renamed: bool) -> None:
    project.write("pyproject.toml", "")
    project.write("data.txt", "x")
    configs = '[{"name": "lr0.1", "lr": 0.1}]'
    built(project, configs, ', inputs=["data.txt"]')
    write(project, configs.replace('"lr0.1"', '"new"'), ', inputs=["data.txt"]')
    edit(project)
    assert ("renamed?" in reasons(project)["train:new"]) == renamed


def test_what_is_in_the_way_is_named_and_left_alone(project: Any) -> None:
    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    project.write("out/train/b/mine.txt", "mine")
    told = project.pyexp("accept", "--renamed", "exp.py").stdout
    assert "train:b is left alone: out/train/b is there already" in told
    assert (project.out / "train/a/.finished").exists() and (project.out / "train/b/mine.txt").exists()


def test_a_run_that_somebody_executes_is_left_alone(project: Any) -> None:
    import fcntl

    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    fd = os.open(project.out / "train/a", os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        told = project.pyexp("accept", "--renamed", "exp.py").stdout
    finally:
        os.close(fd)
    assert "train:b is left alone: somebody is executing it" in told


def test_while_a_build_goes_on_nothing_that_it_may_use_is_renamed(project: Any) -> None:
    built(project, '[{"name": f"a{n}", "lr": n} for n in range(7)]')
    write(project, '[{"name": f"b{n}", "lr": n} for n in range(7)]')
    lock = RunLock.occupy(str(project.out / "train"))
    assert lock is not None
    try:
        told = project.pyexp("accept", "--renamed", "exp.py").stdout
    finally:
        lock.release()
    names = ", ".join(f"train:b{n}" for n in range(5))
    assert told == f"{names} and 2 more are left alone: train is in use by a build or another command\n"
    assert project.pyexp("accept", "--renamed", "exp.py").stdout.startswith("took over 7 runs of train")


STEPS = ["Renames.begin", "_tell", "Record.write", "os.rename", "Renames.end"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("options", LAYOUTS)
def test_a_kill_between_any_two_steps_leaves_a_whole_run_and_the_next_call_goes_on(
    project: Any, step: str, after: bool, options: str
) -> None:
    before, now = '[{"name": "a", "lr": 1}]', '[{"name": "b", "lr": 1}]'
    built(project, before, options)
    first = max((project.out / "train/.batches").glob("*.json")).stem
    write(project, now, options)
    owner, name = f"renaming.{step}".rsplit(".", 1)
    code = f"""
import os, signal, sys
from dodo_pyexp.history import renaming
from dodo_pyexp.cli.main import main
owner = {owner}
real = owner.{name}
def killed(*args):
    {"real(*args)" if after else "pass"}
    os.kill(os.getpid(), signal.SIGKILL)
owner.{name} = killed
main(["accept", "--renamed", "exp.py"])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, env=project.environment, check=False)
    assert done.returncode == -signal.SIGKILL
    finished = [path.parent.name[0] for path in (project.out / "train").glob("*/.finished")]
    assert finished in (["a"], ["b"])
    write(project, before if finished == ["a"] else now, options)
    assert reasons(project)[f"train:{finished[0]}"] == ""  # whole, under whichever name it is
    rows = json.loads(project.pyexp("results", "train", "--json", "--at", first).stdout)
    assert "damaged" not in json.dumps(rows) and "missing" not in json.dumps(rows)
    write(project, now, options)
    project.pyexp("accept", "--renamed", "exp.py")
    assert reasons(project)["train:b"] == ""
    project.pyexp("build", "exp.py")
    assert "b" not in project.executed()
    assert project.pyexp("results", "train", "--at", first).stdout.split()[-2:] == ["b", "1"]
    assert len(os.listdir(project.out / "train")) == len({*os.listdir(project.out / "train")} - {"a"})


def test_a_build_goes_on_from_what_a_kill_left(project: Any) -> None:
    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    code = """
import os, signal
from dodo_pyexp.history import renaming
from dodo_pyexp.cli.main import main
renaming.Renames.end = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
main(["accept", "--renamed", "exp.py"])
"""
    project.python("-c", code, status=-signal.SIGKILL)
    assert (project.out / "train/.renaming.json").exists()
    project.pyexp("build", "exp.py", "--rerun", "train:b")  # its new record knows nothing of names
    assert not (project.out / "train/.renaming.json").exists()
    assert project.executed() == ["b"]  # it gave the same, so that what depends on it under another name is up to date


def test_however_many_are_renamed_it_is_written_down_once_before_and_once_after(project: Any) -> None:
    configs = '[{"name": f"PREFIX{n}", "lr": n} for n in range(20)]'
    built(project, configs.replace("PREFIX", "a"))
    write(project, configs.replace("PREFIX", "b"))
    code = """
from dodo_pyexp.cli.main import main
from dodo_pyexp.store import atomic
real, written = atomic.write_json, []
atomic.write_json = lambda path, *args, **more: (written.append(path), real(path, *args, **more))
main(["accept", "--renamed", "exp.py"])
print(sum(path.endswith((".renamed.json", ".renaming.json")) for path in written), len(written))
"""
    assert project.python("-c", code).stdout.splitlines()[-1] == "2 42"


@pytest.mark.timeout(60)
def test_of_runs_with_many_ways_to_the_same_upstreams_each_is_compared_once(project: Any) -> None:
    # Four ways to each step back; all ways are 4 ** 20.
    configs = """[
        {"name": f"PREFIX{n}", "lr": n, **({"depends_on": [f"^[ab]{n // 2 * 2 - 2}$", f"^[ab]{n // 2 * 2 - 1}$"]} if n > 1 else {})}
        for n in range(40)
    ]"""  # noqa: E501
    built(project, configs.replace("PREFIX", "a"))
    write(project, configs.replace("PREFIX", "b"))
    assert project.pyexp("accept", "--renamed", "exp.py").stdout.startswith("took over 40 runs")


# -- what is found afterwards ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", LAYOUTS)
def test_runs_that_exchange_their_names_step_by_step_keep_their_results_in_older_batches(
    project: Any, options: str
) -> None:
    names = '[{{"name": "{}", "lr": 1}}, {{"name": "{}", "lr": 2}}]'
    built(project, names.format("a", "b"), options)
    first = max((project.out / "train/.batches").glob("*.json")).stem
    for pair in (("t", "b"), ("t", "a"), ("b", "a")):
        write(project, names.format(*pair), options)
        assert project.pyexp("accept", "--renamed", "exp.py").stdout.startswith("took over 1 run")
    project.pyexp("build", "exp.py")
    assert project.executed() == []  # what depends on both has two upstreams of these names, as before
    code = "import exp\nfor r in exp.train.results(*{}): print(r.name, r.cfg.name, r.cfg.lr, r.result, r.error)"
    for batch in ((first,), ()):
        assert project.python("-c", code.format(batch)).stdout.splitlines() == ["b b 1 1 None", "a a 2 2 None"]
    assert "2" in project.pyexp("results", "train", "--at", first).stdout
    told = json.loads(project.pyexp("diff", f"train@{first}", "train", "--json").stdout)
    assert not told.get("runs") and not (told.get("results") or {}).get("values")


@pytest.mark.parametrize("options", LAYOUTS)
def test_a_name_that_another_run_has_got_since_leads_older_batches_to_the_run_that_they_had(
    project: Any, options: str
) -> None:
    built(project, '[{"name": "a", "lr": 1}]', options)
    first = max((project.out / "train/.batches").glob("*.json")).stem
    write(project, '[{"name": "b", "lr": 1}]', options)
    project.pyexp("accept", "--renamed", "exp.py")
    built(project, '[{"name": "b", "lr": 1}, {"name": "a", "lr": 5}]', options)
    code = f"import exp\nfor r in exp.train.results({first!r}): print(r.name, r.result)"
    assert project.python("-c", code).stdout == "b 1\n"
    saved = project.pyexp("log", "--path", "train:b", "--at", first).stdout
    assert saved.startswith("out/train/b") and saved != project.pyexp("log", "--path", "train:a").stdout


@pytest.mark.parametrize("options", LAYOUTS)
def test_a_batch_is_not_continued_under_names_that_its_runs_have_no_longer(project: Any, options: str) -> None:
    built(project, options=options)
    first = max((project.out / "train/.batches").glob("*.json")).stem
    write(project, RENAMED, options)
    project.pyexp("accept", "--renamed", "exp.py")
    done = project.pyexp("build", "exp.py", "--continue", first, status=2)
    said = f"train:lr0.1 of the batch {first} is called train:new_lr0.1 by now (and 1 more has another name, too)"
    assert said in done.stderr
    assert project.executed() == []


def test_who_asks_by_an_earlier_name_is_told_the_one_of_today(project: Any) -> None:
    built(project)
    write(project, RENAMED)
    project.pyexp("accept", "--renamed", "exp.py")
    for _ in range(2):
        done = project.pyexp("log", "--path", "train:lr0.1")
        assert done.stdout.startswith("out/train/new_lr0.1/")
        assert "train:lr0.1 is called train:new_lr0.1 by now" in done.stderr
        project.pyexp("build", "exp.py")


def test_names_that_no_folder_can_have_are_taken_over_like_others(project: Any) -> None:
    built(project, '[{"name": "a/b=1", "lr": 1}, {"name": "Lr", "lr": 2}]')
    write(project, '[{"name": "a:b", "lr": 1}, {"name": "lR", "lr": 2}]')
    project.pyexp("accept", "--renamed", "exp.py")
    project.pyexp("build", "exp.py")
    assert project.executed() == []
    assert project.pyexp("log", "train:a/b=1").returncode == 0


def test_of_an_axis_with_a_default_the_runs_that_had_none_are_the_same(project: Any) -> None:
    one = '[{"name": "lr1", "lr": 1}]'
    built(project, one)
    both = '[{"name": f"lr1_seed{seed}", "lr": 1, "seed": seed} for seed in (0, 1)]'
    write(project, both)
    assert reasons(project)["train:lr1_seed0"] == "never run"
    write(project, both, ', defaults={"seed": 0}')
    assert "train:lr1, an orphan" in reasons(project)["train:lr1_seed0"]
    assert reasons(project)["train:lr1_seed1"] == "never run"


def test_a_default_that_was_declared_since_is_seen_in_what_an_orphan_was_made_of(project: Any) -> None:
    built(project, '[{"name": "a", "lr": 1, "seed": 0}]')
    write(project, '[{"name": "b", "lr": 1}]', ', defaults={"seed": 0}')
    assert project.pyexp("accept", "--renamed", "exp.py").stdout == "took over 1 run of train: a -> b\n"
    project.pyexp("build", "exp.py")
    assert project.executed() == []


def test_names_that_are_exchanged_at_once_are_other_configs_of_runs_that_there_are(project: Any) -> None:
    built(project, '[{"name": "a", "lr": 1}, {"name": "b", "lr": 2}]')
    write(project, '[{"name": "b", "lr": 1}, {"name": "a", "lr": 2}]')
    told = reasons(project)
    assert told["train:a"] == "config: lr 1 -> 2" and told["train:b"] == "config: lr 2 -> 1"
    assert project.pyexp("accept", "--renamed", "exp.py").stdout.startswith("there is nothing to take over")


def test_an_orphan_of_another_experiment_is_not_taken(project: Any) -> None:
    write(project, '[{"name": "a", "lr": 1}]')
    project.pyexp("build", "exp.py")
    project.edit("exp.py", "def train(", "def train2(")
    project.edit("exp.py", "@train.configs", "@train2.configs")
    project.edit("exp.py", '"train:"', '"train2:"')
    assert reasons(project)["train2:a"] == "never run"


@pytest.mark.parametrize("name", [".renamed.json", ".renaming.json"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_stands_in_the_place_of_a_list_of_names_is_no_harm(project: Any, name: str, make: Any) -> None:
    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    make(project.out / "train" / name)
    for command in (["list", "exp.py"], ["results", "train"], ["accept", "--renamed", "-n", "exp.py"]):
        project.pyexp(*command)
    done = project.pyexp("accept", "--renamed", "exp.py", status=None)
    assert done.returncode == 0 or "cannot write to out/train" in done.stderr
    project.pyexp("build", "exp.py")


def test_what_was_written_down_of_names_may_be_anything(project: Any) -> None:
    built(project, '[{"name": "a", "lr": 1}]')
    write(project, '[{"name": "b", "lr": 1}]')
    project.pyexp("accept", "--renamed", "exp.py")
    path = project.out / "train/.renamed.json"
    texts = [
        "",
        "[]",
        '{"format": 1, "runs": {"a": "b"}, "begun": 3}',
        '{"format": 1, "runs": [["a", "../x", 0], ["..", "b", 1], ["c"], 3, ["d", "e", -7], ["e", "d", 1e9]]}',
        '{"format": 1, "runs": [["a\\u0000", "b", 2], ["a", "a", 3]], "begun": [["a", "b", 99999999999999999999]]}',
    ]
    for text in texts:
        path.write_text(text)
        for command in (["list", "exp.py"], ["log", "train:a"], ["results", "train"], ["log", "train:d"]):
            done = project.pyexp(*command, status=None)
            assert done.returncode in (0, 2) and "Traceback" not in done.stderr
