"""``python -m pyexp``: the same as the command ``pyexp``."""

from __future__ import annotations

import sys

from dodo_pyexp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
