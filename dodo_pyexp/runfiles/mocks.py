"""`mock_modules`: stand-ins for modules that are slow to import, while a run file's code is loaded.

Implements: Experimaestro guide, "Mock heavy modules with mock_modules". ``pyexp run`` takes them away again as soon as
the file is loaded, so the runs, which are executed elsewhere, never see them.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

_ERRORS = ("Error", "Exception", "Warning", "Interrupt")
_VERSION = "0.0.0"
_finders: list[FakeModuleFinder] = []


class Fake:
    """Stands for whatever a mocked module may hold: a class, a function, a number, a context manager, a decorator.

    Called with a function or a class alone it gives that back, so that every decorator leaves what it decorates as it
    is; called with anything else it gives itself, which may be called again. It is true, empty, and no instance of it
    exists but of classes that derive from it.
    """

    def __init__(self, path: str) -> None:
        self.__name__ = path.rpartition(".")[2]
        self.__qualname__ = self.__name__
        self.__module__ = path.rpartition(".")[0]
        self.__dict__["_path"] = path
        self.__dict__["_class"] = None
        self.__dict__["_parts"] = {}

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return _VERSION
        if name.startswith("__"):
            raise AttributeError(f"{self._path} is mocked and has no {name}")
        return _part(self._parts, self._path, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Give back what is decorated; else this."""
        if len(args) == 1 and not kwargs and callable(args[0]) and not isinstance(args[0], Fake):
            return args[0]
        return self

    # -- as a class ---------------------------------------------------------------------------------------------

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (self._as_class(),)

    def _as_class(self) -> type:
        if self._class is None:
            namespace = {"__module__": self.__module__, "__qualname__": self.__qualname__, "_path": self._path}
            self.__dict__["_class"] = type(self.__name__, (FakeBase,), namespace)
        return self._class  # type: ignore[no-any-return]  # set just now

    def __instancecheck__(self, instance: object) -> bool:
        return self._class is not None and isinstance(instance, self._class)

    def __subclasscheck__(self, kind: type) -> bool:
        return self._class is not None and isinstance(kind, type) and issubclass(kind, self._class)

    def __getitem__(self, key: Any) -> Fake:
        return self

    def __or__(self, other: Any) -> Fake:
        return self

    def __ror__(self, other: Any) -> Fake:
        return self

    # -- as a value ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Fake:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    async def __aenter__(self) -> Fake:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __contains__(self, item: object) -> bool:
        return False

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __delitem__(self, key: Any) -> None:
        pass

    def __int__(self) -> int:
        return 0

    __index__ = __int__

    def __float__(self) -> float:
        return 0.0

    def __lt__(self, other: Any) -> bool:
        return False

    __le__ = __gt__ = __ge__ = __lt__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return hash(self._path)

    def __reduce__(self) -> tuple[Any, ...]:
        return _real, (self._path,)  # elsewhere it is what it stands for

    def __repr__(self) -> str:
        return self._path  # type: ignore[no-any-return]  # text

    def _itself(self, *_: Any) -> Fake:
        return self


for _name in (
    "add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "and", "xor", "lshift", "rshift",
):  # fmt: skip
    setattr(Fake, f"__{_name}__", Fake._itself)
    setattr(Fake, f"__r{_name}__", Fake._itself)
for _name in ("neg", "pos", "abs", "invert", "round"):
    setattr(Fake, f"__{_name}__", Fake._itself)


class FakeBase:
    """What a class derives from that is derived from something mocked: takes any arguments, has any attribute."""

    _path = "mocked"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        try:
            super().__init_subclass__(**kwargs)
        except TypeError:  # arguments that only the real base understands
            super().__init_subclass__()

    def __class_getitem__(cls, key: Any) -> Any:
        return cls

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{type(self).__name__} derives from something mocked and has no {name}")
        return Fake(f"{self._path}.{name}")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Stand for `torch.autograd.Function.apply`."""
        return Fake(f"{cls._path}.apply")


class FakeModule(ModuleType):
    """A module that holds everything."""

    __path__: list[str] = []  # noqa: RUF012  # any module may lie below
    __all__: list[str] = []  # noqa: RUF012  # so that `from module import *` takes nothing
    __version__ = _VERSION

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{self.__name__} is mocked and has no {name}")
        below = sys.modules.get(f"{self.__name__}.{name}")
        if below is not None:
            return below
        parts = self.__dict__.setdefault("_parts", {})
        return _part(parts, self.__name__, name)


def _part(parts: dict[str, Any], path: str, name: str) -> Any:
    """Give the part of that name, always the same; what is called an error can be raised and caught."""
    if name not in parts:
        whole = f"{path}.{name}"
        parts[name] = (
            type(name, (Exception,), {"__module__": path}) if name.endswith(_ERRORS) else Fake(whole)
        )  # fmt: skip
    return parts[name]


def _real(path: str) -> Any:
    """Import what a path means."""
    from importlib import import_module

    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise ImportError(f"{path} was mocked where this comes from, and cannot be imported here")


class FakeModuleFinder:
    """Finds mocked modules, and whatever lies below them, before anybody else does.

    Parameters
    ----------
    modules
        Their names.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        self.modules = tuple(modules)
        self.made: list[str] = []

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """Find a module if it is mocked."""
        if any(name == module or name.startswith(f"{module}.") for module in self.modules):
            return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]  # it has what a loader needs
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make the module."""
        return FakeModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is executed."""
        self.made.append(module.__name__)

    def remove(self) -> None:
        """Stop mocking; what is imported from now on is real."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        if self in _finders:
            _finders.remove(self)
        for name in self.made:
            if isinstance(sys.modules.get(name), FakeModule):
                del sys.modules[name]

    def __enter__(self) -> FakeModuleFinder:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def mock_modules(modules: str | Iterable[str], decorators: Iterable[str] = ()) -> FakeModuleFinder:
    """Replace modules that are slow to import by something that only looks like them.

    To be called in a `pre_experiment`. Modules that have been imported already stay as they are.

    Parameters
    ----------
    modules
        Their names; what lies below them is mocked, too.
    decorators
        Names of decorators in them that are to leave what they decorate as it is. All do; the argument is there
        because existing files have it.

    Returns
    -------
    FakeModuleFinder
        Whose `remove` ends it; ``pyexp run`` does that as soon as the experiment's file is loaded.

    Raises
    ------
    ConfigError
        A decorator is in none of the modules.

    Examples
    --------
    >>> with mock_modules(["slow_library"]):
    ...     import slow_library.nn
    ...     @slow_library.compile(mode="fast")
    ...     def step(x: slow_library.nn.Tensor | None):
    ...         return x
    >>> step(3)
    3
    """
    names = [modules] if isinstance(modules, str) else list(modules)
    for decorator in decorators:
        if not any(decorator.startswith(f"{name}.") for name in names):
            from ..errors import ConfigError

            raise ConfigError(
                f'mock_modules: the decorator "{decorator}" is in none of the modules; add "{decorator.split(".")[0]}"'
            )
    finder = FakeModuleFinder(names)
    _finders.append(finder)
    sys.meta_path.insert(0, finder)
    return finder


def remove_all() -> bool:
    """Stop mocking; tell whether anything was mocked."""
    finders = list(_finders)
    for finder in finders:
        finder.remove()
    return any(finder.made for finder in finders)
