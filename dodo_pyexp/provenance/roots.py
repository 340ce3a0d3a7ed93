"""Where projects and git repositories begin, found by looking and without git: it takes long to start."""

from __future__ import annotations

import os
from collections.abc import Iterable

#: What marks the top folder of a project.
PROJECT_MARKS = ("dodo.py", "pyproject.toml", ".git")
#: Folders that packages are installed to, wherever they lie.
LIBRARIES = frozenset(("site-packages", "dist-packages"))


def is_installed(path: str) -> bool:
    """Tell whether a file is of a library that was installed, and of no project."""
    return not LIBRARIES.isdisjoint(path.split(os.sep))


def nearest_with(folder: str, marks: Iterable[str]) -> str | None:
    """Find the nearest folder, from `folder` upwards, that has one of these files or folders; None if none has."""
    marks = list(marks)
    while not any(os.path.exists(os.path.join(folder, mark)) for mark in marks):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return None
    return folder


def git_root(folder: str) -> str | None:
    """Find where a repository around a folder may begin; most temporary folders are in none."""
    return nearest_with(os.path.realpath(folder), [".git"])


def project_around(folder: str) -> str | None:
    """Find the folder of the project that a folder belongs to; None if it is in none."""
    return nearest_with(os.path.realpath(folder), PROJECT_MARKS)


def project_of(file: str) -> str:
    """Give the folder of the project that a file belongs to: a mark of `PROJECT_MARKS` is in it.

    Links are followed first. A file outside any project has its own folder for one.
    """
    folder = os.path.dirname(os.path.realpath(file))
    return nearest_with(folder, PROJECT_MARKS) or folder
