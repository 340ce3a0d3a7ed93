"""Secrets of configs never reach the disk, and a build goes on as if they had."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

EXP = """
    import os
    import pyexp

    @pyexp.experiment(OPTIONS)
    def exp(cfg, out, deps):
        assert cfg.api_token == os.environ["API_TOKEN"]
        assert cfg.wandb.password == "plan" + "ted-2"
        if cfg.name == "bad":
            raise ValueError(f"cannot log in with {cfg.api_token} at {cfg.url}")
        if deps:
            assert deps[0].cfg.api_token == os.environ["API_TOKEN"]
        return {"x": cfg.x}

    @exp.configs
    def configs():
        shared = {
            "api_token": os.environ["API_TOKEN"],
            "wandb": {"password": "plan" + "ted-2", "project": "mine"},
            "url": "https://ann:plan" + "ted-3@example.org/x",
            "keys": [{"secret_key": "plan" + "ted-4"}],
        }
        return [
            {"name": "a", "x": 1, **shared},
            {"name": "b", "x": 2, **shared, "depends_on": "^a$"},
            {"name": "bad", "x": 3, **shared},
        ]

    if __name__ == "__main__":
        exp.run()
"""
TOKEN = "planted-1"


def everything_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for place, _, files in os.walk(folder):
        for name in files:
            yield Path(place, name), Path(place, name).read_bytes()


def assert_no_secret(project: Any) -> None:
    for path, content in everything_below(project.out):
        assert b"planted-" not in content, path


@pytest.fixture
def environment() -> dict[str, str]:
    return {"API_TOKEN": TOKEN, "SLURM_JWT": "planted-5", "HF_TOKEN": "planted-6"}


@pytest.fixture(params=["git", "no git"])
def folder(project: Any, request: pytest.FixtureRequest) -> Any:
    if request.param == "git":
        subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)
    project.write(".env", "TOKEN=planted-7")
    project.write("keys.txt", "planted-8 hf_0123456789abcdefghijABCDEF")
    project.write("settings.py", "PASSWORD = 'planted-8'")
    project.write("login.json", '{"api_key": "planted-8"}')
    project.write("exp.py", EXP.replace("OPTIONS", ""))
    return project


@pytest.mark.parametrize("executor", ["subprocess", "fork", "inline"])
def test_planted_secrets_are_nowhere(folder: Any, executor: str, environment: dict[str, str]) -> None:
    words = ["exp.py", "--executor", executor]
    done = folder.python(*words, env=environment, status=1)
    assert folder.finished() == {"a", "b"}
    assert "cannot log in with *** at https://***@example.org/x" in done.stderr
    assert_no_secret(folder)
    again = folder.python(*words, env=environment, status=1)
    assert "2 up to date" in again.stderr
    folder.doit("-f", "exp.py", status=None)
    assert_no_secret(folder)


def test_what_is_written_down_says_that_there_was_one(folder: Any, environment: dict[str, str]) -> None:
    folder.python("exp.py", env=environment, status=1)
    (attempt,) = folder.attempts("a")
    config = json.loads((attempt / "config.json").read_text())
    assert config["api_token"] == config["wandb"]["password"] == config["keys"][0]["secret_key"] == "***"
    assert config["wandb"]["project"] == "mine"
    assert config["url"] == "https://***@example.org/x"
    assert "api_token: '***'" in (attempt / "config.yml").read_text()
    (manifest,) = [
        json.loads(path.read_text()) for path in folder.out.glob("exp/.batches/*.json") if path.name[0] == "2"
    ]
    assert manifest["configs"]["a"] == config
    assert manifest["environment"]["variables"]["SLURM_JWT"] == "***"


def test_another_secret_is_no_other_config_but_another_login_in_an_address_is(
    folder: Any, environment: dict[str, str]
) -> None:
    folder.write("exp.py", folder.folder.joinpath("exp.py").read_text().replace("cfg.wandb.password ==", "cfg.x or"))
    folder.python("exp.py", env=environment, status=1)
    other = environment | {"API_TOKEN": "planted-9"}
    folder.edit("exp.py", '"plan" + "ted-4"', '"plan" + "ted-4-renewed"')
    listed = json.loads(folder.python("-m", "pyexp", "list", "exp.py", "--json", env=other).stdout)
    assert [run["state"] for run in listed["runs"]] == ["up-to-date", "up-to-date", "failed"]
    folder.python("exp.py", env=other, status=1)
    assert len(folder.attempts("a")) == 1
    folder.edit("exp.py", "ted-3@", "ted-3-renewed@")
    first = json.loads(folder.python("-m", "pyexp", "list", "exp.py", "--json", env=other).stdout)["runs"][0]
    assert (first["state"], first["reason"]) == ("stale", "config: url changed")
    assert_no_secret(folder)


def test_records_that_hashed_secrets_as_they_were_are_still_up_to_date(
    folder: Any, environment: dict[str, str]
) -> None:
    folder.python("exp.py", env=environment, status=1)
    code = (
        "import json, pathlib, exp; from dodo_pyexp.config.hashing import hash_config\n"
        "for c in exp.configs(): p = pathlib.Path(f'out/exp/{c[\"name\"]}/.finished'); p.exists() and "
        "p.write_text(json.dumps(json.loads(p.read_text()) | {'config_hash': hash_config(c)}))"
    )
    folder.python("-c", code, env=environment)
    listed = json.loads(folder.python("-m", "pyexp", "list", "exp.py", "--json", env=environment).stdout)
    assert [run["state"] for run in listed["runs"]] == ["up-to-date", "up-to-date", "failed"]
    rows = json.loads(folder.pyexp("results", "--json").stdout)[0]["runs"]
    assert [row["state"] for row in rows] == ["finished", "finished", "failed"]


def test_another_value_is_told_without_the_secret(folder: Any, environment: dict[str, str]) -> None:
    folder.python("exp.py", env=environment, status=1)
    folder.edit("exp.py", '"x": 1', '"x": 7')
    folder.python("exp.py", env=environment, status=1)
    assert json.loads((folder.attempts("a")[-1] / "status.json").read_text())["why"] == "config: x 1 -> 7"


@pytest.mark.parametrize("options", ["", "timestamp=False", "hash_configs=True"])
def test_results_are_found_though_their_configs_are_masked(
    folder: Any, environment: dict[str, str], options: str
) -> None:
    folder.write("exp.py", EXP.replace("OPTIONS", options))
    folder.python("exp.py", env=environment, status=1)
    # A batch that never ended says of no run which attempt satisfies it.
    for path in folder.out.glob("exp/.batches/2*.json"):
        manifest = json.loads(path.read_text()) | {"attempts": {}, "timestamp": "2030-01-01_00-00-00"}
        (path.parent / "2030-01-01_00-00-00.json").write_text(json.dumps(manifest))
    rows = json.loads(folder.pyexp("results", "--json").stdout)[0]["runs"]
    assert [row["state"] for row in rows][:2] == ["finished", "finished"]
    assert rows[0]["config"]["api_token"] == "***"


def test_continue_finds_the_secrets_in_the_configs_of_today(folder: Any, environment: dict[str, str]) -> None:
    folder.python("exp.py", "--filter", "^a$", env=environment)
    folder.edit("exp.py", 'if cfg.name == "bad":', "if False:")
    folder.python("exp.py", "--continue", env=environment)
    assert folder.finished() == {"a", "b", "bad"}
    assert_no_secret(folder)


def test_continue_finds_the_secrets_in_the_environment(folder: Any, environment: dict[str, str]) -> None:
    folder.python("exp.py", "--filter", "^a$", env=environment)
    folder.edit("exp.py", '"name": "b"', '"name": "c"')
    known = environment | {"WANDB_PASSWORD": "planted-2", "URL": "https://ann:planted-3@example.org/x"}
    folder.python("exp.py", "--continue", env=known | {"KEYS_0_SECRET_KEY": "planted-4"}, status=1)
    assert "b" in folder.finished()


def test_continue_without_the_secrets_says_which_is_missing(
    folder: Any, environment: dict[str, str], one_sentence: Callable[..., None]
) -> None:
    folder.python("exp.py", "--filter", "^a$", env=environment)
    folder.edit("exp.py", '"name": "b"', '"name": "c"')
    done = folder.python("exp.py", "--continue", env=environment, status=None)
    one_sentence(done, "exp:b", '"wandb.password", "url"', "environment variables WANDB_PASSWORD, URL")


def test_a_secret_among_the_defaults_is_refused(
    folder: Any, environment: dict[str, str], one_sentence: Callable[..., None]
) -> None:
    folder.write("exp.py", EXP.replace("OPTIONS", 'defaults={"login.password": "planted"}'))
    one_sentence(folder.python("exp.py", env=environment, status=None), '"login.password"', "environment")
    assert not folder.out.exists()


def test_the_command_line_is_masked(folder: Any, environment: dict[str, str]) -> None:
    words = "['--api-key', 'plan' + 'ted-10', 'b.token=plan' + 'ted-11']"
    folder.write("run.py", f"import sys; sys.argv += {words}\nimport exp; exp.exp.run()")
    folder.python("run.py", env=environment, status=None)
    assert list(folder.out.glob("exp/.batches/*.json"))
    assert_no_secret(folder)


def test_titles_of_run_files_and_the_command_that_is_offered_are_masked(project: Any) -> None:
    project.write("exp.py", "def fails(cfg):\n    raise ValueError(cfg.db.password)\n")
    project.write(
        "run.yml",
        """
        entry: exp.py:fails
        title: with planted-1
        description: api_key=planted-12345
        config: {name: a, db: {password: planted-1}, wandb: {key: planted-2}, x: 1}
        """,
    )
    done = project.pyexp("run", "run.yml", "-c", "wandb.key=planted-3", status=1)
    assert "pyexp run run.yml -c 'wandb.key=***'" in done.stderr
    assert "planted" not in done.stdout + done.stderr
    assert_no_secret(project)
    (batch,) = json.loads(project.pyexp("list", "--batches", "--json").stdout)[0]["batches"]
    assert batch["run_file"] == {"path": "run.yml", "title": "with ***", "description": "api_key=***"}


SAID = """
    import os
    import pyexp

    @pyexp.experiment(executor="inline", stash=False, not_secret=["model.token"])
    def exp(cfg, out):
        return len(cfg.salt)

    @exp.configs
    def configs():
        return [{"name": name, "model": {"token": token}, "salt": os.environ["S"], "api_key": "k" + name}
                for name, token in (("a", "[CLS]"), ("b", os.environ.get("T", "x")), ("c", "x"))]
