from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.provenance.packages import (
    differences,
    digest,
    frozen_requirements,
    head_commit,
    packages,
    state,
    versions,
)

Project = Any  # The helper of conftest.py, which importlib mode cannot import.


def install(site: Path, name: str, version: str, origin: dict[str, Any] | str | None = None) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if origin is not None:
        text = origin if isinstance(origin, str) else json.dumps(origin)
        (folder / "direct_url.json").write_text(text)


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
    assert frozen_requirements([str(site)]) == (f"-e {loose}  # loose==0.2\n-e {folder}  # mine==0.1 @ {head}\n")


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


@pytest.mark.parametrize("packed", [False, True])
def test_the_commit_of_a_repository_is_read_without_git(project: Project, packed: bool) -> None:
    if packed:
        project.git("pack-refs", "--all")
    assert head_commit(str(project.root / "lib")) == project.git("rev-parse", "HEAD")
    project.git("checkout", "-q", "--detach")
    assert head_commit(str(project.root)) == project.git("rev-parse", "HEAD")


def test_the_commit_of_a_worktree_and_of_a_submodule(
    project: Project, make_project: Callable[[str], Project], tmp_path: Path
) -> None:
    project.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "x"], cwd=tmp_path / "tree", check=True)
    assert head_commit(str(tmp_path / "tree")) == project.git("rev-parse", "side")
    inner = make_project("inner")
    inner.write("a.py")
    inner.commit()
    project.git("submodule", "--quiet", "add", str(inner.root), "sub")
    assert head_commit(str(project.root / "sub")) == inner.git("rev-parse", "HEAD")


def test_no_repository_and_no_commit_have_no_head(make_project: Callable[[str], Project], tmp_path: Path) -> None:
    assert head_commit(str(make_project("young").root)) is None
    (tmp_path / "plain").mkdir()
    assert head_commit(str(tmp_path / "plain")) is None


def test_requirements_are_read_back(tmp_path: Path) -> None:
    install(tmp_path, "Plain", "1.0+cu118")
    install(tmp_path, "tool", "1.0", {"url": "https://x/y", "vcs_info": {"vcs": "git", "commit_id": "abc"}})
    install(tmp_path, "mine", "0.1", {"url": tmp_path.as_uri(), "dir_info": {"editable": True}})
    assert versions(frozen_requirements([str(tmp_path)])) == {
        "mine": "0.1", "plain": "1.0+cu118", "tool": "git+https://x/y@abc",
    }  # fmt: skip


def test_what_differs_is_told_by_name() -> None:
    before, after = "same==1\nTool==1.0\ngone==1\n", "same==1\ntool==1.1\nnew==2\n"
    assert differences(before, after) == [("gone", "1", None), ("new", None, "2"), ("tool", "1.0", "1.1")]
    assert differences(before, before) == []
    assert digest(before) != digest(after)


def test_an_installation_changes_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "module.py").write_text("")
    before = state()
    (tmp_path / "other.py").write_text("")
    assert state() == before
    install(tmp_path, "tool", "1.0")
    assert state() != before


def test_a_commit_in_an_editable_install_changes_the_state(project: Project) -> None:
    requirements = f"-e {project.root}  # mine==0.1 @ {head_commit(str(project.root))}\n"
    before = state(requirements)
    project.write("new.py")
    project.commit()
    assert state(requirements) != before
