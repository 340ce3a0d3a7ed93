"""Declared defaults in whole builds: what is executed is counted by the runs themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.errors import ConfigError, ConfigTypeError
from dodo_pyexp.planning.defaults import keep, load
from dodo_pyexp.store.manifest import Manifest
from dodo_pyexp.store.paths import ExperimentFolder

SWEEP = """
    import pyexp
    from tally import mark

    @pyexp.experiment(executor="fork", stash=False, OPTIONS)
    def train(cfg):
        mark(cfg)
        return {"lr": cfg.lr, "momentum": cfg.get("momentum", 0.0)}

    @train.configs
    def configs():
        return CONFIGS

    if __name__ == "__main__":
        train.run()
"""
OLD = '[{"name": "a", "lr": 0.1}, {"name": "b", "lr": 0.2}]'
LAYOUTS = pytest.mark.parametrize("layout", ["", "hash_configs=True, ", "timestamp=False, "])


def sweep(project: Any, configs: str = OLD, options: str = "") -> None:
    project.write("dodo.py", SWEEP.replace("CONFIGS", configs).replace("OPTIONS", options))


def build(project: Any) -> list[str]:
    project.pyexp("build")
    return project.executed()


@pytest.fixture
def old(project: Any) -> Any:
    """Two runs from before there was any momentum."""
    sweep(project)
    assert build(project) == ["a", "b"]
    return project


@LAYOUTS
def test_a_new_parameter_with_a_default_executes_only_the_new_cells(project: Any, layout: str) -> None:
    sweep(project, options=layout)
    assert build(project) == ["a", "b"]
    new = OLD.replace("]", ', {"name": "c", "lr": 0.1, "momentum": 0.9}, {"name": "d", "lr": 0.3}]')
    sweep(project, new, f'{layout}defaults={{"momentum": 0.0}}')
    assert build(project) == ["c", "d"]
    assert build(project) == []


@LAYOUTS
def test_without_a_declared_default_they_would_all_be_executed(project: Any, layout: str) -> None:
    sweep(project, options=layout)
    build(project)
    sweep(project, OLD.replace("}", ', "momentum": 0.0}'), layout)
    assert build(project) == ["a", "b"]


def test_every_door_agrees(old: Any) -> None:
    sweep(old, options='defaults={"momentum": 0.0}')
    old.doit()
    old.python("dodo.py")
    assert old.executed() == []
    assert old.pyexp("list").stdout.endswith("2 runs: 2 up-to-date\n")


def test_declaring_and_writing_the_default_is_the_same(old: Any) -> None:
    sweep(old, OLD.replace("}", ', "momentum": 0.0}'), 'defaults={"momentum": 0.0}')
    assert build(old) == []
    sweep(old, options='defaults={"momentum": 0.0}')
    assert build(old) == []


def test_the_type_of_the_value_counts(old: Any) -> None:
    sweep(old, OLD.replace("}", ', "momentum": 0}', 1), 'defaults={"momentum": 0.0}')
    assert build(old) == ["a"]


def test_nested_keys_are_declared_by_path_or_as_a_section(project: Any) -> None:
    configs = '[{"name": "a", "lr": 1, "model": {"width": 8}}, {"name": "b", "lr": 2}]'
    sweep(project, configs)
    build(project)
    sweep(project, configs, 'defaults={"model.depth": 2}')
    assert build(project) == []
    sweep(project, configs, 'defaults={"model": {"depth": 2}}')
    assert build(project) == []


def test_the_function_finds_the_default_in_its_config(project: Any) -> None:
    project.write(
        "exp.py",
        """
        import pyexp

        @pyexp.experiment(stash=False, defaults={"model": {"depth": 2}})
        def exp(cfg):
            return [cfg.model.depth, cfg.model.width]

        model = {"width": 8}
        given = [{"name": "a", "model": model}, {"name": "b", "model": {"width": 8, "depth": 5}}]

        if __name__ == "__main__":
            print([r.result for r in exp.run(configs=given)], model, [r.cfg.model.depth for r in exp.results()])
        """,
    )
    assert project.python("exp.py").stdout == "[[2, 8], [5, 8]] {'width': 8} [2, 5]\n"


def test_run_may_declare_them(old: Any) -> None:
    old.edit("dodo.py", "train.run()", 'print([r.cfg.momentum for r in train.run(defaults={"momentum": 0.0})])')
    assert old.python("dodo.py").stdout == "[0.0, 0.0]\n"
    assert old.executed() == []


def test_depends_on_sees_what_is_filled_in(project: Any) -> None:
    sweep(project, OLD.replace("]", ', {"name": "z", "lr": 1, "momentum": 1, "depends_on": {"momentum": 0.0}}]'),
          'defaults={"momentum": 0.0}')  # fmt: skip
    told = json.loads(project.pyexp("graph", "--json").stdout)
    assert {(edge["upstream"], edge["downstream"]) for edge in told["edges"]} == {
        ("train:a", "train:z"), ("train:b", "train:z"),
    }  # fmt: skip


# -- another default --------------------------------------------------------------------------------------------


def test_runs_without_the_key_are_executed_when_another_default_is_declared(old: Any) -> None:
    sweep(old, options='defaults={"momentum": 0.0}')
    assert build(old) == []
    sweep(old, OLD.replace("]", ', {"name": "c", "lr": 1, "momentum": 0.0}]'), 'defaults={"momentum": 0.9}')
    told = old.pyexp("build", "-n", status=3).stdout
    assert "train:a  config: momentum 0.0 -> 0.9\n" in told
    assert build(old) == ["a", "b", "c"]
    old.write("look.py", "import dodo\nprint([r.result['momentum'] for r in dodo.train.results()])")
    assert old.python("look.py").stdout == "[0.9, 0.9, 0.0]\n"
    assert build(old) == []


def test_runs_made_with_the_first_default_filled_in_are_executed_as_well(project: Any) -> None:
    sweep(project, options='defaults={"momentum": 0.0}')
    assert build(project) == ["a", "b"]
    sweep(project, options='defaults={"momentum": 0.9}')
    assert build(project) == ["a", "b"]


def test_what_gives_the_first_default_itself_is_what_it_was(old: Any) -> None:
    sweep(old, options='defaults={"momentum": 0.0}')
    build(old)
    sweep(old, OLD.replace("}", ', "momentum": 0.0}'), 'defaults={"momentum": 0.9}')
    assert build(old) == []
    sweep(old, OLD.replace("}", ', "momentum": 0.0}'))
    assert build(old) == []


@LAYOUTS
def test_a_second_parameter_can_be_added(project: Any, layout: str) -> None:
    sweep(project, options=layout)
    build(project)
    sweep(project, OLD.replace("]", ', {"name": "c", "lr": 1}]'), f'{layout}defaults={{"momentum": 0.0}}')
    assert build(project) == ["c"]
    sweep(project, OLD.replace("]", ', {"name": "c", "lr": 1}]'),
          f'{layout}defaults={{"momentum": 0.0, "nesterov": False}}')  # fmt: skip
    assert build(project) == []


def test_a_run_that_gave_the_key_before_it_was_declared_is_what_it_was(project: Any) -> None:
    given = OLD.replace("}", ', "momentum": 0.0}', 1)
    sweep(project, given)
    build(project)
    sweep(project, given, 'defaults={"momentum": 0.0}')
    assert build(project) == []
    sweep(project, OLD, 'defaults={"momentum": 0.0, "nesterov": False}')
    assert build(project) == []


def test_the_reason_names_only_what_counts(old: Any) -> None:
    sweep(old, OLD.replace("0.1", "0.5"), 'defaults={"momentum": 0.0}')
    assert "train:a  config: lr 0.1 -> 0.5\n" in old.pyexp("build", "-n", status=3).stdout


def test_declaring_a_default_is_no_change_of_code(old: Any) -> None:
    sweep(old, options='code="rerun", defaults={"momentum": 0.0}')
    assert build(old) == []


# -- what is remembered -----------------------------------------------------------------------------------------


def test_reading_writes_nothing(old: Any) -> None:
    sweep(old, options='defaults={"momentum": 0.0}')
    before = sorted(old.out.rglob("*"))
    old.pyexp("list")
    old.pyexp("build", "-n")
    assert sorted(old.out.rglob("*")) == before


@pytest.mark.parametrize("text", [None, "", '{"format": 1, "va', "[]"])
def test_a_lost_or_damaged_file_is_made_up_for_by_the_manifest(old: Any, text: str | None) -> None:
    sweep(old, options='defaults={"momentum": 0.0}')
    build(old)
    remembered = old.out / "train" / ".defaults.json"
    whole = remembered.read_text()
    if text is None:
        remembered.unlink()
    else:
        remembered.write_text(text)
    sweep(old, options='defaults={"momentum": 0.9}')
    assert build(old) == ["a", "b"]
    assert json.loads(remembered.read_text()) == json.loads(whole)


def test_results_of_a_batch_that_nobody_closed_find_the_runs_from_before(old: Any) -> None:
    sweep(old, options='defaults={"momentum": 0.0}')
    build(old)
    manifest = max((old.out / "train" / ".batches").iterdir())
    told = json.loads(manifest.read_text())
    told["attempts"] = {}
    del told["counts"], told["end"]
    manifest.write_text(json.dumps(told))
    assert "0.2" in old.pyexp("results").stdout
    old.write("look.py", "import dodo\nprint([r.result['lr'] for r in dodo.train.results()])")
    assert old.python("look.py").stdout == "[0.1, 0.2]\n"


def test_there_is_no_file_where_nothing_is_declared(old: Any) -> None:
    assert not (old.out / "train" / ".defaults.json").exists()


def test_what_came_first_stays_first(tmp_path: Path) -> None:
    files = ExperimentFolder(str(tmp_path / "exp"))
    keep(files, load(files, {"a": 1}, "here"))
    keep(files, load(files, {"a": 2, "b": 3}, "here"))
    known = load(files, None, "here")
    assert known is not None and known.first == {"a": 1, "b": 3} and known.declared == {}


def test_nothing_declared_costs_no_look_at_a_manifest(tmp_path: Path) -> None:
    files = ExperimentFolder(str(tmp_path / "exp"))
    Manifest("2026-01-01_00-00-00", [], {}, (0,), about={"defaults": {"a": 1}}).create(files)
    assert load(files, None, "here") is None
    found = load(files, {"a": 2}, "here")
    assert found is not None and found.first == {"a": 1}


# -- mistakes ---------------------------------------------------------------------------------------------------


def test_a_mistake_is_one_sentence_with_its_place(project: Any, one_sentence: Any) -> None:
    sweep(project, options='defaults={"momentum": print}')
    one_sentence(project.pyexp("build", status=2), "dodo.py:4", "train", "defaults: momentum holds a function")
    sweep(project, options='defaults=["momentum"]')
    one_sentence(project.python("dodo.py", status=2), "dodo.py:4", "must be a dict")


def test_mistakes_have_types_of_their_own(tmp_path: Path) -> None:
    files = ExperimentFolder(str(tmp_path / "exp"))
    with pytest.raises(ConfigTypeError):
        load(files, 3, "here")
    with pytest.raises(ConfigError):
        load(files, {"name": "x"}, "here")
