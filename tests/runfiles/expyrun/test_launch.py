"""Launches of Expyrun's dialect: their folders, what is in them, and doing the same again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.runfiles.expyrun.launch import claim, free_name

MAIN = """
    import json
    import os
    import subprocess
    import sys

    from lab.helper import WHO

    def main(name, config):
        print("who:", WHO)
        print("line on stderr", file=sys.stderr)
        subprocess.run(["echo", "from a child"], check=True)
        os.write(1, b"from below\\n")
        seen = {"name": name, "config": config, "type": type(config).__name__, "cwd": os.getcwd(), "from": __file__}
        seen["variables"] = [os.environ["EXPYRUN_CWD"], os.environ["PYEXP_CWD"]]
        with open("seen.json", "w") as file:
            json.dump(seen, file)
        if config.get("fails"):
            raise ValueError("as it was told")
"""

FILE = """
    __run__:
      __main__: lab.main:main
      __output_dir__: {out}
      __name__: n/{{seed}}
    seed: 1
    plain: "!P$HOME/{{seed}}"
    lr: 1e-4
    some: [{{name: a, ref: "{{seed}}"}}]
"""


@pytest.fixture
def lab(project: Any) -> Any:
    """A package with a data file, and a run file."""
    project.out = project.folder.parent / "output"
    project.write("lab/__init__.py", "")
    project.write("lab/main.py", MAIN)
    project.write("lab/helper.py", "WHO = 'first'\n")
    project.write("lab/table.json", "{}\n")
    project.write("run.yml", FILE.format(out=project.out))
    return project


def seen(folder: Path) -> Any:
    return json.loads((folder / "seen.json").read_text())


def test_a_launch_has_a_folder_of_its_own_with_everything_in_it(lab: Any) -> None:
    done = lab.pyexp("run", "run.yml")
    folder = lab.out / "n/1/exp.0"
    told = seen(folder)
    assert told["name"] == "n/1"
    assert told["config"] == {"seed": 1, "plain": "$HOME/{seed}", "lr": 1e-4, "some": [{"name": "a", "ref": 1}]}
    assert told["type"] == "dict"
    assert told["cwd"] == str(folder)
    assert told["from"] == str(folder / "lab/main.py")
    assert told["variables"] == [str(lab.folder), str(lab.folder)]
    assert (folder / "lab/table.json").is_file()
    assert "cloudpickle==" in (folder / "frozen_requirements.txt").read_text()
    assert (folder / "original_configs/run.yml").read_text() == (lab.folder / "run.yml").read_text()
    log = ["who: first", "line on stderr", "from a child", "from below"]
    assert (folder / "outputs.log").read_text().splitlines() == log
    assert [line for line in done.stdout.splitlines() if line in log] == log  # shown as well as kept
    assert json.loads((folder / "status.json").read_text())["state"] == "finished"
    assert json.loads((folder / ".finished").read_text())["attempt"] == "."


def test_the_next_launch_has_the_next_number_and_a_gap_is_filled(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    lab.pyexp("run", "run.yml")
    assert sorted(path.name for path in (lab.out / "n/1").glob("exp.*")) == ["exp.0", "exp.1"]
    import shutil

    shutil.rmtree(lab.out / "n/1/exp.0")
    assert "exp.0" in lab.pyexp("run", "run.yml").stderr


def test_debug_goes_below_debug_and_executes_the_code_where_it_is(lab: Any) -> None:
    lab.pyexp("run", "run.yml", "--debug")
    folder = lab.out / "DEBUG/n/1/exp.0"
    assert seen(folder)["from"] == str(lab.folder / "lab/main.py")
    assert seen(folder)["cwd"] == str(folder)
    assert not (folder / "lab").exists()
    assert not (folder / "frozen_requirements.txt").exists()
    assert "__code__" not in (folder / "config.yml").read_text()
    assert {"config.yml", "raw_config.yml", "outputs.log"} <= {path.name for path in folder.iterdir()}


def test_a_failure_is_recorded_with_its_folder(lab: Any) -> None:
    lab.write("fails.yml", FILE.format(out=lab.out) + "    fails: true\n")
    done = lab.pyexp("run", "fails.yml", status=1)
    folder = lab.out / "n/1/exp.0"
    assert "ValueError: as it was told" in (folder / "outputs.log").read_text()
    assert json.loads((folder / "status.json").read_text())["state"] == "failed"
    assert not (folder / ".finished").exists()
    assert f"pyexp run {folder}/config.yml\n" in done.stderr
    done = lab.pyexp("run", "fails.yml", "--debug", status=1)
    assert f"pyexp run {lab.out}/DEBUG/n/1/exp.0/config.yml --debug\n" in done.stderr


def test_the_same_again_is_exact_and_executes_the_code_as_it_was(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    lab.write("lab/helper.py", "WHO = 'second'\n")
    lab.pyexp("run", f"{lab.out}/n/1/exp.0/config.yml")
    again = lab.out / "n/1/exp.1"
    assert seen(again)["config"] == seen(lab.out / "n/1/exp.0")["config"]
    assert "who: first" in (again / "outputs.log").read_text()
    lab.pyexp("run", f"{again}/config.yml")
    assert seen(lab.out / "n/1/exp.2")["config"] == seen(again)["config"]


def test_the_raw_config_derives_everything_again(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    lab.write("lab/helper.py", "WHO = 'second'\n")
    lab.pyexp("run", f"{lab.out}/n/1/exp.0/raw_config.yml", "--seed", "111")
    folder = lab.out / "n/111/exp.0"
    assert seen(folder)["config"]["some"] == [{"name": "a", "ref": 111}]
    assert seen(folder)["config"]["plain"] == "$HOME/{seed}"
    assert "who: first" in (folder / "outputs.log").read_text()


def test_a_folder_may_be_called_like_a_variable_or_a_reference(lab: Any) -> None:
    odd = lab.folder / "my $HOME {seed}"
    lab.write("my $HOME {seed}/tool.py", "def main(name, config):\n    print(config)\n")
    lab.write("odd.yml", FILE.format(out="here").replace("lab.main:main", "tool:main"))
    lab.folder = odd
    lab.pyexp("run", "../odd.yml")
    lab.pyexp("run", "here/n/1/exp.0/config.yml")
    lab.pyexp("run", "here/n/1/exp.0/raw_config.yml", "--seed", "7")
    assert {path.parent.name for path in odd.glob("here/n/*/exp.*")} == {"1", "7"}
    assert len(list(odd.glob("here/n/*/exp.*/.finished"))) == 3


def test_a_dry_run_leaves_nothing_behind_and_prepare_has_nothing_to_do(lab: Any) -> None:
    before = set(lab.folder.rglob("*"))
    done = lab.pyexp("run", "run.yml", "-n", status=3)
    assert done.stdout == "n/1:exp.0  never run\n1 of 1 runs would be executed\n"
    assert f"{lab.out}/n/1/exp.0" in done.stderr
    told = json.loads(lab.pyexp("run", "run.yml", "-n", "--json", status=3).stdout)
    assert [run["run"] for run in told["runs"]] == ["n/1:exp.0"]
    assert "nothing to prepare" in lab.pyexp("run", "run.yml", "--run-mode", "prepare").stderr
    assert not lab.out.exists()
    assert set(lab.folder.rglob("*")) == before


def test_generate_only_lays_the_folder_out_and_executes_nothing(lab: Any) -> None:
    lab.pyexp("run", "run.yml", "--run-mode", "generate-only")
    folder = lab.out / "n/1/exp.0"
    assert {"config.yml", "raw_config.yml", "frozen_requirements.txt", "lab"} <= {
        path.name for path in folder.iterdir()
    }
    assert not (folder / "seen.json").exists()
    lab.pyexp("run", f"{folder}/config.yml")
    assert seen(lab.out / "n/1/exp.1")["name"] == "n/1"


def test_a_single_module_is_copied_with_those_that_it_imports(lab: Any) -> None:
    lab.write("single.py", "import other\ndef main(name, config):\n    print(other.__file__)\n")
    lab.write("other.py", "import lab.helper\n")
    lab.write("unused.py", "")
    lab.write("one.yml", FILE.format(out=lab.out).replace("lab.main", "single"))
    lab.pyexp("run", "one.yml")
    folder = lab.out / "n/1/exp.0"
    assert {"single.py", "other.py", "lab"} <= {path.name for path in folder.iterdir()}
    assert not (folder / "unused.py").exists()
    assert str(folder / "other.py") in (folder / "outputs.log").read_text()


def test_the_code_may_lie_elsewhere(lab: Any) -> None:
    lab.write("far/away/tool.py", "def main(name, config):\n    print('tool')\n")
    text = FILE.format(out=lab.out).replace("lab.main:main", "tool:main\n      __code__: far/away")
    lab.write("far.yml", text)
    lab.pyexp("run", "far.yml")
    assert (lab.out / "n/1/exp.0/tool.py").is_file()


def test_an_output_folder_inside_the_package_is_not_copied_into_itself(lab: Any) -> None:
    lab.write("inside.yml", FILE.format(out="lab/out"))
    lab.pyexp("run", "inside.yml")
    lab.pyexp("run", "inside.yml")
    folder = lab.folder / "lab/out/n/1/exp.1"
    assert seen(folder)["name"] == "n/1"
    assert not (folder / "lab/out").exists()


def test_a_function_that_is_not_there_leaves_no_folder(lab: Any, one_sentence: Any) -> None:
    lab.edit("run.yml", "lab.main:main", "lab.main:nope")
    one_sentence(lab.pyexp("run", "run.yml", status=2), 'defines no "nope"')
    assert not lab.out.exists()


def test_keys_that_mean_something_to_the_engine_mean_nothing_here(lab: Any) -> None:
    text = "    name: mine\n    out: there\n    depends_on: nothing\n    previous: 1\n    1: x\n"
    text += "    resources: {num_gpus: 99}\n"
    lab.write("run.yml", FILE.format(out=lab.out) + text)
    lab.pyexp("run", "run.yml")
    config = seen(lab.out / "n/1/exp.0")["config"]
    assert config["name"] == "mine"
    assert config["out"] == "there"
    assert config["resources"] == {"num_gpus": 99}
    assert config["1"] == "x"


def test_pyexp_reads_the_runs_like_any_others(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    lab.pyexp("run", "run.yml", "--lr", "1")
    out = ("--output-dir", str(lab.out))
    lab.write("lab/main.py", "def main(name, config):\n    return {'loss': config['lr'] * 2}\n")
    lab.pyexp("run", "run.yml", "--lr", "4")
    table = lab.pyexp("results", *out).stdout.splitlines()
    assert [line.split() for line in table[2:]] == [["exp.0", "0.0001"], ["exp.1", "1.0"], ["exp.2", "4.0", "8"]]
    shutil.rmtree(lab.out / "n/1/exp.1")
    assert "exp.1" not in lab.pyexp("results", "n/1", *out).stdout
    lab.pyexp("run", "run.yml", "--lr", "7")
    assert ["exp.1", "7.0", "14"] in [line.split() for line in lab.pyexp("results", *out).stdout.splitlines()]
    assert "who: first" in lab.pyexp("log", "n/1:exp.0", *out).stdout
    assert len(lab.pyexp("list", "--batches", *out, "n/1").stdout.splitlines()) == 4
    assert "lr" in lab.pyexp("diff", "n/1:exp.0", "n/1:exp.1", *out, status=None).stdout


def test_workdir_is_in_place_of_the_output_folder(lab: Any) -> None:
    lab.pyexp("run", "run.yml", "--workdir", "there")
    assert (lab.folder / "there/n/1/exp.0/seen.json").is_file()
    assert not lab.out.exists()


def test_uncommitted_changes_can_be_forbidden(lab: Any, one_sentence: Any) -> None:
    subprocess.run(["git", "init"], cwd=lab.folder, check=True, capture_output=True)
    one_sentence(lab.pyexp("run", "--dirty-git", "error", "run.yml", status=2), "uncommitted")
    assert not lab.out.exists()
    assert "uncommitted change" not in lab.pyexp("run", "run.yml").stderr


@pytest.mark.slow
@pytest.mark.parametrize("count", [8, pytest.param(60, marks=pytest.mark.soak)])
def test_launches_at_the_same_time_each_have_a_folder(lab: Any, count: int) -> None:
    command = [sys.executable, "-m", "pyexp", "run", "run.yml"]
    said = [lab.folder.parent / f"stderr{number}" for number in range(count)]
    running = []
    for path in said:  # into files, as nobody reads sixty pipes at once
        with path.open("wb") as stderr:
            running.append(
                subprocess.Popen(command, cwd=lab.folder, env=lab.environment, stdout=subprocess.DEVNULL, stderr=stderr)
            )
    ended = [process.wait(timeout=400) for process in running]
    assert ended == [0] * count, [path.read_text() for path, code in zip(said, ended, strict=True) if code]
    folders = sorted((lab.out / "n/1").glob("exp.*"))
    assert {path.name for path in folders} == {f"exp.{number}" for number in range(count)}
    for path in folders:
        assert (path / ".finished").is_file()
        assert seen(path)["cwd"] == str(path)
        assert (path / "outputs.log").read_text().count("who: first") == 1
    assert len(list((lab.out / "n/1/.batches").iterdir())) == count
    table = lab.pyexp("results", "n/1", "--output-dir", str(lab.out)).stdout
    assert sum(line.startswith("exp.") for line in table.splitlines()) == count


def test_of_sixty_who_ask_at_once_each_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = str(tmp_path / "deep/name")
    with ThreadPoolExecutor(60) as pool:
        names = list(pool.map(lambda _: claim(folder), range(60)))
    assert sorted(names) == sorted(f"exp.{number}" for number in range(60))
    assert free_name(folder) == "exp.60"


def test_processes_do_not_take_each_others_folders(tmp_path: Path) -> None:
    code = (
        "import sys; from dodo_pyexp.runfiles.expyrun.launch import claim; "
        "print(*(claim(sys.argv[1]) for _ in range(15)))"
    )
    root = Path(__file__).resolve().parents[3]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(root)},
        )
        for _ in range(4)
    ]  # fmt: skip
    names = [name for process in running for name in process.communicate(timeout=60)[0].split()]
    assert sorted(names) == sorted(f"exp.{number}" for number in range(60))


def test_the_entry_point_may_be_a_file(lab: Any) -> None:
    lab.write("scripts/tool.py", "import near\ndef main(name, config):\n    print(near.__file__)\n")
    lab.write("scripts/near.py", "")
    lab.write("file.yml", FILE.format(out=lab.out).replace("lab.main:main", "scripts/tool.py:main"))
    lab.pyexp("run", "file.yml")
    lab.pyexp("run", f"{lab.out}/n/1/exp.0/config.yml")
    for number in range(2):
        folder = lab.out / f"n/1/exp.{number}"
        assert (folder / "outputs.log").read_text() == f"{folder}/scripts/near.py\n"


def test_a_secret_from_a_variable_is_written_nowhere_and_comes_back(lab: Any) -> None:
    text = "    login: {api_token: $MY_TOKEN, user: $MY_USER}\n    url: https://$MY_USER:$MY_TOKEN@host/x\n"
    lab.write("secret.yml", FILE.format(out=lab.out) + text)
    lab.write("lab/main.py", "def main(name, config):\n    return hash(repr(config)) and len(repr(config))\n")
    variables = {"MY_TOKEN": "s3cr3t-and-long-9876", "MY_USER": "ann"}
    for file in ("secret.yml", f"{lab.out}/n/1/exp.0/config.yml"):
        lab.python("-m", "pyexp", "run", file, env=variables)
    for path in lab.out.rglob("*"):
        assert path.is_dir() or b"s3cr3t" not in path.read_bytes(), path
    sizes = [json.loads((lab.out / f"n/1/exp.{number}/result.json").read_text()) for number in range(2)]
    assert sizes[0] == sizes[1]
    assert "user: ann" in (lab.out / "n/1/exp.0/config.yml").read_text()