"""


def test_which_keys_are_secret_is_said_on_the_experiment_and_in_the_project(project: Any) -> None:
    project.write("pyproject.toml", "[tool.pyexp]\nsecret = ['salt']\n")
    project.write("exp.py", SAID)
    first = project.python("-m", "pyexp", "build", "exp.py", env={"S": "planted-1"})
    assert_no_secret(project)
    (attempt,) = project.attempts("a")
    config = json.loads((attempt / "config.json").read_text())
    assert (config["salt"], config["model"], config["api_key"]) == ("***", {"token": "[CLS]"}, "***")
    (line,) = [line for line in first.stderr.splitlines() if "warning" in line]
    assert 'configs "b" and "c" of exp differ only in api_key' in line and "not_secret=['api_key']" in line
    listed = project.python("-m", "pyexp", "list", "exp.py", "--json", env={"S": "another", "T": "y"})
    states = [(run["state"], run["reason"]) for run in json.loads(listed.stdout)["runs"]]
    assert states == [("up-to-date", ""), ("stale", "config: model.token x -> y"), ("up-to-date", "")]


def test_what_was_said_to_be_secret_stays_so_when_it_is_reproduced(project: Any, one_sentence: Any) -> None:
    project.write("pyproject.toml", "[tool.pyexp]\nsecret = ['salt']\n")
    project.write("exp.py", SAID.replace(", stash=False", ""))
    project.python("-m", "pyexp", "build", "exp.py", env={"S": "planted-1"})
    one_sentence(project.pyexp("reproduce", "a", "--set", "api_key=ka", status=None), '"salt"', "--set salt=...")
    done = project.pyexp("reproduce", "a", "--set", "api_key=ka", "--set", "salt=planted-1")
    assert "identical" in done.stdout
    assert_no_secret(project)
    project.edit("exp.py", 'not_secret=["model.token"]', 'defaults={"model.token": "x"}, not_secret=["model.token"]')
    project.python("-m", "pyexp", "list", "exp.py", env={"S": "planted-1"})


def test_keys_that_are_no_list_are_refused(project: Any, one_sentence: Callable[..., None]) -> None:
    project.write("exp.py", SAID.replace('not_secret=["model.token"]', 'secret="salt"'))
    one_sentence(project.pyexp("list", "exp.py", status=None), "secret must be a list of keys", "'salt'")
