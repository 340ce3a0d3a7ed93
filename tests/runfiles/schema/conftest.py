"""What tests the modules of this room that have no test of their own name."""

from __future__ import annotations

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "paths": "test_schema.py",
    "classes": "test_schema.py",
    "source": "test_schema.py",
    "validating": "test_schema.py",
}
