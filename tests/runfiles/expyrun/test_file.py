"""Expyrun's dialect: what a file says. That includes what Expyrun's own tests assert."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RUN = """__run__:
  __main__: pkg.main:main
  __output_dir__: out
  __name__: exp
"""


@pytest.fixture(autouse=True)
def code(here: Any) -> None:
    here.put("pkg/__init__.py", "")
    here.put("pkg/main.py", "def main(name, config):\n    pass\n")


def config(here: Any, *words: str, text: str | None = None) -> Any:
    if text is not None:
        here.put("a.yml", RUN + text)
    shown = here.show("a.yml", *words)
    shown.pop("__run__")
    return shown


# -- defaults ---------------------------------------------------------------------------------------------------------


def test_the_last_default_wins_and_the_file_over_all(here: Any) -> None:
    here.write(first_yml="a: 1\nb: 1\nc: 1\n", second_yml="b: 2\nc: 2\n")
    assert config(here, text="__default__: [./first.yml, ./second.yml]\nc: 3\n") == {"a": 1, "b": 2, "c": 3}


def test_a_path_is_relative_to_the_current_folder_unless_it_begins_with_a_dot(here: Any) -> None:
    here.put("conf/sub/a.yml", RUN + "__default__: [conf/base.yml, ./beside.yml, ../above.yml]\n")
    here.write(conf__base_yml="x: base\n", conf__sub__beside_yml="y: beside\n", conf__above_yml="z: above\n")
    shown = here.show("conf/sub/a.yml")
    assert (shown["x"], shown["y"], shown["z"]) == ("base", "beside", "above")


def test_a_path_may_be_absolute_or_hold_a_variable(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here.write(conf__base_yml="x: 1\n", home__h_yml="y: 2\n")
    monkeypatch.setenv("CONF", str(here.folder / "conf"))
    monkeypatch.setenv("HOME", str(here.folder / "home"))
    assert config(here, text="__default__: [$CONF/base.yml, ~/h.yml]\n") == {"x": 1, "y": 2}
    assert config(here, text=f"__default__: {here.folder}/conf/base.yml\n") == {"x": 1}


def test_defaults_have_defaults_of_their_own(here: Any) -> None:
    here.write(base_yml="x: 1\ny: 1\n", mid_yml="__default__: base.yml\nx: 2\n")
    assert config(here, text="__default__: mid.yml\n") == {"x": 2, "y": 1}


@pytest.mark.parametrize("named", ["", "[]", "null"])
def test_no_default_is_none(here: Any, named: str) -> None:
    assert config(here, text=f"__default__: {named}\nx: 1\n") == {"x": 1}


def test_a_default_inside_a_section_is_an_ordinary_key(here: Any) -> None:
    assert config(here, text="s: {__default__: nowhere.yml}\n") == {"s": {"__default__": "nowhere.yml"}}


def test_a_file_may_take_its_run_section_from_a_default(here: Any) -> None:
    here.put("base.yml", RUN)
    here.write(a_yml="__default__: ./base.yml\n__run__: {__name__: other}\nx: 1\n")
    assert here.show("a.yml")["__run__"]["__name__"] == "other"


def test_a_file_that_is_meant_to_lie_beside_is_pointed_out(here: Any) -> None:
    here.put("conf/a.yml", RUN + "__default__: base.yml\n")
    here.write(conf__base_yml="x: 1\n")
    assert 'write "./base.yml" for the one beside a.yml' in here.run("conf/a.yml", "--show").error


def test_a_circle_of_defaults_is_shown(here: Any) -> None:
    here.put("a.yml", RUN + "__default__: ./b.yml\n")
    here.write(b_yml="__default__: ./a.yml\n")
    assert "a.yml -> b.yml -> a.yml" in here.run("a.yml", "--show").error


# -- new keys ---------------------------------------------------------------------------------------------------------


def said(here: Any, policy: str, text: str, base: str = "x: 1\ns: {t: 1}\n") -> Any:
    here.put("base.yml", base)
    line = f"__new_key_policy__: {policy}\n" if policy else ""
    here.put("a.yml", f"__default__: ./base.yml\n{line}{text}{RUN}")
    return here.run("a.yml", "--show")


def test_a_new_key_is_told_by_default(here: Any) -> None:
    done = said(here, "", "z: 1\n")
    assert 'a.yml:2: unknown key "z"' in done.err
    assert done.json["z"] == 1


def test_a_new_key_can_pass_or_be_refused(here: Any) -> None:
    assert said(here, "pass", "z: 1\n").err == ""
    error = said(here, "raise", "section: {t: 1}\n", base="sections: {t: 1}\n").error
    assert error.startswith('a.yml:3: unknown key "section" (did you mean "sections"?)')


def test_a_new_key_in_a_section_is_told_with_its_whole_path_and_a_new_section_once(here: Any) -> None:
    done = said(here, "warn", "s: {u: 1}\nn: {a: 1, b: 2}\n")
    assert done.err.count("unknown key") == 2
    assert '"s.u"' in done.err
    assert '"n"' in done.err


def test_keys_that_begin_with_two_underscores_are_exempt(here: Any) -> None:
    assert said(here, "raise", "__mine: 1\ns: {__x: 1}\n").code == 0


def test_another_type_is_told_and_wins(here: Any) -> None:
    done = said(here, "pass", "a: 1\nb: 3\nc: 1\nd: {e: 1}\nf: true\n", "a: 0.1\nb: null\nc: {x: 1}\nd: 1\nf: 1\n")
    for name, kinds in (("a", "float -> int"), ("b", "null -> int"), ("c", "dict -> int"), ("d", "int -> dict")):
        assert f'the key "{name}" is overloaded with a different type: {kinds}' in done.err
    assert '"f"' not in done.err
    assert done.json["c"] == 1


def test_defaults_may_add_to_each_other_without_a_word(here: Any) -> None:
    here.write(first_yml="a: 1\n", second_yml="b: 2\na: x\n")
    here.put("a.yml", RUN + "__default__: [./first.yml, ./second.yml]\n")
    err = here.run("a.yml", "--show").err
    assert "unknown key" not in err
    assert "int -> str" in err


def test_an_unknown_policy_is_refused(here: Any) -> None:
    assert "a.yml:2: __new_key_policy__ must be one of raise, warn, pass" in said(here, "Warn", "").error


def test_the_policy_never_reaches_the_config(here: Any) -> None:
    here.write(base_yml="__new_key_policy__: raise\nx: 1\n")
    assert config(here, text="__new_key_policy__: pass\ny: 1\n") == {"y": 1}
    assert config(here, text="__default__: ./base.yml\ny: 1\n") == {"x": 1, "y": 1}


# -- values -----------------------------------------------------------------------------------------------------------


def test_numbers_are_those_of_yaml_1_2(here: Any) -> None:
    assert config(here, text="a: 1e-4\nb: 1.e-5\nc: 0o17\nd: on\n") == {"a": 1e-4, "b": 1e-5, "c": 15, "d": "on"}


def test_empty_sections_and_whole_numbers_as_keys_stay(here: Any) -> None:
    assert config(here, text="a: {}\nb: {1: {2: x}}\n") == {"a": {}, "b": {"1": {"2": "x"}}}


def test_dotted_keys_are_sections_and_must_not_meet_others(here: Any) -> None:
    assert config(here, text="a.b: 1\na.c: 2\n") == {"a": {"b": 1, "c": 2}}
    here.put("a.yml", RUN + "a: {b: 1}\na.b: 2\n")
    assert "twice" in here.run("a.yml", "--show").error


def test_variables_and_references_are_resolved_also_in_lists_of_sections(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {"V": "2", "V0": "zero", "F": "0.5", "T": "true", "_U": "under"}.items():
        monkeypatch.setenv(name, text)
    text = """
