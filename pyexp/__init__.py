"""Experiments as a build: write a function and a list of configs; what is missing or out of date is executed.

>>> import pyexp
>>> @pyexp.experiment
... def train(cfg):
...     return {"loss": (cfg.lr - 0.1) ** 2}
>>> @train.configs
... def configs():
...     return pyexp.sweep([{"name": "run"}], [{"name": "small", "lr": 0.01}, {"name": "large", "lr": 0.1}])
"""

from __future__ import annotations

from dodo_pyexp import __version__
from dodo_pyexp.collection.runs import Runs
from dodo_pyexp.collection.tensor import Tensor
from dodo_pyexp.config.config import Config
from dodo_pyexp.config.inputs import File, Folder
from dodo_pyexp.config.load import load_config
from dodo_pyexp.config.merge import merge
from dodo_pyexp.config.sweep import sweep
from dodo_pyexp.decorator import experiment
from dodo_pyexp.errors import PyexpError
from dodo_pyexp.experiment import Experiment
from dodo_pyexp.later import later as _later
from dodo_pyexp.results.result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dodo_pyexp.executors.base import Executor
    from dodo_pyexp.executors.forking.executor import ForkExecutor
    from dodo_pyexp.executors.inline import InlineExecutor
    from dodo_pyexp.executors.ray.executor import RayExecutor
    from dodo_pyexp.executors.registry import ExecutorName, get_executor
    from dodo_pyexp.executors.subprocess import SubprocessExecutor
    from dodo_pyexp.provenance.snapshots.dirty import DirtyGitAction, DirtyGitError

__all__ = [
    "Config",
    "DirtyGitAction",
    "DirtyGitError",
    "Executor",
    "ExecutorName",
    "Experiment",
    "File",
    "Folder",
    "ForkExecutor",
    "InlineExecutor",
    "PyexpError",
    "RayExecutor",
    "Result",
    "Runs",
    "SubprocessExecutor",
    "Tensor",
    "__version__",
    "experiment",
    "get_executor",
    "load_config",
    "merge",
    "sweep",
]

_LATER = {
    "DirtyGitAction": "provenance.snapshots.dirty",
    "DirtyGitError": "provenance.snapshots.dirty",
    "Executor": "executors.base",
    "ExecutorName": "executors.registry",
    "ForkExecutor": "executors.forking.executor",
    "InlineExecutor": "executors.inline",
    "RayExecutor": "executors.ray.executor",
    "SubprocessExecutor": "executors.subprocess",
    "get_executor": "executors.registry",
}

if not TYPE_CHECKING:  # to a type checker, a name that is not above is a mistake
    __getattr__, __dir__ = _later(globals(), _LATER)
