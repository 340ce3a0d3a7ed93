"""Nothing is written outside the output folder, whatever a name, a config or a flag says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

NAMES = [
    "a/b", "a/./b", ".", "...", "..a", "a..", ".hidden", ".finished", ".batches", ".snapshots", ".doit.db", ".code",
    "report", "a//b", "a\\b", "C:\\x", "~", "~/x",
    "$HOME", "con", "CON.txt", "a\nb", "a\tb", " ", "a ", "a.",
    "x" * 300, "ü" * 200, "A", "a", "é", "e\u0301", "-rf", "*", "?", "%s", "{x}", "'", '"', "|", ";", "&",
    "\u202e", "🦆",
]  # fmt: skip
EXPERIMENT = """
import json, sys
import pyexp
from tally import mark

NAMES = json.load(open("names.json"))

@pyexp.experiment(name=NAMES[0], executor="inline", stash=False)
def exp(cfg, out, deps):
    mark(pyexp.Config(name="x"))
    assert sorted(path.name for path in out.iterdir() if path.suffix != ".tmp")[:2] == ["config.json", "config.yml"]
    (out / "mine").write_text(cfg.name)
    return cfg.name

@exp.configs
def configs():
    evil = {"path": "../../../outside", "sub": {"output_dir": "/", "timestamp": "../.."}}
    return [{"name": name, **evil} for name in NAMES]

@exp.report
def report(results, out):
    (out / "table").write_text("")

if __name__ == "__main__":
    exp.run()
    assert [r.name for r in exp.results()] == NAMES
    assert [r.result for r in exp.results()] == NAMES
    assert [(r.out / "mine").read_text() for r in exp.results()] == NAMES
"""


def tree(folder: Path) -> dict[str, str]:
    """Every file and folder below `folder`, except in the output folder, with its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if relative.parts[:2] == ("project", "out") or "tally.txt" in relative.parts:
            continue
        found[str(relative)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return found


@pytest.fixture
def odd(project: Any) -> Any:
    (project.folder / "names.json").write_text(json.dumps(NAMES))
    project.write("exp.py", EXPERIMENT)
    return project


@pytest.mark.parametrize("door", [("exp.py",), ("-m", "doit", "-f", "exp.py"), ("-m", "pyexp", "build", "exp.py")])
def test_odd_names_stay_in_the_output_folder_and_apart(odd: Any, tmp_path: Path, door: tuple[str, ...]) -> None:
    before = tree(tmp_path)
    odd.python(*door)
    assert sum(odd.tally().values()) == len(NAMES)
    odd.python("exp.py")
    assert sum(odd.tally().values()) == len(NAMES)
    assert tree(tmp_path) == before
    (experiment,) = (path for path in odd.out.iterdir() if path.is_dir())
    folders = [path.name for path in experiment.iterdir() if not path.name.startswith(".")]  # .batches and the like
    assert len({name.casefold() for name in folders}) == len(folders) == len(NAMES) + 1  # and the report's


@pytest.mark.parametrize("name", ["../../x", "..", "/tmp/absolute", "a/../../../b", "a\\..\\b", "\\x", "a\0b"])
def test_names_that_lead_out_are_refused_before_anything_is_written(
    odd: Any, tmp_path: Path, name: str, one_sentence: Any
) -> None:
    before = tree(tmp_path)
    for names in ([name], ["fine", name]):  # of the experiment and its first run; of another run
        (odd.folder / "names.json").write_text(json.dumps(names))
        content = (odd.folder / "names.json").read_bytes()
        one_sentence(odd.python("exp.py", status=None), "exp.py:", "cannot be called", "choose a plain name")
        assert not odd.out.exists()
    before["project/names.json"] = hashlib.sha256(content).hexdigest()
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("--name", "../../evil"),
        ("--name", "/tmp/evil"),
        ("--timestamp", "2024-01-01_00-00-00-../../../../evil"),
        ("--timestamp", "../../evil"),
        ("--continue", "../../evil"),
        ("--report", "../../evil"),
    ],
    ids=" ".join,
)
def test_flags_lead_nowhere_else(odd: Any, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (odd.folder / "names.json").write_text('["a"]')
    odd.write("exp.py", EXPERIMENT.split("    assert [r.name")[0])
    before = tree(tmp_path)
    done = odd.python("exp.py", *arguments, status=None)
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    assert tree(tmp_path) == before


def test_a_manifest_that_was_tampered_with_leads_nowhere_else(odd: Any, tmp_path: Path) -> None:
    (odd.folder / "names.json").write_text('["a"]')
    odd.write("exp.py", EXPERIMENT.split("    assert [r.name")[0])
    odd.python("exp.py")
    (path,) = odd.out.glob("a/.batches/2*.json")
    manifest = json.loads(path.read_text())
    run = manifest["runs"][0]
    evil = "../../../evil"
    manifest["configs"] = {evil: manifest["configs"][run] | {"name": evil}}
    manifest["runs"] = [evil]
    manifest["attempts"] = {evil: "../../evil"}
    path.write_text(json.dumps(manifest))
    before = tree(tmp_path)
    for arguments in (("--continue",), ("--list",), ("--report",), ()):
        done = odd.python("exp.py", *arguments, status=None)
        assert done.returncode in (0, 2), done.stderr
        assert "Traceback" not in done.stderr
    assert tree(tmp_path) == before


def test_a_record_that_was_tampered_with_leads_nowhere_else(odd: Any, tmp_path: Path) -> None:
    (odd.folder / "names.json").write_text('["a"]')
    odd.write("exp.py", EXPERIMENT.split("    assert [r.name")[0])
    odd.python("exp.py")
    (path,) = odd.out.glob("a/a/.finished")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"attempt": "../../.."}))
    before = tree(tmp_path)
    odd.python("exp.py")
    assert sum(odd.tally().values()) == 2
    assert tree(tmp_path) == before


def test_a_run_that_deletes_its_own_folder_harms_nobody(project: Any) -> None:
    project.write(
        "exp.py",
        """
        import shutil, sys
        import pyexp
        from tally import mark

        @pyexp.experiment(stash=False)
        def exp(cfg, out):
            mark(cfg)
            if cfg.name == "bad":
                shutil.rmtree(out)
            if cfg.name == "worse":
                shutil.rmtree(out.parent)

        @exp.configs
        def configs():
            return [{"name": "bad"}, {"name": "worse"}, {"name": "after", "depends_on": "bad"}, {"name": "good"}]

        if __name__ == "__main__":
            exp.run()
        """,
    )
    for executor in ("inline", "fork", "subprocess"):
        done = project.python("exp.py", "--executor", executor, "--rerun", status=None)
        assert done.returncode in (0, 1) and "Traceback" not in done.stderr
        assert set(project.executed()) >= {"bad", "worse", "good"}
        finished = project.finished()
        assert "good" in finished and done.returncode == (0 if len(finished) == 4 else 1)
        project.python("exp.py", status=None)
        assert finished.isdisjoint(project.executed())
    done = project.doit("-f", "exp.py", "-a", status=None)
    assert "Traceback" not in done.stderr
    assert "good" in project.executed()
