"""What a run that shares the build's process may change there, put back as it was for the next one."""

from __future__ import annotations

import os
import signal
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ProcessState:
    """Remembers how things are: current folder, environment, file mode mask, arguments, import path, signals."""

    def __init__(self) -> None:
        self._folder = os.getcwd()
        self._environment = dict(os.environ)
        self._mask = os.umask(0)
        os.umask(self._mask)
        self._lists = [(values, list(values)) for values in (sys.argv, sys.path)]
        self._handlers = [signal.getsignal(number) for number in SIGNALS]

    def restore(self) -> None:
        """Put everything back; say so where that cannot be done."""
        if os.environ != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        os.umask(self._mask)
        sys.argv, sys.path = (values for values, _ in self._lists)
        for values, before in self._lists:
            values[:] = before
        for number, handler in zip(SIGNALS, self._handlers, strict=True):
            if signal.getsignal(number) is not handler and handler is not None:
                try:
                    signal.signal(number, handler)
                except ValueError:  # in a thread of `doit -P thread`: only the main one may
                    pass
        try:
            os.chdir(self._folder)
        except OSError as error:
            print(f"pyexp: cannot go back to {self._folder}: {error}", file=sys.stderr)
