"""The lock files fit pyproject.toml: what `make` installs is what the project says it needs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ["3.11", "3.12", "3.13"]
SYSTEMS = [
    {"sys_platform": "linux", "platform_system": "Linux"},
    {"sys_platform": "darwin", "platform_system": "Darwin"},
]
EXTRAS = sorted(set(re.findall(r"\$\(VENV\)/stamp-([a-z][a-z-]*)", (ROOT / "Makefile").read_text(encoding="utf-8"))))
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\")
HASH = re.compile(r" {4}--hash=sha256:[0-9a-f]{64}(?: \\)?")
TOLD = re.compile(r" *#(?!.*(?:://| /|file:)).*")

each_extra = pytest.mark.parametrize("extra", EXTRAS)


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lines(extra: str) -> list[str]:
    return (ROOT / "requirements" / f"{extra}.txt").read_text(encoding="utf-8").splitlines()


def wanted(extra: str) -> Iterator[Requirement]:
    """Give what an extra asks for, with all that the extras in it ask for."""
    for text in project()["project"]["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == project()["project"]["name"]:
            for other in requirement.extras:
                yield from wanted(other)
        else:
            yield requirement


def pinned(extra: str, environment: dict[str, str]) -> dict[str, str]:
    """Give the version of each package that a lock pins in such an environment."""
    found: dict[str, str] = {}
    for match in filter(None, map(PIN.fullmatch, lines(extra))):
        marker = Requirement(f"{match['name']} ; {match['marker']}").marker if match["marker"] else None
        if marker is None or marker.evaluate(environment):
            assert match["name"] not in found, f"{extra}.txt pins {match['name']} twice for {environment}"
            found[match["name"]] = match["version"]
    return found


def environments() -> Iterator[dict[str, str]]:
    for python in PYTHONS:
        for system in SYSTEMS:
            yield {"python_version": python, "python_full_version": f"{python}.0", **system}


def test_each_extra_that_make_installs_has_a_lock() -> None:
    assert {"demo", "test", "test-ray"} <= set(EXTRAS)
    assert sorted(path.stem for path in (ROOT / "requirements").iterdir()) == EXTRAS


@each_extra
def test_a_lock_holds_what_the_extra_asks_for_in_the_versions_it_admits(extra: str) -> None:
    tables = project()
    asked = [
        *map(Requirement, [*tables["project"]["dependencies"], *tables["build-system"]["requires"]]),
        *wanted(extra),
    ]
    assert len(asked) > 5
    for environment in environments():
        found = pinned(extra, environment)
        missing = [str(one) for one in asked if not one.specifier.contains(found.get(canonicalize_name(one.name), "0"))]
        assert not missing, f"`make lock` renews requirements/{extra}.txt: it does not fit {missing} on {environment}"


@each_extra
def test_a_lock_has_pins_and_hashes_and_names_no_place_to_fetch_from(extra: str) -> None:
    strange = [line for line in lines(extra) if not any(kind.fullmatch(line) for kind in (PIN, HASH, TOLD))]
    assert not strange
    text = "\n".join(lines(extra))
    unhashed = re.findall(r"^(\S+==\S+)[^\n]*\n(?! {4}--hash=)", text, re.MULTILINE)
    assert not unhashed


def test_the_locks_agree_as_they_share_one_virtual_environment() -> None:
    for environment in environments():
        every = {extra: pinned(extra, environment).items() for extra in EXTRAS}
        assert every["demo"] <= every["test"] <= every["test-ray"]


def test_what_builds_the_project_is_locked() -> None:
    assert project()["dependency-groups"]["build"] == project()["build-system"]["requires"]
