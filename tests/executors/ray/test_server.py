"""When the process of a Ray worker that forks for each run may do that. No Ray is needed for this."""

from __future__ import annotations

import subprocess
import sys

from dodo_pyexp.executors.ray import server as ray_server


def test_an_open_device_keeps_a_process_from_being_forked(tmp_path):
    device = tmp_path / "nvidia0"
    device.touch()
    beginning = (str(tmp_path / "nvidia"),)
    assert not ray_server.holds_device(beginning)
    with open(device):
        assert ray_server.holds_device(beginning)
    assert not ray_server.holds_device(beginning)


def test_a_thread_keeps_a_process_from_being_forked():
    code = "from dodo_pyexp.executors.ray.server import _fit; import threading; print(_fit()); "
    thread = "go = threading.Event(); threading.Thread(target=go.wait).start(); print(_fit()); go.set()"
    done = subprocess.run([sys.executable, "-c", code + thread], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_nothing_that_a_fork_has_to_make_anew_is_imported_for_the_server_itself():
    # `threading`, `random` and `logging` do something in each fork, which costs as much as the fork does.
    code = (
        "import sys; from dodo_pyexp.executors.ray import server, node_run; "
        "print(sys.modules.keys() & {'threading', 'random', 'logging', 'concurrent.futures'} or 'none')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"
