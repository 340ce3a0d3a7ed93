from __future__ import annotations

import json
import platform
import stat
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.provenance.environment import environment, frozen_requirements, packages

Project = Any  # The helper of conftest.py, which importlib mode cannot import.


def install(site: Path, name: str, version: str, origin: dict[str, Any] | str | None = None) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if origin is not None:
        text = origin if isinstance(origin, str) else json.dumps(origin)
        (folder / "direct_url.json").write_text(text)


def test_it_says_what_and_where() -> None:
    found = environment()
    assert json.loads(json.dumps(found)) == found
    assert found["python"] == platform.python_version()
    assert found["hostname"] == platform.node()
    assert found["command"]
    assert found["cpu"]["count"] >= 1
    assert found["user"]
    assert isinstance(found["gpu"], list)
    assert "/" not in found["executable"]


def test_variables_are_selected_and_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setenv("SLURM_JWT", "planted-secret")
    monkeypatch.setenv("PYTHONPATH", "/x")
    monkeypatch.setenv("MY_API_KEY", "planted-secret")
    found = environment()
    assert found["variables"]["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert found["variables"]["SLURM_JOB_ID"] == "77"
    assert "planted-secret" not in json.dumps(found)


def test_the_command_line_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sys.argv", ["train.py", "--token=planted-secret", "--api-key", "planted-secret", "lr=1"]
    )
    assert environment()["command"] == ["train.py", "--token=***", "--api-key", "***", "lr=1"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("#!/bin/sh\necho 'NVIDIA A100'\necho 'NVIDIA H100'\n", ["NVIDIA A100", "NVIDIA H100"]),
        ("#!/bin/sh\necho 'cannot talk to the driver'\nexit 9\n", []),
        (None, []),
    ],
)
def test_graphics_processors_are_asked_of_their_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, expected: list[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if script is not None:
        program = tmp_path / "nvidia-smi"
        program.write_text(script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert environment()["gpu"] == expected


def test_a_container_without_users_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert environment()["user"].isdigit()


def test_packages_come_from_the_running_interpreter() -> None:
    assert packages()["pytest"] == version("pytest")
    assert f"pytest=={version('pytest')}\n" in frozen_requirements()


def test_requirements_are_one_sorted_line_each(tmp_path: Path) -> None:
    install(tmp_path, "zebra", "1.0")
    install(tmp_path, "Alpha_Tools", "2.0")
    install(tmp_path, "mid.dle", "3.0")
    assert frozen_requirements([str(tmp_path)]) == "Alpha_Tools==2.0\nmid.dle==3.0\nzebra==1.0\n"
    assert packages([str(tmp_path)]) == {"alpha-tools": "2.0", "mid-dle": "3.0", "zebra": "1.0"}


def test_of_two_with_one_name_the_one_that_is_imported_counts(tmp_path: Path) -> None:
    install(tmp_path / "first", "tool", "1.0")
    install(tmp_path / "second", "tool", "2.0")
    assert packages([str(tmp_path / "first"), str(tmp_path / "second")]) == {"tool": "1.0"}


def test_installs_from_version_control_keep_their_commit_and_lose_their_login(tmp_path: Path) -> None:
    commit = "a" * 40
    origin: dict[str, Any] = {
        "url": "https://ann:planted-secret@example.org/tool.git",
        "vcs_info": {"vcs": "git", "commit_id": commit, "requested_revision": "main"},
    }
    install(tmp_path, "tool", "1.0", origin)
    install(tmp_path, "part", "1.0", {**origin, "subdirectory": "python"})
    url = f"git+https://***@example.org/tool.git@{commit}"
    assert frozen_requirements([str(tmp_path)]) == f"part @ {url}#subdirectory=python\ntool @ {url}\n"


def test_editable_installs_tell_the_commit_of_their_repository(tmp_path: Path, project: Project) -> None:
    site = tmp_path / "site"
    folder = project.root / "with space"
    folder.mkdir()
    install(site, "mine", "0.1", {"url": folder.as_uri(), "dir_info": {"editable": True}})
    loose = tmp_path / "loose"
    install(site, "loose", "0.2", {"url": loose.as_uri(), "dir_info": {"editable": True}})
    head = project.git("rev-parse", "HEAD")
    assert frozen_requirements([str(site)]) == (
        f"-e {loose}  # loose==0.2\n-e {folder}  # mine==0.1 @ {head}\n"
    )


@pytest.mark.parametrize(
    "origin", ["no json", "[]", "{}", '{"vcs_info": 3, "url": null}', '{"vcs_info": {"vcs": "git"}}']
)
def test_a_damaged_origin_leaves_the_plain_version(tmp_path: Path, origin: str) -> None:
    install(tmp_path, "tool", "1.0", origin)
    assert frozen_requirements([str(tmp_path)]) == "tool==1.0\n"


def test_a_damaged_installation_is_passed_over(tmp_path: Path) -> None:
    install(tmp_path, "tool", "1.0")
    (tmp_path / "broken-1.0.dist-info").mkdir()
    assert frozen_requirements([str(tmp_path)]) == "tool==1.0\n"


def test_git_is_only_imported_where_it_is_needed() -> None:
    import subprocess

    code = (
        "import sys, dodo_pyexp.provenance.environment, dodo_pyexp.provenance.snapshot; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "git" not in done.stdout.split()
