"""Whatever is typed or stands in a config, a message about it can be read: it repeats no word that fills the screen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.changed_code import experiment
from tests.conftest import assert_one_sentence

LONG = {"one word": "x" * 10_000, "many words": "x y " * 2500}
LONGEST = 1100  # characters of all that is said

TYPED = [
    "{}", "build {}", "build exp.py --{}", "build exp.py --executor {}", "build exp.py -j {}", "build exp.py --code {}",
    "build exp.py --timestamp {}", "build exp.py --filter {}", "build exp.py --output-dir {}", "list {}",
    "list --batches {}", "results {}", "results exp --sort {}", "log {}", "log exp:{}", "diff {} r0", "reproduce {}",
    "clean {}", "clean exp --keep {}", "accept {}", "graph {}", "init {}", "run {}", "run {}/x", "run start.yml {}",
    "run start.yml --file {}", "run start.yml --module-name {}", "run start.yml --post-yaml {}",
]  # fmt: skip


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("word", LONG.values(), ids=LONG)
def test_of_what_was_typed_no_more_is_repeated_than_can_be_read(built: Any, word: str, typed: str) -> None:
    built.write("start.yml", "entry: exp.py:exp\nconfig: {lr: 1}\n")
    done = built.pyexp(*(part.replace("{}", word) for part in typed.split()), status=2)
    assert_one_sentence(done)
    assert len(done.stdout + done.stderr) < LONGEST


WRITTEN = {
    "a key": "[{'name': 'a', W: object()}]",
    "depends_on": "[{'name': 'a', 'depends_on': W}]",
    "a dict in depends_on": "[{'name': 'a', 'depends_on': {W: W}}]",
    "names of one kind": "[{'name': W}, {'name': W}]",
    "a circle": "[{'name': 'a' + W, 'depends_on': 'b'}, {'name': 'b' + W, 'depends_on': 'a'}]",
    "resources": "[{'name': 'a', 'resources': {W: W}}]",
    "a file": "pyexp.load_config(W)",
    "no config": "[W]",
}


@pytest.mark.parametrize("word", LONG.values(), ids=LONG)
@pytest.mark.parametrize("configs", WRITTEN.values(), ids=WRITTEN)
def test_of_what_stands_in_a_config_no_more_is_repeated_either(project: Any, word: str, configs: str) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", f"import pyexp\nW = {word!r}\n@pyexp.experiment\ndef exp(cfg): pass\n")
    with open(project.folder / "exp.py", "a") as file:
        file.write(f"@exp.configs\ndef configs(): return {configs}\n")
    done = project.pyexp("build", "exp.py", status=2)
    assert_one_sentence(done)
    assert len(done.stdout + done.stderr) < LONGEST


def test_a_long_name_is_shortened_where_its_run_is_told_of(project: Any) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", experiment().replace('f"r{x}"', 'f"r{x}" + "x" * 10_000'))
    project.write("helper.py", "def f(x):\n    return 1 / x\n")
    done = project.pyexp("build", "exp.py", status=1)
    assert "4 executed, 1 failed" in done.stderr
    told = [line for line in done.stderr.splitlines() if "xxx" in line and "--filter" not in line]
    assert len(told) > 5 and max(map(len, told)) < 1000
