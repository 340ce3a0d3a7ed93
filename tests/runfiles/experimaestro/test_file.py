"""Experimaestro's dialect: what a file says, how its code is found, and what is told of mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

EXPERIMENT = """
    from pyexp.experiments import ExperimentHelper, configuration, ConfigurationBase

    @configuration
    class Model:
        width: int = 8
        layers: list[int] = [1]

    @configuration
    class Configuration(ConfigurationBase):
        learning_rate: float = 1e-3
        batch_size: int = 32
        optimizer: str = "sgd"
        transforms: list[dict] = []
        model: Model = Model()

    def run(helper: ExperimentHelper, cfg: Configuration):
        print("run:", cfg.id, cfg.learning_rate, cfg.model.width, __name__)
"""


@pytest.fixture(autouse=True)
def code(here: Any) -> None:
    here.write(experiment_py=EXPERIMENT)


# -- what a file says -------------------------------------------------------------------------------------------------


def test_the_pages_file_needs_no_id(here: Any) -> None:
    here.write(full_yaml="    file: experiment\n    learning_rate: 1e-4\n")
    shown = here.show("full.yaml")
    assert (shown["id"], shown["learning_rate"], shown["batch_size"]) == ("full", 1e-4, 32)
    assert shown["model"] == {"width": 8, "layers": [1]}


def test_the_file_is_experiment_py_unless_it_says_otherwise(here: Any) -> None:
    here.write(a_yaml="id: x\ndirty_git: error\n")
    assert here.show("a.yaml")["file"] == "experiment"


def test_everything_about_an_experiment_is_typed_and_has_its_default(here: Any) -> None:
    here.write(a_yaml="id: x\nfile: experiment\ntitle: T\npaper: P\n")
    shown = here.show("a.yaml")
    assert (shown["title"], shown["paper"], shown["subtitle"], shown["add_timestamp"]) == ("T", "P", "", False)
    assert shown["dirty_git"] == "warn"


def test_imports_come_first_later_ones_win_and_the_file_wins(here: Any) -> None:
    here.write(
        base_yaml="id: base-experiment\nlearning_rate: 1e-3\nbatch_size: 1\n",
        deep__optimizer_yaml="imports: inner.yaml\noptimizer: adam\nbatch_size: 2\n",
        deep__inner_yaml="optimizer: inner\nmodel: {width: 3}\n",
        a_yaml="imports:\n- base.yaml\n- deep/optimizer.yaml\nid: mine\nfile: experiment\nmodel: {layers: [4]}\n",
    )
    shown = here.show("a.yaml")
    assert (shown["id"], shown["optimizer"], shown["batch_size"]) == ("mine", "adam", 2)
    assert shown["model"] == {"width": 3, "layers": [4]}


def test_one_import_may_be_plain_text(here: Any) -> None:
    here.write(base_yaml="batch_size: 1\n", a_yaml="imports: base.yaml\nid: x\nfile: experiment\n")
    assert here.show("a.yaml")["batch_size"] == 1


def test_parent_is_an_import_and_told_to_be_deprecated(here: Any) -> None:
    here.write(base_yaml="id: base\nbatch_size: 1\n", a_yaml="parent: base.yaml\nid: mine\n")
    done = here.run("a.yaml", "--show")
    assert (done.json["id"], done.json["batch_size"]) == ("mine", 1)
    assert "a.yaml:1: parent is deprecated; write imports: [base.yaml]" in done.err


def test_files_and_overrides_have_their_order(here: Any) -> None:
    here.write(
        imported_yaml="batch_size: 1\noptimizer: imported\n",
        pre_yaml="imports: imported.yaml\nbatch_size: 2\n",
        main_yaml="id: x\nfile: experiment\nbatch_size: 3\nlearning_rate: 3\n",
        post_yaml="learning_rate: 4\nmodel: {width: 4}\n",
    )
    words = (
        "main.yaml",
        "--pre-yaml",
        "pre.yaml",
        "--post-yaml",
        "post.yaml",
        "-c",
        "model.width=5",
        "-c",
        "model.width=6",
    )
    shown = here.show(*words)
    assert (shown["optimizer"], shown["batch_size"], shown["learning_rate"]) == ("imported", 3, 4.0)
    assert shown["model"]["width"] == 6


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("learning_rate=1e-5", ("learning_rate",), 1e-5),
        ("model.width=512", ("model", "width"), 512),
        ("model.layers=[5, 6]", ("model", "layers"), [5, 6]),
        ("model.layers.0=9", ("model", "layers"), [9]),
        ("transforms.0.name=resize", ("transforms",), [{"name": "resize"}]),
        ("transforms[0].name=resize", ("transforms",), [{"name": "resize"}]),
        ("optimizer=a=b", ("optimizer",), "a=b"),
        ("pythonpath=null", ("pythonpath",), None),
    ],
)
def test_overrides_are_typed_and_reach_into_lists(here: Any, override: str, path: tuple[str, ...], value: Any) -> None:
    here.write(a_yaml="id: x\nfile: experiment\nmodel: {layers: [1]}\ntransforms: [{name: crop}]\n")
    found = here.show("a.yaml", "-c", override)
    for key in path:
        found = found[key]
    assert found == value
    assert type(found) is type(value)


def test_variables_stay_as_they_are_written(here: Any) -> None:
    here.write(a_yaml="id: x\nfile: experiment\noptimizer: '$HOME/${x}/{id}'\n")
    assert here.show("a.yaml")["optimizer"] == "$HOME/${x}/{id}"


def test_origins_tell_the_file_and_line_of_each_value(here: Any) -> None:
    here.write(base_yaml="batch_size: 1\n", a_yaml="imports: base.yaml\nid: x\nfile: experiment\nmodel:\n  width: 2\n")
    origins = here.run("a.yaml", "--show", "--origins", "--learning_rate", "3").json["origins"]
    assert origins["batch_size"] == "base.yaml:1"
    assert origins["model.width"] == "a.yaml:5"
    assert origins["learning_rate"] == "command line"
    assert origins["optimizer"].startswith("default of Configuration (experiment.py:")


def test_showing_imports_no_code_and_leaves_no_file(here: Any) -> None:
    here.write(experiment_py="raise SystemExit('imported')\n" + EXPERIMENT.replace("\n    ", "\n"))
    here.write(a_yaml="id: x\nfile: experiment\npre_experiment: pre.py\n", pre_py="raise SystemExit('executed')\n")
    before = here.files()
    assert here.show("a.yaml")["batch_size"] == 32
    assert here.files() == before


def test_without_a_class_everything_is_shown_as_it_is(here: Any) -> None:
    here.write(plain_py="def run(helper, cfg):\n    print(cfg.anything.at, cfg['id'])\n")
    here.write(a_yaml="id: x\nfile: plain\nanything: {at: all}\n")
    done = here.run("a.yaml", "--show")
    assert done.json["anything"] == {"at": "all"}
    assert "nothing is checked" in done.err
    assert here.run("a.yaml").out == "all x\n"


# -- where the code is ------------------------------------------------------------------------------------------------


def test_the_file_belongs_to_the_yaml_that_names_it(here: Any) -> None:
    here.write(base__base_yaml="file: other\n", base__other_py=EXPERIMENT, a_yaml="imports: base/base.yaml\nid: x\n")
    assert here.run("a.yaml").out == "run: x 0.001 8 other\n"


def test_siblings_of_the_file_can_be_imported(here: Any) -> None:
    here.write(
        sub__exp_py="from sibling import WORD\ndef run(helper, cfg):\n    print(WORD)\n",
        sub__sibling_py="WORD = 'ok'\n",
    )
    here.write(sub__a_yaml="id: x\nfile: exp\n", b_yaml="id: y\nmodule: nowhere\n")
    assert here.run("sub/a.yaml").out == "ok\n"
    assert here.run("b.yaml", "--file", "sub/exp.py").out == "ok\n"


@pytest.mark.parametrize("folder", ["first_stage", "first_stage/sub"])
def test_a_module_is_found_from_the_folder_it_lies_in(here: Any, folder: str) -> None:
    here.put("proj/first_stage/__init__.py", "")
    here.put(f"proj/{folder}/__init__.py", "")
    here.put(f"proj/{folder}/experiment.py", EXPERIMENT)
    here.put(f"proj/{folder}/full.yaml", f"id: x\nmodule: {folder.replace('/', '.')}.experiment\n")
    assert here.run(f"proj/{folder}/full.yaml").out.startswith("run: x")
    assert here.show(f"proj/{folder}/full.yaml")["batch_size"] == 32


def test_pythonpath_is_relative_to_its_yaml_collected_from_all_and_goes_first(here: Any) -> None:
    here.write(lib__one_py="WORD = 'lib'\n", base__one_py="WORD = 'base'\n", base__two_py="TWO = 2\n")
    here.write(exp_py="import one, two\ndef run(helper, cfg):\n    print(one.WORD, two.TWO, cfg.pythonpath)\n")
    here.write(
        base__base_yaml="pythonpath: [.]\n", a_yaml="imports: base/base.yaml\nid: x\nfile: exp\npythonpath: [lib]\n"
    )
    assert here.run("a.yaml").out == "lib 2 ['lib']\n"


def test_the_command_line_names_other_code(here: Any) -> None:
    here.write(other_py="def run(helper, cfg):\n    print('other')\n", a_yaml="id: x\nfile: experiment\n")
    assert here.run("a.yaml", "--file", "other.py").out == "other\n"
    assert here.run("a.yaml", "--module-name", "other").out == "other\n"


def test_the_class_may_be_annotated_as_text_and_lie_in_the_file_itself(here: Any) -> None:
    here.write(experiment_py="from __future__ import annotations\n" + EXPERIMENT.replace("\n    ", "\n"))
    here.write(a_yaml="id: x\nfile: experiment\n")
    assert here.run("a.yaml").out == "run: x 0.001 8 experiment\n"


def test_a_helper_of_ones_own_may_stand_for_the_function(here: Any) -> None:
    here.write(
        own_py="""
        from pyexp.experiments import ExperimentHelper

        class Helper(ExperimentHelper):
            word = "mine"

        @Helper.decorator()
        def run(helper, cfg):
            print(helper.word, helper.xp.id)

        @Helper.decorator
        def other(helper, cfg):
            print("bare", helper.word)
        """,
        a_yaml="id: x\nfile: own\n",
    )
    assert here.run("a.yaml").out == "mine x\n"
    here.put("own.py", (here.folder / "own.py").read_text() + "\nrun = other\n")


# -- before the code is imported --------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["pre.py", "./pre.py", "pre", "pack.pre"])
def test_a_script_or_a_module_is_executed_before(here: Any, named: str) -> None:
    text = "import os\nos.environ['SET_BEFORE'] = 'yes'\n"
    here.write(conf__pre_py=text, conf__pack____init___py="", conf__pack__pre_py=text)
    here.write(conf__exp_py="import os\nWORD = os.environ['SET_BEFORE']\ndef run(helper, cfg):\n    print(WORD)\n")
    here.put("conf/a.yaml", f"id: x\nfile: exp\npre_experiment: {named}\n")
    assert here.run("conf/a.yaml").out == "yes\n"


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "id: x\nfile: experiment\nlearning_rat: 1\n",
            ("a.yaml:3", 'unknown key "learning_rat" (did you mean "learning_rate"?)'),
        ),
        ("id: x\nfile: experiment\nmodel: {widht: 1}\n", ("a.yaml:3", '"model.widht" (did you mean "width"?)')),
        ("id: x\nfile: experiment\nlearning_rate: fast\n", ("a.yaml:3", "learning_rate must be a number, not 'fast'")),
        ("id: x\nfile: experiment\nmodel: 3\n", ("a.yaml:3", "a section (Model)")),
        ("id: ../../x\nfile: experiment\n", ("a.yaml:1", '".."')),
        ("id: /x\nfile: experiment\n", ("a.yaml:1", "absolute")),
        ("id: ''\nfile: experiment\n", ("a.yaml:1", "id")),
        ("id: [x]\nfile: experiment\n", ("a.yaml:1", "id must be text")),
        ("id: x\nfile: experiment\nmodule: experiment\n", ("a.yaml:3", "both file and module")),
        ("id: x\nfile: nope\n", ("a.yaml:2", "no file", "nope")),
        ("id: x\nmodule: no.such\n", ("a.yaml:2", 'no module "no.such"')),
        ("id: x\nfile: bare\n", ("a.yaml:2", 'defines no "run"')),
        ("id: x\nfile: one\n", ("a.yaml:2", "run takes 1 parameters", "run(helper, cfg)")),
        ("id: x\nfile: number\n", ("a.yaml:2", "run(helper, cfg)")),
        ("id: x\nfile: odd\n", ("a.yaml:2", "takes a int", "@configuration")),
        ("id: x\nfile: broken\n", ("broken.py:1",)),
        ("id: x\nfile: raises\n", ("raises.py:1", "ZeroDivisionError")),
        ("id: x\nfile: experiment\ndirty_git: erorr\n", ("a.yaml:3", "dirty_git", 'did you mean "error"')),
        ("id: x\nfile: experiment\nadd_timestamp: maybe\n", ("a.yaml:3", "add_timestamp must be true or false")),
        ("id: x\nfile: experiment\npythonpath: [no]\n", ("a.yaml:3", 'no folder "no"')),
        ("id: x\nfile: experiment\npre_experiment: no.py\n", ("a.yaml:3", '"no.py"')),
        ("id: x\nfile: experiment\npre_experiment: no_such.module\n", ("a.yaml:3", "neither")),
        ("id: x\nfile: experiment\npre_experiment: raises.py\n", ("raises.py:1", "ZeroDivisionError")),
        ("id: x\nfile: experiment\nimports: [a]\nparent: b\n", ("a.yaml:4", "both imports and parent")),
        ("id: x\nfile: experiment\nimports: no.yaml\n", ("a.yaml:3", '"no.yaml"')),
        ("id: x\nfile: experiment\nimports: a.yaml\n", ("a.yaml:3", "circle: a.yaml -> a.yaml")),
    ],
)
def test_every_mistake_is_one_sentence_with_its_place(
    here: Any, sentence: Callable[..., None], text: str, says: tuple[str, ...]
) -> None:
    here.write(
        a_yaml=text, bare_py="x = 1\n", one_py="def run(cfg): pass\n", number_py="run = 3\n", broken_py="def f(:\n",
        odd_py="def run(helper, cfg: int): pass\n", raises_py="x = 1 / 0\ndef run(helper, cfg): pass\n",
    )  # fmt: skip
    before = here.files()
    sentence("a.yaml", "-n", says=says)
    assert here.files() == before


def test_a_key_that_has_no_default_must_be_there(here: Any) -> None:
    here.write(
        needs_py="""
        from pyexp.experiments import ConfigurationBase, configuration

        @configuration
        class Needs(ConfigurationBase):
            epochs: int

        def run(helper, cfg: Needs): ...
        """,
        a_yaml="id: x\nfile: needs\n",
    )
    for words in (("a.yaml",), ("a.yaml", "--show")):
        assert 'the key "epochs" is missing; Needs (needs.py:3) needs it: a whole number' in here.run(*words).error
    assert here.show("a.yaml", "-c", "epochs=3")["epochs"] == 3


def test_an_override_of_another_type_is_told_with_the_command_line_as_its_place(here: Any) -> None:
    here.write(a_yaml="id: x\nfile: experiment\n")
    assert here.run("a.yaml", "-c", "batch_size=many", "--show").error == (
        "command line: batch_size must be a whole number, not 'many'"
    )
    assert here.run("a.yaml", "-c", "data.transforms.0.name=resize", "--show").error.startswith(
        'command line: unknown key "data"'
    )
