"""Reading YAML: 1.2, safe, and every value with its place."""

from __future__ import annotations

import math
from datetime import date

import pytest

from dodo_pyexp.config.yaml import load_yaml, parse_yaml
from dodo_pyexp.errors import ConfigError, MissingFile


def read(text: str):
    return parse_yaml(text, "f.yml").tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1e3", 1000.0),
        ("-1.5E+3", -1500.0),
        (".5", 0.5),
        ("1.", 1.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("y", "y"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0b11", "0b11"),
        ("2024-01-02", "2024-01-02"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("!!set {a, b}", {"a", "b"}),
        ("!!binary aGk=", b"hi"),
        ("!!timestamp 2024-01-02", date(2024, 1, 2)),
        ("<<", "<<"),
        ("[1, [a]]", [1, ["a"]]),
    ],
)
def test_values_are_those_of_yaml_1_2(text, value):
    found = read(f"x: {text}")["x"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_read():
    assert math.isnan(read("x: .NaN")["x"])


def test_every_value_has_its_file_and_line():
    located = parse_yaml("a: 1\nb:\n  c:\n    - 2\n    - d: 3\n", "f.yml")
    assert located.positions == {
        (): ("f.yml", 1),
        ("a",): ("f.yml", 1),
        ("b",): ("f.yml", 2),
        ("b", "c"): ("f.yml", 3),
        ("b", "c", 0): ("f.yml", 4),
        ("b", "c", 1): ("f.yml", 5),
        ("b", "c", 1, "d"): ("f.yml", 5),
    }
    assert located.where("b", "c", 1, "d") == "f.yml:5"
    assert located.where("b", "nothing", "there") == "f.yml:2"
    assert located.where("zzz") == "f.yml:1"


def test_merge_keys_fill_up_and_keep_the_place_of_what_they_bring():
    located = parse_yaml("b: &x {q: 1, r: [2]}\nc:\n  <<: *x\n  q: 5\nd:\n  <<: [*x, {q: 9, z: 3}]\n", "f")
    assert located.tree["c"] == {"q": 5, "r": [2]}
    assert located.tree["d"] == {"q": 1, "r": [2], "z": 3}
    assert located.where("c", "q") == "f:4"
    assert located.where("c", "r", 0) == "f:1"
    assert located.where("d", "z") == "f:6"


def test_aliases_are_built_anew():
    tree = read("a: &x [1]\nb: *x")
    tree["a"].append(2)
    assert tree["b"] == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", 'f.yml:3: the key "a" is there twice'),
        ("a:\n  1: x\n  1.0: y", 'f.yml:3: the key "1.0" is there twice'),
        ("a: 1\nb:\n\tc: 1", "f.yml:3: a tab cannot indent YAML"),
        ("a: [1", "f.yml:"),
        ("a: b: c", "f.yml:1: is not valid YAML"),
        ("a: *nobody", "f.yml:1: is not valid YAML, found undefined alias"),
        ("a: &x [*x]", "f.yml:1: an alias"),
        ("a: &x {b: *x}", "f.yml:1: an alias"),
        ("a: 1\n--- \nb: 2", "f.yml:2: a second document starts here"),
        ("\na: !!python/object/apply:os.system [x]", 'f.yml:2: the tag "!!python/object/apply:os.system"'),
        ("a: !custom 3", 'f.yml:1: the tag "!custom" is not allowed'),
        ("a: !!int x", "f.yml:1: 'x' is no valid int"),
        ("a: !!bool maybe", "f.yml:1: 'maybe' is no valid bool"),
        ("a: " + "9" * 5000, "f.yml:1: 999"),
        ("? [1]\n: 2", "f.yml:1: a list or a section cannot be a key"),
        ("a: {<<: 3}", "f.yml:1: << takes a section"),
        ("a: \x00", "f.yml: is not valid YAML, control characters are not allowed"),
        ("[" * 100_000, "f.yml:1: nests over 200 levels deep"),
        ("- " * 100_000, "f.yml:1: nests over 200 levels deep"),
        ("a: 1\nb: " + "[" * 999 + "]" * 999, "f.yml:2: nests over 200 levels deep"),
        ("\n".join(" " * depth + "a:" for depth in range(300)), "f.yml:201: nests over 200 levels deep"),
    ],
)
def test_mistakes_are_told_in_one_sentence_with_file_and_line(text, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_few_lines_that_ask_for_billions_of_values_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    with pytest.raises(ConfigError, match=r"aliases .* repeat more than 200,000 values"):
        read("\n".join(lines))


def test_a_long_text_is_no_deep_nesting():
    assert read("a: " + "[1], " * 0 + '"' + "[{ " * 1000 + '"') == {"a": "[{ " * 1000}


@pytest.mark.parametrize("content", ["", "  \n\n", "# only a comment\n", "---\n", "\ufeff", "null\n"])
def test_an_empty_file_is_told(tmp_path, content):
    (tmp_path / "a.yml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^.*/a\.yml: the file is empty; "):
        load_yaml(tmp_path / "a.yml")


def test_a_file_may_say_that_it_holds_nothing(tmp_path):
    (tmp_path / "a.yml").write_text("{}\n")
    assert load_yaml(tmp_path / "a.yml").tree == {}


def test_a_file_that_is_not_there_has_its_nearest(tmp_path):
    (tmp_path / "model.yml").write_text("a: 1\n")
    with pytest.raises(MissingFile, match=r'/modle\.yml: there is no such file \(did you mean "model.yml"\?\)'):
        load_yaml(tmp_path / "modle.yml")


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbfa: \xc3\xa9\r\nb: 2\r\n")
    assert load_yaml(tmp_path / "a.yml").tree == {"a": "é", "b": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n", ":1: the file holds a list; a config file holds keys and values"),
        (b"text", ":1: the file holds a single value"),
        (b"\x80\x02\xff", ": is not a text file in UTF-8"),
        (b"\x7fELF\x00\x01", ": is not valid YAML"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path, content, message):
    path = tmp_path / "a.yml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_yaml(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.yml: there is no such file"):
        load_yaml(tmp_path / "a.yml")
    with pytest.raises(MissingFile):
        load_yaml(tmp_path / "a.yml")
    with pytest.raises(ConfigError, match="is a folder"):
        load_yaml(tmp_path)
