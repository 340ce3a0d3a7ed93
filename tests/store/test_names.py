"""Folder names are safe, and two names never share one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dodo_pyexp.store.names import RESERVED, folder_name, folder_names, hashed_name, refusal

NASTY = [
    "", ".", "..", "../../x", "/etc/passwd", "a/b", "a_b", "a\\b", "a:b", ".hidden", "a.", "a ", " a", "-rf", "a\nb",
    "x" * 300, "x" * 301, "é" * 200, "lr=0.1", "lr~0.1", "a=", "*", "a*", "[a]", "report", "Report", "report.txt",
    "con", "CON", "nul.txt", "com1", "clock$", "a\0b", "\ud800", "😀", "ß", "SS", "ss", "~", "+", "a+b", ".batches",
    unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é"), "ﬁ", "fi", "FI", "İ", "i̇",
    "x+9cdf6a50100a862e",
]  # fmt: skip
names = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=12),
    st.text(alphabet="aA./\\=~+_-* ", max_size=8),
    st.text(alphabet=st.characters(categories=["L", "M", "Cs"]), max_size=4),
)


def identity(folder: str) -> str:
    """Give what a file system that ignores case and Unicode form would compare."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", folder).casefold())


@settings(max_examples=300)
@given(st.lists(names, unique=True, max_size=12))
@example(NASTY)
def test_two_names_never_share_a_folder_not_even_where_case_does_not_count(several):
    assert len({identity(folder) for folder in folder_names(several)}) == len(several)


@settings(max_examples=300)
@given(names)
def test_a_folder_name_is_one_plain_component(name):
    for folder in (folder_name(name), hashed_name(name)):
        assert folder
        assert folder[0] not in ".-~" and folder[-1] not in ". "
        assert not set(folder) & set('/\\:*?"<>|=\0\n[]')
        assert len(folder.encode()) <= 140
        assert folder.split(".")[0].casefold() not in RESERVED
        assert unicodedata.is_normalized("NFC", folder)


@pytest.mark.parametrize("name", ["a", "lr0.1_adam", "x,y@2", "Größe", "_private", "a-b.c_d", "2026-02-17_14-30-00"])
def test_an_ordinary_name_is_its_own_folder(name):
    assert folder_name(name) == name


def test_an_equals_sign_is_escaped_readably():
    assert folder_name("lr=0.1_wd=0") == "lr~0.1_wd~0"


def test_a_hashed_name_keeps_what_can_be_read():
    assert folder_name("../../x").startswith("x+")
    assert folder_name("a/b").startswith("a_b+")
    assert folder_name("..").startswith("run+")


def test_of_names_that_differ_in_case_the_first_keeps_its_own():
    first, second, third = folder_names(["Adam", "adam", "sgd"])
    assert (first, third) == ("Adam", "sgd")
    assert second.startswith("adam+")


def test_folders_do_not_depend_on_the_process():
    assert folder_name("a b") == "a_b+c8687a08aa5d6ed2"


@pytest.mark.parametrize("name", ["..", "../../x", "a/..", "a/../b", "a\\..\\b", "/", "/etc/x", "\\x", "a\0b"])
def test_a_name_that_reads_like_a_way_out_is_refused_with_a_plain_one(name):
    said = refusal(name)
    assert said is not None and said.startswith("cannot be called") and "\0" not in said
    plain = said.rpartition('such as "')[2].rstrip('"')
    assert refusal(plain) is None and folder_name(plain) == plain


@pytest.mark.parametrize("name", ["a/b", ".", "...", "a..b", "..a", "a..", ".hidden", "~", "C:x", " ", "x" * 300])
def test_other_odd_names_are_not_refused(name):
    assert refusal(name) is None


@given(names)
def test_no_name_leads_out_of_its_folder_refused_or_not(name):
    assert "/" not in folder_name(name) and folder_name(name) not in ("", ".", "..") and "\0" not in folder_name(name)
