"""The owner of a run or a lock: a process, known well enough to tell later whether it still lives.

A process id alone is reused; with the boot of its machine and the moment it started it is unique. "Running"
needs a living owner.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_boot: str | None = None
_current: Owner | None = None


class Owner:
    """One process on one machine.

    Attributes
    ----------
    host : str
        Name of the machine.
    boot : str
        Identity of the machine's current boot, "" when it has none to tell.
    space : str
        The namespace that `pid` counts in (containers have their own), "" where there is none.
    pid : int
        Process id.
    started : str
        When the process started, in the machine's own terms, "" when unknown.

    Examples
    --------
    >>> me = Owner.current()
    >>> me.alive()
    True
    >>> Owner.from_dict(me.to_dict()) == me
    True

    Implements: Experimaestro guide, "Hostname tracking", and more: the name alone cannot tell who is alive.
    """

    __slots__ = ("boot", "host", "pid", "space", "started")

    def __init__(self, host: str, boot: str, pid: int, started: str, space: str = "") -> None:
        self.host = host
        self.boot = boot
        self.pid = pid
        self.started = started
        self.space = space

    @classmethod
    def current(cls) -> Owner:
        """Give this process; kept, and looked up afresh in a forked child."""
        global _current
        if _current is None or _current.pid != os.getpid():
            _current = cls.of(os.getpid())
        return _current

    @classmethod
    def of(cls, pid: int) -> Owner:
        """Give the process that has the id `pid` on this machine now."""
        return cls(host_name(), boot_id(), pid, _started(pid)[1], _pid_space())

    @classmethod
    def from_dict(cls, fields: Mapping[str, object] | object) -> Owner:
        """Read `to_dict` back; whatever makes no sense becomes an owner that is not alive."""
        known = fields if isinstance(fields, dict) else {}

        def text(key: str) -> str:
            value = known.get(key)
            return value if isinstance(value, str) else ""

        pid = known.get("pid")
        if not isinstance(pid, int) or isinstance(pid, bool):
            pid = 0
        return cls(text("host"), text("boot"), pid, text("started"), text("space"))

    def to_dict(self) -> dict[str, str | int]:
        """Give the fields for JSON."""
        return {name: getattr(self, name) for name in ("host", "boot", "space", "pid", "started")}

    def alive(self) -> bool | None:
        """Tell whether the process still runs: None when only another machine or container could know."""
        if self.pid <= 0 or not (self.host or self.boot):
            return False
        boot = boot_id()
        if self.boot and boot:
            if self.boot != boot:
                # The machine of that name has been started again since, or it is another machine.
                return False if self.host == host_name() else None
        elif self.host != host_name():
            return None
        if self.space and self.space != _pid_space():
            return None
        return _runs(self.pid, self.started)

    def is_here(self) -> bool:
        """Tell whether the process is, or was, one of this machine's since it was started; in a container perhaps."""
        return bool(self.boot) and self.boot == boot_id()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Owner):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.host, self.boot, self.pid, self.started))

    def __repr__(self) -> str:
        return f"Owner(host={self.host!r}, pid={self.pid})"


def host_name() -> str:
    """Give the name of this machine."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()


def boot_id() -> str:
    """Give an identity of this machine's current boot, "" when it has none to tell; asked for once."""
    global _boot
    if _boot is None:
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                _boot = file.read().strip()
        except (OSError, ValueError):
            _boot = ""
            if sys.platform == "darwin":
                # The time of the boot moves when the clock is set, so it is only the second choice.
                _boot = _ask("sysctl", "-n", "kern.bootsessionuuid") or _ask("sysctl", "-n", "kern.boottime")
    return _boot


def _pid_space() -> str:
    """Give the name of the namespace that process ids count in here."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid: int) -> tuple[str, str]:
    """Give the state letter and the start of a process, each "" when unknown."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The command's name stands in parentheses and may itself hold spaces and parentheses.
            fields = file.read().rpartition(b")")[2].split()
        return fields[0].decode(), fields[19].decode()
    except (OSError, IndexError, ValueError):
        pass
    if sys.platform == "linux" or os.name == "nt" or pid <= 0:
        return "", ""
    state, _, started = _ask("ps", "-o", "state=,lstart=", "-p", str(pid)).partition(" ")
    return state[:1], started.strip()


def _runs(pid: int, started: str) -> bool | None:
    """Tell whether the process `pid` of this machine is the one that began at `started`."""
    if os.name == "nt":
        return None  # Signal 0 would end the process there.
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # It exists, and belongs to somebody else.
    state, begun = _started(pid)
    if state in ("Z", "X"):
        return False
    return not started or not begun or started == begun


def _ask(*command: str) -> str:
    """Run a small system command and give what it says, "" when it fails."""
    import subprocess

    try:
        environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, env=environment, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
