"""Forks of the build's process: runs see what it holds, and nothing stays."""

from __future__ import annotations

from typing import Any

import pytest

from dodo_pyexp.executors.forking.server import POSSIBLE

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="there is no fork server but on Linux")

HEAD = """
    import os, sys, threading
    import pyexp

    STATE = []

    def children():
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return file.read().split()
"""


def write(project: Any, body: str) -> None:
    project.write("exp.py", HEAD + body)


def test_runs_see_what_the_configs_have_changed(project: Any) -> None:
    write(project, """
    @pyexp.experiment(executor="fork")
    def train(cfg):
        return list(STATE)

    @train.configs
    def configs():
        STATE.append("train")
        return [{"name": f"r{n}"} for n in range(3)]

    STATE.append("before")
    assert [r.result for r in train.run()] == [["before", "train"]] * 3
    STATE.append("between")
    assert [r.result for r in train.run(rerun=True)] == [["before", "train", "between", "train"]] * 3
    """)  # fmt: skip
    project.python("exp.py")


def test_runs_see_what_the_configs_of_an_upstream_have_changed(project: Any) -> None:
    write(project, """
    @pyexp.experiment(executor="fork")
    def data(cfg):
        return list(STATE)

    @data.configs
    def data_configs():
        STATE.append("data")
        return [{"name": "d0"}, {"name": "d1"}]

    @pyexp.experiment(executor="fork")
    def train(cfg, out, deps):
        return list(STATE)

    @train.configs
    def configs():
        STATE.append("train")
        return [{"name": f"r{n}", "depends_on": "^data:d"} for n in range(2)]

    assert [r.result for r in train.run()] == [["train", "data"]] * 2
    assert [r.result for r in data.results()] == [["train", "data"]] * 2
    """)  # fmt: skip
    project.python("exp.py")


def test_the_configs_are_called_once_and_what_they_print_is_printed_once(project: Any) -> None:
    write(project, """
    @pyexp.experiment(executor="fork")
    def train(cfg):
        print("in the run")

    @train.configs
    def configs():
        sys.stdout.write("in the configs ")
        return [{"name": f"r{n}"} for n in range(3)]

    train.run()
    """)  # fmt: skip
    assert project.python("exp.py").stdout == "in the configs "
    assert "".join(path.read_text() for path in project.out.rglob("log.out")) == "in the run\n" * 3


@pytest.mark.parametrize("how", ["up to date", "nothing selected", "a wrong config", "configs that raise"])
def test_no_process_stays_of_a_build_that_executes_nothing(project: Any, how: str) -> None:
    write(project, """
    @pyexp.experiment(executor="fork")
    def train(cfg):
        pass

    CONFIGS = [{"name": f"r{n}"} for n in range(3)]
    HOW = os.environ["HOW"]

    def configs():
        raise KeyError("here")

    try:
        if HOW == "up to date":
            train.run(configs=CONFIGS)
            train.run(configs=CONFIGS)
        elif HOW == "nothing selected":
            train.run(configs=CONFIGS, filter="nothing")
        elif HOW == "a wrong config":
            train.run(configs=[{"name": "r", "value": object()}])
        else:
            train.run(configs=configs)
    except (pyexp.PyexpError, KeyError) as error:
        print(type(error).__name__)
    print(children())
    """)  # fmt: skip
    said = {"a wrong config": "ConfigTypeError\n", "configs that raise": "KeyError\n"}.get(how, "")
    status = 2 if how == "nothing selected" else 0
    assert project.python("exp.py", env={"HOW": how}, status=status).stdout == f"{said}[]\n"


def test_a_thread_that_the_configs_start_keeps_from_forking(project: Any, one_sentence: Any) -> None:
    write(project, """
    @pyexp.experiment(executor="fork")
    def train(cfg):
        pass

    @train.configs
    def configs():
        threading.Thread(target=threading.Event().wait, name="loader", daemon=True).start()
        return [{"name": "r"}]

    train.run()
    """)  # fmt: skip
    one_sentence(project.python("exp.py", status=2), "fork", "threads", "loader")


def test_nothing_is_forked_where_nothing_is_executed(project: Any) -> None:
    write(project, """
    @pyexp.experiment
    def train(cfg):
        pass

    train.configs(lambda: [{"name": "r"}])
    if __name__ == "__main__":
        fork = os.fork
        os.fork = lambda: print("forked") or fork()
        train.run()
    """)  # fmt: skip
    for words in (["--list"], ["--graph"], ["--dry-run"]):
        assert "forked" not in project.python("exp.py", "--executor", "fork", *words, status=None).stdout
    assert "forked" in project.python("exp.py", "--executor", "fork").stdout
    assert "forked" not in project.python("exp.py", "--executor", "fork").stdout
    assert "forked" in project.python("exp.py", "--executor", "fork", "--rerun").stdout
    assert "forked" not in project.python("exp.py", "--executor", "fork", "--report", status=2).stdout
