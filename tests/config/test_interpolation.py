"""Variables and references in texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodo_pyexp.config.interpolation import Resolver, escaped, has_parts
from dodo_pyexp.config.origins import Origins
from dodo_pyexp.config.yaml import parse_yaml
from dodo_pyexp.config.yaml_writer import dump_yaml
from dodo_pyexp.errors import ConfigError

VARIABLES = {"N": "123", "F": "0.5", "S": "text", "T": "True", "B0": "b", "_X": "u", "E": "", "RE": "{a}", "RV": "$N"}


def resolved(tree: dict[Any, Any], **options: Any) -> Any:
    return Resolver(tree, environment=VARIABLES, **options).resolve()


def value(text: Any, **others: Any) -> Any:
    return resolved({"it": text, **others})["it"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$N", 123),
        ("${N}", 123),
        ("$F", 0.5),
        ("$T", True),
        ("$S", "text"),
        ("x_${S}_y", "x_text_y"),
        ("$S$N", "text123"),
        ("$B0", "b"),
        ("${_X}$_X", "uu"),
        ("no$", "no$"),
        ("$$", "$$"),
        ("${}", "${}"),
        ("cost: 3$", "cost: 3$"),
    ],
)
def test_variables_are_filled_in_and_one_that_is_the_whole_text_has_a_type(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_text_around_a_variable_is_not_given_a_type() -> None:
    assert value("${N}0") == "1230"
    assert value("1e$N") == "1e123"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("${NO:-x}", "x"), ("${NO:-3}", 3), ("${E:-x}", "x"), ("${NO:-}", ""), ("${N:-4}", 123), ("a${NO:-{a}}b", "a1b")],
)
def test_a_variable_may_have_a_default(text: str, expected: Any) -> None:
    assert value(text, a=1) == expected


@pytest.mark.parametrize("kept", [1, 0.5, None, True, [1, [2]], "text", {"b": [1]}])
def test_a_reference_that_is_the_whole_text_keeps_the_type(kept: Any) -> None:
    found = value("{a}", a=kept)
    assert found == kept
    assert type(found) is type(kept)


def test_a_reference_inside_text_becomes_text() -> None:
    assert value("x{a}-{b}{c}", a=1, b=None, c=[1]) == "x1-None[1]"


def test_references_go_down_sections_and_lists() -> None:
    tree = {"s": {"k0": 1, "my-key": 2}, "l": [{"n": "x"}, "y"], "it": ["{s.k0}", {"d": "{s.my-key}"}, "{l.0.n}{l.1}"]}
    assert resolved(tree)["it"] == [1, {"d": 2}, "xy"]


def test_references_follow_each_other_and_variables() -> None:
    assert resolved({"a": "{b}", "b": "x{c}", "c": "$N"}) == {"a": "x123", "b": "x123", "c": 123}


@pytest.mark.parametrize("text", ["{}", "{ a }", '{"a": 1}', "a{2}", "{1}", "{a b}", "{a:03d}"])
def test_braces_that_are_no_reference_are_left_alone(text: str) -> None:
    assert value(text, a=1) == text


def test_what_a_variable_holds_is_not_read_again() -> None:
    assert value("$RE", a=1) == "{a}"
    assert value("x$RV") == "x$N"


@pytest.mark.parametrize("text", ["$N", "{a}", "{no}", "!P$N", "", "plain"])
def test_a_text_that_is_marked_as_plain_stays_as_it_is(text: str) -> None:
    assert value(f"!P{text}", a=1) == text


def test_no_two_places_share_what_a_reference_gave() -> None:
    found = resolved({"a": {"l": [1]}, "b": "{a}", "c": "{b}", "d": "{a.l}"})
    found["b"]["l"].append(2)
    found["d"].append(3)
    assert found["a"] == {"l": [1]} == found["c"]


def test_the_config_itself_stays_as_it_is() -> None:
    tree = {"a": ["{b}"], "b": 1}
    resolved(tree)
    assert tree == {"a": ["{b}"], "b": 1}


@pytest.mark.parametrize(
    ("tree", "circle"),
    [
        ({"a": "{a}"}, "a -> a"),
        ({"a": "x{b}", "b": "{c}", "c": "{a}"}, "a -> b -> c -> a"),
        ({"s": {"a": "{t}"}, "t": ["{s.a}"]}, "s.a -> t.0 -> s.a"),
    ],
)
def test_references_in_a_circle_are_shown(tree: dict[str, Any], circle: str) -> None:
    with pytest.raises(ConfigError, match=f"circle: {circle}"):
        resolved(tree)


def test_a_section_cannot_hold_itself() -> None:
    with pytest.raises(ConfigError, match="section it stands in"):
        resolved({"a": {"b": {"c": "{a}"}}})
    with pytest.raises(ConfigError, match="circle"):
        resolved({"a": {"b": "{c}"}, "c": {"d": "{a}"}})


def located(text: str) -> Resolver:
    found = parse_yaml(text, "x.yml")
    return Resolver(found.tree, Origins(found.positions), environment=VARIABLES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: $NO/x\n", r"x\.yml:2: b: there is no environment variable NO; .*\$\{NO:-value\}"),
        ("seed: 1\nb:\n  c: '{sede}'\n", r'x\.yml:3: b\.c: .*"sede".*did you mean "seed"'),
        ("s: {t: 1}\nb: 'x{s}'\n", r"x\.yml:2: b: .*section, which no text can hold"),
        ("b: ['{l.5}']\nl: [1]\n", r"x\.yml:1: b\.0: .*!P"),
    ],
)
def test_what_leads_nowhere_is_a_mistake_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        located(text).resolve()


def test_or_it_is_told_and_counts_as_empty_text() -> None:
    told: list[str] = []
    found = resolved({"a": "$NO", "b": "x{no}y", "s": {}, "c": "-{s}"}, lenient=told.append)
    assert found == {"a": "", "b": "xy", "s": {}, "c": "-"}
    assert len(told) == 3
    assert "NO" in told[0]
    assert all("empty text" in text for text in told)


def test_references_are_looked_for_in_sections_first() -> None:
    tree = {"config": {"seed": 1, "p": "{seed}{name}"}, "seed": 2, "name": "n"}
    assert resolved(tree, within=(("config",),))["config"]["p"] == "1n"


texts = st.text(st.sampled_from("ab$N{}.!P \n:-"), max_size=12)
configs = st.recursive(
    st.one_of(texts, st.integers(), st.floats(allow_nan=False), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abc"), configs, max_size=3))
def test_what_was_resolved_and_saved_resolves_to_the_very_same(tree: dict[str, Any]) -> None:
    saved = dump_yaml(escaped(tree))
    read = parse_yaml(saved, "config.yml").tree
    assert Resolver(read, environment=VARIABLES).resolve() == tree


@given(texts)
def test_a_text_without_parts_is_left_alone(text: str) -> None:
    if not has_parts(text):
        assert value(text) == text


@pytest.mark.parametrize(
    "wrap", [lambda names: "".join(names), list, lambda names: {str(i): n for i, n in enumerate(names)}]
)
def test_a_bomb_of_references_is_refused(wrap):
    tree = {"a0": wrap(["x" * 20] * 10)}
    for level in range(1, 10):
        tree[f"a{level}"] = wrap([f"{{a{level - 1}}}"] * 10)
    with pytest.raises(ConfigError, match=r"references (make a text of more than 1,000,000|repeat more than 200,000)"):
        Resolver(tree).resolve()
