from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.store import owner as owners
from dodo_pyexp.store.owner import Owner

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def changed(owner: Owner, **fields: Any) -> Owner:
    return Owner.from_dict({**owner.to_dict(), **fields})


def test_this_process_is_alive() -> None:
    assert Owner.current().alive() is True
    assert Owner.current().pid == os.getpid()
    assert Owner.current() is Owner.current()


def test_it_survives_json() -> None:
    owner = Owner.current()
    again = Owner.from_dict(json.loads(json.dumps(owner.to_dict())))
    assert again == owner
    assert hash(again) == hash(owner)
    assert again.alive() is True
    assert again != "owner"


def test_a_child_is_alive_until_it_is_killed_even_before_anybody_waited_for_it() -> None:
    child = subprocess.Popen(SLEEP)
    try:
        owner = Owner.of(child.pid)
        assert owner.alive() is True
        os.kill(child.pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while owner.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert owner.alive() is False  # a zombie by now
    finally:
        child.kill()
        child.wait()
    assert owner.alive() is False


def test_a_process_id_that_was_given_away_again_is_not_alive() -> None:
    assert changed(Owner.current(), started="1").alive() is False


def test_after_a_boot_nothing_of_before_is_alive() -> None:
    assert changed(Owner.current(), boot="before").alive() is False


def test_another_machine_cannot_be_decided_about() -> None:
    assert changed(Owner.current(), host="elsewhere", boot="other").alive() is None
    assert changed(Owner.current(), host="elsewhere", boot="").alive() is None


def test_a_machine_that_was_renamed_since_is_still_this_one() -> None:
    assert changed(Owner.current(), host="old-name").alive() is True


def test_another_container_on_this_machine_cannot_be_decided_about() -> None:
    assert changed(Owner.current(), space="pid:[1]").alive() is None


def test_without_a_boot_the_name_and_the_start_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner.current()
    monkeypatch.setattr(owners, "_boot", "")
    assert owner.alive() is True
    assert changed(owner, boot="", pid=2**22 + 5).alive() is False


def test_a_process_of_somebody_else_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, sign: int) -> None:
        raise PermissionError

    owner = Owner.current()
    monkeypatch.setattr("os.kill", refuse)
    assert owner.alive() is True
    monkeypatch.setattr(owners, "_started", lambda pid: ("", ""))
    assert owner.alive() is True


def test_a_forked_child_is_another_owner() -> None:
    parent = Owner.current()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, str(Owner.current().pid).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(read, 100)) == child != parent.pid
    os.close(read)
    os.close(write)


def test_without_proc_the_start_is_asked_of_ps(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_proc(*_: Any, **__: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("builtins.open", no_proc)
    monkeypatch.setattr(owners, "_boot", None)
    monkeypatch.setattr(owners, "_ask", lambda *command: "ABC-1" if command[0] == "sysctl" else "Ss  Mon Jan 1")
    assert owners.boot_id() == "ABC-1"
    assert Owner.of(1).started == "Mon Jan 1"
    assert Owner.of(1).boot == "ABC-1"


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="needs ps")
def test_ps_tells_the_same_start_twice() -> None:
    asked = owners._ask("ps", "-o", "lstart=", "-p", str(os.getpid()))
    assert asked == owners._ask("ps", "-o", "lstart=", "-p", str(os.getpid())) != ""
    assert owners._ask("no-such-program") == ""
    assert owners._ask("false") == ""


@pytest.mark.parametrize("nonsense", [None, [], "x", 7, {}, {"pid": "12"}, {"pid": True}, {"pid": 10**30}, {"pid": -1}])
def test_nonsense_is_an_owner_that_is_not_alive(nonsense: object) -> None:
    assert Owner.from_dict(nonsense).alive() is False


FIELDS = st.sampled_from(["host", "boot", "space", "pid", "started"])
VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers(), max_size=2)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(FIELDS, VALUES))
def test_no_nonsense_raises(fields: dict[str, Any]) -> None:
    assert Owner.from_dict({**Owner.current().to_dict(), **fields}).alive() in (True, False, None)


def test_the_module_is_light() -> None:
    code = "import sys; import dodo_pyexp.store.owner as h; h.Owner.current().alive(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"dataclasses", "inspect", "typing", "socket", "subprocess", "git", "re"} & set(loaded)
