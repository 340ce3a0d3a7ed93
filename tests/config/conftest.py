"""What tests the modules of this room that have no test of their own name."""

from __future__ import annotations

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "atoms": "test_encode.py",
    "classes": "test_encode.py",
    "kinds": "test_encode.py",
    "setting": "test_overrides.py",
}
