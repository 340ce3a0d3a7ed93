"""`Config`: a dict with dot access at every depth."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict, namedtuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dodo_pyexp.config.config import Config, to_dict
from dodo_pyexp.errors import ConfigError

Point = namedtuple("Point", "x y")


def every_dict_is_config(value) -> bool:
    if isinstance(value, dict):
        return type(value) is Config and all(map(every_dict_is_config, value.values()))
    return all(map(every_dict_is_config, value)) if isinstance(value, (list, tuple)) else True


def test_the_documents_examples_hold():
    cfg = Config({"learning_rate": 0.1, "optimizer": {"lr": 0.5}})
    assert cfg["learning_rate"] == cfg.learning_rate == 0.1
    assert cfg.optimizer.lr == cfg["optimizer"]["lr"] == 0.5
    assert cfg.get("key", 7) == 7


@pytest.mark.parametrize(
    "made",
    [
        Config({"n": {"x": {"y": 1}}}),
        Config(n={"x": {"y": 1}}),
        Config([("n", {"x": {"y": 1}})]),
        Config() | {"n": {"x": {"y": 1}}},
        {"n": {"x": {"y": 1}}} | Config(),
        Config({"n": {"x": {"y": 1}}}).copy(),
        Config.fromkeys(["n"], {"x": {"y": 1}}),
        Config(n=OrderedDict(x={"y": 1})),
    ],
)
def test_nested_dicts_become_configs_however_they_get_in(made):
    assert type(made) is Config
    assert made.n.x.y == 1
    assert every_dict_is_config(made)


def test_nested_dicts_become_configs_on_every_kind_of_assignment():
    cfg = Config()
    cfg["a"] = {"x": 1}
    cfg.b = {"x": 1}
    cfg.update({"c": {"x": 1}}, d={"x": 1})
    cfg.setdefault("e", {"x": 1})
    cfg |= {"f": {"x": 1}}
    assert {key: cfg[key].x for key in cfg} == dict.fromkeys("abcdef", 1)


def test_dicts_in_lists_and_tuples_become_configs():
    cfg = Config(l=[{"x": 1}, [{"x": 2}]], t=({"x": 3},), p=Point({"x": 4}, 0))
    cfg.late = [{"x": 5}]
    assert (cfg.l[0].x, cfg.l[1][0].x, cfg.t[0].x, cfg.p.x.x, cfg.late[0].x) == (1, 2, 3, 4, 5)
    assert type(cfg.p) is Point


def test_a_list_without_dicts_stays_the_same_object():
    numbers = [1, 2]
    assert Config(numbers=numbers).numbers is numbers


def test_setdefault_keeps_what_is_there():
    cfg = Config(a=1)
    assert cfg.setdefault("a", 2) == 1
    assert cfg.setdefault("b") is None


def test_a_missing_attribute_is_an_attribute_error_with_a_hint():
    cfg = Config(learning_rate=1)
    with pytest.raises(AttributeError, match=r"^Config has no attribute 'epochs'$"):
        _ = cfg.epochs
    with pytest.raises(AttributeError, match=r"attribute 'learning_rat' \(did you mean .learning_rate"):
        _ = cfg.learning_rat
    with pytest.raises(AttributeError, match="Config has no attribute 'x'"):
        del cfg.x
    with pytest.raises(KeyError):
        cfg["x"]
    assert not hasattr(cfg, "x")
    assert getattr(cfg, "x", 3) == 3


def test_the_error_of_a_missing_attribute_can_be_pickled():
    with pytest.raises(AttributeError) as caught:
        _ = Config(a=1).b
    assert str(pickle.loads(pickle.dumps(caught.value))) == "Config has no attribute 'b'"


def test_deleting_works_both_ways():
    cfg = Config(a=1, b=2)
    del cfg.a
    del cfg["b"]
    assert cfg == {}


def test_keys_may_be_numbers_and_a_dotted_key_is_no_path():
    cfg = Config({1: "one", "n": {"x": 1}})
    assert cfg[1] == "one"
    assert cfg.get("n.x", 0) == 0


def test_dict_methods_win_over_keys_of_the_same_name():
    cfg = Config(items=3, name="a")
    assert cfg["items"] == 3
    assert list(cfg.items()) == [("items", 3), ("name", "a")]
    assert cfg.name == "a"


def test_it_equals_a_plain_dict():
    assert Config(a={"b": [1]}) == {"a": {"b": [1]}}


def test_or_leaves_both_sides_as_they_are():
    one, other = Config(a=1), {"b": {"x": 1}}
    assert one | other == {"a": 1, "b": {"x": 1}}
    assert (one, other) == ({"a": 1}, {"b": {"x": 1}})
    assert type(other["b"]) is dict
    with pytest.raises(TypeError):
        one | 3
    with pytest.raises(TypeError):
        3 | one


def test_a_subclass_keeps_its_type():
    class Mine(Config):
        pass

    assert type(Mine(a=1).copy()) is Mine
    assert type(Mine(a=1) | {"b": 2}) is Mine


def test_dir_offers_the_keys():
    assert "learning_rate" in dir(Config(learning_rate=1))


def test_a_dict_that_contains_itself_is_refused():
    endless: dict = {}
    endless["self"] = endless
    with pytest.raises(ConfigError, match="contains itself"):
        Config(endless)


def test_it_prints_as_yaml():
    cfg = Config(name="a", model={"sizes": (1, 2)}, on="on")
    assert repr(cfg) == str(cfg) == "name: a\nmodel:\n  sizes:\n  - 1\n  - 2\n'on': 'on'"
    assert repr(Config()) == "{}"


def test_to_dict_gives_plain_copies():
    inner = [1]
    cfg = Config(a={"b": [{"c": 1}]}, t=({"d": 1},), p=Point(Config(), 1), l=inner)
    plain = to_dict(cfg)
    assert plain == cfg
    assert type(plain) is type(plain["a"]) is type(plain["a"]["b"][0]) is type(plain["t"][0]) is dict
    assert type(plain["p"].x) is dict
    assert plain["l"] is not inner


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
dicts = st.dictionaries(st.text(max_size=3) | st.integers(), trees, max_size=4)


@settings(max_examples=60)
@given(dicts)
def test_pickle_and_deepcopy_keep_content_and_types(tree):
    cfg = Config(tree)
    for again in (pickle.loads(pickle.dumps(cfg)), copy.deepcopy(cfg), copy.copy(cfg)):
        assert again == cfg == tree
        assert every_dict_is_config(again)


def test_deepcopy_shares_nothing():
    cfg = Config(a={"b": [1]})
    copy.deepcopy(cfg).a.b.append(2)
    assert cfg.a.b == [1]
