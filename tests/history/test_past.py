"""What a past attempt was made of, read back from whatever lies in the output folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dodo_pyexp.errors import UsageError
from dodo_pyexp.history.past import Past
from dodo_pyexp.results.stored import StoredExperiment, StoredRun
from dodo_pyexp.store.paths import OutputFolder

STAMP = "2026-02-17_14-30-00"


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda status: status.write_bytes(b"\xff\0"), "of which nothing can be told: .*status.json is damaged"),
        (lambda status: (status.unlink(), os.mkfifo(status)), "of which nothing can be told: .*status.json is damaged"),
        (lambda status: (status.unlink(), status.parent.rmdir()), f"which is gone: .*{STAMP} is not there"),
    ],
)
def test_an_upstream_that_is_there_is_not_said_to_be_gone(
    tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    output = OutputFolder(tmp_path / "out")
    own, upstream = (tmp_path / "out" / name / "a" / STAMP for name in ("ev", "train"))
    for folder in (own, upstream):
        folder.mkdir(parents=True)
        told = {"train:a": {"attempt": f"train/a/{STAMP}", "digest": "d"}}
        (folder / "status.json").write_text(json.dumps({"state": "finished", "deps": told}))
    spoil(upstream / "status.json")
    past = Past(StoredRun(StoredExperiment(output.experiment("ev")), "a", "a"), None, output)
    with pytest.raises(UsageError, match=says):
        past.deps()
