"""Executors by name."""

from __future__ import annotations

from typing import get_args

import pytest

from dodo_pyexp.errors import ConfigTypeError, ExecutorError
from dodo_pyexp.executors.inline import InlineExecutor
from dodo_pyexp.executors.names import NAMES, check_name
from dodo_pyexp.executors.registry import ExecutorName, get_executor


@pytest.mark.parametrize("name", NAMES[:3])
def test_an_executor_goes_by_its_name(name):
    assert get_executor(name).name == name


def test_the_names_are_those_of_the_type():
    assert get_args(ExecutorName) == NAMES


def test_an_instance_is_handed_back():
    executor = InlineExecutor()
    assert get_executor(executor) is executor


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ExecutorError, match=r'unknown executor "forc" \(did you mean "fork"\?\); available: inline, '):
        get_executor("forc")
    with pytest.raises(ValueError, match="unknown executor"):
        get_executor("")


@pytest.mark.parametrize("value", [3, None, InlineExecutor])
def test_anything_else_is_refused(value):
    with pytest.raises(ConfigTypeError, match="executor must be a name or an Executor, not"):
        get_executor(value)


def test_a_class_in_place_of_an_instance_gets_a_hint():
    with pytest.raises(TypeError, match=r"write InlineExecutor\(\)"):
        get_executor(InlineExecutor)


def test_a_name_is_checked_with_the_place_where_it_stands():
    for fine in (None, "ray", "ray://host:1", InlineExecutor()):
        check_name(fine, "exp.py:3")
    with pytest.raises(ExecutorError, match=r'^exp\.py:3: unknown executor "forc"'):
        check_name("forc", "exp.py:3")
    with pytest.raises(ConfigTypeError, match=r"^exp\.py:3: executor must be a name or an Executor, not int$"):
        check_name(3, "exp.py:3")
