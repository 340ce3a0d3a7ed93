"""Which exceptions are the user's own mistakes, and how they are told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from dodo_pyexp.importing import import_file
from dodo_pyexp.planning.mistakes import UserCodeError, in_script, in_user_code, user_code
from pyexp import PyexpError

Make = Callable[[str], ModuleType]


@pytest.fixture
def make(here: Path) -> Make:
    """Import a file of the user's under a name that no other test has."""

    def made(text: str) -> ModuleType:
        (here / "mine.py").write_text(text)
        return import_file("mine.py", f"mine_{uuid.uuid4().hex}")

    return made


def raised(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except (Exception, SystemExit) as error:
        assert error.__traceback__ is not None
        return error.with_traceback(error.__traceback__.tb_next)  # this file is another project's
    raise AssertionError("nothing was raised")


def test_an_exception_is_told_with_type_message_and_line(make: Make) -> None:
    module = make("def f():\n    return {}['key']\n")
    told = in_user_code(raised(module.f))
    assert told is not None and str(told).endswith("mine.py:2: KeyError: 'key'")


def test_the_message_is_one_line(make: Make) -> None:
    module = make("def f():\n    raise ValueError('one\\ntwo')\n\ndef g():\n    raise ValueError\n")
    assert str(in_user_code(raised(module.f))).endswith("mine.py:2: ValueError: one two")
    assert str(in_user_code(raised(module.g))).endswith("mine.py:5: ValueError")


def test_the_way_to_the_place_is_shown_where_it_is_longer_than_a_line(make: Make) -> None:
    module = make("def deep():\n    return 1 / 0\n\ndef f():\n    return deep()\n")
    told = in_user_code(raised(module.f))
    assert told is not None and str(told).endswith("mine.py:2: ZeroDivisionError: division by zero")
    assert "line 5, in f" in told.detail and "line 2, in deep" in told.detail and "Traceback" not in told.detail


def test_the_place_is_the_projects_and_what_a_library_did_is_one_line(make: Make) -> None:
    module = make("import fractions\n\ndef g():\n    return fractions.Fraction('x')\n\ndef f():\n    return g()\n")
    told = in_user_code(raised(module.f))
    assert told is not None and "mine.py:4: ValueError: Invalid literal" in str(told)
    assert "line 7, in f" in told.detail and "line 4, in g" in told.detail
    assert told.detail.splitlines()[-1].startswith("  raised in fractions.py:")


def test_what_pyexp_refuses_gets_the_line_that_led_to_it(make: Make) -> None:
    module = make("import pyexp\n\ndef f():\n    pyexp.sweep([{'name': 'a'}], 5)\n")
    assert "mine.py:4: sweep takes" in str(in_user_code(raised(module.f)))


def test_what_has_its_place_already_is_left_as_it_is(make: Make) -> None:
    module = make("import pyexp\n\ndef f():\n    @pyexp.experiment\n    def exp():\n        ...\n")
    error = raised(module.f)
    assert "mine.py:4: exp takes 0" in str(error)
    assert in_user_code(error) is None and in_script(error) is error


def test_what_is_raised_elsewhere_is_nobodys_mistake(make: Make) -> None:
    error = PyexpError("x")
    assert in_user_code(error) is None and in_script(error) is error


def test_a_script_tells_what_configs_and_reports_raise_in_one_sentence(make: Make) -> None:
    module = make("""
import pyexp

@pyexp.experiment(executor="inline", stash=False)
def exp(cfg): ...

exp.configs(lambda: [{"name": 1 / 0}])

@exp.report
def report(results):
    summed(results)

def summed(results):
    return pyexp.sweep(1, 2) if results[0].name == "mine" else results[0].result["accuracy"]
""")
    made = in_script(raised(module.exp.run))
    assert made is not None and str(made).endswith("mine.py:7: ZeroDivisionError: division by zero")
    told = in_script(raised(lambda: module.exp.run(configs=[{"name": "a"}])))
    assert isinstance(told, UserCodeError) and told.exit_code == 1
    place = str(told).removeprefix("the report of exp failed: ")
    assert place.endswith("mine.py:14: TypeError: 'NoneType' object is not subscriptable")
    assert "line 11, in report" in told.detail and "dodo_pyexp" not in told.detail
    ours = in_script(raised(lambda: module.exp.run(configs=[{"name": "mine"}])))
    assert ours is not None and "the report of exp failed: " in str(ours) and "mine.py:14: sweep takes" in str(ours)


def test_a_script_shows_the_traceback_of_what_it_does_itself(make: Make) -> None:
    module = make("def f():\n    1 / 0\n")
    assert in_script(raised(module.f)) is None


def test_user_code_goes_on_with_one_sentence(make: Make) -> None:
    with pytest.raises(UserCodeError, match=r"mine\.py:2: SystemExit: 3$"), user_code():
        make("import os\nraise SystemExit(3)\n")
    with user_code():
        pass
