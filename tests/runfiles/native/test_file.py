"""The native dialect."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dodo_pyexp.config.load import load_config

TRAIN = """
    from tally import mark

    def train(cfg, out):
        mark(cfg)
        print("training", cfg.name)
        if cfg.get("fails"):
            raise ValueError("as it was told")
        (out / "weights.txt").write_text(str(cfg.lr))
        return {"loss": cfg.lr * cfg.get("width", 1)}
"""


# -- what a file says -------------------------------------------------------------------------------------------------


def test_a_file_without_a_sweep_is_one_run_named_like_the_file(here: Any) -> None:
    here.write(small_yml="entry: train.py:train\nconfig: {lr: 1e-4}\n")
    shown = here.show("small.yml")
    assert shown["config"] == {"name": "small", "lr": 1e-4}
    assert (shown["experiment"], shown["entry"]) == ("train", "train.py:train")


def test_the_whole_is_shown_with_the_defaults_of_the_options(here: Any) -> None:
    here.write(a_yml="entry: train.py:train\nretry: 2\ntitle: A title\nconfig: {}\n")
    shown = here.show("a.yml")
    assert shown["retry"] == 2
    assert shown["executor"] == "subprocess"
    assert shown["output_dir"] == "out"
    assert shown["title"] == "A title"


def test_a_sweep_of_too_many_configs_is_refused_with_their_number(here: Any) -> None:
    axes = "\n".join(f"  k{axis}: {list(range(100))}" for axis in range(6))
    here.write(train_py="def train(cfg): ...\n", a_yml=f"entry: train.py:train\nconfig: {{lr: 1}}\nsweep:\n{axes}\n")
    says = here.pyexp("run", "a.yml", "-n").error
    assert "a.yml:" in says and "the sweep makes 1,000,000,000,000 configs" in says


def test_axes_give_the_product_of_their_values(here: Any) -> None:
    here.write(
        a_yml="""
        entry: train.py:train
        config: {lr: 1, model: {width: 1, depth: 1}}
        sweep:
          lr: [0.1, 0.01]
          model.width: [8, 16]
          flag: [true, null]
          opt: [adam]
        """
    )
    runs = here.show("a.yml")["runs"]
    assert [run["name"] for run in runs][:3] == [
        "a_lr0.1_width8_flagtrue_adam", "a_lr0.1_width8_flagnull_adam", "a_lr0.1_width16_flagtrue_adam",
    ]  # fmt: skip
    assert len(runs) == 8
    assert runs[0]["model"] == {"width": 8, "depth": 1}


def test_named_variations_set_several_keys(here: Any) -> None:
    here.write(
        a_yml="""
        entry: train.py:train
        config: {name: net, model: {width: 1, depth: 1}}
        sweep:
          size:
            small: {model.width: 8}
            large: {model: {width: 64}}
            deep: {"**model": {depth: 9}}
        """
    )
    runs = here.show("a.yml")["runs"]
    assert [run["name"] for run in runs] == ["net_small", "net_large", "net_deep"]
    assert [run["model"] for run in runs] == [{"width": 8, "depth": 1}, {"width": 64}, {"width": 1, "depth": 9}]


def test_a_sweep_may_be_a_list_of_runs(here: Any) -> None:
    here.write(a_yml="entry: a.py:f\nconfig: {x: 0}\nsweep:\n- {name: one, x: 1}\n- {name: two, y: 2}\n")
    assert here.show("a.yml")["runs"] == [{"name": "one", "x": 1}, {"name": "two", "x": 0, "y": 2}]
    for words in (("-c", "config.name=net"), ("-c", "name=net"), ("--name", "net")):
        assert [run["name"] for run in here.show("a.yml", *words)["runs"]] == ["net_one", "net_two"]


def test_a_sweep_may_be_a_list_of_axes_of_all_kinds(here: Any) -> None:
    here.write(
        a_yml="""
        entry: a.py:f
        config: {name: n}
        sweep:
          - x: [1, 2]
          - - {name: a, y: 1}
            - {name: b, y: 2}
        """
    )
    assert [run["name"] for run in here.show("a.yml")["runs"]] == ["n_x1_a", "n_x1_b", "n_x2_a", "n_x2_b"]


def test_references_see_what_the_variation_sets(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOT", "/data")
    here.write(
        a_yml="""
        entry: a.py:f
        experiment: net
        config:
          width: 1
          path: ${ROOT}/{experiment}/{width}
          again: "{path}"
        sweep: {width: [8, 16]}
        """
    )
    assert [run["again"] for run in here.show("a.yml")["runs"]] == ["/data/net/8", "/data/net/16"]


def test_imports_are_merged_section_by_section_each_once(here: Any) -> None:
    here.write(
        base_yml="executor: fork\nconfig: {lr: 1, model: {width: 1, depth: 1}}\n",
        conf__b_yml="imports: ../base.yml\nconfig: {lr: 2}\n",
        conf__c_yml="imports: ../base.yml\nconfig: {seed: 3}\n",
        a_yml="imports: [conf/b.yml, conf/c.yml]\nentry: a.py:f\nconfig:\n  model.width: 8\n",
    )
    shown = here.show("a.yml")
    assert shown["config"] == {"name": "a", "lr": 2, "model": {"width": 8, "depth": 1}, "seed": 3}
    assert shown["executor"] == "fork"


def test_the_config_may_import_plain_config_files(here: Any) -> None:
    here.write(
        conf__model_yml="imports: data.yml\nmodel: {width: 1, depth: 2}\n",
        conf__data_yml="data: mnist\n",
        a_yml="entry: a.py:f\nconfig:\n  imports: conf/model.yml\n  model: {width: 8}\n",
    )
    assert here.show("a.yml")["config"] == {"name": "a", "data": "mnist", "model": {"width": 8, "depth": 2}}
    done = here.run("a.yml", "--show", "--origins")
    assert done.json["origins"]["config.model.depth"] == "conf/model.yml:2"
    assert done.json["origins"]["config.model.width"] == "a.yml:4"


def test_the_entry_belongs_to_the_file_that_names_it(here: Any) -> None:
    here.write(conf__base_yml="entry: code.py:f\n", a_yml="imports: conf/base.yml\nconfig: {}\n")
    assert here.show("a.yml")["entry"] == "conf/code.py:f"
    assert here.show("a.yml", "--file", "x.py")["entry"].endswith("x.py:f")
    assert here.show("a.yml", "--module-name", "pkg.mod")["entry"] == "pkg.mod:f"


def test_overrides_set_the_config_and_the_file_itself(here: Any) -> None:
    here.write(a_yml="entry: a.py:f\nconfig: {lr: 1.0, l: [{n: a}], s: x}\n")
    shown = here.show("a.yml", "--lr", "3", "-c", "l.0.n=b", "--s=7", "-c", "executor=fork", "--config.s", "8")
    assert shown["config"] == {"name": "a", "lr": 3.0, "l": [{"n": "b"}], "s": "8"}
    assert shown["executor"] == "fork"
    assert len(here.show("a.yml", "-c", "sweep.lr=[1, 2]")["runs"]) == 2
    runs = here.show("a.yml", "-c", "sweep.lr=[1, 2]", "-c", "sweep.s=[x, y, z]")["runs"]
    assert [(run["lr"], run["s"]) for run in runs] == [(lr, s) for lr in (1, 2) for s in "xyz"]
    runs = here.show("a.yml", "-c", "sweep.l.0.n=[b, c]", "-c", "sweep.s=[x]")["runs"]
    assert [(run["l"], run["s"]) for run in runs] == [([{"n": "b"}], "x"), ([{"n": "c"}], "x")]
    assert [run["lr"] for run in here.show("a.yml", "-c", "sweep=[{name: b, lr: 4}]")["runs"]] == [4]
    assert here.show("a.yml", "-c", "s=#ff0000")["config"]["s"] == "#ff0000"


def test_a_misspelt_key_inside_a_section_is_named_with_the_nearest(here: Any, sentence: Callable[..., None]) -> None:
    here.write(a_yml="entry: a.py:f\nconfig: {model: {width: 1}}\nsweep: {lr: [1]}\n")
    for words in (("--model.widht", "3"), ("-c", "model.widht=3")):
        sentence("a.yml", *words, "--show", says=('there is no key "config.model.widht" (did you mean "width"?)',))
    sentence("a.yml", "-c", "sweep.lrr=[3]", "--show", says=('no key "sweep.lrr" (did you mean "lr"?)',))
    sentence("a.yml", "--env", "A=B", "1", says=("--env", '"A=B" holds "="'))


def test_sweeping_over_a_new_key_near_another_is_told_and_allowed(here: Any) -> None:
    here.write(
        a_yml="entry: a.py:f\nconfig: {lr: 1, model: {w: 1}}\nsweep:\n  lrr: [1, 2]\n  big: {x: {modle.w: 2, new: 3}}\n"
    )
    done = here.run("a.yml", "--show")
    assert done.json["runs"][0]["lrr"] == 1
    assert 'a.yml:4: "lrr" is new in the configs (did you mean "lr"?)' in done.err
    assert 'a.yml:5: "modle" is new in the configs (did you mean "model"?)' in done.err
    assert done.err.count("is new") == 2


def test_dotted_keys_lead_into_lists_and_to_keys_that_are_numbers(here: Any, sentence: Callable[..., None]) -> None:
    here.write(
        base_yml="config:\n  layers: [{w: 1, d: 1}, {w: 2}]\n  stages: {0: {n: 1}, 1: {n: 2}}\n",
        a_yml="imports: base.yml\nentry: a.py:f\nconfig: {layers.0.w: 5, stages.1.n: 6}\nsweep: {layers.1.w: [7, 8]}\n",
        b_yml="imports: base.yml\nentry: a.py:f\nconfig:\n  layers.2.w: 5\n",
    )
    runs = here.show("a.yml")["runs"]
    assert [run["layers"] for run in runs] == [[{"w": 5, "d": 1}, {"w": w}] for w in (7, 8)]
    assert runs[0]["stages"] == {"0": {"n": 1}, "1": {"n": 6}}
    sentence("b.yml", "--show", says=("b.yml:4", '"layers" has 2 items, so there is no position 2'))


def test_a_config_file_means_the_same_to_load_config_and_to_imports(here: Any, tmp_path: Any) -> None:
    here.write(
        base_yml="model: {width: 1, depth: 2}\nopt: {lr: 1, m: 2}\n",
        plain_yml="imports: base.yml\nmodel: {width: 8}\n'**opt': {lr: 3}\nopt.n: 4\n",
        a_yml="entry: a.py:f\nconfig:\n  imports: plain.yml\n",
        missing_yml="entry: a.py:f\nconfig:\n  imports: [plain.yml, no.yml]\n",
    )
    loaded = load_config("plain.yml")
    assert loaded == {"model": {"width": 8}, "opt": {"lr": 3, "m": 2, "n": 4}}
    assert here.show("a.yml")["config"] == {"name": "a", **loaded}
    assert here.run("a.yml", "--show", "--origins").json["origins"]["config.opt.m"] == "base.yml:2"


def test_files_merged_before_and_after_have_their_say(here: Any) -> None:
    here.write(a_yml="entry: a.py:f\nconfig: {x: a, y: a}\n", b_yml="config: {x: b, z: b}\n", c_yml="config: {y: c}\n")
    assert here.show("a.yml", "--pre-yaml", "b.yml", "--post-yaml", "c.yml", "-c", "z=d")["config"] == {
        "name": "a", "x": "a", "z": "d", "y": "c",
    }  # fmt: skip


def test_new_keys_may_be_refused_or_told(here: Any) -> None:
    here.write(base_yml="config: {learning_rate: 1, m: {w: 1}}\n")
    here.write(a_yml="imports: base.yml\nentry: a.py:f\nnew_keys: raise\nconfig:\n  learning_rat: 2\n")
    assert here.run("a.yml", "--show").error.startswith('a.yml:5: the key "learning_rat" is in none')
    here.write(a_yml="imports: base.yml\nentry: a.py:f\nnew_keys: warn\nconfig:\n  m: {v: 2}\n")
    assert 'a.yml:5: the key "m.v" is in none of the imported files' in here.run("a.yml", "--show").err
    here.write(a_yml="imports: base.yml\nentry: a.py:f\nconfig:\n  m: {v: 2}\n")
    assert here.run("a.yml", "--show").err == ""


CONFIGURED = """
    from pyexp.experiments import configuration

    @configuration
    class Model:
        width: int = 8

    @configuration
    class Train:
        lr: float
        model: Model = Model()

    def train(cfg: Train):
        return cfg.lr * cfg.model.width
