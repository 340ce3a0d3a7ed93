"""The machine that a batch ran on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..store.owner import boot_id, host_name
from .secrets.argv import mask_arguments
from .secrets.credentials import mask

__all__ = ["environment", "machine", "machine_key", "mask"]

_VARIABLES = (
    "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS", "PYTHONHASHSEED", "PYTHONPATH", "CONDA_DEFAULT_ENV", "VIRTUAL_ENV",
    "PYTHONOPTIMIZE", "LANG", "LC_ALL", "TZ",
)  # fmt: skip
_VARIABLE_GROUPS = ("SLURM_", "PBS_", "LSB_")


def environment(argv: Sequence[str] | None = None, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Describe the machine, the interpreter and the command line for JSON, with every secret masked.

    Parameters
    ----------
    argv
        The command line.
    known
        What `machine` gave on this machine before.

    Examples
    --------
    >>> environment(["train.py", "--token=abc"])["command"]
    ['train.py', '--token=***']

    Implements: Experimaestro guide, "Hostname tracking"; Expyrun readme, frozen environment.
    """
    names = [*_VARIABLES, *sorted(name for name in os.environ if name.startswith(_VARIABLE_GROUPS))]
    found = machine() if known is None else known
    return {
        "hostname": host_name(),
        "user": _user(),
        "command": mask_arguments(sys.argv if argv is None else argv),
        **found,
        "executable": os.path.basename(sys.executable or ""),
        "cpu": {**found["cpu"], "usable": _usable_cpus()},
        "variables": mask({name: os.environ[name] for name in names if name in os.environ}),
    }


def machine() -> dict[str, Any]:
    """Describe what stays the same on this machine with this interpreter, and takes a while to find out."""
    import platform

    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "cpu": {"count": os.cpu_count(), "model": _cpu_model()},
        "gpu": _gpus(),
    }


def machine_key() -> str:
    """Give a text that changes when `machine` may."""
    return f"{host_name()} {boot_id()} {sys.version}"


def _user() -> str:
    """Give the user's name; a container may have none."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def _usable_cpus() -> int | None:
    """Give the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _cpu_model() -> str:
    """Give the processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() in ("model name", "Model", "cpu model"):
                    return value.strip()
    except OSError:
        if sys.platform == "darwin":
            return "".join(_lines("sysctl", "-n", "machdep.cpu.brand_string"))
    import platform

    return platform.machine()


def _gpus() -> list[str]:
    """Give the names of the graphics processors, as far as their driver tells."""
    found = []
    try:
        with os.scandir("/proc/driver/nvidia/gpus") as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                with open(f"{entry.path}/information", encoding="utf-8", errors="replace") as file:
                    found += [line.partition(":")[2].strip() for line in file if line.startswith("Model:")]
    except OSError:
        return _lines("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    return found


def _lines(*command: str) -> list[str]:
    """Run a small program and give its lines; none when it is missing, fails or hangs."""
    if not any(os.access(os.path.join(folder, command[0]), os.X_OK) for folder in os.get_exec_path()):
        return []
    import subprocess

    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]
