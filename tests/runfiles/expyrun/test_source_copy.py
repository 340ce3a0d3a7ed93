"""Which files a copy of the source holds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dodo_pyexp.runfiles.expyrun import source_copy as expyrun_copy
from dodo_pyexp.runfiles.expyrun.source_copy import copy_source


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    for name in ("pkg/__init__.py", "pkg/sub/mod.py", "pkg/data/table.csv", "pkg/py.typed", "single.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


def copied(code: Path, home: str = "pkg", never: tuple[str, ...] = (), elsewhere: tuple[str, ...] = ()) -> set[str]:
    target = code.parent / "target"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    copied.notes = copy_source(str(code), home, str(target), never, list(elsewhere))  # type: ignore[attr-defined]
    return {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}


PACKAGE = {"pkg/__init__.py", "pkg/sub/mod.py", "pkg/data/table.csv", "pkg/py.typed"}


def test_a_package_is_copied_with_its_data_files(code: Path) -> None:
    assert copied(code) == PACKAGE


def test_what_python_and_tools_leave_behind_is_not(code: Path) -> None:
    for name in ("pkg/__pycache__/x.pyc", "pkg/.git/config", "pkg/venv/pyvenv.cfg", "pkg/venv/lib.py", "pkg/old.pyc"):
        (code / name).parent.mkdir(exist_ok=True)
        (code / name).write_text("")
    assert copied(code) == PACKAGE


def test_folders_that_are_never_copied_are_not_wherever_they_are(code: Path) -> None:
    (code / "pkg/out/exp.0").mkdir(parents=True)
    (code / "pkg/out/exp.0/x.py").write_text("")
    assert copied(code, never=(str(code / "pkg/out"),)) == PACKAGE


def test_a_module_is_copied_alone_and_with_what_it_imports(code: Path) -> None:
    assert copied(code, "single") == {"single.py"}
    (code / "single.py").write_text("import os, pkg.sub.mod\nfrom . import nothing\n")
    assert copied(code, "single") == {"single.py", *PACKAGE}
    (code / "pkg/sub/mod.py").write_text("def f():\n    from other.deep import x\n")
    (code / "other").mkdir()
    (code / "other/deep.py").write_text("")
    assert copied(code, "single") == {"single.py", "other/deep.py", *PACKAGE}


def test_a_file_names_its_module(code: Path) -> None:
    assert copied(code, str(code / "single.py")) == {"single.py"}


def test_what_is_installed_is_not_copied(code: Path, tmp_path: Path) -> None:
    (tmp_path / "site/datasets").mkdir(parents=True)
    (tmp_path / "site/datasets/__init__.py").write_text("")
    (code / "datasets").mkdir()
    (code / "datasets/scripts.py").write_text("")
    (code / "json.py").write_text("")
    (code / "single.py").write_text("import datasets, json\n")
    assert copied(code, "single", elsewhere=(str(tmp_path / "site"),)) == {"single.py"}


def test_links_are_followed_but_never_in_a_circle(code: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/s.py").write_text("")
    (code / "pkg/shared").symlink_to(tmp_path / "shared")
    (code / "pkg/sub/up").symlink_to(code / "pkg")
    (code / "pkg/broken").symlink_to("nowhere")
    assert copied(code) == {*PACKAGE, "pkg/shared/s.py"}


def test_secrets_and_very_large_files_are_left_out_and_told(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expyrun_copy, "LARGE", 10)
    (code / "pkg/.env").write_text("TOKEN=x")
    (code / "pkg/big.bin").write_bytes(b"x" * 11)
    assert copied(code) == PACKAGE
    assert len(copied.notes) == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize("repository", ["none", "new", "staged", "committed", "committed and above"])
def test_what_holds_a_secret_is_left_out_and_told_unless_it_was_committed(code: Path, repository: str) -> None:
    (code / "pkg/settings.py").write_text('KEY = "ghp_0123456789abcdefghij0123456789"\n')
    (code / "pkg/login.yml").write_text("password: hunter2\n")
    (code / "pkg/run.yml").write_text("api_token: short\n")
    folder = code.parent if repository.endswith("above") else code
    if repository != "none":
        git(folder, "init")
    if repository.startswith(("staged", "committed")):
        git(folder, "add", ".")
    if repository.startswith("committed"):
        git(folder, "-c", "user.name=a", "-c", "user.email=a", "commit", "-m", "all")
    target = code.parent / "target"
    target.mkdir()
    notes = copy_source(str(code), "pkg", str(target), [], [], [str(code / "pkg/run.yml")])
    kept = repository.startswith("committed")
    assert (target / "pkg/settings.py").exists() is (target / "pkg/login.yml").exists() is kept
    assert not (target / "pkg/run.yml").exists()  # it is known to hold one
    assert "pkg/run.yml is not in the copy of the code: it holds a secret" in notes
    assert len(notes) == (1 if kept else 3)


def test_code_that_is_elsewhere_is_told(code: Path) -> None:
    assert copied(code, "nowhere") == set()
    assert "no copy" in copied.notes[0]  # type: ignore[attr-defined]
    assert copied(code, "/elsewhere/x.py") == set()
    assert "no copy" in copied.notes[0]  # type: ignore[attr-defined]


def git(folder: Path, *words: str) -> None:
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *words], cwd=folder, env=os.environ | quiet, check=True, capture_output=True)


def test_what_git_ignores_is_left_out_but_for_extensions(code: Path) -> None:
    git(code, "init")
    (code / ".gitignore").write_text("weights/\n*.log\n*.so\n")
    for name in ("pkg/weights/w.bin", "pkg/a.log", "pkg/fast.so", "pkg/new.txt"):
        (code / name).parent.mkdir(exist_ok=True)
        (code / name).write_text("")
    assert copied(code) == {*PACKAGE, "pkg/fast.so", "pkg/new.txt"}


def test_rules_of_a_repository_above_count(code: Path) -> None:
    git(code.parent, "init")
    (code.parent / ".gitignore").write_text("*.log\n")
    (code / "pkg/a.log").write_text("")
    assert copied(code) == PACKAGE


def test_a_copy_in_a_folder_that_git_ignores_can_be_copied_again(code: Path) -> None:
    git(code.parent, "init")
    (code.parent / ".gitignore").write_text("code/\n")
    assert copied(code) == PACKAGE
