"""Files that runs were seen to read: in every executor they are on record, and a change of them is told."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = """
    from pathlib import Path

    import pyexp
    from tally import mark
    from custom import EXECUTOR

    @pyexp.experiment(executor=EXECUTOR, stash={stash})
    def exp(cfg):
        mark(cfg)
        {body}

    @exp.configs
    def configs():
        return [{{"name": f"r{{i}}"}} for i in range({runs})]

    if __name__ == "__main__":
        exp.run()
"""
CUSTOM = """
    import pyexp

    class Twice(pyexp.Executor):
        def run(self, fn, config, result_path):
            fn(config)
            return fn(config)

    EXECUTOR = {executor}
"""
EXECUTORS = ["inline", "subprocess", "fork", "custom"]
BODY = 'return Path("data/train.csv").read_text()'


def write(project: Any, executor: str = "inline", body: str = BODY, runs: int = 1, stash: bool = False) -> None:
    project.write("pyproject.toml", "")
    project.write("data/train.csv", "a,b\n")
    project.write("custom.py", CUSTOM.format(executor="Twice()" if executor == "custom" else repr(executor)))
    project.write("exp.py", EXPERIMENT.format(body=body.replace("\n", "\n        "), runs=runs, stash=stash))


def age(project: Any) -> None:
    """Let what is there have been there for long: what was just written is read to know it."""
    for path in project.folder.glob("data/**/*"):
        os.utime(path, ns=(10**18, 10**18))


def found(project: Any, run: str = "r0") -> Any:
    record = json.loads((project.out / "exp" / run / ".finished").read_text())
    return record.get("found")


def inputs(project: Any, run: str = "r0") -> Any:
    return json.loads((project.attempts(run)[-1] / "inputs.json").read_text())


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_a_run_has_read_is_on_record_and_a_change_is_told(project: Any, executor: str) -> None:
    write(project, executor, runs=2)
    age(project)
    time.sleep(0.06)
    project.pyexp("build", "exp.py")
    assert list(found(project)) == ["data/train.csv"]
    size, digest, mtime, ctime = found(project)["data/train.csv"]
    assert (size, mtime) == (4, 10**18)
    about = {"size": 4, "mtime_ns": 10**18, "digest": digest, "ctime_ns": ctime}
    assert inputs(project) == {"format": 1, "files": {"data/train.csv": about}, "folders": {}}
    project.executed()
    assert "which" not in project.pyexp("list", "exp.py").stdout
    project.write("data/train.csv", "a,b,c\n")
    told = project.pyexp("list", "exp.py").stdout
    assert "exp:r0  up-to-date  data/train.csv, which it read, changed (4 bytes -> 6 bytes)\n" in told
    assert "\ndata/train.csv, which 2 runs read, changed (4 bytes -> 6 bytes)\n2 runs: 2 up-to-date" in told
    told = project.pyexp("build", "exp.py").stderr
    assert told.count("data/train.csv, which 2 runs read, changed (4 bytes -> 6 bytes) (`pyexp build exp.py") == 1
    assert project.executed() == []


@pytest.mark.parametrize("door", [["-m", "pyexp", "build", "exp.py"], ["exp.py"], ["-m", "doit", "-f", "exp.py"]])
def test_through_every_door_the_same_is_told(project: Any, door: list[str]) -> None:
    write(project, runs=2)
    project.python(*door)
    project.write("data/train.csv", "a,b,c\n")
    assert "data/train.csv, which 2 runs read, changed (4 bytes -> 6 bytes)" in project.python(*door).stderr
    assert "data/train.csv, which 2 runs read" in project.python("exp.py", "-n").stderr


def touch(project: Any) -> None:
    (project.folder / "data/train.csv").touch()


def same_bytes(project: Any) -> None:
    shutil.copy(project.folder / "data/train.csv", project.folder / "data/other")
    os.replace(project.folder / "data/other", project.folder / "data/train.csv")


def moved(project: Any) -> None:
    """The whole project lies elsewhere."""
    shutil.copytree(project.folder, project.folder.parent / "elsewhere")
    shutil.rmtree(project.folder)
    os.rename(project.folder.parent / "elsewhere", project.folder)


@pytest.mark.parametrize("harmless", [touch, same_bytes, moved])
@pytest.mark.parametrize("old", [False, True])
def test_another_time_is_no_change(project: Any, harmless: Any, old: bool) -> None:
    write(project)
    if old:
        age(project)
    project.pyexp("build", "exp.py")
    time.sleep(0.02)
    harmless(project)
    assert "which" not in project.pyexp("list", "exp.py").stdout


def test_an_edit_of_the_same_size_within_a_tick_is_a_change(project: Any) -> None:
    write(project)
    project.pyexp("build", "exp.py")
    path = project.folder / "data/train.csv"
    before = path.stat().st_mtime_ns
    path.write_text("x,y\n")
    os.utime(path, ns=(before, before))
    assert "data/train.csv, which it read, changed\n" in project.pyexp("list", "exp.py").stdout


def test_a_file_that_is_gone_or_no_file_any_more_is_told(project: Any) -> None:
    write(project, body='Path("data/a").read_text(); ' + BODY)
    (project.folder / "data/a").touch()
    project.pyexp("build", "exp.py")
    (project.folder / "data/train.csv").unlink()
    os.mkfifo(project.folder / "data/train.csv")
    (project.folder / "data/a").unlink()
    os.symlink("a", project.folder / "data/a")
    told = project.pyexp("list", "exp.py").stdout
    assert "data/a, which it read, is gone; data/train.csv, which it read, is gone" in told


@pytest.mark.parametrize("executor", EXECUTORS)
def test_children_are_watched_and_the_top_level_where_a_run_imports_it(project: Any, executor: str) -> None:
    body = """
