"""What interpreters that a run starts execute first: they note which files they read, as the run does.

Python imports the first `sitecustomize` that it finds, and a run puts this folder first on ``PYTHONPATH``. The user's
own one, if there is one, is imported all the same, and this one leaves no trace.
"""

import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))


def _watch():  # type: ignore[no-untyped-def]  # an interpreter of any age reads this
    if "PYEXP_READS" in os.environ and hasattr(sys, "addaudithook"):
        package = type(sys)("_pyexp_inputs")  # so that what is imported from there needs nothing else of pyexp
        package.__path__ = [os.path.dirname(_here)]
        sys.modules[package.__name__] = package
        from _pyexp_inputs import interpreters  # type: ignore[import-not-found]

        interpreters.begin_as_told()


sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _here]
sys.path_importer_cache.pop(_here, None)
try:
    _watch()  # type: ignore[no-untyped-call]
except Exception:  # what the interpreter was started for goes on without it
    pass
del sys.modules[__name__]
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401  # the user's own one; if there is none, Python is told so, and passes over it
