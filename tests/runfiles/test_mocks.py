"""Modules that only look like themselves, while a file is loaded."""

from __future__ import annotations

import abc
import importlib
import pickle
import sys
import textwrap
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from dodo_pyexp.errors import ConfigError
from dodo_pyexp.runfiles.mocks import FakeModuleFinder, mock_modules, remove_all

MODULES = ["heavy", "heavy_lightning"]


@pytest.fixture
def heavy() -> Iterator[Any]:
    with mock_modules(MODULES, decorators=["heavy.compile", "heavy.no_grad"]):
        yield importlib.import_module("heavy")


def test_every_form_of_import_works(heavy: Any) -> None:
    space: dict[str, Any] = {}
    exec(
        "import heavy.nn.functional as F\nfrom heavy import nn, Tensor\nfrom heavy.nn import Module\n"
        "from heavy import *",
        space,
    )
    assert space["nn"] is sys.modules["heavy.nn"]
    assert space["F"] is space["nn"].functional
    assert space["Module"] is space["nn"].Module
    assert space["Tensor"] is heavy.Tensor
    assert repr(space["Module"]) == "heavy.nn.Module"


@pytest.mark.parametrize(
    "decorator",
    [
        lambda heavy: heavy.compile,
        lambda heavy: heavy.compile(),
        lambda heavy: heavy.compile(mode="max"),
        lambda heavy: heavy.jit.script,
        lambda heavy: heavy.no_grad(),
        lambda heavy: heavy.a.b.c(1)(2),
    ],
)
def test_decorators_leave_functions_and_classes_as_they_are(heavy: Any, decorator: Any) -> None:
    def function() -> int:
        return 3

    class Class:
        pass

    assert decorator(heavy)(function) is function
    assert decorator(heavy)(Class) is Class
    assert decorator(heavy)(decorator(heavy)(function)) is function


def test_a_context_manager(heavy: Any) -> None:
    with heavy.no_grad(), heavy.autocast("cuda") as something:
        assert something
    with pytest.raises(ValueError, match="goes through"), heavy.no_grad():
        raise ValueError("goes through")


def test_annotations_of_all_kinds(heavy: Any) -> None:
    tensor = heavy.Tensor
    assert tensor | None is tensor
    assert None | tensor is tensor
    assert tensor[int] is tensor
    assert heavy.Module[str, tensor]
    assert typing.Optional[tensor]  # noqa: UP045  # as existing code has it
    assert typing.Union[int, tensor]  # noqa: UP007  # the same
    assert list[tensor]
    assert dict[str, tensor]
    assert typing.Callable[[tensor], tensor]


def test_nothing_is_an_instance_but_of_classes_that_derive(heavy: Any) -> None:
    class Net(heavy.nn.Module):  # type: ignore[misc, name-defined]  # mocked
        pass

    assert not isinstance(3, heavy.Tensor)
    assert not issubclass(int, heavy.Tensor)
    assert isinstance(Net(), heavy.nn.Module)
    assert issubclass(Net, heavy.nn.Module)
    assert not isinstance(Net(), heavy.nn.Linear)
    assert not isinstance(3, (heavy.Tensor, heavy.nn.Module))


def test_iteration_ends_and_values_compute(heavy: Any) -> None:
    value = heavy.zeros(3, 4)
    assert list(value) == []
    assert len(value) == 0
    assert value
    assert 1 not in value
    assert list(range(value)) == []
    assert (int(value), float(value)) == (0, 0.0)
    for result in (value + 1, 2 * value, -value, value @ value, value[1:], value.cuda().x.y(1), abs(value), value**2):
        assert repr(result).startswith("heavy.zeros")
    assert not value < 3
    assert value == value
    assert value != heavy.ones
    value[0] = 3
    assert heavy.pi is heavy.pi
    assert {heavy.pi: 1}[heavy.pi] == 1


def test_errors_can_be_raised_and_caught(heavy: Any) -> None:
    caught = False
    try:
        raise heavy.cuda.OutOfMemoryError("too much")
    except heavy.cuda.OutOfMemoryError:
        caught = True
    assert caught


def test_a_version_is_text_and_other_names_with_two_underscores_are_not_there(heavy: Any) -> None:
    assert heavy.__version__ == "0.0.0"
    assert not hasattr(heavy, "__nothing__")
    assert not hasattr(heavy.x, "__array__")
    assert heavy._C._private


def test_classes_derive_from_mocked_ones(heavy: Any) -> None:
    import heavy_lightning as pl  # type: ignore[import-not-found]  # mocked

    kind = typing.TypeVar("kind")

    class Meta(type):
        pass

    class Real(metaclass=Meta):
        pass

    class Net(heavy.nn.Module):  # type: ignore[misc, name-defined]  # mocked
        def __init__(self, width: int) -> None:
            super().__init__()
            self.width = width

    class Both(heavy.nn.Module, pl.LightningModule): ...  # type: ignore[misc, name-defined]  # mocked

    class Below(Net, pl.LightningModule): ...  # type: ignore[misc]  # mocked

    class Abstract(heavy.nn.Module, abc.ABC): ...  # type: ignore[misc, name-defined]  # mocked

    class Generic(heavy.nn.Module, typing.Generic[kind]): ...  # type: ignore[misc, name-defined]  # mocked

    class Chained(Generic[int]): ...

    class WithMeta(Real, heavy.nn.Module): ...  # type: ignore[misc, name-defined]  # mocked

    class Keyword(heavy.nn.Module, setting=3): ...  # type: ignore[misc, name-defined, call-arg]  # mocked

    class Function(heavy.autograd.Function): ...  # type: ignore[misc, name-defined]  # mocked

    assert Net(3).width == 3
    assert Below(4).width == 4
    assert Net(3).anything.at.all()
    assert [base.__name__ for base in Both.__mro__[:3]] == ["Both", "Module", "LightningModule"]
    for one in (Both, Abstract, Chained, WithMeta, Keyword, Function):
        one(1, two=2)
    assert callable(Function.apply)


def test_what_was_imported_before_stays_real() -> None:
    with mock_modules("json"):
        import json

        assert json.dumps(1) == "1"


def test_it_ends_and_leaves_nothing_behind() -> None:
    finder = mock_modules(["heavy"])
    importlib.import_module("heavy.nn")
    assert remove_all()
    assert not {"heavy", "heavy.nn"} & set(sys.modules)
    assert finder not in sys.meta_path
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("heavy")
    assert not remove_all()
    finder.remove()


def test_sibling_packages_are_not_mocked() -> None:
    with mock_modules(["heavy"]) as finder:
        assert isinstance(finder, FakeModuleFinder)
        assert finder.find_spec("heavyweight") is None
        assert finder.find_spec("heavy.below.it") is not None


def test_a_decorator_of_another_module_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r'"other\.compile" is in none of the modules; add "other"'):
        mock_modules(["heavy"], decorators=["other.compile"])


def test_elsewhere_a_mock_is_what_it_stands_for(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with mock_modules(["light"]):
        pickled = pickle.dumps([importlib.import_module("light").deep.value])
    (tmp_path / "light").mkdir()
    (tmp_path / "light/__init__.py").write_text(textwrap.dedent("class deep:\n    value = 7\n"))
    monkeypatch.syspath_prepend(tmp_path)
    assert pickle.loads(pickled) == [7]
    sys.modules.pop("light")
