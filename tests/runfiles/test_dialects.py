"""Which dialect a run file is in, and that nobody else needs to know which there are."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.runfiles.dialects import dialect_of, dialects
from dodo_pyexp.runfiles.document import Reader


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("__run__: {}\n", "expyrun"),
        ("__default__: base.yml\n", "expyrun"),
        ("__new_key_policy__: pass\n", "expyrun"),
        ("id: x\nfile: experiment\n", "experimaestro"),
        ("id: x\nmodule: a.b\n", "experimaestro"),
        ("file: experiment\nlearning_rate: 1e-4\n", "experimaestro"),
        ("id: x\ndirty_git: error\n", "experimaestro"),
        ("parent: base.yaml\n", "experimaestro"),
        ("entry: a.py:f\n", "native"),
        ("entry: a.py:f\nid: 3\n", "native"),
        ("id: x\nfile: experiment\nentry: a key of its own\n", "experimaestro"),
        ("config: {lr: 1}\n", "native"),
        ("lr: 1\n", "native"),
        ("imports: expyrun.yml\n", "expyrun"),
        ("imports: [none.yml, deep.yml]\n", "experimaestro"),
        ("imports: native.yml\nid: 3\n", "experimaestro"),
        ("imports: native.yml\n", "native"),
        ("imports: circle.yml\n", "native"),
    ],
)
def test_the_dialect_is_recognised_from_the_keys(here: Any, text: str, dialect: str) -> None:
    here.write(a_yml=text, expyrun_yml="__run__: {}\n", none_yml="x: 1\n", deep_yml="imports: id.yml\n")
    here.write(id_yml="id: x\nmodule: m\n", native_yml="entry: a.py:f\n", circle_yml="imports: a.yml\n")
    assert dialect_of(Reader(Path("a.yml"))).name == dialect


def test_files_merged_before_and_after_help_to_recognise_it(here: Any) -> None:
    here.write(a_yml="lr: 1\n", b_yml="id: x\nfile: f\n")
    assert dialect_of(Reader(Path("a.yml"), pre=[Path("b.yml")])).name == "experimaestro"
    assert dialect_of(Reader(Path("a.yml"), post=[Path("b.yml")])).name == "experimaestro"
    assert dialect_of(Reader(Path("a.yml")), names_code=True).name == "experimaestro"


def test_the_dialects_are_found_by_their_entry_points() -> None:
    assert [each.name for each in dialects()] == ["experimaestro", "expyrun", "native"]


TOYS = """
    from dodo_pyexp.runfiles.dialects import BEYOND_DOUBT, Dialect

    class Toys(Dialect):
        name = "toys"

        def certainty(self, keys):
            return BEYOND_DOUBT if "toys" in keys else 0

        def read(self, reader, wanted):
            raise NotImplementedError

        def run(self, reader, wanted):
            print("toys:", wanted.path)
            return 0

    DIALECT = Toys()
"""


def test_another_distribution_may_bring_a_dialect(tmp_path: Path) -> None:
    files = {
        "toys.py": textwrap.dedent(TOYS),
        "toys-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n",
        "toys-1.0.dist-info/entry_points.txt": "[pyexp.dialect]\ntoys = toys:DIALECT\n",
        "a.yml": "toys: 3\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-c", "from dodo_pyexp.cli.main import command; command()", "run", "a.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("toys: a.yml\n", "", 0)
