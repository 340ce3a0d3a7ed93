"""Every single write of a build fails, or is its last: what is finished stays finished, and the next does the rest."""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import random
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pyexp

NAMES = ("first", "second", "third")
FULL, FULL_FOR_A_MOMENT, KILLED_BEFORE, KILLED_AFTER = "full", "full for a moment", "killed before", "killed after"


class Fault:
    """What becomes of the k-th write to the disk of this process; with a full disk, also of those behind it."""

    def __init__(self, k: int, kind: str) -> None:
        self.left = k
        self._kind = kind

    def before(self) -> bool:
        """Tell whether this is the k-th; others may come before it is over, as a file is opened by opening a file."""
        self.left -= 1
        if self.left == 0 and self._kind == KILLED_BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        if (self._kind == FULL and self.left <= 0) or (self._kind == FULL_FOR_A_MOMENT and self.left == 0):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.left == 0

    def after(self) -> None:
        if self._kind == KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """For ever: this is a process of its own."""

        def watched(real: Callable[..., Any], counts: Callable[..., bool] = lambda *args: True) -> Callable[..., Any]:
            def function(*args: Any, **kwargs: Any) -> Any:
                if not counts(*args):
                    return real(*args, **kwargs)
                last = self.before()
                try:
                    return real(*args, **kwargs)
                finally:
                    if last:
                        self.after()

            return function

        def creates(path: Any, flags: int, *args: Any) -> bool:
            return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and "/dev/" not in str(path)

        def writes(file: Any, mode: str = "r", *args: Any) -> bool:
            return not mode.startswith("r") and "/dev/" not in str(file)

        for name in ("write", "mkdir", "link", "symlink", "replace", "rename", "unlink"):
            setattr(os, name, watched(getattr(os, name)))
        os.open = watched(os.open, creates)
        builtins.open = io.open = watched(builtins.open, writes)


class Folder:
    """Three runs, built in forks of this process."""

    def __init__(self, root: Path, *, flat: bool) -> None:
        self.root, self.flat = root, flat
        self._tally, self._said = root / "tally", root / "said"

    def build(self, *, k: int = 0, fault: str = "", only: str | None = None) -> tuple[int, str]:
        """Build in a fork; give its status, and what it said. The k-th write is faulty, unless k is 0."""
        child = os.fork()
        if child == 0:
            code = 99
            said = open(self._said, "w", encoding="utf-8", buffering=1)  # noqa: SIM115  # until the process ends
            try:
                sys.stdout = sys.stderr = said
                code = self._build(Fault(k, fault), only)
            except pyexp.PyexpError as error:
                said.write(f"error: {error}\n")
                code = 2
            except BaseException:
                said.write(traceback.format_exc())
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), self._said.read_text()

    def _build(self, fault: Fault, only: str | None) -> int:
        tally, write = os.open(self._tally, os.O_WRONLY | os.O_APPEND | os.O_CREAT), os.write

        def exp(cfg: Any, out: Path) -> Any:
            write(tally, f"{cfg.name}\n".encode())
            (out / "file").write_text("hello")
            return {"name": cfg.name}

        experiment = pyexp.experiment(exp, stash=False, executor="inline", timestamp=not self.flat)
        if fault.left:
            fault.install()
        try:
            results = experiment.run(configs=[{"name": name} for name in NAMES], filter=only)
        finally:
            if fault.left > 0:
                print("ENOUGH")
        return 1 if any(result.error for result in results) else 0

    def finished(self) -> set[str]:
        return {json.loads(path.read_bytes())["name"] for path in self.root.glob("out/exp/*/.finished")}

    def executed(self) -> Counter[str]:
        """Which runs have been executed since this was asked last."""
        found = Counter(self._tally.read_text().split() if self._tally.exists() else [])
        self._tally.unlink(missing_ok=True)
        return found

    def check(self, k: int, fault: str) -> bool:
        """Finish one run, go wrong with the others, build again; False if there are not as many writes."""
        shutil.rmtree(self.root / "out", ignore_errors=True)
        assert self.build(only="^first$")[0] == 0
        assert self.executed() == Counter(["first"])
        code, said = self.build(k=k, fault=fault)
        have, executed = self.finished(), self.executed()
        assert "Traceback" not in said, (k, said)
        assert "first" in have and not executed["first"], (k, said)
        if "ENOUGH" in said:
            assert code == 0
            return False
        if "killed" in fault:
            assert code == -signal.SIGKILL
            assert sum(executed.values()) - len(have - {"first"}) <= 1, "at most what was on its way"
        else:
            assert code in (0, 1, 2), (k, said)
            assert code == 0 or "No space left on device" in said or "disk full" in said, (k, said)
            cost, begun = len(NAMES) - len(have), bool(executed) or code != 2
            assert fault == FULL or not begun or cost <= 1, "a moment costs one run at most"
        code, said = self.build()
        assert code == 0, (k, said)
        assert self.executed() == Counter(set(NAMES) - have), (k, said)
        assert self.finished() == set(NAMES)
        assert self.build()[0] == 0 and not self.executed()
        return True


@pytest.fixture(params=[False, True], ids=["kept apart", "flat"])
def folder(here: Path, request: pytest.FixtureRequest) -> Folder:
    # Once in this process, so that no fork has to import anything.
    pyexp.experiment(lambda cfg: None, name="warm", stash=False).run(configs=[{"name": "a"}], executor="inline")
    return Folder(here, flat=request.param)


faults = pytest.mark.parametrize("fault", [FULL, FULL_FOR_A_MOMENT, KILLED_BEFORE, KILLED_AFTER])


@faults
@pytest.mark.slow
def test_a_faulty_write_costs_what_it_was_for(folder: Folder, fault: str, dice: random.Random) -> None:
    for k in dice.sample(range(1, 60), 4):
        folder.check(k, fault)


@pytest.mark.soak
@faults
def test_every_faulty_write_costs_what_it_was_for(folder: Folder, fault: str, figures: Callable[..., None]) -> None:
    k = 1
    while folder.check(k, fault):
        k += 1
    assert k > 40
    figures(faulty_writes=k - 1)
