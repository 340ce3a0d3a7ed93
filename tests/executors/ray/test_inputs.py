"""Nodes that do not see the build's files get the inputs of runs by their content, each once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dodo_pyexp.executors.ray.task import UNSEEN

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

BODY = """
    @pyexp.experiment(executor="ray")
    def train(cfg):
        files = sorted(str(path.relative_to(cfg.images)) for path in cfg.images.rglob("*") if path.is_file())
        return {{"text": cfg.deep[0].read_text(), "file": str(cfg.deep[0]), "images": str(cfg.images), "files": files}}

    DATA, IMAGES = pyexp.File("data/train.csv"), pyexp.Folder("data/images")
    CONFIGS = [{{"name": f"r{{i}}", "deep": [DATA], "images": IMAGES}} for i in range({runs})]
"""


def results(built: Any, runs: int) -> list[dict[str, Any]]:
    return [json.loads((built.attempt(f"r{i}") / "result.json").read_text()) for i in range(runs)]


@pytest.mark.parametrize("seen", [True, False])
def test_what_runs_are_declared_to_read_is_on_their_node(
    script: Any, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not seen:
        monkeypatch.setenv(UNSEEN, "1")
    (script.folder / "pyproject.toml").touch()
    images = script.folder / "data/images"
    (images / "deep").mkdir(parents=True)
    (images / "1.png").write_text("1")
    (images / "deep/2.png").write_bytes(b"2" * (9 << 20))  # more than one piece
    (script.folder / "data/train.csv").write_text("a,b\n")
    built = script(BODY.format(runs=3))
    assert built.code == 0, built.stderr
    found = results(built, 3)
    assert {one["text"] for one in found} == {"a,b\n"}
    assert {tuple(one["files"]) for one in found} == {("1.png", "deep/2.png")}
    for key, path in (("file", script.folder / "data/train.csv"), ("images", images)):
        assert len({one[key] for one in found}) == 1  # unpacked once for all of them
        assert (found[0][key] == str(path)) == seen
    (script.folder / "data/train.csv").write_text("other\n")
    built = script(BODY.format(runs=3))
    assert built.code == 0 and "3 executed" in built.stderr
    assert {one["text"] for one in results(built, 3)} == {"other\n"}