l: ["1", "$V", true, hello, "$V0", "${_U}"]
d: [{name: "{l.3}", v: $F}, {name: "x_${V}_y"}]
again: "{d}"
one: "{d.0.name}"
p: exp-{seed}
seed: 666
t: $T
"""
    found = config(here, text=text)
    assert found["l"] == ["1", 2, True, "hello", "zero", "under"]
    assert found["d"] == [{"name": "hello", "v": 0.5}, {"name": "x_2_y"}] == found["again"]
    assert (found["one"], found["p"], found["t"]) == ("hello", "exp-666", True)


def test_the_mark_for_plain_text_is_the_only_escape(here: Any) -> None:
    assert config(here, text='a: "!P$A{b}"\nb: "!P!P$A"\nc: "x!P{d}"\nd: 1\n') == {
        "a": "$A{b}",
        "b": "!P$A",
        "c": "x!P1",
        "d": 1,
    }


def test_what_leads_nowhere_is_told_and_counts_as_empty_text(here: Any) -> None:
    here.put("a.yml", RUN + "x: $NO_SUCH_THING/x\ny: '{nothing}'\n")
    done = here.run("a.yml", "--show")
    assert (done.json["x"], done.json["y"]) == ("/x", "")
    assert "a.yml:5: x: there is no environment variable NO_SUCH_THING; it counts as empty text" in done.err
    assert 'a.yml:6: y: there is no "nothing"' in done.err


def test_but_not_where_it_says_what_is_written_where(here: Any) -> None:
    here.put("a.yml", RUN.replace(" out", " $NO_SUCH_THING/x"))
    assert (
        "a.yml:3: __run__.__output_dir__: there is no environment variable NO_SUCH_THING"
        in here.run("a.yml", "-n").error
    )


def test_a_circle_of_references_is_shown(here: Any) -> None:
    here.put("a.yml", RUN + "a: '{b}'\nb: '{a}'\n")
    assert "circle: a -> b -> a" in here.run("a.yml", "--show").error


def test_the_folder_of_the_launch_is_a_variable_before_anything_is_resolved(here: Any) -> None:
    assert config(here, text="a: $EXPYRUN_CWD/x\nb: $PYEXP_CWD\n") == {"a": f"{os.getcwd()}/x", "b": os.getcwd()}


def test_names_and_folders_are_text_whatever_they_look_like(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YEAR", "2024")
    here.put("a.yml", RUN.replace(" out", " $YEAR").replace(" exp", ' "{seed}"') + "seed: 7\n")
    run = here.show("a.yml")["__run__"]
    assert run["__name__"] == "7"
    assert run["__output_dir__"] == f"{os.getcwd()}/2024"


# -- the command line -------------------------------------------------------------------------------------------------


OVERRIDABLE = "seed: 1\nlr: 0.1\nb: true\nn: null\ns: text\nl: [1, a]\no: [{name: x, v: 1}]\nm: {w: 1}\ndebug: no\n"


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (("--seed", "-5"), "seed", -5),
        (("--seed=7",), "seed", 7),
        (("--seed", "1", "--seed", "2"), "seed", 2),
        (("--lr", "2"), "lr", 2.0),
        (("--lr", "1e-5"), "lr", 1e-5),
        (("--b", "0"), "b", False),
        (("--n", "3"), "n", 3),
        (("--n", "null"), "n", None),
        (("--s", "--x"), "s", "--x"),
        (("--s", "12"), "s", "12"),
        (("--l", "2,b"), "l", [2, "b"]),
        (("--l", "[5, c, d]"), "l", [5, "c", "d"]),
        (("--l.1", "z"), "l", [1, "z"]),
        (("--o.0.name", "y"), "o", [{"name": "y", "v": 1}]),
        (("--o", "[{name: a}, {name: b}]"), "o", [{"name": "a"}, {"name": "b"}]),
        (("--m.w", "2"), "m", {"w": 2}),
        (("-c", "o.0={name: z}"), "o", [{"name": "z"}]),
        (("-c", "seed=1.5"), "seed", 1.5),
        (("-c", "debug=yes"), "debug", "yes"),
    ],
)
def test_values_are_set_with_their_types(here: Any, words: tuple[str, ...], key: str, value: Any) -> None:
    found = config(here, *words, text=OVERRIDABLE)[key]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sed", "1"), 'did you mean "seed"'),
        (("--seed", "x"), "whole number"),
        (("--seed", "1.5"), "whole number"),
        (("--b", "maybe"), "true or false"),
        (("--m", "1"), "is a section"),
        (("--o", "a,b"), "list of sections"),
        (("--l.5", "x"), '"l" has 2 items, so there is no position 5'),
        (("--o.1.name", "x"), '"o" has 1 item, so there is no position 1'),
        (("--seed",), "has no value"),
        (("seed", "1"), "seed"),
        (("--__run__.__nam__", "x"), "__nam__"),
    ],
)
def test_what_cannot_be_set_is_refused(here: Any, words: tuple[str, ...], says: str) -> None:
    here.put("a.yml", RUN + OVERRIDABLE)
    assert says in here.run("--show", "a.yml", *words).error


def test_what_is_run_can_be_set_too_whether_the_file_has_it_or_not(here: Any) -> None:
    here.put("a.yml", RUN + "seed: 3\n")
    run = here.show("a.yml", "--__run__.__name__", "other/{seed}", "--__run__.__code__", "..")["__run__"]
    assert (run["__name__"], run["__code__"]) == ("other/3", "..")


def test_behind_the_file_an_option_that_is_a_key_means_the_key(here: Any) -> None:
    assert config(here, "--timeout", "9", "--executor", "x", text="timeout: 5\nexecutor: mine\n") == {
        "timeout": 9, "executor": "x",
    }  # fmt: skip


def test_overrides_are_made_before_references_are_resolved(here: Any) -> None:
    here.put("a.yml", RUN.replace(" exp", " exp/{seed}") + "seed: 1\n")
    assert here.show("a.yml", "--seed", "2")["__run__"]["__name__"] == "exp/2"


def test_the_function_is_given_no_run_section(here: Any) -> None:
    from dodo_pyexp.arguments import script_parser
    from dodo_pyexp.runfiles.document import Reader
    from dodo_pyexp.runfiles.expyrun import file as expyrun
    from dodo_pyexp.runfiles.wanted import Wanted

    here.put("a.yml", RUN + "x: 1\n")
    wanted = Wanted(Path("a.yml"), script_parser("").parse_args([]))
    assert expyrun.read(Reader(Path("a.yml")), wanted).own == {"x": 1}


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("__default__: []\nx: 1\n", ("__run__ is missing", "__main__")),
        ("__run__: 3\n", ("a.yml:1", "__run__ must hold")),
        ("__run__: {__main__: pkg.main:main}\n", ("a.yml:1", "__output_dir__")),
        (RUN.replace("__name__: exp", "__nam__: exp"), ("a.yml:4", '"__nam__"', 'did you mean "__name__"')),
        (RUN.replace("exp\n", "/abs\n"), ("a.yml:4", "__name__", "absolute")),
        (RUN.replace("exp\n", "../../esc\n"), ("a.yml:4", "__name__", '".."')),
        (RUN.replace("exp\n", "a/../../../esc\n"), ("a.yml:4", "__name__", '".."')),
        (RUN.replace("exp\n", "'.'\n"), ("a.yml:4", "__name__")),
        (RUN.replace("exp\n", "''\n"), ("a.yml:4", "__name__")),
        (RUN.replace("exp\n", "[a]\n"), ("a.yml:4", "__name__ must be text")),
        (RUN.replace("pkg.main:main", "pkg.main"), ("a.yml:2", "package.module:function")),
        (RUN.replace("pkg.main:main", "pkg.main:a:b"), ("a.yml:2", "package.module:function")),
        (RUN.replace("pkg.main:main", "pkg.nope:main"), ("a.yml:2", 'no module "pkg.nope"; it is looked for')),
        (RUN.replace("pkg.main:main", "pkg.mian:main"), ("a.yml:2", 'no module "pkg.mian" (did you mean "main"?)')),
        (RUN.replace("pkg.main:main", "pgk.main:main"), ("a.yml:2", 'no module "pgk.main" (did you mean "pkg"?)')),
        (RUN.replace("pkg.main:main", "pkg.main:mian"), ("a.yml:2", 'defines no "mian"', 'did you mean "main"')),
        (RUN + "__default__: 3\n", ("a.yml:5", "__default__ holds 3")),
        (RUN + "__default__: ['']\n", ("a.yml:5", "__default__ holds ''")),
        (RUN + "__default__: ./nope.yml\n", ("a.yml:5", "nope.yml")),
    ],
)
def test_every_mistake_is_one_sentence_and_leaves_nothing_behind(
    here: Any, sentence: Callable[..., None], text: str, says: tuple[str, ...]
) -> None:
    here.put("a.yml", text)
    before = here.files()
    sentence("a.yml", says=says)
    assert here.files() == before
