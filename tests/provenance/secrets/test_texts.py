from __future__ import annotations

import doctest
import time

import pytest

from dodo_pyexp.provenance.secrets import texts
from dodo_pyexp.provenance.secrets.secret_files import secret_content, secret_file

LINE = "password = 'hunter2'\n"


def test_the_examples_are_right() -> None:
    assert doctest.testmod(texts).failed == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"])
def test_a_secret_is_found_in_every_encoding(encoding: str) -> None:
    assert secret_content(f"# größe\n{LINE}".encode(encoding), "a.py") == "holds a value for password"
    assert secret_content(f"# größe\nghp_{'0123456789' * 3}".encode(encoding)) == "holds a GitHub token"
    assert secret_content("# größe\npassword = input()\n".encode(encoding), "a.py") is None


def test_a_secret_is_found_far_behind() -> None:
    began = time.process_time()
    assert secret_content(b"x = 1\n" * 1_000_000 + LINE.encode(), "a.py") == "holds a value for password"
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", "DB_PASSWORD := hunter2hunter2\n"),
        ("rules.mk", "export DB_PASSWORD ?= hunter2hunter2\n"),
        ("Dockerfile", "FROM x\nENV DB_PASSWORD=hunter2x\n"),
        ("docker/Dockerfile.gpu", "ENV DB_PASSWORD hunter2x\n"),
        ("gpu.dockerfile", "ARG API_KEY=abc123def456\n"),
        (".my.cnf", "[client]\nuser=ann\npassword=hunter2x\n"),
        (".bashrc", "export WANDB_API_KEY=0123456789abcdef0123\n"),
        ("settings.xml", "<server><password>hunter2x</password></server>"),
        ("web.config", '<add key="DbPassword" value="hunter2x"/>'),
        ("beans.xml", '<property value="hunter2x" name="db.password"/>'),
        ("entries.xml", '<entry key="db.password">hunter2x</entry>'),
        ("Info.plist", "<key>password</key>\n<string>hunter2x</string>"),
        ("odd", '<?xml version="1.0"?><w:password lang="en">hunter2x</w:password>'),
    ],
)
def test_a_secret_in_settings_is_found(name: str, text: str) -> None:
    said = secret_content(text.encode(), name)
    assert said is not None and said.startswith("holds a value for ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", "DB_PASSWORD := $(shell pass show db)\nKEYS = abc def\n"),
        ("Dockerfile", "ARG TOKEN\nENV TOKEN=$TOKEN\n"),
        ("pom.xml", "<server><password>${env.PASSWORD}</password><key>abc</key></server>"),
        ("train.py", "password=read_password\n"),
        ("weights.bin", "\0\1\2" * 1000 + LINE),
    ],
)
def test_what_is_no_secret_stays(name: str, text: str) -> None:
    assert secret_content(text.encode(), name) is None


def test_files_with_logins_are_known_by_their_names() -> None:
    for name in ("netrc", "_netrc", ".netrc", "home/.mylogin.cnf"):
        assert secret_file(name) is not None