import multiprocessing, subprocess, sys
subprocess.run([sys.executable, "-c", "open('data/by_program').read()"], check=True)
for how in "fork", "spawn":
    with multiprocessing.get_context(how).Pool(1) as pool:
        pool.map(Path.read_text, [Path(f"data/by_{how}")])
own = Path("data/own")
own.write_text("1")
return own.read_text()
"""
    write(project, executor, body)
    project.edit("exp.py", "import pyexp", 'import pyexp\nTOP = Path("data/by_top").read_text()')
    for name in ("program", "fork", "spawn", "top"):
        (project.folder / f"data/by_{name}").write_text(name)
    project.pyexp("build", "exp.py")
    names = {f"data/by_{name}" for name in ("program", "fork", "spawn")}
    if executor == "subprocess":
        assert set(found(project)) == {*names, "data/by_top"}
    assert names <= set(found(project)) <= {*names, "data/by_top"}
    assert sorted(path.name for path in project.attempts("r0")[-1].iterdir() if path.name.endswith(".tmp")) == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_data_beside_the_code_is_the_users_own_also_where_code_runs_from_a_snapshot(
    project: Any, executor: str
) -> None:
    write(project, executor, 'return (Path(__file__).parent / "data/train.csv").read_text()', stash=True)
    project.python("-c", "import subprocess; [subprocess.run(['git', *x.split()]) for x in ('init -q', 'add -A')]")
    project.pyexp("build", "exp.py")
    assert list(found(project)) == ["data/train.csv"]
    assert "which" not in project.pyexp("list", "exp.py").stdout
    project.write("data/train.csv", "c,d\n")
    assert "data/train.csv, which it read, changed\n" in project.pyexp("list", "exp.py").stdout


def test_a_file_that_changes_while_the_run_goes_on_is_told_until_it_is_accepted(project: Any) -> None:
    body = """
