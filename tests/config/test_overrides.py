"""Overrides: ``a.b.0.c=value``."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.overrides import Setting, apply_overrides
from dodo_pyexp.errors import ConfigError

CONFIG = {
    "lr": 0.1,
    "model": {"layers": [{"width": 1}, {"width": 2}], "shape": (1, 2)},
    "none": None,
    5: "five",
    "a.b": 1,
    "deep": {6: {"x": 1}},
}


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("lr=1e-4", lambda c: (c.lr, 1e-4)),
        ("lr=3", lambda c: (c.lr, 3)),
        ("lr='3'", lambda c: (c.lr, "3")),
        ("lr=true", lambda c: (c.lr, True)),
        ("lr=on", lambda c: (c.lr, "on")),
        ("lr=null", lambda c: (c.lr, None)),
        ("lr=", lambda c: (c.lr, None)),
        ("lr=-5", lambda c: (c.lr, -5)),
        ("lr=a=b", lambda c: (c.lr, "a=b")),
        ("lr=[1, {x: 2}]", lambda c: (c.lr[1].x, 2)),
        (" lr = 2", lambda c: (c.lr, 2)),
        ("model.layers.0.width=9", lambda c: (c.model.layers, [{"width": 9}, {"width": 2}])),
        ("model.layers.-1.width=9", lambda c: (c.model.layers[1].width, 9)),
        ("model.layers.1=x", lambda c: (c.model.layers, [{"width": 1}, "x"])),
        ("model.shape.0=7", lambda c: (c.model.shape, (7, 2))),
        ("model={}", lambda c: (c.model, {})),
        ("5=six", lambda c: (c[5], "six")),
        ("a.b=2", lambda c: (c["a.b"], 2)),
        ("deep.6.x=2", lambda c: (c.deep[6].x, 2)),
    ],
)
def test_a_value_is_set_with_the_types_of_yaml(override, read):
    config = apply_overrides(CONFIG, [override])
    found, expected = read(config)
    assert found == expected
    assert type(found) is type(expected) or isinstance(found, Config)
    assert list(config) == list(CONFIG)


def test_the_config_itself_stays_as_it_is():
    apply_overrides(CONFIG, ["model.layers.0.width=9", "model.shape.1=9", "lr=9"])
    assert CONFIG["model"] == {"layers": [{"width": 1}, {"width": 2}], "shape": (1, 2)}
    assert CONFIG["lr"] == 0.1


def test_the_last_override_wins():
    assert apply_overrides({"a": 1}, ["a=2", "a=3"]) == {"a": 3}
    assert apply_overrides({"a": 1}, []) == {"a": 1}
    assert apply_overrides({"a": 1}, ["a={b: 1}", "a.b=2"]) == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("lrr=1", 'override "lrr=1": there is no key "lrr" (did you mean "lr"?)'),
        (
            "model.layer.0=1",
            'override "model.layer.0=1": there is no key "model.layer" (did you mean "layers"?)',
        ),
        ("model.zzz=1", 'override "model.zzz=1": there is no key "model.zzz"; there are layers, shape'),
        ("lr.x=1", 'override "lr.x=1" goes inside "lr", which is 0.1, no section; set it as a whole'),
        (
            "model.layers.2=1",
            'override "model.layers.2=1": "model.layers" has 2 items, so there is no position 2',
        ),
        ("model.layers.-3=1", 'override "model.layers.-3=1": "model.layers" has 2 items'),
        (
            "model.layers.x=1",
            'override "model.layers.x=1": "model.layers" is a list, so "x" must be a position',
        ),
        ("lr", 'override "lr" is not of the form key=value'),
        ("=1", 'override "=1" is not of the form key=value'),
        ("model..x=1", 'override "model..x=1" has an empty part in its key'),
        ("lr=[1", 'override "lr=[1":'),
        ("lr=*x", 'override "lr=*x":1: is not valid YAML, found undefined alias'),
    ],
)
def test_mistakes_are_told_in_one_sentence(override, message):
    with pytest.raises(ConfigError) as caught:
        apply_overrides(CONFIG, [override])
    assert str(caught.value).startswith(message)
    with pytest.raises(ConfigError, match=r"^exp.yml: override"):
        apply_overrides(CONFIG, [override], where="exp.yml")


@pytest.mark.parametrize(
    ("override", "result"),
    [
        ("new=1", {"a": 1, "new": 1}),
        ("new.deep.x=1", {"a": 1, "new": {"deep": {"x": 1}}}),
        ("a.b=1", {"a": {"b": 1}}),
    ],
)
def test_new_keys_pass_when_they_may(override, result):
    assert with_new_key({"a": 1}, override) == result
    with pytest.raises(ConfigError):
        apply_overrides({"a": 1}, [override])


def with_new_key(config: Any, override: str) -> Config:
    key, _, value = override.partition("=")
    changed = Config(deepcopy(config))
    Setting(override, key, json.loads(value), create=True).put_into(changed)
    return changed


# -- whatever the config ----------------------------------------------------------------------------------------------

names = st.sampled_from(["lr", "model", "x1", "_a", "é"])
texts = st.text(st.sampled_from("ab1é.-:#'\"\\ \n€😀{$[,"), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
configs = st.dictionaries(names, values, min_size=1, max_size=4)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key and position of a config."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in [(*path, key), *places(item, (*path, key))]]


def with_value(config: Any, path: tuple[Any, ...], value: Any) -> Any:
    """What an override is to give: a copy with one value replaced."""
    changed = deepcopy(config)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def written(path: tuple[Any, ...], value: Any) -> str:
    return f"{'.'.join(map(str, path))}={json.dumps(value, ensure_ascii=False)}"


@settings(max_examples=50, deadline=None)
@given(configs, values, st.data())
def test_an_override_sets_this_value_and_no_other(config: Any, value: Any, data: st.DataObject) -> None:
    before = deepcopy(config)
    path = data.draw(st.sampled_from(places(config)))
    changed = apply_overrides(config, [written(path, value)])
    assert typed(changed) == typed(with_value(config, path, value))
    assert config == before
    assert apply_overrides(changed, [written(path, value)]) == changed


@settings(max_examples=50, deadline=None)
@given(configs, values, values, st.data())
def test_the_last_override_of_a_value_wins_and_others_do_not_meet(
    config: Any, value: Any, other: Any, data: st.DataObject
) -> None:
    one, two = (data.draw(st.sampled_from(places(config))) for _ in range(2))
    assert apply_overrides(config, [written(one, other), written(one, value)]) == apply_overrides(
        config, [written(one, value)]
    )
    assume(one[: len(two)] != two and two[: len(one)] != one)
    pair = [written(one, value), written(two, other)]
    assert apply_overrides(config, pair) == apply_overrides(config, pair[::-1])


@settings(max_examples=50, deadline=None)
@given(configs, values, st.data())
def test_a_key_that_is_not_there_is_refused_or_made(config: Any, value: Any, data: st.DataObject) -> None:
    sections = [(), *(place for place in places(config) if isinstance(at(config, place), dict))]
    path = (*data.draw(st.sampled_from(sections)), "new")
    with pytest.raises(ConfigError, match="there is no key"):
        apply_overrides(config, [written(path, value)])
    made = with_new_key(config, written(path, value))
    assert typed(made) == typed(with_value(config, path, value))


def at(config: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        config = config[key]
    return config


def typed(value: Any) -> Any:
    """A value that differs wherever a type does: 1, 1.0 and true are three values."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return [typed(item) for item in value] if isinstance(value, list) else (type(value), value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("#ff0000", "#ff0000"),
        (" #1 ", "#1"),
        ("run #3", "run #3"),
        ("'a #b'", "a #b"),
        ("[1] # two", [1]),
        ("a#b", "a#b"),
    ],
)
def test_there_are_no_comments_on_a_command_line(text, value):
    assert apply_overrides({"color": "red"}, [f"color={text}"]).color == value
