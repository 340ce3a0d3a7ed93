"""Where values were written down."""

from __future__ import annotations

from dodo_pyexp.config.origins import COMMAND_LINE, Origins


def test_a_value_without_a_place_has_that_of_the_section_around_it() -> None:
    origins = Origins({(): ("a.yml", 1), ("s",): ("a.yml", 5)})
    assert origins.where("s", "t", 0) == "a.yml:5"
    assert origins.where("x") == "a.yml:1"
    assert Origins().where("x") == "the config"


def test_what_is_set_as_a_whole_takes_the_places_of_its_parts() -> None:
    origins = Origins({("s",): ("a.yml", 5), ("s", "t"): ("a.yml", 6), ("st",): ("a.yml", 7)})
    origins.put(("s",), COMMAND_LINE)
    assert dict(origins) == {("s",): ("command line", 0), ("st",): ("a.yml", 7)}
    assert origins.where("s", "t") == "command line"


def test_a_section_can_be_seen_alone() -> None:
    origins = Origins({("s",): ("a.yml", 5), ("s", "t"): ("a.yml", 6)}).below("s")
    assert origins.where("t") == "a.yml:6"
    assert origins.where("u") == "a.yml:5"


def test_a_table_names_single_values_lists_and_empty_sections() -> None:
    tree = {"a": 1, "l": [1, 2], "s": {"t": {}}, "o": [{"x": 1}]}
    assert list(Origins({(): ("f", 1)}).table(tree)) == ["a", "l", "s.t", "o.0.x"]
