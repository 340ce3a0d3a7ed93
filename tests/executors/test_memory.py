"""Running out of memory is named as such, as far as the kernel or the program tells."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from dodo_pyexp.executors import memory
from dodo_pyexp.executors.handle import Ended
from dodo_pyexp.executors.memory import OomKills

KILLED, ABORTED, CRASHED = Ended(-signal.SIGKILL), Ended(-signal.SIGABRT), Ended(-signal.SIGSEGV)


class Kernel:
    """Counts its kills in a file, as the kernel does."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vmstat"
        self.set(3)

    def set(self, number: int) -> None:
        self.path.write_text(f"nr_free_pages 100\noom_kill {number}\noom_kill_more 7\n")


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(tmp_path)
    monkeypatch.setattr(memory, "_counters", lambda: [str(tmp_path / "none"), str(kernel.path)])
    monkeypatch.setattr(memory, "REFRESH_SECONDS", 0)
    return kernel


def test_a_sigkill_while_the_kernel_killed_something_is_told_as_a_lack_of_memory(kernel: Kernel) -> None:
    kills = OomKills()
    before = kills.recent()
    assert kills.explain(KILLED, before, "") is None
    kernel.set(4)
    assert kills.explain(CRASHED, before, "") is None
    found = kills.explain(KILLED, before, "")
    assert found is not None and found[0] == "OutOfMemory"


def test_one_kill_explains_one_death(kernel: Kernel) -> None:
    kills = OomKills()
    first, second, third = kills.recent(), kills.recent(), kills.recent()
    kernel.set(5)
    assert kills.explain(KILLED, first, "")
    assert kills.explain(KILLED, second, "")
    assert kills.explain(KILLED, third, "") is None
    assert kills.explain(KILLED, kills.recent(), "") is None


def test_kills_from_before_the_run_explain_nothing(kernel: Kernel) -> None:
    kills = OomKills()
    kernel.set(9)
    assert kills.explain(KILLED, kills.recent(), "") is None


def test_starting_many_runs_reads_the_number_once_a_second(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "REFRESH_SECONDS", 1000)
    kills = OomKills()
    assert kills.recent() == 3
    kernel.set(4)
    assert kills.recent() == 3
    assert kills.explain(KILLED, kills.recent(), "")


def test_where_the_kernel_does_not_tell_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_counters", lambda: ["/nowhere"])
    kills = OomKills()
    assert kills.recent() == 0
    assert kills.explain(KILLED, 0, "") is None


@pytest.mark.parametrize(
    "words",
    ["terminate called after throwing an instance of 'std::bad_alloc'", "memory allocation of 80000 bytes failed"],
)
def test_the_last_words_of_a_program_that_aborts_count(kernel: Kernel, tmp_path: Path, words: str) -> None:
    log = tmp_path / "log.out"
    log.write_text(f"epoch 1\n{words}\n")
    kills = OomKills()
    found = kills.explain(ABORTED, kills.recent(), str(log))
    assert found is not None and found[0] == "OutOfMemory"
    log.write_text("epoch 1\nassertion failed\n")
    assert kills.explain(ABORTED, kills.recent(), str(log)) is None
    assert kills.explain(ABORTED, kills.recent(), str(tmp_path / "none")) is None


def test_what_is_in_the_log_of_the_try_before_does_not_count(kernel: Kernel, tmp_path: Path) -> None:
    log = tmp_path / "log.out"
    log.write_text("--- try 1 failed (ProcessKilled: ...; often the sign of running out of memory); trying again ---\n")
    kills = OomKills()
    assert kills.explain(Ended(-signal.SIGABRT), kills.recent(), str(log)) is None
    log.write_text(f"{log.read_text()}memory allocation of 80000 bytes failed\n")
    assert kills.explain(Ended(-signal.SIGABRT), kills.recent(), str(log)) is not None


def test_what_this_machine_counts_in_can_be_read() -> None:
    assert OomKills().recent() >= 0


LIMITED = """
@pyexp.experiment(executor={executor!r}, stash=False)
def train(cfg):
    import ctypes, resource
    if cfg.name == "greedy":
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        return len(bytearray(1 << 40))
    if cfg.name == "aborts":
        print("terminate called after throwing an instance of 'std::bad_alloc'", flush=True)
        os.abort()
    if cfg.name == "killed":
        from pathlib import Path
        Path("kernel").write_text("oom_kill 4\\n")
        os.kill(os.getpid(), 9)
    return 1

CONFIGS = [{{"name": name}} for name in ("greedy", "aborts", "killed", "fine")]
from dodo_pyexp.executors import memory
memory._counters = lambda: ["kernel"]
"""


def test_in_a_build_all_of_them_are_one_cause_and_the_others_complete(script, isolated):
    (script.folder / "kernel").write_text("oom_kill 3\n")
    built = script(LIMITED.format(executor=isolated))
    assert built.code == 1
    assert built.error("greedy")[0] == "MemoryError"
    assert built.error("aborts")[0] == built.error("killed")[0] == "OutOfMemory"
    assert "because memory had run out" in built.error("killed")[1]
    assert built.finished("fine")
    digest = built.stderr.split("\n\n", 1)[1].splitlines()
    assert digest[0].startswith("MemoryError") and digest[0].endswith("(3 runs)")
