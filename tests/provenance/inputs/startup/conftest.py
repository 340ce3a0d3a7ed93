"""What tests the modules of this room that have no test of their own name."""

from __future__ import annotations

COVERED = {"sitecustomize": "provenance/inputs/test_watch.py"}
