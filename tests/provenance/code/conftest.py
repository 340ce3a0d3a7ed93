"""What tests the modules of this room that have no test of their own name."""

from __future__ import annotations

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "changes": "test_fingerprint.py",
    "constants": "test_fingerprint.py",
    "engine_names": "test_fingerprint.py",
    "loaded": "test_fingerprint.py",
    "module_uses": "test_fingerprint.py",
    "modules": "test_fingerprint.py",
    "names": "test_fingerprint.py",
    "objects": "test_fingerprint.py",
    "re_exports": "test_fingerprint.py",
    "reach": "test_fingerprint.py",
    "sources": "test_fingerprint.py",
    "syntax": "test_fingerprint.py",
}