"""


def test_a_function_that_says_what_its_config_holds_gets_that(here: Any) -> None:
    here.write(train_py=CONFIGURED, a_yml="entry: train.py:train\nconfig: {lr: 1}\n")
    assert here.show("a.yml")["config"] == {"name": "a", "lr": 1.0, "model": {"width": 8}}
    assert here.show("a.yml", "-c", "model.width=16")["config"]["model"] == {"width": 16}
    assert 'unknown key "model.widt" (did you mean "width"?)' in here.run("a.yml", "-c", "model.widt=1", "--show").error
    assert "lr must be a number, not 'x'" in here.run("a.yml", "-c", "lr=x", "--show").error


# -- what becomes of it -----------------------------------------------------------------------------------------------


@pytest.fixture
def sweep(project: Any) -> Any:
    project.write("train.py", TRAIN)
    project.write(
        "sweep.yml",
        """
        entry: train.py:train
        executor: fork
        title: A sweep
        subtitle: of two axes
        description: Many words.
        paper: doi:10/x
        config: {name: net, lr: 0.1}
        sweep: {lr: [0.1, 0.2], width: [2, 3]}
        """,
    )
    return project


def test_a_sweep_becomes_runs_that_are_executed_once(sweep: Any) -> None:
    done = sweep.pyexp("run", "sweep.yml")
    for said in ("A sweep", "of two axes", "Many words.", "doi:10/x"):
        assert f"train: {said}\n" in done.stderr
    assert sweep.executed() == ["net_lr0.1_width2", "net_lr0.1_width3", "net_lr0.2_width2", "net_lr0.2_width3"]
    assert "all up to date" in sweep.pyexp("run", "sweep.yml").stderr
    assert sweep.executed() == []
    sweep.pyexp("run", "sweep.yml", "-c", "sweep.lr=[0.1, 0.3]", "-j", "2", "--executor", "subprocess")
    assert sorted(sweep.executed()) == ["net_lr0.3_width2", "net_lr0.3_width3"]
    sweep.pyexp("run", "sweep.yml", "--rerun", "--filter", "lr0.2_width2")
    assert sweep.executed() == ["net_lr0.2_width2"]
    assert "net_lr0.2_width2" in sweep.pyexp("results").stdout
    assert '"A sweep"' in sweep.pyexp("list", "--batches").stdout


def test_a_dry_run_gives_reasons_and_leaves_no_file(sweep: Any) -> None:
    before = {path.name for path in sweep.folder.rglob("*")}
    done = sweep.pyexp("run", "sweep.yml", "-n", status=3)
    assert "4 of 4 runs would be executed" in done.stdout
    assert done.stdout == sweep.pyexp("run", "sweep.yml", "--run-mode", "Dry-Run", status=3).stdout
    assert {path.name for path in sweep.folder.rglob("*")} == before
    sweep.pyexp("run", "sweep.yml")
    assert "lr 0.1 -> 5" in sweep.pyexp("run", "sweep.yml", "-n", "-c", "sweep={width: [2]}", "--lr", "5",
                                         "-c", "name=net_lr0.1", status=3).stdout  # fmt: skip


def test_changed_code_is_told_with_commands_that_do_something_about_it(sweep: Any) -> None:
    sweep.pyexp("run", "sweep.yml")
    sweep.edit("train.py", "training", "now training")
    said = sweep.pyexp("run", "sweep.yml", "-n", "--filter", "width2", status=None).stderr
    assert "`pyexp run sweep.yml --filter width2 --code rerun` executes" in said


def test_other_commands_take_run_files_too(sweep: Any) -> None:
    assert "4 runs: 4 missing" in sweep.pyexp("list", "sweep.yml").stdout
    assert (
        "1 of 1 runs would be executed" in sweep.pyexp("build", "sweep.yml", "net_lr0.1_width2", "-n", status=3).stdout
    )
    assert not sweep.out.exists()
    sweep.pyexp("build", "sweep.yml")
    assert len(sweep.executed()) == 4
    assert "all up to date" in sweep.pyexp("run", "sweep.yml").stderr
    assert "net_lr0.2_width3" in sweep.pyexp("graph", "sweep.yml").stdout
    assert '"A sweep"' in sweep.pyexp("list", "--batches", "sweep.yml").stdout
    sweep.edit("train.py", "training", "now training")
    assert "4 runs" in sweep.pyexp("accept", "sweep.yml").stdout
    sweep.edit("sweep.yml", "[0.1, 0.2]", "[0.1]")
    assert "net_lr0.2_width2" in sweep.pyexp("list", "--all", "sweep.yml").stdout
    sweep.pyexp("clean", "--orphans", "--yes", "sweep.yml")
    assert sorted(path.name for path in (sweep.out / "train").iterdir() if path.name.startswith("net")) == [
        "net_lr0.1_width2", "net_lr0.1_width3",
    ]  # fmt: skip


def test_files_of_a_project_may_be_run_files(sweep: Any) -> None:
    sweep.write("pyproject.toml", '[tool.pyexp]\nexperiments = ["sweep.yml"]\n')
    assert "4 runs: 4 missing" in sweep.pyexp("list").stdout


def test_upstreams_of_other_run_files_count_for_other_commands(sweep: Any) -> None:
    sweep.write(
        "after.yml",
        """
        entry: train.py:train
        experiment: after
        upstreams: sweep.yml
        config: {lr: 1, width: 1, depends_on: "train:net_lr0.1_width2"}
        """,
    )
    assert "after <- train:net_lr0.1_width2" in sweep.pyexp("graph", "after.yml").stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("__run__: {__main__: train:train, __output_dir__: out, __name__: x}\n", "a new run each time it is launched"),
        ("id: x\nfile: train\n", "pyexp run a.yml -n lists them"),
    ],
)
def test_files_that_tell_their_runs_only_when_launched_are_refused_elsewhere(
    sweep: Any, one_sentence: Any, text: str, says: str
) -> None:
    sweep.write("a.yml", text)
    for command in ("list", "build", "graph", "accept"):
        one_sentence(sweep.pyexp(command, "a.yml", status=2), says)


def test_what_fails_is_named_with_the_command_that_builds_it_again(sweep: Any) -> None:
    done = sweep.pyexp("run", "sweep.yml", "-c", "sweep={fails: [true, false]}", status=1)
    assert "as it was told" in done.stderr
    line = next(line for line in done.stderr.splitlines() if line.startswith("To build just it again: "))
    assert line.endswith("--filter '^(train:net_failstrue)$'")
    sweep.executed()
    command = line.partition("pyexp run ")[2]
    import shlex

    sweep.pyexp("run", *shlex.split(command), status=1)
    assert sweep.executed() == ["net_failstrue"]


def test_an_output_is_live_and_kept(sweep: Any) -> None:
    done = sweep.pyexp("run", "sweep.yml", "-s", "--filter", "lr0.1_width2")
    assert "training net_lr0.1_width2" in done.stdout
    assert sweep.pyexp("log", "net_lr0.1_width2").stdout == "training net_lr0.1_width2\n"


def test_generate_only_writes_the_batch_down_and_continue_executes_it(sweep: Any) -> None:
    done = sweep.pyexp("run", "sweep.yml", "--run-mode", "generate_only")
    assert "4 runs written down in out/train/.batches/" in done.stderr
    assert sweep.executed() == []
    sweep.edit("sweep.yml", "[0.1, 0.2]", "[0.7]")
    sweep.pyexp("run", "sweep.yml", "--continue")
    assert len(sweep.executed()) == 4


def test_prepare_executes_only_what_other_runs_depend_on(sweep: Any) -> None:
    sweep.write(
        "chain.yml",
        """
        entry: train.py:train
        executor: fork
        config: {name: "", lr: 1}
        sweep:
          - {name: data}
          - {name: fit, depends_on: ^data$}
          - {name: alone}
        """,
    )
    sweep.pyexp("run", "chain.yml", "--run-mode", "prepare")
    assert sweep.executed() == ["data"]
    sweep.pyexp("run", "chain.yml")
    assert sweep.executed() == ["fit", "alone"]


def test_runs_of_another_run_file_can_be_upstreams(sweep: Any) -> None:
    sweep.write("prepare.yml", "entry: train.py:train\nexecutor: fork\nexperiment: prepare\nconfig: {lr: 1}\n")
    sweep.write(
        "fit.yml",
        """
        entry: fit.py:fit
        executor: fork
        upstreams: prepare.yml
        depends_on: prepare:prepare
        config: {x: 1}
        """,
    )
    sweep.write("fit.py", "def fit(cfg, out, deps):\n    print(deps[0]['loss'])\n    return deps[0]['loss'] + cfg.x\n")
    sweep.pyexp("run", "fit.yml")
    assert sweep.executed() == ["prepare"]
    assert sweep.pyexp("log", "fit:fit").stdout == "1\n"


def test_debug_goes_below_debug_and_executes_here(sweep: Any) -> None:
    sweep.pyexp("run", "sweep.yml", "--debug")
    assert sorted(path.name for path in sweep.out.iterdir()) == ["DEBUG"]
    status = next((sweep.out / "DEBUG").glob("train/*/*/status.json"))
    assert json.loads(status.read_text())["executor"] == "inline"


def test_workdir_wins_over_the_file(sweep: Any) -> None:
    sweep.pyexp("run", "sweep.yml", "--workdir", "elsewhere", "-c", "output_dir=there", "--filter", "lr0.1_width2")
    assert (sweep.folder / "elsewhere/train").is_dir()
    assert not (sweep.folder / "there").exists()


def test_an_environment_is_added_to_and_nothing_taken_away(sweep: Any) -> None:
    sweep.write("env.py", "import os\ndef f(cfg):\n    print(os.environ['A'], os.environ['B'], 'PATH' in os.environ)\n")
    sweep.write("env.yml", "entry: env.py:f\nenv: {B: 2}\nconfig: {a: $A, b: '${B}'}\n")
    shown = json.loads(sweep.pyexp("run", "env.yml", "--show", "--env", "A", "1").stdout)
    assert shown["config"] == {"name": "env", "a": 1, "b": 2}
    sweep.pyexp("run", "env.yml", "--env", "A", "1")
    assert sweep.pyexp("log", "f:env").stdout == "1 2 True\n"
    (config,) = sweep.out.glob("f/env/*/config.json")
    assert json.loads(config.read_text()) == {"name": "env", "a": 1, "b": 2}
    sweep.pyexp("run", "env.yml", "--env", "A", "1", "--env", "B", "9")
    assert sweep.pyexp("log", "f:env").stdout == "1 9 True\n"


def test_a_decorated_function_keeps_its_options_and_its_cache(sweep: Any) -> None:
    sweep.write(
        "exp.py",
        """
        import pyexp
        from tally import mark

        @pyexp.experiment(name="mine", executor="fork", retry=0)
        def train(cfg):
            mark(cfg)

        @train.configs
        def configs():
            return [{"name": "one", "x": 1}]

        if __name__ == "__main__":
            train.run()
        """,
    )
    sweep.write("mine.yml", "entry: exp.py\nconfig: {name: one, x: 1}\n")
    sweep.pyexp("run", "mine.yml")
    sweep.python("exp.py")
    assert sweep.executed() == ["one"]
    assert (sweep.out / "mine/one").is_dir()


def test_a_module_is_found_from_where_the_file_stands(sweep: Any) -> None:
    sweep.write("pkg/sub/__init__.py", "")
    sweep.write("pkg/__init__.py", "")
    sweep.write("pkg/sub/train.py", "from pkg import sub\ndef f(cfg):\n    print('here')\n")
    sweep.write("pkg/sub/a.yml", "entry: pkg.sub.train:f\nconfig: {}\n")
    elsewhere = sweep.folder / "elsewhere"
    elsewhere.mkdir()
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "pyexp", "run", "../pkg/sub/a.yml"], cwd=elsewhere, env=sweep.environment,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (sweep.folder / "pkg/sub/out/f/a").is_dir()


def test_a_time_can_be_added_to_the_name(sweep: Any) -> None:
    sweep.pyexp("run", "sweep.yml", "-c", "add_timestamp=true", "--filter", "lr0.1_width2")
    (folder,) = (path.name for path in sweep.out.iterdir() if not path.name.startswith("."))
    assert len(folder) == len("train-20260101-1200")


def test_uncommitted_changes_can_be_forbidden_before_anything_is_written(sweep: Any, one_sentence: Any) -> None:
    import subprocess

    subprocess.run(["git", "init"], cwd=sweep.folder, check=True, capture_output=True)
    sweep.edit("sweep.yml", "executor: fork\n", "executor: fork\ndirty_git: error\n")
    one_sentence(sweep.pyexp("run", "sweep.yml", status=2), "uncommitted")
    one_sentence(sweep.pyexp("run", "sweep.yml", "-n", status=2), "uncommitted")
    assert not sweep.out.exists()
    sweep.pyexp("run", "sweep.yml", "-c", "dirty_git=ignore")


def test_resources_reach_the_options(here: Any) -> None:
    here.write(a_yml="entry: a.py:f\nconfig: {}\nresources: {num_cpus: 2}\n")
    assert here.show("a.yml")["resources"] == {"num_cpus": 2}


def test_json_tells_what_was_done(sweep: Any) -> None:
    done = json.loads(sweep.pyexp("run", "sweep.yml", "--json").stdout)
    assert done["counts"]["executed"] == 4


# -- bad input --------------------------------------------------------------------------------------------------------

BAD: list[tuple[str, tuple[str, ...]]] = [
    ("lr: 1\n", ("a.yml:1", 'unknown key "lr"', '"config"')),
    ("entry: train.py:train\nexecuter: fork\n", ("a.yml:2", 'unknown key "executer" (did you mean "executor"?)')),
    ("config: {}\n", ("a.yml", "entry: file.py:function")),
    ("entry: train\n", ("a.yml:1", "file.py:function")),
    ("entry: [a]\n", ("a.yml:1", "entry must be text, not a list")),
    ("entry: nope.py:train\n", ("a.yml:1", "no file")),
    ("entry: train.py:trian\n", ("a.yml:1", 'defines no "trian"', 'did you mean "train"')),
    ("entry: no.such.module:f\n", ("a.yml:1", 'no module "no.such.module"')),
    ("entry: train.py:train\nconfig: 3\n", ("a.yml:2", "config must hold keys and values")),
    ("entry: train.py:train\nexecutor: frok\n", ("a.yml:2", 'did you mean "fork"')),
    ("entry: train.py:train\nretry: many\n", ("a.yml:2", "retry must be a whole number")),
    ("entry: train.py:train\nconfig:\n  p: $NO_SUCH_VARIABLE\n", ("a.yml:3", "NO_SUCH_VARIABLE")),
    ("entry: train.py:train\nconfig:\n  seed: 1\n  p: x{sede}\n", ("a.yml:4", 'did you mean "seed"')),
    ("entry: train.py:train\nsweep: 3\n", ("a.yml:2", "axes")),
    ("entry: train.py:train\nsweep: {lr: 3}\n", ("a.yml:2", '"lr" in sweep')),
    ("entry: train.py:train\nsweep: {s: {a: 3}}\n", ("a.yml:2", 'variation "a"')),
    ("entry: train.py:train\nsweep: [3]\n", ("a.yml:2", "name each")),
    ("entry: train.py:train\nsweep: {a..b: [3]}\n", ("a.yml:2", "empty part")),
    ("entry: train.py:train\nsweep: {lr: [1, 1]}\n", ("a.yml", "called")),
    ("entry: train.py:train\nexperiment: ../../x\n", ("a.yml:2", 'goes up with ".."')),
    ("entry: train.py:train\nconfig: {a.b: 1, a: {b: 2}}\n", ("a.yml:2", "twice")),
    ("entry: train.py:train\nnew_keys: maybe\n", ("a.yml:2", "raise, warn, pass")),
    ("entry: train.py:train\njobs: many\n", ("a.yml:2", "jobs must be a number")),
    ("entry: train.py:train\nenv: [A]\n", ("a.yml:2", "env must hold")),
    ("entry: train.py:train\nenv: {A: 1, 'B=C': 1}\n", ("a.yml:2", '"B=C" holds "="')),
    ('entry: train.py:train\nenv: {A: "a\\0b"}\n', ("a.yml:2", "a NUL character")),
    ("entry: train.py:train\nupstreams: no.yml\n", ("a.yml:2", 'no run file "no.yml"')),
    ("entry: train.py:train\ndepends_on: nothing\n", ("depends_on",)),
    ("entry: train.py:number\n", ("a.yml:1", "no function")),
    ("entry: train.py\n", ("a.yml:1", "no experiment")),
    ("entry: broken.py:f\n", ("broken.py:1",)),
    ("entry: raises.py:f\n", ("raises.py:1", "ZeroDivisionError")),
    ("entry: needs.py:f\n", ("needs.py:1", "no_such_package")),
    ("entry: train.py:train\npythonpath: nowhere\n", ("a.yml:2", 'no folder "nowhere"')),
    ("entry: train.py:train\npre_experiment: no.py\n", ("a.yml:2", '"no.py"')),
    ("entry: train.py:train\npre_experiment: no_such\n", ("a.yml:2", "neither")),
    ("entry: train.py:train\npre_experiment: raises.py\n", ("raises.py:1", "ZeroDivisionError")),
    ("entry: train.py:train\ndirty_git: maybe\n", ("dirty_git",)),
    ("entry: train.py:train\nimports: [x.yml]\n", ("a.yml:2", "x.yml")),
    ("entry: train.py:four\n", ("train.py", "4 positional parameters")),
]


@pytest.mark.parametrize(("text", "says"), BAD, ids=[text.replace("\n", "; ") for text, _ in BAD])
def test_every_mistake_is_one_sentence_with_its_place(
    here: Any, sentence: Callable[..., None], text: str, says: tuple[str, ...]
) -> None:
    here.write(
        train_py="number = 3\ndef train(cfg):\n    pass\ndef four(a, b, c, d):\n    pass\n", broken_py="def f(:\n",
        raises_py="f = 1 / 0\n", needs_py="import no_such_package\ndef f(cfg): pass\n", a_yml=text,
    )  # fmt: skip
    before = here.files()
    sentence("a.yml", "-n", says=says)
    assert here.files() == before


def test_an_override_of_what_the_sweep_varies_is_refused(here: Any, sentence: Callable[..., None]) -> None:
    here.write(a_yml="entry: a.py:f\nconfig: {m: {w: 1}}\nsweep: {m.w: [1, 2]}\n")
    sentence("a.yml", "--m.w", "3", "--show", says=("command line", "a.yml:3", "sweep.m.w=[...]", "--filter"))
    here.write(b_yml="entry: a.py:f\nconfig: {m: [{w: 1}]}\nsweep: {m.0.w: [1, 2]}\n")
    sentence("b.yml", "--m.0.w", "3", "--show", says=("command line", "b.yml:3", "sweep.m.0.w=[...]"))
