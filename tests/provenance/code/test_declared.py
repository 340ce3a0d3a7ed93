"""Which experiments a file declares, told without importing it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodo_pyexp.provenance.code.declared import line_declaring


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("@experiment\ndef train(cfg): ...", 1),
        ("import pyexp\n\n@pyexp.experiment\ndef train(cfg): ...", 3),
        ("@pyexp.experiment(retry=1)\n@other\ndef train(cfg): ...", 1),
        ("@experiment(name='train')\ndef fit(cfg): ...", 1),
        ("@experiment(name='fit')\ndef train(cfg): ...", None),
        ("@experiment(name=f'{x}')\ndef fit(cfg): ...", 1),
        ("from pyexp import experiment as exp\n@exp\ndef train(cfg): ...", 2),
        ("from pyexp import experiment as exp\n@app\ndef train(cfg): ...", None),
        ("x = pyexp.experiment(lib.train)", 1),
        ("x = pyexp.experiment(lib.fit, name='train')", 1),
        ("x = pyexp.experiment(name='train')(lib.fit)", 1),
        ("x = pyexp.experiment(retry=1)(train)", 1),
        ("@experiment\ndef fit(cfg): ...\nfit.run(name='train')", 3),
        ("@experiment\ndef fit(cfg): ...\nfit.run(name=given)", None),
        ("def make():\n    @experiment\n    def train(cfg): ...", 2),
        ("def train(cfg): ...", None),
        ("from lab.train import train", None),
        ("", None),
        ("@experiment\ndef train(cfg:", 1),
        ("(" * 5000, 1),
    ],
)
def test_the_line_is_given_where_an_experiment_is_declared(tmp_path: Path, text: str, line: int | None) -> None:
    (tmp_path / "lab.py").write_text(text)
    assert line_declaring(str(tmp_path / "lab.py"), "train") == line


def test_an_experiment_that_is_named_elsewhere_is_its_function(tmp_path: Path) -> None:
    (tmp_path / "lab.py").write_text("import os\n\ndef main(cfg): ...\n")
    assert line_declaring(str(tmp_path / "lab.py"), "train", "main") == 3
    assert line_declaring(str(tmp_path / "lab.py"), "train", "other") is None
