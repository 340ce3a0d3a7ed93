"""Files that build on others: sections merged key by key, and where each value comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodo_pyexp.config.compose import Composition, Style, Watch, named_files, overlay, tidy
from dodo_pyexp.config.origins import Origins
from dodo_pyexp.errors import ConfigError, MissingFile

keys = st.sampled_from("abcde")
values = st.one_of(st.integers(), st.text(max_size=3), st.none(), st.booleans(), st.lists(st.integers(), max_size=3))
trees = st.recursive(
    st.dictionaries(keys, values, max_size=4), lambda inner: st.dictionaries(keys, st.one_of(values, inner), max_size=4)
)


def merged(*layers: dict[Any, Any]) -> dict[Any, Any]:
    tree: dict[Any, Any] = {}
    for layer in layers:
        overlay(tree, Origins(), layer, {})
    return tree


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    if not isinstance(tree, dict) or not tree:
        return {path: tree}
    return {keys: value for key, item in tree.items() for keys, value in leaves(item, (*path, key)).items()}


@given(trees)
def test_merging_nothing_changes_nothing(tree: dict[Any, Any]) -> None:
    assert merged(tree, {}) == tree == merged({}, tree)


@given(trees)
def test_merging_the_same_twice_is_merging_it_once(tree: dict[Any, Any]) -> None:
    assert merged(tree, tree) == tree


@given(trees, trees)
def test_every_value_of_the_upper_layer_is_there_afterwards(below: dict[Any, Any], above: dict[Any, Any]) -> None:
    found = merged(below, above)
    for path, value in leaves(above).items():
        inner: Any = found
        for key in path:
            inner = inner[key]
        if value != {}:  # an empty section merges into whatever section is there
            assert inner == value


@given(trees, trees)
def test_what_the_upper_layer_does_not_touch_stays(below: dict[Any, Any], above: dict[Any, Any]) -> None:
    found = leaves(merged(below, above))
    touched = leaves(above)
    for path, value in leaves(below).items():
        if not any(path[: len(other)] == other[: len(path)] for other in touched):
            assert found[path] == value


@given(trees, trees, trees)
def test_layers_may_be_merged_in_any_grouping_if_sections_meet_sections(a: Any, b: Any, c: Any) -> None:
    def kinds_agree(x: Any, y: Any) -> bool:
        if isinstance(x, dict) and isinstance(y, dict):
            return all(kinds_agree(x[key], y[key]) for key in x.keys() & y.keys())
        return isinstance(x, dict) == isinstance(y, dict)

    if kinds_agree(a, b) and kinds_agree(b, c) and kinds_agree(a, c):
        assert merged(merged(a, b), c) == merged(a, merged(b, c))


@given(trees, trees)
def test_neither_layer_is_changed_or_shared(below: dict[Any, Any], above: dict[Any, Any]) -> None:
    from copy import deepcopy

    copies = deepcopy(below), deepcopy(above)
    found = merged(below, above)

    def spoil(tree: Any) -> None:
        for value in list(tree.values()) if isinstance(tree, dict) else tree:
            if isinstance(value, (dict, list)):
                spoil(value)
        tree.clear()

    spoil(found)
    assert (below, above) == copies


class Importing(Style):
    def parents(self, located: Any, path: Path) -> list[tuple[Path, str]]:
        return list(named_files(located.tree.pop("imports", None), located, "imports", path.parent))


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def write(**files: str) -> None:
        for name, text in files.items():
            path = Path(f"{name.replace('__', '/')}.yml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    return write


def compose(*names: str, style: Style | None = None) -> Composition:
    composition = Composition(style or Importing())
    for name in names:
        composition.add(Path(name))
    return composition


def test_the_importing_file_wins_and_later_imports_win_over_earlier_ones(write: Any) -> None:
    write(a="x: 1\ny: 1\nz: 1\n", b="y: 2\nz: 2\n", c="imports: [a.yml, b.yml]\nz: 3\n")
    assert compose("c.yml").tree == {"x": 1, "y": 2, "z": 3}


def test_lists_and_scalars_are_replaced_and_sections_merged_at_every_depth(write: Any) -> None:
    write(a="s: {l: [1, 2], t: {u: 1, v: 1}}\n", b="imports: a.yml\ns: {l: [3], t: {v: 2}}\n")
    assert compose("b.yml").tree == {"s": {"l": [3], "t": {"u": 1, "v": 2}}}


def test_an_import_that_comes_twice_is_merged_with_what_names_it(write: Any) -> None:
    write(d="v: d\n", b="imports: d.yml\nv: b\n", c="imports: d.yml\n", a="imports: [b.yml, c.yml]\n")
    assert compose("a.yml").tree == {"v": "d"}


def test_or_once_where_the_style_says_so(write: Any) -> None:
    class Once(Importing):
        once = True

    write(d="v: d\n", b="imports: d.yml\nv: b\n", c="imports: d.yml\n", a="imports: [b.yml, c.yml]\n")
    assert compose("a.yml", style=Once()).tree == {"v": "b"}


def test_every_value_knows_its_file_and_line(write: Any) -> None:
    write(conf__a="x: 1\ns:\n  t: 1\n  u: [1, 2]\n", b="imports: conf/a.yml\ns:\n  t: 2\n")
    origins = compose("b.yml").origins
    assert origins.where("x") == "conf/a.yml:1"
    assert origins.where("s", "t") == "b.yml:3"
    assert origins.where("s", "u", 1) == "conf/a.yml:4"


def test_a_replaced_section_leaves_no_places_behind(write: Any) -> None:
    write(a="s: {t: {u: 1}, l: [1, 2, 3]}\n", b="imports: a.yml\ns:\n  t: 5\n  l:\n  - 1\n")
    origins = compose("b.yml").origins
    assert ("s", "t", "u") not in origins
    assert ("s", "l", 2) not in origins
    assert origins.where("s", "l", 0) == "b.yml:5"


def test_a_circle_is_shown(write: Any) -> None:
    write(a="imports: b.yml\n", b="imports: c.yml\n", c="imports: a.yml\n")
    with pytest.raises(ConfigError, match=r"c\.yml:1: .* circle: a\.yml -> b\.yml -> c\.yml -> a\.yml"):
        compose("a.yml")


def test_a_file_that_imports_itself_is_a_circle(write: Any) -> None:
    write(a="imports: ./a.yml\n")
    with pytest.raises(ConfigError, match=r"circle: a\.yml -> a\.yml"):
        compose("a.yml")


def test_a_missing_import_is_told_where_it_is_named(write: Any) -> None:
    write(base="x: 1\n", a="x: 1\nimports:\n- base.yml\n- bsae.yml\n")
    with pytest.raises(MissingFile, match=r'a\.yml:4: .*"bsae\.yml".*did you mean "base\.yml"'):
        compose("a.yml")


@pytest.mark.parametrize("named", ["3", "{a: 1}", "[[a.yml]]", "['']", "true"])
def test_imports_take_paths_only(write: Any, named: str) -> None:
    write(a=f"imports: {named}\n")
    with pytest.raises(ConfigError, match=r"a\.yml:1: imports holds .*list of paths"):
        compose("a.yml")


def test_a_watch_is_told_of_new_keys_and_of_changed_types_with_their_lines(write: Any) -> None:
    seen: list[Any] = []

    class Told(Watch):
        def new(self, keys: Any, place: Any, known: Any) -> None:
            seen.append(("new", keys, place, sorted(known)))

        def retyped(self, keys: Any, old: Any, new: Any, place: Any) -> None:
            seen.append(("retyped", keys, old, new))

    class Watching(Importing):
        def watch(self, located: Any, path: Path) -> Watch:
            return Told()

    write(a="x: 1\ns: {t: 1}\n", b="imports: a.yml\nx: one\ns:\n  u: 1\nn: {o: 1}\n")
    compose("b.yml", style=Watching())
    assert seen == [
        ("retyped", ("x",), 1, "one"),
        ("new", ("s", "u"), ("b.yml", 4), ["t"]),
        ("new", ("n",), ("b.yml", 5), ["s", "x"]),
    ]


def test_a_path_is_tidied_only_if_it_leads_to_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").mkdir()
    Path("far/b").mkdir(parents=True)
    Path("x.yml").write_text("")
    Path("far/x.yml").write_text("")
    Path("link").symlink_to("far/b")
    assert tidy(Path("a/../x.yml")) == Path("x.yml")
    assert tidy(Path("link/../x.yml")) == Path("link/../x.yml")
