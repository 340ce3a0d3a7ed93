"""Code that is loaded by its absolute path, past the search path, is loaded from the copies of the user's folders, too.

``importlib.util.spec_from_file_location(name, path)``, ``SourceFileLoader(name, path)`` and ``runpy.run_path(path)``
ask no hook of `sys.path_hooks`. What they all use is led there: the loaders of files, and `io.open_code`.

What is opened as any other file, ``exec(open(path).read())``, cannot be led. Where code of long ago is executed, it is
refused if it is not what it was. A build does not look: an audit hook makes `id` ten times as dear.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from functools import partial
from importlib import _bootstrap_external

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import Any

    from .relocation import Relocation

_plain_open = io.open_code


class Loading:
    """Leads loaders of this process to copies.

    Parameters
    ----------
    relocation
        Which folders have copies, and where.
    """

    def __init__(self, relocation: Relocation) -> None:
        self._relocation = relocation
        self._folders: dict[str, bool] = {}
        self._looking = False

    def begin(self) -> None:
        """Begin; it lasts as long as this process."""
        for kind in (_bootstrap_external.FileLoader, _bootstrap_external.ExtensionFileLoader):
            self._lead(kind)
        io.open_code = self._open_code
        if self._relocation.then is not None:
            sys.addaudithook(self._audit)

    def _lead(self, kind: Any) -> None:
        plain = kind.__init__

        def init(loader: Any, name: str, path: str) -> None:
            copy = self._led(path)
            plain(loader, name, copy or path)
            if copy is not None and kind is _bootstrap_external.FileLoader:
                loader.create_module = partial(self._amend, copy)

        kind.__init__ = init

    def _open_code(self, path: str) -> Any:
        return _plain_open(self._led(path) or path)

    def _audit(self, event: str, details: tuple[Any, ...]) -> None:
        """Refuse code of today that is read as a text."""
        if event != "open" or self._looking or details[2] & os.O_ACCMODE != os.O_RDONLY:
            return
        path = details[0]
        if isinstance(path, str) and path.endswith(".py"):
            self._looking = True
            try:
                self._check_text(os.path.abspath(path))
            finally:
                self._looking = False

    def _check_text(self, path: str) -> None:
        import filecmp

        try:
            copy = self._led(path)
            changed = copy is not None and os.path.exists(path) and not filecmp.cmp(path, copy, shallow=False)
        except ImportError:
            changed = True
        if changed:
            raise OSError(errno.ESTALE, "the code has changed since the run was executed", path)

    def _led(self, path: str) -> str | None:
        """Give the copy of a file of the user's; None if it has none. Asked for each module of libraries as well."""
        if type(path) is not str or not path.startswith(os.sep):
            return None
        folder = os.path.dirname(path)
        mine = self._folders.get(folder)
        if mine is None:
            mine = self._folders[folder] = self._relocation.is_users(folder)
        copy = self._relocation.of(path) if mine else None
        if self._relocation.then is not None and (mine or self._relocation.original(path) is not None):
            self._relocation.check(copy or path)
        return copy

    def _amend(self, copy: str, spec: ModuleSpec) -> None:
        """Have a module say where it was loaded from; it is made as every other."""
        spec.origin = copy
        spec.cached = None
        places = spec.submodule_search_locations
        if places is not None:
            spec.submodule_search_locations = [self._relocation.of(place) or place for place in places]
