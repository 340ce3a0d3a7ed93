"""Declared inputs: a run whose data has changed is out of date, and says so; one whose data is the same is not."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

EXPERIMENT = """
    import pyexp
    from tally import mark
    from custom import EXECUTOR

    @pyexp.experiment(executor=EXECUTOR, inputs={inputs}, stash=False)
    def exp(cfg):
        mark(cfg)
        {body}

    @exp.configs
    def configs():
        return {configs}

    if __name__ == "__main__":
        exp.run()
"""
CUSTOM = """
    import pyexp

    class Plain(pyexp.Executor):
        def run(self, fn, config, result_path):
            return fn(config)

    EXECUTOR = {executor}
"""
EXECUTORS = ["inline", "subprocess", "fork", "custom"]
ONE = '[{"name": "a", "deep": [{"data": pyexp.File("data/train.csv")}]}]'
BODY = "assert cfg.deep[0].data.is_absolute(); return cfg.deep[0].data.read_text()"


def write(
    project: Any, configs: str = ONE, inputs: str = "None", body: str = BODY, executor: str = "inline", more: str = ""
) -> None:
    project.write("pyproject.toml", "")
    project.write("data/train.csv", "a,b\n")
    project.write("custom.py", CUSTOM.format(executor="Plain()" if executor == "custom" else repr(executor)))
    project.write("exp.py", EXPERIMENT.format(configs=configs, inputs=inputs, body=body) + more)


def reasons(project: Any) -> list[str]:
    told = json.loads(project.pyexp("list", "exp.py", "--json").stdout)
    return [run["reason"] for run in told["runs"]]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_run_is_executed_again_when_its_data_has_changed_and_only_then(project: Any, executor: str) -> None:
    write(project, executor=executor)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert project.executed() == ["a"]
    data = project.folder / "data/train.csv"
    os.utime(data, (1, 1))
    shutil.copy(data, project.folder / "copy")
    os.replace(project.folder / "copy", data)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert project.executed() == [] and reasons(project) == [""]
    data.write_text("a,b\n1,2\n")
    assert reasons(project) == ["input data/train.csv changed (4 bytes -> 8 bytes)"]
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert project.executed() == ["a"] and reasons(project) == [""]
    data.write_text("a,b\n3,4\n")
    assert reasons(project) == ["input data/train.csv changed"]


def test_a_folder_counts_with_all_that_is_in_it(project: Any) -> None:
    write(project, inputs='["data/images/"]', configs='[{"name": "a"}]', body="return 1")
    images = project.folder / "data/images"
    for name in ("1.png", "2.png", "deep/3.png"):
        project.write(f"data/images/{name}", name)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert project.executed() == ["a"] and reasons(project) == [""]
    (images / "empty").mkdir()
    assert reasons(project) == [""]
    project.write("data/images/4.png", "4")
    project.write("data/images/deep/5.png", "5")
    (images / "1.png").write_text("other")
    assert reasons(project) == ["data/images: 2 files added, 1 changed"]
    for path in (images / "4.png", images / "deep/5.png", images / "1.png"):
        path.unlink()
    assert reasons(project) == ["data/images: 1 file removed"]
    shutil.rmtree(images)
    assert reasons(project) == ["input data/images is gone"]


def test_links_in_a_folder_are_followed_but_not_in_circles(project: Any) -> None:
    write(project, inputs='["data/"]', configs='[{"name": "a"}]', body="return 1")
    (project.folder / "elsewhere").mkdir()
    (project.folder / "elsewhere/far.csv").write_text("far")
    (project.folder / "data/far").symlink_to("../elsewhere")
    (project.folder / "data/round").symlink_to(".")
    (project.folder / "data/nowhere").symlink_to("nothing")
    os.mkfifo(project.folder / "data/pipe")
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    (project.folder / "elsewhere/far.csv").write_text("farther")
    assert reasons(project) == ["data: 1 file changed"]


def test_a_folder_with_a_link_to_the_project_is_not_out_of_date_after_each_build(project: Any) -> None:
    write(project, inputs='["data/"]', configs='[{"name": "a"}]', body="return 1")
    (project.folder / "data/project").symlink_to("..")
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert reasons(project) == [""]


def test_nothing_is_read_to_say_that_a_file_has_another_size(project: Any) -> None:
    write(project)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    data = project.folder / "data/train.csv"
    data.unlink()
    with open(data, "wb") as file:
        file.truncate(10**13)  # to read it would take an hour
    assert reasons(project) == ["input data/train.csv changed (4 bytes -> 10.0 TB)"]
    assert project.pyexp("build", "-n", "exp.py", status=None).returncode == 3


def test_inputs_may_depend_on_the_config(project: Any) -> None:
    write(
        project,
        inputs='lambda cfg: [f"data/{cfg.name}.csv"]',
        configs='[{"name": "a"}, {"name": "b"}]',
        body='return open(f"data/{cfg.name}.csv").read()',
    )
    for name in "ab":
        project.write(f"data/{name}.csv", name)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    project.write("data/b.csv", "other")
    assert reasons(project) == ["", "input data/b.csv changed (1 byte -> 5 bytes)"]
    project.executed()
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert project.executed() == ["b"]


def test_a_run_from_before_its_input_was_declared_is_out_of_date(project: Any) -> None:
    write(project, configs='[{"name": "a"}]', body="return 1")
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    write(project, configs='[{"name": "a"}]', body="return 1", inputs='["data/train.csv"]')
    assert reasons(project) == ["input data/train.csv is new"]
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    write(project, configs='[{"name": "a"}]', body="return 1")
    assert reasons(project) == ["input data/train.csv is no longer one"]


def test_inputs_of_all_experiments_stand_in_pyproject(project: Any) -> None:
    write(project, configs='[{"name": "a"}]', body="return 1")
    project.write("pyproject.toml", '[tool.pyexp]\ninputs = ["data/train.csv"]\n')
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    project.write("data/train.csv", "other\n")
    assert reasons(project) == ["input data/train.csv changed (4 bytes -> 6 bytes)"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.unlink(), 'is not there (did you mean "trian.csv"?)'),
        (lambda path: (path.unlink(), path.mkdir()), "is a folder; declare it as pyexp.Folder"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "is no file, but a named pipe"),
        (lambda path: (path.unlink(), path.symlink_to("train.csv")), "is a symbolic link that leads in a circle"),
        (lambda path: shutil.rmtree(path.parent), "is not there (there is no folder data)"),
    ],
)
def test_what_a_new_run_cannot_read_is_one_sentence_before_anything_is_executed(
    project: Any, make: Any, said: str
) -> None:
    write(project, configs='[{"name": n, "data": pyexp.File("data/train.csv")} for n in "ab"] + [{"name": "c"}]')
    project.write("data/trian.csv", "")
    make(project.folder / "data/train.csv")
    for command in (["build"], ["build", "-n"]):
        done = project.pyexp(*command, "exp.py", status=None)
        assert done.returncode == 2 and project.executed() == []
        assert done.stderr.strip() == f"error: input data/train.csv, which exp:a and 1 more run need, {said}"
    assert project.pyexp("build", "exp.py", "c", status=None).returncode in (0, 1)


def test_of_a_finished_run_an_input_that_is_gone_is_the_reason(project: Any) -> None:
    write(project)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    (project.folder / "data/train.csv").unlink()
    assert reasons(project) == ["input data/train.csv is gone"]
    done = project.pyexp("build", "-n", "exp.py", status=None)
    assert done.returncode == 3 and "exp:a  input data/train.csv is gone" in done.stdout
    assert project.pyexp("build", "exp.py", status=None).returncode == 2
    assert project.executed() == ["a"]


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ('["out/exp/a/x.csv"]', "input out/exp/a/x.csv lies in the output folder; what another run makes is said by"),
        ('["./"]', "input . holds the output folder out, which each build changes; name the folder of the data alone"),
        ('"data/train.csv"', "inputs must be a list of paths, such as [\"data/train.csv\"], not 'data/train.csv'"),
        ("[3]", 'inputs must be a list of paths, such as ["data/train.csv"], not 3'),
        ("lambda cfg: cfg.nothing", 'for the config "a" the function given as inputs failed: '),
    ],
)
def test_inputs_that_make_no_sense_are_one_sentence(project: Any, inputs: str, said: str) -> None:
    write(project, inputs=inputs, configs='[{"name": "a"}]')
    done = project.pyexp("build", "exp.py", status=None)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert said in done.stderr


def test_what_an_upstream_makes_need_not_be_there_before(project: Any) -> None:
    write(
        project,
        configs='[{"name": "a"}, {"name": "b", "depends_on": "^a$", "data": pyexp.File("out/exp/a/made.csv")}]',
        body='return cfg.data.read_text() if "data" in cfg else (cfg.out.parent / "made.csv").write_text("x")',
    )
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert project.executed() == ["a", "b"]


def test_a_file_that_changes_while_the_run_goes_on_makes_it_out_of_date(project: Any) -> None:
    write(project, body='cfg.deep[0].data.write_text("other")')
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert reasons(project) == ["input data/train.csv changed while it ran"]


def test_an_input_that_vanishes_before_its_run_starts_fails_that_run_alone(project: Any) -> None:
    write(
        project,
        configs='[{"name": "a"}, {"name": "b", "data": pyexp.File("data/train.csv")}, {"name": "c"}]',
        body='import os; cfg.name == "a" and os.unlink("data/train.csv")',
    )
    done = project.pyexp("build", "exp.py", status=None)
    assert done.returncode == 1 and project.executed() == ["a", "c"]
    assert "InputError: input data/train.csv is gone" in project.pyexp("list", "exp.py").stdout


def test_a_declared_file_is_not_told_twice(project: Any) -> None:
    write(project)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    record = json.loads((project.out / "exp/a/.finished").read_text())
    assert list(record["inputs"]) == ["data/train.csv"] and not record.get("found")


def test_a_name_that_is_not_in_utf8_is_an_input_like_others(project: Any) -> None:
    name = 'b"data/caf\\xe9.csv".decode("utf8", "surrogateescape")'
    configs = f'[{{"name": "a", "data": pyexp.File({name})}}]'
    write(project, configs=configs, body="return cfg.data.read_text()")
    path = os.fsencode(project.folder) + b"/data/caf\xe9.csv"
    Path(os.fsdecode(path)).write_text("a")
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert reasons(project) == [""]
    Path(os.fsdecode(path)).write_text("ab")
    assert "changed (1 byte -> 2 bytes)" in project.pyexp("list", "exp.py").stdout


def test_a_record_that_makes_no_sense_of_its_inputs_is_damaged(project: Any) -> None:
    write(project)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    path = project.out / "exp/a/.finished"
    record = json.loads(path.read_text())
    for entry in (3, [1], ["a", "b", "c", "d"], None, [[]] * 4):
        path.write_text(json.dumps({**record, "inputs": {"data/train.csv": entry}}))
        project.write("data/train.csv", "a,b\n")
        assert project.pyexp("list", "exp.py", status=None).returncode == 0
        assert reasons(project)[0].startswith(("record damaged", "input data/train.csv"))
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert reasons(project) == [""]


def test_a_file_that_many_runs_share_is_read_once_and_not_by_the_next_build(project: Any) -> None:
    configs = '[{"name": f"r{i}", "data": pyexp.File("data/train.csv")} for i in range(5)]'
    write(project, configs=configs, body="return 1")
    counting = """
    from dodo_pyexp.provenance.inputs.digests import Digests
    read = Digests._read
    def counted(self, path, size):
        with open("read.txt", "a") as file:
            file.write(path + "\\n")
        return read(self, path, size)
    Digests._read = counted
    """
    source = (project.folder / "exp.py").read_text()
    project.write("exp.py", textwrap.dedent(counting) + source)
    data = project.folder / "data/train.csv"
    os.utime(data, ns=(10**18, 10**18))
    log = project.folder / "read.txt"

    def times() -> int:
        found = log.read_text().splitlines().count(str(data)) if log.exists() else 0
        log.unlink(missing_ok=True)
        return found

    time.sleep(2.1)  # else the file might be written again within one tick of a coarse clock
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert times() == 1
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert times() == 0
    os.utime(data)
    time.sleep(2.1)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert times() == 1
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    assert times() == 0


def test_reading_commands_write_no_digests(project: Any) -> None:
    write(project)
    assert project.pyexp("build", "exp.py", status=None).returncode == 0
    (project.out / ".digests.json").unlink()
    project.write("data/train.csv", "other")
    for command in (["list"], ["build", "-n"], ["graph"]):
        project.pyexp(*command, "exp.py", status=None)
    assert not (project.out / ".digests.json").exists()


def test_a_task_of_ones_own_that_makes_an_input_goes_first_wherever_it_stands(project: Any) -> None:
    write(project)
    (project.folder / "data/train.csv").unlink()
    project.write(
        "dodo.py",
        """
        from exp import exp

        def task_zzz_download():
            return {"actions": ["printf made > data/train.csv"], "targets": ["data/train.csv"], "uptodate": [True]}
        """,
    )
    assert project.pyexp("build", "-n", status=None).returncode == 3
    done = project.pyexp("build", status=None)
    assert done.returncode == 0, done.stderr
    assert project.executed() == ["a"]
    assert project.pyexp("build", status=None).returncode == 0 and project.executed() == []
