"""`load_config`: files that import one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from dodo_pyexp.config.config import Config
from dodo_pyexp.config.load import load_config, load_located
from dodo_pyexp.errors import ConfigError, MissingFile


@pytest.fixture
def write(tmp_path):
    def write(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.yml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def test_the_guides_example_holds(write):
    folder = write(
        base="lr: 0.1\nmodel: {width: 32, depth: 2}\nseed: 1\n",
        config="imports: [base.yml]\nlr: 0.001\nmodel:\n  width: 64\n",
    )
    config = load_config(folder / "config.yml")
    assert config == {"lr": 0.001, "model": {"width": 64}, "seed": 1}
    assert isinstance(config, Config)
    assert config.model.width == 64
    assert load_config(str(folder / "config.yml")) == config


def test_dotted_and_star_keys_work_in_files(write):
    folder = write(
        base="model: {width: 32, depth: 2}\nopt: {lr: 1}\n",
        a="imports: base.yml\n'**model': {width: 64}\nopt.lr: 1e-4\n",
    )
    assert load_config(folder / "a.yml") == {"model": {"width": 64, "depth": 2}, "opt": {"lr": 1e-4}}


def test_several_paths_are_merged_in_order(write):
    folder = write(a="x: 1\ny: 1\n", b="y: 2\n")
    assert load_config([folder / "a.yml", folder / "b.yml"]) == {"x": 1, "y": 2}
    assert load_config((folder / "b.yml", folder / "a.yml")) == {"x": 1, "y": 1}
    assert load_config([]) == {}
    assert load_config(path for path in [folder / "a.yml"]) == {"x": 1, "y": 1}


def test_a_shared_import_does_not_undo_an_earlier_file(write):
    folder = write(base="lr: base\n", exp="imports: base.yml\nlr: exp\n", r="imports: base.yml\nr: 1\n")
    assert load_config([folder / "exp.yml", folder / "r.yml"]) == {"lr": "exp", "r": 1}


def test_a_diamond_of_imports_keeps_both_sides(write):
    folder = write(
        base="a: base\nb: base\n",
        l="imports: base.yml\na: l\n",
        r="imports: base.yml\nb: r\n",
        top="imports: [l.yml, r.yml]\n",
    )
    assert load_config(folder / "top.yml") == {"a": "l", "b": "r"}


def test_a_file_that_is_named_last_wins_even_if_it_was_imported_before(write):
    folder = write(base="lr: base\n", exp="imports: base.yml\nlr: exp\n")
    assert load_config([folder / "exp.yml", folder / "base.yml"]) == {"lr": "base"}


def test_imports_are_relative_to_their_file_absolute_or_at_home(write, monkeypatch):
    folder = write(
        sub__inner="imports: ../base.yml\nx: 1\n", base="y: 1\n", top="imports: [sub/inner.yml, ~/home.yml]\n"
    )
    monkeypatch.setenv("HOME", str(folder / "sub"))
    (folder / "sub" / "home.yml").write_text(f"imports: {folder / 'abs.yml'}\n")
    (folder / "abs.yml").write_text("z: 1\n")
    assert load_config(folder / "top.yml") == {"x": 1, "y": 1, "z": 1}
    assert load_config("~/inner.yml") == {"x": 1, "y": 1}


def test_only_imports_at_the_top_are_imports(write):
    folder = write(a="imports:\nm: {imports: [nowhere.yml]}\n")
    assert load_config(folder / "a.yml") == {"m": {"imports": ["nowhere.yml"]}}


def test_a_circle_of_imports_is_named(write):
    folder = write(
        top="imports: a.yml\n",
        a="imports: b.yml\n",
        b="x: 1\nimports:\n- sub/c.yml\n",
        sub__c="imports: ../a.yml",
    )
    with pytest.raises(ConfigError, match=r"c\.yml:1: imports go in a circle: a.yml -> b.yml -> sub/c.yml -> a.yml"):
        load_config(folder / "top.yml")


def test_a_file_that_imports_itself_is_a_circle(write):
    with pytest.raises(ConfigError, match=r"a\.yml -> a\.yml"):
        load_config(write(a="imports: ./a.yml\n") / "a.yml")


def test_a_missing_import_names_the_line_that_asked_for_it(write):
    folder = write(base="x: 1\n", a="y: 1\nimports:\n  - base.yml\n  - bsae.yml\n")
    with pytest.raises(MissingFile) as caught:
        load_config(folder / "a.yml")
    message = str(caught.value)
    assert message.startswith(f'{folder / "a.yml"}:4: there is no file "{folder / "bsae.yml"}" to import')
    assert 'did you mean "base.yml"' in message


@pytest.mark.parametrize("value", ["3", "{a: b}", "[1]", "''", "[null]"])
def test_imports_of_another_kind_are_refused(write, value):
    folder = write(a=f"x: 1\nimports: {value}\n")
    with pytest.raises(ConfigError, match=r"a\.yml:2: imports holds"):
        load_config(folder / "a.yml")


@pytest.mark.parametrize("line", ["a..b: 1", "'**m': 3"])
def test_a_key_that_cannot_be_merged_is_told_with_its_line(write, line):
    folder = write(a=f"x: 1\n{line}\n")
    with pytest.raises(ConfigError, match=r'a\.yml:2: .*"(a\.\.b|\*\*m)"'):
        load_config(folder / "a.yml")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        load_config(tmp_path / "nowhere.yml")


def test_every_value_knows_the_file_and_line_it_came_from(write):
    folder = write(
        base="lr: 1\nmodel:\n  width: 1\n  depth: 2\nold:\n  gone: 1\n",
        a="imports: base.yml\nmodel.width: 2\n'**model':\n  act:\n  - relu\n\nold: {}\n",
    )
    located = load_located(folder / "a.yml")
    assert located.tree == {"lr": 1, "model": {"width": 2, "depth": 2, "act": ["relu"]}, "old": {}}
    base, top = folder / "base.yml", folder / "a.yml"
    assert located.where("lr") == f"{base}:1"
    assert located.where("model", "width") == f"{top}:2"
    assert located.where("model", "depth") == f"{base}:4"
    assert located.where("model", "act", 0) == f"{top}:5"
    assert located.where("old") == f"{top}:7"
    assert ("old", "gone") not in located.positions


def test_dotted_keys_lead_into_lists_and_to_keys_that_are_numbers(tmp_path):
    (tmp_path / "base.yml").write_text("layers: [{w: 1}, {w: 2}]\nstages: {0: {n: 1}}\n")
    (tmp_path / "a.yml").write_text("imports: base.yml\nlayers.1.w: 5\nstages.0.n: 7\n")
    assert load_config(tmp_path / "a.yml") == {"layers": [{"w": 1}, {"w": 5}], "stages": {0: {"n": 7}}}
    (tmp_path / "b.yml").write_text("imports: base.yml\nlayers.w: 5\n")
    with pytest.raises(
        ConfigError, match=r'b\.yml:2: the key "layers\.w": "layers" is a list, so "w" must be a position'
    ):
        load_config(tmp_path / "b.yml")
