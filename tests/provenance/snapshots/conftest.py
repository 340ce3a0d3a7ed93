"""What tests the modules of this room that have no test of their own name."""

from __future__ import annotations

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "hard_links": "test_checkout.py",
    "links": "running/test_snapshot_imports.py",
    "repository": "test_snapshot.py",
}
