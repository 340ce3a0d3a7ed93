"""Files of the user's that have the names of the engine's libraries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dodo_pyexp import libraries

pytestmark = pytest.mark.fresh  # what an interpreter imports, or does at its ends, is what is shown

NAMES = ["cloudpickle", "doit", "git", "rich", "smmap", "tabulate", "yaml"]
SCRIPT = """
import git
import pyexp
import cloudpickle, doit, rich, yaml

@pyexp.experiment
def train(cfg):
    import tabulate
    assert cfg.a == pyexp.load_config("c.yml").a
    assert lambda_of_mine(3) == 3
    return [module.__name__ + module.OWN for module in (cloudpickle, doit, git, rich, tabulate, yaml)]

lambda_of_mine = lambda x: x

@train.configs
def configs():
    import yaml
    return [{"name": yaml.OWN, **pyexp.load_config("c.yml")}]

if __name__ == "__main__":
    print(train.run()["own"].result)
"""


@pytest.fixture
def shadowed(project: Any) -> Any:
    for name in NAMES:
        project.write(f"{name}.py", "OWN = 'own'\n")
    project.write("git.py", "raise RuntimeError('the package has precedence')")
    project.write("git/__init__.py", "from .exc import OWN\n")
    project.write("git/exc.py", "OWN = 'own'\n")
    project.write("c.yml", "a: 1\n")
    project.write("exp.py", SCRIPT)
    project.python("-c", "import subprocess; subprocess.run(['git', 'init', '-q'])")
    return project


@pytest.mark.parametrize("executor", ["subprocess", "fork", "inline"])
@pytest.mark.parametrize("door", [["exp.py"], ["-m", "pyexp", "build", "exp.py"]], ids=["script", "build"])
def test_the_engine_and_the_user_each_get_their_own(shadowed: Any, executor: str, door: list[str]) -> None:
    shadowed.python(*door, "--executor", executor)
    [attempt] = [path for path in (shadowed.folder / "out/train").glob("own*/2*") if path.is_dir()]
    own = ["cloudpickleown", "doitown", "gitown", "richown", "tabulateown", "yamlown"]
    assert json.loads((attempt / "result.json").read_text()) == own
    assert (attempt / ".commit").read_text().strip()


def test_plain_doit_is_not_hidden_either(shadowed: Any) -> None:
    shadowed.python("-m", "doit", "-f", "exp.py", env={"PYTHONSAFEPATH": "1"})
    assert "train:own" in shadowed.pyexp("list", "exp.py").stdout
    assert "own" in shadowed.pyexp("results").stdout


def test_a_library_in_a_folder_whose_name_begins_as_the_file_is_the_library() -> None:
    watch = libraries._Watch.__new__(libraries._Watch)
    watch._folders = {"ray": ["/home/ada/project"]}
    theirs = ["/home/ada/project/ray.py", "/home/ada/project/ray/__init__.py"]
    engines = ["/home/ada/project/ray-env/lib/site-packages/ray/__init__.py", None]
    assert [watch._is_theirs("ray", file) for file in [*theirs, *engines]] == [True, True, False, False]


THREADS = """
import builtins, sys, threading, time
from dodo_pyexp.libraries import keep_apart
sys.path.insert(0, "mine")
keep_apart()
sys.path.append("elsewhere")
begun, seen = [], []

def engine():
    exec("import slow", {"__name__": "dodo_pyexp.something"})
    seen.append(sys.modules["slow"].yaml.OWN if hasattr(sys.modules["slow"].yaml, "OWN") else "library")

thread = threading.Thread(target=engine)
thread.start()
while "slow" not in sys.modules:
    time.sleep(0.001)
import yaml
seen.append(yaml.OWN)
thread.join()
import yaml
print(*seen, yaml.OWN, "yaml" in sys.modules)
"""


def test_two_threads_that_import_at_once_each_get_their_own(project: Any) -> None:
    project.write("mine/yaml.py", "OWN = 'own'\n")
    project.write("elsewhere/slow.py", "import time; time.sleep(0.3)\nfrom dodo_pyexp.config import yaml\n")
    project.write("threads.py", THREADS)
    assert sorted(project.python("threads.py").stdout.split()) == ["True", "library", "own", "own"]
