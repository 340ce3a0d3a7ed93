"""The machine and the packages that a batch ran with."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from dodo_pyexp.provenance.host import host_name
from dodo_pyexp.provenance.repository import Repository, SnapshotError
from dodo_pyexp.provenance.secrets import mask, mask_arguments, mask_text

__all__ = ["environment", "frozen_requirements", "mask", "packages"]

_VARIABLES = (
    "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS", "PYTHONHASHSEED", "PYTHONPATH", "CONDA_DEFAULT_ENV", "VIRTUAL_ENV",
    "PYTHONOPTIMIZE", "LANG", "LC_ALL", "TZ",
)  # fmt: skip
_VARIABLE_GROUPS = ("SLURM_", "PBS_", "LSB_")


def environment(argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Describe the machine, the interpreter and the command line for JSON, with every secret masked.

    Examples
    --------
    >>> environment(["train.py", "--token=abc"])["command"]
    ['train.py', '--token=***']

    Implements: experimaestro guide, 'Hostname tracking'; Expyrun readme, frozen environment.
    """
    names = [*_VARIABLES, *sorted(name for name in os.environ if name.startswith(_VARIABLE_GROUPS))]
    return {
        "hostname": host_name(),
        "user": _user(),
        "command": mask_arguments(sys.argv if argv is None else argv),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": os.path.basename(sys.executable or ""),
        "platform": platform.platform(),
        "cpu": {"count": os.cpu_count(), "usable": _usable_cpus(), "model": _cpu_model()},
        "gpu": _gpus(),
        "variables": mask({name: os.environ[name] for name in names if name in os.environ}),
    }


def packages(path: list[str] | None = None) -> dict[str, str]:
    """Give the version of every installed distribution that the running interpreter sees, by its normal name.

    Parameters
    ----------
    path : list of str, optional
        Where to look, instead of `sys.path`.
    """
    return {_normal(name): version for name, version, _ in _installed(path)}


def frozen_requirements(path: list[str] | None = None) -> str:
    """Write the installed distributions as requirements, one sorted line each.

    ``name==version`` as a rule; ``name @ git+URL@COMMIT`` when it was installed from version control; for an
    editable install ``-e FOLDER  # name==version @ COMMIT``, with the commit of the repository it lies in.
    All comes from the running interpreter's own metadata: no pip is needed, no other interpreter can slip in.

    Implements: Expyrun readme, frozen requirements.
    """
    lines = {_normal(name): _requirement(name, version, origin) for name, version, origin in _installed(path)}
    return "".join(lines[name] + "\n" for name in sorted(lines))


def _installed(path: list[str] | None) -> Iterator[tuple[str, str, Distribution]]:
    """Walk over the distributions; of two with one name, only the one that imports find first."""
    seen: set[str] = set()
    for found in distributions() if path is None else distributions(path=path):
        try:
            metadata = found.metadata
            name, version = metadata["Name"], metadata["Version"]
        except Exception:  # A damaged installation must not end a build; whatever it raises.
            continue
        if name and _normal(name) not in seen:
            seen.add(_normal(name))
            yield name, version or "unknown", found


def _requirement(name: str, version: str, found: Distribution) -> str:
    """Write one requirement."""
    plain = f"{name}=={version}"
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
        url = mask_text(str(origin.get("url") or ""))
        vcs, folder = origin.get("vcs_info"), origin.get("dir_info")
        if vcs:
            part = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
            return f"{name} @ {vcs['vcs']}+{url}@{vcs['commit_id']}{part}"
        if folder and folder.get("editable"):
            place = url2pathname(unquote(urlsplit(url).path))
            commit = _commit(Path(place))
            return f"-e {place}  # {plain}" + (f" @ {commit}" if commit else "")
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    return plain


def _commit(folder: Path) -> str | None:
    """Give the commit that the repository around a folder is at."""
    try:
        repository = Repository.find(folder)
        if repository is None:
            return None
        with repository:
            return repository.run("rev-parse", "--verify", "HEAD").decode().strip()
    except (SnapshotError, OSError):
        return None


def _normal(name: str) -> str:
    """Give the one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


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
    return platform.machine()


def _gpus() -> list[str]:
    """Give the names of the graphics processors, as far as their driver tells."""
    return _lines("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")


def _lines(*command: str) -> list[str]:
    """Run a small program and give its lines; none when it is missing, fails or hangs."""
    if shutil.which(command[0]) is None:
        return []
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]
