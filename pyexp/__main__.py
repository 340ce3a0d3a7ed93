"""``python -m pyexp``: the same as the command ``pyexp``."""

from __future__ import annotations

from dodo_pyexp.cli.main import command

if __name__ == "__main__":
    command()
