"""When the process of a Ray worker that forks for each run may do that. No Ray is needed for this."""

from __future__ import annotations

import threading

from dodo_pyexp.executors import ray_server


def test_an_open_device_keeps_a_process_from_being_forked(tmp_path):
    device = tmp_path / "nvidia0"
    device.touch()
    beginning = (str(tmp_path / "nvidia"),)
    assert not ray_server.holds_device(beginning)
    with open(device):
        assert ray_server.holds_device(beginning)
    assert not ray_server.holds_device(beginning)


def test_threads_keep_a_process_from_being_forked(monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert ray_server._fit()
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert not ray_server._fit()
