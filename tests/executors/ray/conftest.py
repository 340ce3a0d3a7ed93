"""What tests the modules of this room that have no test of their own name."""

from __future__ import annotations

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "channel": "test_server.py",
    "cluster": "test_nodes.py",
    "flight": "test_nodes.py",
    "node_run": "test_executor.py",
    "options": "test_environment.py",
    "receiver": "test_nodes.py",
    "sender": "test_nodes.py",
    "task": "test_executor.py",
}
