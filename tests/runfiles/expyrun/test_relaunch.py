"""``pyexp reproduce`` of a launch of Expyrun's dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

MAIN = """
    import json

    from lab.helper import FACTOR

    def main(name, config):
        print("working")
        with open("loss.json", "w") as file:
            json.dump(config["lr"] * FACTOR, file)
        if config["fails"]:
            raise ValueError("as it was told")
        return {"loss": config["lr"] * FACTOR}
"""

FILE = """
    __run__:
      __main__: lab.main:main
      __output_dir__: out
      __name__: n/{seed}
    seed: 1
    lr: 0.5
    fails: false
    plain: "!P$HOME/{seed}"
"""


@pytest.fixture
def lab(project: Any) -> Any:
    project.write("lab/__init__.py", "")
    project.write("lab/main.py", MAIN)
    project.write("lab/helper.py", "FACTOR = 2\n")
    project.write("run.yml", FILE)
    project.pyexp("run", "run.yml")
    project.write("lab/helper.py", "FACTOR = 3\n")
    return project


def test_it_is_launched_again_with_the_code_of_then_and_compared(lab: Any) -> None:
    done = lab.pyexp("reproduce", "n/1:exp.0")
    assert done.stdout == "n/1:exp.0  identical\n  new attempt: out/n/1/exp.1\n"
    assert "with the code in out/n/1/exp.0" in done.stderr
    assert json.loads((lab.out / "n/1/exp.1/loss.json").read_text()) == 1.0


def test_another_outcome_is_told(lab: Any) -> None:
    done = lab.pyexp("reproduce", "n/1:exp.0", "--set", "lr=1.5", "--json", status=1)
    made = json.loads(done.stdout)
    assert made["verdict"] == "different"
    assert [one["key"] for one in made["values"]] == ["loss"]
    assert [one["key"] for one in made["files"]] == ["loss.json"]
    assert made["settings"] == ["lr=1.5"]


def test_what_it_prints_is_shown_only_when_asked_for(lab: Any) -> None:
    assert "working" not in lab.pyexp("reproduce", "n/1:exp.0").stdout
    assert lab.pyexp("reproduce", "n/1:exp.0", "-s").stdout.startswith("working\n")


def test_failures_are_compared_too(lab: Any) -> None:
    lab.pyexp("run", "run.yml", "--fails", "true", status=1)
    assert "both failed: ValueError: as it was told" in lab.pyexp("reproduce", "n/1:exp.1").stdout


def test_the_folders_may_have_moved(lab: Any) -> None:
    lab.out.rename(lab.folder / "moved")
    done = lab.pyexp("reproduce", "n/1:exp.0", "--output-dir", "moved")
    assert "identical" in done.stdout
    assert (lab.folder / "moved/n/1/exp.1").is_dir()
    assert not lab.out.exists()


def test_what_cannot_be_done_is_one_sentence_and_leaves_no_folder(lab: Any, one_sentence: Any) -> None:
    lab.pyexp("run", "run.yml", "--debug")
    one_sentence(lab.pyexp("reproduce", "DEBUG/n/1:exp.0", status=2), "--debug", "DEBUG/n/1/exp.0/config.yml")
    one_sentence(lab.pyexp("reproduce", "n/1:exp.0", "--set", "l=1", status=2), 'no key "l"')
    one_sentence(lab.pyexp("reproduce", "n/1:exp.0", "--at", "1999", status=2), "no attempt")
    (lab.out / "n/1/exp.0/lab/main.py").unlink()
    one_sentence(lab.pyexp("reproduce", "n/1:exp.0", status=2), "lab.main")
    (lab.out / "n/1/exp.0/config.yml").unlink()
    one_sentence(lab.pyexp("reproduce", "n/1:exp.0", status=2), "config.yml is not there")
    assert [path.name for path in (lab.out / "n/1").glob("exp.*")] == ["exp.0"]
