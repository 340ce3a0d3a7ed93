"""`Launched`: what one launch of Expyrun's dialect executes, in the process of the run and in its folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ...config.inputs import as_path, replaced, rooted
from ...config.merge import copied
from ...printable import printable
from ...store import atomic
from .folder import ENGINE_LOG, LOG, REQUIREMENTS


class Launched:
    """An experiment function for the engine, around one that takes ``(name, config)`` and works in its folder.

    Parameters
    ----------
    name, config
        What the function is called with.
    file, module, function
        Where the function is: in a file or in a module.
    code
        The folder with the code.
    copies
        Keep a copy of the code and of the environment, and execute the copy.
    texts
        Files to write, by their names.
    output_dir
        What is never copied.
    secret
        Files that hold secrets, and are not copied either.
    secrets
        What there is to say about secrets that are not written down, to whoever executes it again.
    """

    def __init__(
        self,
        *,
        name: str,
        config: dict[Any, Any],
        file: str,
        module: str,
        function: str,
        code: str,
        copies: bool,
        texts: dict[str, str],
        output_dir: str,
        secret: Sequence[str] = (),
        secrets: str = "",
    ) -> None:
        self.name = name
        self.config = config
        self.file = file
        self.module = module
        self.function = function
        self.code = code
        self.copies = copies
        self.texts = texts
        self.output_dir = output_dir
        self.secret = secret
        self.secrets = secrets
        self.home = os.getcwd()  # which inputs are relative to: the function itself works in a folder of its own

    def __call__(self, cfg: Any) -> Any:
        """Lay out the folder of the run, go there, import the function and call it."""
        folder = os.fspath(cfg["out"])
        self.lay_out(folder)
        os.chdir(folder)
        function = self._function(folder if self.copies else self.code)
        config = replaced(copied(self.config, dict), lambda value: as_path(rooted(value, self.home)))
        return function(self.name, config)

    @property
    def lays_out(self) -> Iterable[str]:
        """Names of files that it writes into the folder of the run, in this dialect's way."""
        return self.texts.keys()

    def lay_out(self, folder: str) -> None:
        """Write into the folder what the run is made of."""
        for name, text in self.texts.items():
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            atomic.write_bytes(f"{folder}/{name}", text.encode())
        self._link_log(folder)
        if self.copies:
            from ...provenance.packages import frozen_requirements
            from .source_copy import copy_source

            atomic.write_text(f"{folder}/{REQUIREMENTS}", frozen_requirements())
            home = self.file or self.module.split(".")[0]
            never, elsewhere = [self.output_dir, folder], self.search_path(self.code)
            for note in copy_source(self.code, home, folder, never, elsewhere, self.secret):
                print(f"warning: {printable(note)}", file=sys.stderr, flush=True)

    @staticmethod
    def search_path(code: str) -> list[str]:
        """Give the module search path without the folder of the code: what is found there needs no copy."""
        own = {os.path.realpath(code), os.path.realpath(os.getcwd())}
        return [entry for entry in sys.path if os.path.realpath(entry or os.getcwd()) not in own]

    def _link_log(self, folder: str) -> None:
        """Give the log the name that it has in this dialect: both are one file."""
        try:
            with open(f"{folder}/{ENGINE_LOG}", "ab"):
                pass
            os.link(f"{folder}/{ENGINE_LOG}", f"{folder}/{LOG}")
        except OSError:
            try:
                os.symlink(ENGINE_LOG, f"{folder}/{LOG}")
            except OSError:
                pass

    def _function(self, code: str) -> Any:
        """Import the function from the folder with the code that counts."""
        if code in sys.path:
            sys.path.remove(code)
        sys.path.insert(0, code)
        if code != self.code:
            sys.meta_path.append(_LeftOut(code, self.code))
        if self.file:
            from ...importing import import_file

            inside = os.path.relpath(self.file, self.code)
            path = self.file if inside.startswith("..") else os.path.join(code, inside)
            module: Any = import_file(path)
        else:
            from importlib import import_module

            from ...importing import definitions_only

            with definitions_only():
                module = import_module(self.module)
        return getattr(module, self.function)


class _LeftOut:
    """Finds the modules that are not in the copy of the code, because they hold a secret, where they lie.

    Parameters
    ----------
    copy, code
        The folder with the copy, and the one with the code.
    """

    def __init__(self, copy: str, code: str) -> None:
        self._copy = copy
        self._code = code

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> Any:
        """Find a module that is found nowhere else."""
        from importlib.machinery import PathFinder

        from ...provenance.secrets.secret_files import secret_content, secret_file

        places = [self._copy] if path is None else list(path)
        inside = [os.path.relpath(place, self._copy) for place in places]
        live = [os.path.join(self._code, place) for place in inside if not place.startswith("..")]
        spec = PathFinder.find_spec(name, live) if live else None
        if spec is None or spec.origin is None or not spec.has_location:
            return None
        with open(spec.origin, "rb") as file:
            return spec if secret_file(spec.origin) or secret_content(file.read(), spec.origin) else None
