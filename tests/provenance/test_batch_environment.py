"""The machine and the packages that a batch ran with are on record."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.store import timestamps
from tests.conftest import Project

EXP = """
    import pyexp

    @pyexp.experiment(executor="fork")
    def exp(cfg):
        return cfg.x

    @exp.configs
    def configs():
        return [{"name": "a", "x": 1}, {"name": "b", "x": 2}]

    if __name__ == "__main__":
        exp.run()
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder that is built in; the other tests of this room want a repository."""
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project", tmp_path / "tally.txt")


def in_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: timestamps.order(path.name.removesuffix(".json")))


def manifests(project: Any) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in in_order(project.out.glob("exp/.batches/*.json"))]


def requirements(project: Any) -> list[str]:
    folders = in_order(project.out.glob("exp/.environment/2*"))
    texts = [path.read_text() for folder in folders for path in folder.glob("frozen_requirements*.txt")]
    # What is installed to be edited may get a commit while the tests run.
    return ["".join(line for line in text.splitlines(True) if not line.startswith("-e ")) for text in texts]


def status(project: Any, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.attempts(run)[-1] / "status.json").read_text())
    return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on the search path with one installed package."""
    install(tmp_path / "site", "tool", "1.0")
    return tmp_path / "site"


def install(site: Path, name: str, version: str) -> None:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def run(project: Any, site: Path, *arguments: str) -> Any:
    return project.python("exp.py", *arguments, env={"PYTHONPATH": f"{site}:{project.environment['PYTHONPATH']}"})


def test_packages_are_written_down_for_each_batch(project: Any, site: Path) -> None:
    project.write("exp.py", EXP)
    run(project, site)
    (text,) = requirements(project)
    assert f"pytest=={version('pytest')}\n" in text
    assert "tool==1.0\n" in text
    (manifest,) = manifests(project)
    assert (project.out / "exp" / ".environment" / manifest["timestamp"] / "frozen_requirements.txt").is_file()
    assert status(project, "a")["requirements"] == manifest["requirements"]


def test_an_upgrade_is_seen_by_the_next_batch(project: Any, site: Path) -> None:
    project.write("exp.py", EXP)
    run(project, site)
    run(project, site, "--rerun")
    (site / "tool-1.0.dist-info").rename(site / "tool-1.1.dist-info")
    (site / "tool-1.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: tool\nVersion: 1.1\n")
    run(project, site, "--rerun")
    first, second, third = requirements(project)
    assert first == second
    assert third == first.replace("tool==1.0", "tool==1.1")
    hashes = [manifest["requirements"] for manifest in manifests(project)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_both_parts_of_a_batch_that_is_continued_keep_their_packages(project: Any, site: Path) -> None:
    project.write("exp.py", EXP)
    run(project, site, "--filter", "^a$")
    install(site, "more", "2.0")
    run(project, site, "--continue")
    (manifest,) = manifests(project)
    assert sorted("more==2.0" in text for text in requirements(project)) == [False, True]
    assert status(project, "a")["requirements"] != status(project, "b")["requirements"] == manifest["requirements"]


def test_the_manifest_says_where_it_was(project: Any) -> None:
    project.write("exp.py", EXP)
    project.python("exp.py", env={"CUDA_VISIBLE_DEVICES": "3", "SLURM_JWT": "planted"})
    project.python("exp.py", "--rerun")
    first, second = manifests(project)
    assert first["host"] == first["environment"]["hostname"] == socket.gethostname()
    assert first["environment"]["variables"]["CUDA_VISIBLE_DEVICES"] == "3"
    assert first["environment"]["command"] == ["exp.py"]
    assert second["environment"]["command"] == ["exp.py", "--rerun"]
    assert first["environment"]["python"] == sys.version.split()[0]
    assert first["environment"]["cpu"]["count"] >= 1
    assert first["environment"]["user"]
    for key in ("platform", "gpu", "implementation"):
        assert first["environment"][key] == second["environment"][key]
    assert "planted" not in json.dumps(first)


def test_what_was_found_before_is_not_trusted_when_it_is_damaged(project: Any, site: Path) -> None:
    project.write("exp.py", EXP)
    run(project, site)
    (project.out / "exp" / ".environment" / "last.json").write_text('{"state": 3, "machine": [], "batch": "../../x"}')
    run(project, site, "--rerun")
    first, second = requirements(project)
    assert first == second


def test_a_build_that_executes_nothing_looks_at_nothing(project: Any) -> None:
    project.write("exp.py", EXP)
    project.python("exp.py")
    project.python("exp.py")
    assert len(requirements(project)) == 1
    assert "environment" not in manifests(project)[1]


def test_every_experiment_of_a_build_has_its_own(project: Any) -> None:
    project.write("exp.py", EXP)
    project.write(
        "two.py",
        EXP.replace("exp", "two")
        .replace("pytwo", "pyexp")
        .replace("two(exec", "experiment(exec")
        .replace("@pyexp.twoeriment", "@pyexp.experiment"),
    )
    project.write("dodo.py", "from exp import exp\nfrom two import two\n")
    project.pyexp("build")
    assert len(list(project.out.glob("*/.environment/*/frozen_requirements.txt"))) == 2


def test_the_host_of_each_batch_is_listed(project: Any) -> None:
    project.write("exp.py", EXP)
    project.python("exp.py")
    assert f"exp [{socket.gethostname()}] (2/2 runs)" in project.pyexp("list", "--batches", "exp.py").stdout
