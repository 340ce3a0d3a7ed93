"""The digits pipeline: prepare -> train -> evaluate. Both ``pyexp build`` and ``doit`` read this file."""

from evaluate import evaluate
from prepare import prepare
from train import train

DOIT_CONFIG = {
    "backend": "pyexp",  # a database that survives a killed build
    "dep_file": "out/.doit.db",
}

__all__ = ["DOIT_CONFIG", "evaluate", "prepare", "train"]
