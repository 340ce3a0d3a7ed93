"""Where the engine itself lies: its own frames are left out of tracebacks, and no project brings an engine along."""

from __future__ import annotations

import os

#: The folder of this package, as Python names the files in it.
FOLDER = os.path.dirname(os.path.abspath(__file__))
REAL_FOLDER = os.path.realpath(FOLDER)
#: What ``dodo_pyexp`` and ``pyexp`` are imported from.
IMPORT_ROOT = os.path.dirname(REAL_FOLDER)
