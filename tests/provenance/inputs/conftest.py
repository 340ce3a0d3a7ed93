"""What tests the modules of this room that have no test of their own name."""

from __future__ import annotations

COVERED = {
    "entries": "test_declared.py",
    "callers": "test_watch.py",
    "contents": "running/test_found_inputs.py",
    "found": "running/test_found_inputs.py",
    "interpreters": "test_watch.py",
    "listing": "running/test_found_inputs.py",
    "places": "test_watch.py",
}
