"""Classes that say what a config holds."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any, ClassVar

import pytest

from dodo_pyexp.errors import ArgumentError, ConfigTypeError
from dodo_pyexp.runfiles.schema.configuration import ConfigurationBase, configuration, plain


@configuration
class Model:
    width: int = 8
    sizes: list[int] = [1, 2]  # noqa: RUF012  # what it is about


@configuration()
class Train(ConfigurationBase):
    lr: float
    model: Model = Model()
    shared: ClassVar[int] = 3
    tags: list[str] = dataclasses.field(default_factory=list)


def test_objects_are_made_from_keywords_with_defaults_of_their_own() -> None:
    first, second = Train(id="a", lr=0.1), Train(id="a", lr=0.1)
    assert (first.lr, first.model.width, first.tags, first.title) == (0.1, 8, [], "")
    first.model.width = 9
    first.model.sizes.append(3)
    first.tags.append("x")
    assert (second.model.width, second.model.sizes, second.tags) == (8, [1, 2], [])
    assert Model().sizes == [1, 2]


def test_they_compare_print_hash_and_pickle() -> None:
    one = Model(width=1)
    assert one == Model(width=1) != Model(width=2)
    assert one != 3
    assert repr(one) == "Model(width=1, sizes=[1, 2])"
    assert hash(one) == hash(Model(width=1))
    assert pickle.loads(pickle.dumps(one)) == one


def test_what_is_missing_or_unknown_is_one_sentence() -> None:
    with pytest.raises(ArgumentError, match='Train needs a value for "lr"'):
        Train(id="a")
    with pytest.raises(ArgumentError, match=r'no attribute "widht".*did you mean "width"'):
        Model(widht=1)  # type: ignore[call-arg]  # what it is about
    with pytest.raises(TypeError):
        Model(3)  # type: ignore[misc]  # by position


def test_methods_of_the_class_stay_and_one_is_called_at_the_end() -> None:
    @configuration
    class Own:
        x: int = 1

        def __post_init__(self) -> None:
            self.twice = self.x * 2

        def __repr__(self) -> str:
            return "mine"

    assert Own(x=4).twice == 8
    assert repr(Own()) == "mine"


def test_fields_are_inherited_and_may_be_given_another_default() -> None:
    @configuration
    class Wider(Model):
        width: int = 64
        depth: int = 2

    assert repr(Wider()).endswith("Wider(width=64, sizes=[1, 2], depth=2)")


def test_configurations_in_a_config_become_sections() -> None:
    found = plain({"a": [Model(width=1)], "b": (Train(id="x", lr=1),), "c": Model})
    assert found["a"] == [{"width": 1, "sizes": [1, 2]}]
    assert found["b"][0]["model"] == {"width": 8, "sizes": [1, 2]}
    assert found["c"] is Model


def test_one_that_contains_itself_is_refused() -> None:
    one: Any = Model()
    one.width = one
    with pytest.raises(ConfigTypeError, match="contains itself"):
        plain({"a": one})


def test_only_classes_can_be_configurations() -> None:
    with pytest.raises(ArgumentError, match="decorates a class"):
        configuration(3)
