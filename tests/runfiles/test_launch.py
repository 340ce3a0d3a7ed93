"""Whatever a run file holds, it is told in one sentence; and nothing is written where nothing was asked for."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dodo_pyexp.cli.main import main

HEADS = {
    "native": b"entry: mine.py:f\nconfig:\n",
    "expyrun": b"__run__: {__main__: mine:f, __output_dir__: out, __name__: x}\n",
    "experimaestro": b"id: x\nfile: mine\n",
    "none": b"",
}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(
    ("tail", "says"),
    [
        (b"a: [1\n", "not valid YAML"),
        (b"a: 1\na: 2\n", "there twice"),
        (b"\tb: 1\n", "tab"),
        (b"a: !!python/object:os.system x\n", "not allowed"),
        (b"a: !!python/object/apply:os.system ['touch owned']\n", "not allowed"),
        (b"a: &a [*a]\n", "its own anchor"),
        (b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
         + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 9)), "repeat"),
        (b"a: " + b"[" * 5000 + b"]" * 5000 + b"\n", "deep"),
        (b"a: 1\n--- \nb: 1\n", "second document"),
        (b"a: \xff\xfe\n", "UTF-8"),
        (b"? [a]\n: 1\n", "cannot be a key"),
    ],
)  # fmt: skip
def test_yaml_that_is_none_or_means_harm_is_refused(
    here: Any, sentence: Callable[..., None], head: str, tail: bytes, says: str
) -> None:
    Path("a.yml").write_bytes(HEADS[head].replace(b"config:\n", b"") + tail)
    sentence("a.yml", "--show", says=(says,))
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "a.yml: the file is empty"),
        (b"# only words\n", "a.yml: the file is empty"),
        (b"- a\n- b\n", "a.yml:1: the file holds a list"),
        (b"just words\n", "a.yml:1: the file holds a single value"),
        (b"\x7fELF\x02\x01\x01\x00\xff", "a.yml: is not a text file"),
    ],
)
def test_a_file_is_named_for_what_it_is(here: Any, sentence: Callable[..., None], content: bytes, says: str) -> None:
    Path("a.yml").write_bytes(content)
    sentence("a.yml", says=(says,))


def test_a_folder_is_named_for_what_it_is_and_a_missing_file_with_its_neighbours(
    here: Any, sentence: Callable[..., None]
) -> None:
    Path("conf").mkdir()
    Path("conf/train.yml").write_text("x: 1\n")
    sentence("conf", says=("conf: is a folder",))
    sentence("conf/trian.yml", says=("no run file conf/trian.yml", 'did you mean "train.yml"'))
    sentence("-n", says=("name a run file",))
    sentence("conf/train.yml", "--run-mode", "dray-run", says=('no run mode "dray-run"', "dry_run"))


@pytest.mark.parametrize("head", HEADS)
def test_showing_leaves_no_file_behind(here: Any, head: str) -> None:
    here.write(mine_py="def f(cfg, x=1): pass\ndef run(helper, cfg): pass\n")
    Path("a.yml").write_bytes(HEADS[head].replace(b"config:\n", b"") or b"config: {}\nentry: mine.py:f\n")
    before = here.files()
    for words in (["--show"], ["--show", "--origins"], ["-n"]):
        here.run("a.yml", *words)
        assert here.files() == before, words


def test_what_json_cannot_hold_is_shown_as_text(here: Any) -> None:
    here.write(
        a_yml="entry: a.py:f\nconfig: {1: x, a: .nan, b: -.inf, c: !!binary aGk=, d: !!set {x, y}, e: 2020-01-01}\n"
    )
    shown = here.show("a.yml")["config"]
    assert shown["1"] == "x"
    assert (shown["a"], shown["b"], shown["d"]) == (None, None, ["x", "y"])
    json.dumps(shown, allow_nan=False)


words = st.sampled_from(
    [
        "a", "name", "config", "sweep", "imports", "__run__", "__default__", "__name__", "id", "file", "entry", "x.yml",
        "0", "-1", "1e3", ".nan", "null", "true", "$A", "${A:-{a}}", "{a}", "{name}", "!P$A", "!!python/object:x", "*a",
        "&a", "<<", "../..", "/", "'", '"', "[", "]", "{", "}", "- ", ": ", ", ", "\n", "\n  ", "\t", "#", "|", "\x00",
        "é", "..", "",
    ]
)  # fmt: skip
soups = st.lists(words, max_size=25).map("".join).map(str.encode)


@pytest.mark.parametrize("head", HEADS)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tail=st.one_of(soups, st.binary(max_size=60)))
@example(tail=b"a: !!binary '###'\n")
@example(tail=b"? !!binary aGk=\n: {a.b: 1}\n")
@example(tail=b"a: {~: 1, .nan: 2, 1.0: 3}\nb: '{a}'\n")
@example(tail=b"imports: [a.yml]\n")
def test_no_bytes_given_as_yaml_end_in_a_traceback(here: Any, head: str, tail: bytes) -> None:
    Path("a.yml").write_bytes(HEADS[head] + tail)
    Path("x.yml").write_bytes(tail)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["run", "a.yml", "--show", "--origins"])
    if code == 0:
        json.loads(out.getvalue())
    else:
        assert code == 2
        errors = [line for line in err.getvalue().splitlines() if line.startswith("error: ")]
        assert len(errors) == 1
        assert not out.getvalue()


@pytest.mark.parametrize("head", HEADS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tail=st.one_of(soups, st.binary(max_size=60)))
def test_nor_does_a_dry_run_of_it_which_leaves_no_file_either(here: Any, head: str, tail: bytes) -> None:
    here.write(mine_py="def f(cfg, x=1): pass\ndef run(helper, cfg): helper.experiment(f, configs=[{}])\n")
    Path("a.yml").write_bytes(HEADS[head] + tail)
    Path("x.yml").write_bytes(tail)
    before = here.files()
    err = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(err):
        code = main(["run", "a.yml", "-n"])
    assert code in (2, 3)
    assert err.getvalue().count("error: ") == (code == 2)
    assert here.files() == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(override=st.lists(words, min_size=1, max_size=8).map("".join), as_pair=st.booleans())
def test_no_override_ends_in_a_traceback(here: Any, override: str, as_pair: bool) -> None:
    Path("a.yml").write_bytes(HEADS["native"] + b"  a: {b: [1, {c: x}]}\n")
    extra = [f"--{override}", "x"] if as_pair else ["-c", override]
    if override.startswith("-") or "\x00" in override:
        return
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            assert main(["run", "a.yml", *extra, "--show"]) in (0, 2)
        except SystemExit as end:  # --help, spelt in full
            assert end.code == 0


def test_the_command_line_starts_nothing_heavy_to_show_a_file(project: Any) -> None:
    project.write("a.yml", "entry: a.py:f\nconfig: {}\n")
    code = (
        "import sys; from dodo_pyexp.cli.main import main; main(['run', 'a.yml', '--show']); "
        "print(*sys.modules, file=sys.stderr)"
    )
    loaded = set(project.python("-c", code).stderr.split())
    assert not loaded & {"doit", "git", "rich", "tabulate", "cloudpickle", "numpy"}


def test_os_and_sys_stay_as_they_were(here: Any) -> None:
    here.write(a_yml="entry: a.py:f\nconfig: {}\n")
    path, folder = list(sys.path), os.getcwd()
    here.show("a.yml")
    assert (sys.path, os.getcwd()) == (path, folder)
