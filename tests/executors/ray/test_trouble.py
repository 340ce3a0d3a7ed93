"""One sentence for what Ray says at length. No Ray is needed for this."""

from __future__ import annotations

import logging

import pytest

from dodo_pyexp.executors.ray.executor import leave_out
from dodo_pyexp.executors.ray.trouble import (
    details,
    environment_failure,
    first_line,
    memory_failure,
    task_failure,
    without_chatter,
)

PIP = """Failed to set up runtime environment.
[Node 10.0.0.7] Traceback (most recent call last):
  File "/lib/ray/_private/runtime_env/pip.py", line 252, in _install_pip_packages
    await check_output_cmd(pip_install_cmd, logger=logger, cwd=cwd, env=pip_env)
ray._private.runtime_env.utils.SubprocessCalledProcessError: Run cmd[9] failed with the following details.
Command '['/tmp/virtualenv/bin/python', '-m', 'pip', 'install']' returned non-zero exit status 1.
Last 50 lines of stdout:
    Looking in indexes: https://pypi.org/simple
    ERROR: Could not find a version that satisfies the requirement no-such==9.9 (from versions: none)
    ERROR: No matching distribution found for no-such==9.9
"""
RAISED = """Failed to set up runtime environment.
[Node 10.0.0.7] Traceback (most recent call last):
  File "/lib/ray/_private/runtime_env/pip.py", line 132, in __init__
    import virtualenv
ModuleNotFoundError: No module named 'virtualenv'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/lib/ray/_private/runtime_env/pip.py", line 134, in __init__
    raise RuntimeError(
RuntimeError: Changing the ray version is not allowed: \n  current version: 2.40.0,   expect version: 2.60.0,
"""


def test_what_pip_said_last_is_why_an_environment_could_not_be_made():
    said = environment_failure(RuntimeError(PIP))
    assert said == (
        "No matching distribution found for no-such==9.9 "
        "(so Ray could not make the runtime environment on the node 10.0.0.7)"
    )


def test_a_conflict_of_packages_is_told_by_their_names():
    conflict = PIP + (
        "    ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.\n"
        "    ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/\n"
    )
    assert environment_failure(RuntimeError(conflict)).startswith("Cannot install a==1 and b==2 because")


def test_without_pip_the_last_exception_is_told_on_one_line():
    said = environment_failure(RuntimeError(RAISED))
    assert said.startswith("Changing the ray version is not allowed: current version: 2.40.0, expect version: 2.60.0,")
    assert "\n" not in said and said.endswith("on the node 10.0.0.7)")


def test_a_short_message_is_told_as_it_is():
    error = RuntimeError("no such working_dir")
    assert environment_failure(error) == "no such working_dir (so Ray could not make the runtime environment)"
    assert details(error) == "" and details(RuntimeError(PIP)) == PIP


def test_a_node_without_pyexp_is_told_with_what_to_do():
    text = "ray::pyexp()\nModuleNotFoundError: No module named 'dodo_pyexp'\n"
    assert "install the same dodo-pyexp[ray] there as here" in task_failure(RuntimeError(text))
    assert task_failure(RuntimeError("ray::pyexp()\nValueError: no\n")) == "ValueError: no"
    assert first_line(RuntimeError("")) == "RuntimeError"


MEMORY = """
2 worker(s) were killed due to the node running low on memory.
Selected to kill: (Task: task name=pyexp, pid=6417, actual memory used=0.04GB, worker ID=c2ac)
Top 10 memory users: PID\tMEM(GB)\tCOMMAND
6468\t3.61\t/usr/bin/python -P -c import sys
6469\t2.00\t/usr/bin/python -P -c import sys
27479\t0.13\t/usr/bin/python -m something
"""


@pytest.mark.parametrize(
    "place, guilty, why",
    [
        (("node", 6468), True, "; it took 3.61 GB"),
        (("node", 6469), True, "; it took 2 GB"),  # which is not much less
        (("node", 27479), False, ": another run took 3.61 GB of it"),
        (("node", 5), False, ": another run took 3.61 GB of it"),
        (("elsewhere", 5), True, ""),  # who took it is unknown: no run of this build on that node
        (None, False, ""),  # it had not begun
    ],
)
def test_what_ray_kills_for_want_of_memory_fails_unless_another_run_took_it(place, guilty, why):
    runs = {("node", 6468), ("node", 6469), ("node", 5), None}
    cause, blamed = memory_failure(RuntimeError(MEMORY), place, runs)
    assert blamed is guilty
    assert cause == f"Ray killed the run, because the memory of its node was running out{why}"


def test_without_the_list_of_processes_the_run_is_blamed():
    assert memory_failure(RuntimeError("out of memory"), ("node", 1), {("node", 2)})[1]


def test_only_the_chatter_of_ray_is_kept_back(caplog):
    logger = logging.getLogger("ray._private.worker")
    with without_chatter():
        logger.warning("Directory '.git' is now ignored by default when packaging the working directory.")
        logger.warning("File a.bin is very large")
    logger.warning("Directory '.git' is now ignored by default when packaging the working directory.")
    assert [record.getMessage()[:9] for record in caplog.records] == ["File a.bi", "Directory"]


def test_output_folders_in_the_working_dir_are_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [str(tmp_path / "out"), str(tmp_path / "a b" / "[x]"), "/elsewhere/out", f"{tmp_path}-other/out"]
    given = {"working_dir": ".", "excludes": ["*.pt"]}
    assert leave_out(given, folders)["excludes"] == ["*.pt", "/out", "/a\\ b/\\[x\\]"]
    assert given["excludes"] == ["*.pt"]
    for other in ({"pip": ["x"]}, {"working_dir": "s3://there/it.zip", "excludes": []}):
        assert leave_out(other, folders).get("excludes", []) == []
    everything = {"working_dir": str(tmp_path)}
    assert leave_out(everything, [str(tmp_path)])["excludes"] == []  # else nothing would be left to send
