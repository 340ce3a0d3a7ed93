"""Run files: reading a large config from many files, and showing one from the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from .figure import Figure
from .measure import alternate, command, in_words, seconds
from .workspace import PYEXP, Workspace

IMPORTS, KEYS = 20, 50
CODE = """
from pyexp.experiments import ConfigurationBase, configuration

@configuration
class Configuration(ConfigurationBase):
    learning_rate: float = 1e-3

def run(helper, cfg: Configuration):
    pass
"""


def run_files(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """A config of 1,000 keys from 20 imports, beside parsing the files alone; and `pyexp run --show`, start to end."""
    from dodo_pyexp.config.yaml import load_yaml
    from dodo_pyexp.runfiles.document import Reader
    from dodo_pyexp.runfiles.native import file as native

    folder = Path(space.folder("run-files"))
    for number in range(IMPORTS):
        lines = [f"  key{number}_{key}: {{value: {key}, text: 'x{{base}}'}}\n" for key in range(KEYS // 2)]
        (folder / f"part{number}.yml").write_text(f"config:\n{''.join(lines)}", encoding="utf-8")
    names = [f"part{number}.yml" for number in range(IMPORTS)]
    (folder / "whole.yml").write_text(
        f"entry: code.py:run\nimports: [{', '.join(names)}]\nconfig: {{base: 3}}\n", encoding="utf-8"
    )
    (folder / "experiment.py").write_text(CODE, encoding="utf-8")
    (folder / "full.yaml").write_text("id: x\nfile: experiment\nlearning_rate: 1e-4\n", encoding="utf-8")
    (folder / "small.yml").write_text("entry: code.py:run\nconfig: {lr: 1}\n", encoding="utf-8")

    def parse() -> None:
        for name in names:
            load_yaml(folder / name)

    def resolve() -> None:
        from dodo_pyexp.arguments import script_parser
        from dodo_pyexp.runfiles.wanted import Wanted

        path = folder / "whole.yml"
        file = native.read(Reader(path), Wanted(path, script_parser("").parse_args([])))
        (config,) = file.configs()
        assert config["key7_3"]["text"] == "x3"
        assert len(config) == IMPORTS * KEYS // 2 + 2

    floor, ours = alternate(repeat, lambda: seconds(parse), lambda: seconds(resolve))
    said = f"{ours / floor:.1f} times parsing ({in_words(floor)})"
    yield Figure("1,000 keys from 20 imports, resolved", ours * 1e3, "ms", 50, in_words(ours), said)
    for name, what in (("small.yml", "run --show"), ("full.yaml", "run --show, with a class to read")):
        floor, ours = alternate(
            repeat,
            lambda: command([sys.executable, "-c", "import yaml"], str(folder)).seconds,
            lambda name=name: command([*PYEXP, "run", name, "--show"], str(folder)).seconds,
        )
        said = f"{ours / floor:.1f} times `import yaml` ({in_words(floor)})"
        yield Figure(what, ours * 1e3, "ms", 250, in_words(ours), said)
    assert not os.path.exists(folder / "out")
