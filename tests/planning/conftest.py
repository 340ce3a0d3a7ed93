"""What tests the modules of this room that have no test of their own name."""

from __future__ import annotations

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "calling": "test_experiment.py",
    "definition": "test_plan.py",
    "renames": "history/test_renaming.py",
    "dependencies": "test_plan.py",
    "order": "test_plan.py",
    "planner": "test_plan.py",
    "files_read": "running/test_found_inputs.py",
    "previous_folders": "test_defaults.py",
    "resources": "running/test_execution.py",
    "withheld": "test_secrets.py",
}