text = Path("data/train.csv").read_text()
import subprocess
subprocess.run(["/bin/sh", "-c", "echo more >> data/train.csv"], check=True)
return text
"""
    write(project, body=body)
    project.pyexp("build", "exp.py")
    about = inputs(project)["files"]["data/train.csv"]
    assert about == {"size": 4, "mtime_ns": about["mtime_ns"], "digest": None, "changed": True}
    assert "data/train.csv, which it read, changed while it ran" in project.pyexp("list", "exp.py").stdout
    project.pyexp("accept", "exp.py")
    assert "which" not in project.pyexp("list", "exp.py").stdout


def test_a_file_that_the_run_itself_writes_over_counts_as_it_has_left_it(project: Any) -> None:
    write(project, body='p = Path("data/train.csv"); p.write_text(p.read_text() + "x")')
    project.pyexp("build", "exp.py")
    assert "which" not in project.pyexp("list", "exp.py").stdout
    project.write("data/train.csv", "y")
    assert "data/train.csv, which it read, changed" in project.pyexp("list", "exp.py").stdout


def test_many_files_stand_beside_the_record_and_very_many_by_folder(project: Any) -> None:
    write(project, body='for p in sorted(Path("data").glob("*/*")): p.read_text()', runs=2)
    for i in range(30):
        project.write(f"data/few/{i}", f"{i}")
    project.pyexp("build", "exp.py")
    assert isinstance(found(project), str) and len(inputs(project)["files"]) == 30
    project.write("data/few/7", "changed")
    for i in range(10, 16):
        project.write(f"data/few/{i}", "changed")
    told = project.pyexp("build", "exp.py").stderr
    assert "data/few/10, which 2 runs read, changed (2 bytes -> 7 bytes)\n" in told
    assert "2 more files that they read changed (`pyexp build exp.py" in told
    assert "and 3 more" in project.pyexp("list", "exp.py").stdout
    project.pyexp("accept", "exp.py")
    assert "read" not in project.pyexp("list", "exp.py").stdout
    (project.attempts("r1")[-1] / "inputs.json").write_text("{}")
    assert "read" not in project.pyexp("list", "exp.py").stdout  # what was accepted stands in the record

    for i in range(1100):
        project.write(f"data/many/{i:04}", "x")
    project.pyexp("build", "exp.py", "--rerun")
    assert list(inputs(project)["folders"]) == ["data/many/"] and len(inputs(project)["files"]) == 30
    assert "    data/many/  1,100 files  (found)\n" in project.pyexp("list", "exp.py", "--inputs").stdout
    project.write("data/many/1100", "12345")
    told = project.pyexp("list", "exp.py").stdout
    assert "data/many/, which 2 runs read, changed (1,100 files -> 1,101 files)" in told
    (project.folder / "data/many/1100").unlink()
    assert "read" not in project.pyexp("list", "exp.py").stdout
    project.write("data/many/0007", "y")
    assert "data/many/, which 2 runs read, changed\n" in project.pyexp("list", "exp.py").stdout
    (project.attempts("r1")[-1] / "inputs.json").unlink()
    assert "what inputs.json says, which it read, cannot be read" not in project.pyexp("list", "exp.py").stdout


def test_a_list_that_is_gone_is_told(project: Any) -> None:
    write(project, body='for p in Path("data").glob("*"): p.read_text()')
    for i in range(30):
        project.write(f"data/{i}", f"{i}")
    project.pyexp("build", "exp.py")
    for damaged in ("{", '{"files": {"a": 1}}', "[]", ""):
        (project.attempts("r0")[-1] / "inputs.json").write_text(damaged)
        assert "inputs.json" in project.pyexp("list", "exp.py").stdout
    project.pyexp("accept", "exp.py")
    assert "inputs.json" not in project.pyexp("list", "exp.py").stdout


@pytest.mark.parametrize("damaged", [[1], {"a": 1}, {"a": [1]}, {"a": [1, 2, 3]}, {"x/": ["a", "b", "c"]}, 5])
def test_a_damaged_table_makes_its_own_run_stale_and_no_other(project: Any, damaged: Any) -> None:
    write(project, runs=2)
    project.pyexp("build", "exp.py")
    record = project.out / "exp/r0/.finished"
    (project.folder / "x").mkdir()
    record.write_text(json.dumps({**json.loads(record.read_text()), "found": damaged}))
    states = {run["name"]: run["state"] for run in json.loads(project.pyexp("list", "exp.py", "--json").stdout)["runs"]}
    assert states == {"r0": "stale", "r1": "up-to-date"}
    assert "data/train.csv  4 bytes  (found)" in project.pyexp("list", "exp.py", "--inputs").stdout


def test_a_users_own_inputs_json_is_left_alone(project: Any) -> None:
    write(project, body='(cfg.out / "inputs.json").write_text("mine"); ' + BODY)
    project.pyexp("build", "exp.py")
    attempt = project.attempts("r0")[-1]
    assert (attempt / "inputs.json").read_text() == "mine"
    assert "data/train.csv" in (attempt / "inputs.json.pyexp").read_text()
    assert "saved inputs.json, as pyexp does" in (attempt / "log.out").read_text()
    assert "inputs.json" in json.loads((project.out / "exp/r0/.finished").read_text())["saved"]


def test_a_name_that_is_no_utf8(project: Any) -> None:
    write(project, body='import os\nreturn [open(os.path.join(b"data", n)).read() for n in os.listdir(b"data")]')
    name = os.fsencode(project.folder) + b"/data/\xff\n"
    Path(os.fsdecode(name)).write_text("x")
    project.pyexp("build", "exp.py")
    assert "which" not in project.pyexp("list", "exp.py").stdout
    Path(os.fsdecode(name)).write_text("xy")
    assert "which it read, changed (1 byte -> 2 bytes)" in project.pyexp("list", "exp.py").stdout


def test_a_run_that_fails_leaves_nothing_lying_about(project: Any) -> None:
    write(
        project,
        body='import subprocess, sys\nsubprocess.run([sys.executable, "-c", "open(\'data/train.csv\')"])\n1 / 0',
    )
    project.pyexp("build", "exp.py", status=1)
    assert not [path for path in project.attempts("r0")[-1].iterdir() if "inputs" in path.name]


def test_records_of_before_are_read_and_say_nothing_of_files(project: Any) -> None:
    write(project)
    project.pyexp("build", "exp.py")
    record = project.out / "exp/r0/.finished"
    values = json.loads(record.read_text())
    del values["found"]
    record.write_text(json.dumps(values))
    project.write("data/train.csv", "x")
    assert "1 run: 1 up-to-date" in project.pyexp("list", "exp.py").stdout


def test_what_an_upstream_has_saved_is_no_file_of_the_project(project: Any) -> None:
    write(project, body='(cfg.out / "x").write_text("x"); return (cfg.out / "x").read_text()')
    project.pyexp("build", "exp.py")
    assert found(project) is None and not (project.attempts("r0")[-1] / "inputs.json").exists()


def test_with_rerun_a_run_that_has_read_a_changed_file_is_stale(project: Any) -> None:
    write(project, body='import os\n(Path("data/one").read_text() if cfg.name == "r0" else 0); ' + BODY, runs=2)
    project.write("data/one", "1")
    project.pyexp("build", "exp.py")
    project.executed()
    project.write("data/one", "12345")
    told = project.pyexp("build", "-n", "exp.py", "--read-files", "rerun", status=3).stdout
    assert "exp:r0  data/one, which it read, changed (1 byte -> 5 bytes)\n1 of 2 runs would be executed" in told
    assert "data/one" not in project.pyexp("build", "exp.py", "--read-files", "ignore").stderr
    assert project.executed() == []
    told = project.pyexp("build", "exp.py", "--read-files", "rerun").stderr
    assert project.executed() == ["r0"] and "which" not in told
    project.pyexp("build", "exp.py", "--read-files", "rerun")
    assert project.executed() == []


@pytest.mark.parametrize("where", ["decorator", "run", "pyproject", "flag of the script"])
def test_the_policy_may_stand_wherever_options_do(project: Any, where: str) -> None:
    write(project)
    project.python("exp.py")
    project.executed()
    project.write("data/train.csv", "changed")
    flags = []
    if where == "decorator":
        project.edit("exp.py", "stash=False", 'stash=False, read_files="rerun"')
    elif where == "run":
        project.edit("exp.py", "exp.run()", 'exp.run(read_files="rerun")')
    elif where == "pyproject":
        project.write("pyproject.toml", '[tool.pyexp]\nread_files = "rerun"\n')
    else:
        flags = ["--read-files", "rerun"]
    project.python("exp.py", *flags)
    assert project.executed() == ["r0"]


def test_a_run_file_has_the_policy_too(project: Any) -> None:
    write(project)
    project.write("run.yml", "entry: exp.py:exp\nconfig: {name: r0}\nread_files: rerun\n")
    for text, executed in (("1", ["r0"]), ("12", ["r0"]), ("12", [])):
        project.write("data/train.csv", text)
        project.pyexp("build", "run.yml")
        assert project.executed() == executed


def test_a_policy_that_there_is_not_is_refused(project: Any, one_sentence: Any) -> None:
    write(project)
    one_sentence(project.pyexp("build", "exp.py", "--read-files", "return", status=2), "read_files", '"rerun"?')


def test_with_ignore_nothing_is_watched(project: Any) -> None:
    write(project)
    project.pyexp("build", "exp.py", "--read-files", "ignore")
    assert found(project) is None


def test_other_code_and_other_files_are_both_told(project: Any) -> None:
    write(project, runs=2)
    project.pyexp("build", "exp.py")
    project.executed()
    project.write("data/train.csv", "x")
    project.edit("exp.py", "read_text()", "read_text() * 2")
    told = project.pyexp("list", "exp.py").stdout
    assert "code: exp.py::exp changed; data/train.csv, which it read, changed (4 bytes -> 1 byte)" in told
    told = project.pyexp("build", "exp.py").stderr
    assert "2 up-to-date runs were made by other code: exp.py::exp changed" in told
    assert "data/train.csv, which 2 runs read, changed" in told
    assert "2 of 2" in project.pyexp("build", "-n", "exp.py", "--code", "rerun", status=3).stdout
    assert "2 of 2" in project.pyexp("build", "-n", "exp.py", "--read-files", "rerun", status=3).stdout
    said = "accepted 2 runs of exp: exp.py::exp changed, data/train.csv changed\n"
    assert project.pyexp("accept", "exp.py").stdout == said
    assert "which" not in project.pyexp("list", "exp.py").stdout
    assert project.executed() == []


def test_a_file_that_an_upstream_writes_makes_its_reader_stale_in_the_same_build(project: Any) -> None:
    body = """
if cfg.name == "r1":
    return Path("data/made").read_text()
Path("data/made").write_text(Path("data/train.csv").read_text())
"""
    write(project, body=body, runs=2)
    project.edit("exp.py", '{"name": f"r{i}"}', '{"name": f"r{i}", "depends_on": ["r0"] * i}')
    project.pyexp("build", "exp.py")
    project.executed()
    project.write("data/train.csv", "other")
    project.pyexp("build", "exp.py", "--read-files", "rerun")
    assert project.executed() == ["r0", "r1"]
    project.pyexp("build", "exp.py", "--read-files", "rerun")
    assert project.executed() == []
