"""What an experiment that is started from a YAML file is written with: ``from pyexp.experiments import ...``.

>>> from pyexp.experiments import ConfigurationBase, configuration
>>> @configuration
... class Configuration(ConfigurationBase):
...     learning_rate: float = 1e-3
>>> Configuration(id="first").learning_rate
0.001
"""

from __future__ import annotations

from dodo_pyexp.later import later as _later
from dodo_pyexp.runfiles.experimaestro.helper import ExperimentHelper
from dodo_pyexp.runfiles.schema.configuration import ConfigurationBase, configuration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dodo_pyexp.provenance.snapshots.dirty import DirtyGitAction, DirtyGitError
    from dodo_pyexp.runfiles.experimaestro.workspace import experiment
    from dodo_pyexp.runfiles.mocks import FakeModuleFinder, mock_modules

__all__ = [
    "ConfigurationBase",
    "DirtyGitAction",
    "DirtyGitError",
    "ExperimentHelper",
    "FakeModuleFinder",
    "configuration",
    "experiment",
    "mock_modules",
]

_LATER = {
    "DirtyGitAction": "provenance.snapshots.dirty",
    "DirtyGitError": "provenance.snapshots.dirty",
    "FakeModuleFinder": "runfiles.mocks",
    "experiment": "runfiles.experimaestro.workspace",
    "mock_modules": "runfiles.mocks",
}

if not TYPE_CHECKING:  # to a type checker, a name that is not above is a mistake
    __getattr__, __dir__ = _later(globals(), _LATER)
