from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

POINTERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE")


class Project:
    """A real git repository in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, path: str, content: str | bytes = "") -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def files(self, commit: str) -> set[str]:
        return set(self.git("ls-tree", "-r", "-z", "--name-only", commit).strip("\0").split("\0")) - {""}

    def show(self, commit: str, path: str) -> str:
        return self.git("show", f"{commit}:{path}")

    def state(self) -> dict[str, object]:
        """Take down every byte of the user's: the work tree and `.git`, but for objects and our own refs."""
        found: dict[str, object] = {}
        for folder, folders, files in os.walk(self.root):
            place = Path(folder)
            ours = place.parts[-2:] == ("refs", "pyexp") and "logs" not in place.parts
            if ".git" in place.parts and (place.name == "objects" or ours):
                folders.clear()
                continue
            for name in [*files, *(name for name in folders if (place / name).is_symlink())]:
                file = place / name
                status = file.lstat()
                content = os.readlink(file) if file.is_symlink() else file.read_bytes()
                # Whoever reads a split index, be it `git log`, marks its shared part as used.
                time = 0 if name.startswith("sharedindex.") else status.st_mtime_ns
                found[str(file.relative_to(self.root))] = (content, status.st_mode, time)
        return found


@pytest.fixture(autouse=True)
def git_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in POINTERS:
        monkeypatch.delenv(name, raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "ann")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ann@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[[str], Project]:
    def make(name: str = "project") -> Project:
        root = tmp_path / name
        root.mkdir(parents=True)
        project = Project(root)
        project.git("init", "-q", "-b", "main")
        return project

    return make


@pytest.fixture
def project(make_project: Callable[[str], Project]) -> Project:
    """A repository with one commit: a script, a package and an ignored folder."""
    project = make_project("project")
    project.write("train.py", "print(1)\n")
    project.write("lib/model.py", "x = 1\n")
    project.write(".gitignore", "ignored/\n*.log\n")
    project.commit()
    return project
