from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.cleaning.clean import Cleaning, Scope, named
from dodo_pyexp.cleaning.retention import Wish
from dodo_pyexp.errors import UsageError
from dodo_pyexp.planning.targets import matcher
from dodo_pyexp.results.stored import StoredExperiment, StoredRun
from dodo_pyexp.store.locks import RunLock
from dodo_pyexp.store.owner import Owner
from dodo_pyexp.store.paths import OutputFolder
from tests.stored import DEAD, FIRST, SECOND, attempt, experiment_in, record, stored


@pytest.fixture
def experiment(tmp_path: Path) -> StoredExperiment:
    """Two runs: `a` with an attempt that was replaced, `b` with one that failed."""
    experiment = experiment_in(tmp_path)
    a, b = stored(experiment, "a"), stored(experiment, "b")
    for stamp in (FIRST, SECOND):
        attempt(a, stamp)
    record(a, SECOND)
    attempt(b, FIRST, "failed")
    return experiment


def labels(cleaning: Cleaning) -> list[str]:
    return [piece.label for piece in [*cleaning.pieces, *cleaning.last]]


def left(folder: StoredExperiment) -> list[str]:
    return sorted(os.listdir(folder.files.path)) if os.path.exists(folder.files.path) else []


def test_without_a_wish_everything_goes_the_history_last(experiment: StoredExperiment) -> None:
    cleaning = Cleaning(Scope([experiment]), Wish())
    assert labels(cleaning) == ["exp:a", "exp:b", "exp .batches"]
    cleaning.carry_out()
    assert not os.path.exists(experiment.files.path)
    assert len(cleaning.gone) == 3


def test_kinds_add_up(experiment: StoredExperiment) -> None:
    assert labels(Cleaning(Scope([experiment]), Wish(failed=True))) == [f"exp:b {FIRST}"]
    assert labels(Cleaning(Scope([experiment]), Wish(old=True))) == [f"exp:a {FIRST}"]
    both = Cleaning(Scope([experiment]), Wish(failed=True, old=True))
    assert labels(both) == [f"exp:a {FIRST}", f"exp:b {FIRST}"]
    both.carry_out()
    assert left(experiment) == [".batches", "a"]


def test_a_filter_keeps_the_history_and_the_other_runs(experiment: StoredExperiment) -> None:
    cleaning = Cleaning(Scope([experiment], matches=matcher("^b$")), Wish())
    assert labels(cleaning) == ["exp:b"]
    cleaning.carry_out()
    assert left(experiment) == [".batches", "a"]


def test_a_run_that_is_being_executed_is_said_to_be_left_before_anything_is_removed(
    experiment: StoredExperiment,
) -> None:
    attempt(stored(experiment, "b"), SECOND, "running", owner=Owner.current().to_dict())
    cleaning = Cleaning(Scope([experiment]), Wish(failed=True, old=True))
    assert labels(cleaning) == [f"exp:a {FIRST}"]
    assert [why for _, why in cleaning.left] == [f"exp:b {FIRST} is being executed; left alone"]


def test_the_history_stays_when_a_run_stays(experiment: StoredExperiment) -> None:
    cleaning = Cleaning(Scope([experiment]), Wish())
    lock = RunLock.take(stored(experiment, "b").files.path)
    assert lock is not None
    cleaning.carry_out()
    lock.release()
    assert left(experiment) == [".batches", "b"]
    told = cleaning.to_dict(dry_run=False)
    assert [piece["removed"] for piece in told["pieces"]] == [True, False, False]
    assert [piece["run"] for piece in told["left"]] == ["exp:b"]
    assert told["removed_bytes"] == told["pieces"][0]["bytes"] < told["bytes"]


def test_what_an_interrupted_clean_left_goes_with_the_next(experiment: StoredExperiment) -> None:
    Path(experiment.files.path, f".c.{DEAD['pid']}.tmp", FIRST).mkdir(parents=True)
    cleaning = Cleaning(Scope([experiment]), Wish(failed=True))
    cleaning.carry_out()
    assert left(experiment) == [".batches", "a"]


# -- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, experiments, runs",
    [
        (["exp"], ["exp"], []),
        (["exp:a"], [], ["exp:a"]),
        (["a", "exp:b"], [], ["exp:a", "exp:b"]),
        (["exp:*"], [], ["exp:a", "exp:b"]),
        (["a", "exp"], ["exp"], []),
    ],
)
def test_what_words_name(experiment: StoredExperiment, words: list[str], experiments: Any, runs: Any) -> None:
    found: tuple[list[StoredExperiment], list[StoredRun]] = named(
        OutputFolder(os.path.dirname(experiment.files.path)), [experiment], words
    )
    assert [one.name for one in found[0]] == experiments
    assert [run.full_name for run in found[1]] == runs


def test_a_word_that_names_nothing_is_refused(experiment: StoredExperiment) -> None:
    with pytest.raises(UsageError, match='no experiment and no run "exq"'):
        named(OutputFolder(os.path.dirname(experiment.files.path)), [experiment], ["exq"])
