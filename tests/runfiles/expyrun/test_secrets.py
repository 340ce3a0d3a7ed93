"""Secrets in run files of Expyrun's dialect: they are never written down, and asked for when a launch is made again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

MAIN = """
    import hashlib
    import json

    def main(name, config):
        text = json.dumps(config, sort_keys=True)
        if config["fails"]:
            raise ValueError(f"cannot log in: {config}")
        return {"config": hashlib.sha256(text.encode()).hexdigest(), "lr": config["lr"]}
"""

BASE = """
    # old: password: planted01
    db: {user: ann, password: planted02, pin_secret: 735190462}  # of the group
    fails: false
"""

FILE = """
    __default__: ./base.yml
    __new_key_policy__: pass
    __run__:
      __main__: lab.main:main
      __output_dir__: out
      __name__: n/{seed}
    seed: 1
    lr:   1e-4   # tried 1e-3
    api_token: planted03     # ask ann
    header: Bearer {api_token}
    note: "planted03 is the one"
    url: https://ann:planted04@host/x
    multi_secret: |
      planted05
      more
    list: [{secret_key: 'planted06'}, {name: "{seed}"}]
    shared: &shared planted07
    client_secret: *shared
    plain: "!P$HOME/{seed}"
"""
GIVEN = {
    "db.password": "planted02", "db.pin_secret": "735190462", "api_token": "planted03", "url": "https://ann:planted04@host/x",
    "multi_secret": "planted05\nmore\n", "list.0.secret_key": "planted06", "shared": "planted07",
    "client_secret": "planted07",
}  # fmt: skip
VARIABLES = {key.replace(".", "_").upper(): value for key, value in GIVEN.items()}


@pytest.fixture
def lab(project: Any) -> Any:
    project.write("lab/__init__.py", "")
    project.write("lab/main.py", MAIN)
    project.write("base.yml", BASE)
    project.write("run.yml", FILE)
    return project


def options(form: str, **more: str) -> list[str]:
    given = {**GIVEN, **more}
    texts = [key for key in given if key not in ("db.pin_secret", *more)]
    if form == "--set":
        return [
            word
            for key, value in given.items()
            for word in ("--set", f"{key}={json.dumps(value) if key in texts else value}")
        ]
    return [word for key, value in given.items() for word in (f"--{key}", value)]


def assert_no_secret(lab: Any) -> None:
    for path in lab.out.rglob("*"):
        assert path.is_dir() or not re.search(rb"planted\d|735190462", path.read_bytes()), path


def outcome(lab: Any, number: int, name: str = "n/1") -> Any:
    return json.loads((lab.out / f"{name}/exp.{number}/result.json").read_text())


def run(lab: Any, *words: str, status: int = 0, **env: str) -> Any:
    return lab.python("-m", "pyexp", *words, status=status, env=env)


@pytest.mark.parametrize("words", [(), ("--debug",), ("--run-mode", "generate-only")])
def test_a_secret_in_a_file_is_written_nowhere(lab: Any, words: tuple[str, ...]) -> None:
    lab.pyexp("run", "run.yml", *words)
    assert_no_secret(lab)


def test_originals_are_kept_byte_for_byte_but_for_the_secrets(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    folder = lab.out / "n/1/exp.0/original_configs"
    for name, count in (("run.yml", 6), ("base.yml", 2)):
        before, after = (place / name for place in (lab.folder, folder))
        changes = [pair for pair in zip(lines(before), lines(after), strict=True) if pair[0] != pair[1]]
        assert len(changes) == count
        for old, new in changes:
            kept = map(re.escape, re.split(r"['\"]?\*\*\*['\"]?", new))
            secret = r"['\"]?(ann:)?(planted\d\d|735190462)['\"]?"
            assert re.fullmatch(secret.join(kept), old), (old, new)


def lines(path: Path) -> list[str]:
    """Lines that can be compared: a secret of two lines is one."""
    return path.read_text().replace("\n  more", "").split("\n")


def test_what_the_command_line_gives_is_written_nowhere(lab: Any) -> None:
    words = ("--api_token", "planted11", "--db.password=planted12", "-c", "list.0={secret_key: planted13}")
    lab.pyexp("run", "run.yml", *words, "-c", "multi_secret=planted14", "-cclient_secret=planted15")
    lab.pyexp("run", "run.yml", *words, "--fails", "true", status=1)
    assert "cannot log in: {'db': {'user': 'ann', 'password': '***'" in (lab.out / "n/1/exp.1/log.out").read_text()
    assert_no_secret(lab)


def test_to_reproduce_it_the_secrets_are_asked_for(lab: Any, one_sentence: Any) -> None:
    lab.pyexp("run", "run.yml")
    said = one_sentence(
        lab.pyexp("reproduce", "n/1:exp.0", status=2), "n/1:exp.0", '"db.password"', "--set db.password=...",
        "environment variables DB_PASSWORD",
    )  # fmt: skip
    assert said is None
    one_sentence(
        lab.pyexp("run", "out/n/1/exp.0/config.yml", status=2), "config.yml:3: ", '"api_token"', "--db.password ...",
        "API_TOKEN",
    )  # fmt: skip
    one_sentence(lab.pyexp("run", "out/n/1/exp.0/raw_config.yml", status=2), '"api_token"')
    one_sentence(lab.pyexp("run", "out/n/1/exp.0/config.yml", "-n", status=2), '"api_token"')
    assert [path.name for path in (lab.out / "n/1").glob("exp.*")] == ["exp.0"]
    shown = json.loads(lab.pyexp("run", "out/n/1/exp.0/config.yml", "--show").stdout)
    assert shown["api_token"] == "***"
    assert "__masked__" not in shown["__run__"]


def test_given_on_the_command_line_it_is_the_same_again(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    assert "identical" in lab.pyexp("reproduce", "n/1:exp.0", *options("--set")).stdout
    lab.pyexp("run", "out/n/1/exp.0/config.yml", *options("--"))
    lab.pyexp("run", "out/n/1/exp.0/raw_config.yml", *options("--"))
    lab.pyexp("run", "out/n/1/exp.0/original_configs/run.yml", *options("--"), status=None)
    assert outcome(lab, 0) == outcome(lab, 1) == outcome(lab, 2) == outcome(lab, 3)
    assert_no_secret(lab)


def test_given_by_the_environment_it_is_the_same_again_if_the_secrets_are(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    assert "identical" in run(lab, "reproduce", "n/1:exp.0", **VARIABLES).stdout
    run(lab, "run", "out/n/1/exp.1/config.yml", **VARIABLES)
    run(lab, "run", "out/n/1/exp.2/raw_config.yml", "--lr", "2", **VARIABLES)
    assert outcome(lab, 0) == outcome(lab, 1) == outcome(lab, 2)
    assert outcome(lab, 3)["lr"] == 2
    others = VARIABLES | {"API_TOKEN": "planted99"}
    assert "different" in run(lab, "reproduce", "n/1:exp.0", status=1, **others).stdout
    assert "identical" in run(lab, "reproduce", "n/1:exp.0", "--set", "api_token=planted03", **others).stdout
    assert_no_secret(lab)


def test_a_section_may_be_given_as_a_whole(lab: Any, one_sentence: Any) -> None:
    lab.write("base.yml", "db: {user: ann, password: planted02}\nfails: false\n")
    lab.write("run.yml", re.sub(r"(?s)    api_token.*", "    api_token: planted03\n", FILE))
    lab.pyexp("run", "run.yml")
    words = ("run", "out/n/1/exp.0/config.yml", "-c", "db={user: bob}")
    one_sentence(lab.pyexp(*words, status=2), '"api_token"', "--api_token ...")
    run(lab, *words, API_TOKEN="planted03", DB_PASSWORD="planted02")
    assert json.loads((lab.out / "n/1/exp.1/config.json").read_text())["db"] == {"user": "bob"}
    lab.pyexp("reproduce", "n/1:exp.0", "--set", "db={user: ann, password: planted02}", "--set", "api_token=planted03")
    assert outcome(lab, 2) == outcome(lab, 0)


def test_another_secret_is_taken_and_the_outcomes_are_compared(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    done = lab.pyexp("reproduce", "n/1:exp.0", *options("--set", api_token="planted99"), status=1)
    assert "different" in done.stdout
    done = lab.pyexp("reproduce", "n/1:exp.0", *options("--set", **{"db.pin_secret": "735190463"}), status=1)
    assert "different" in done.stdout


def test_a_text_that_looks_like_a_number_stays_text(lab: Any) -> None:
    lab.write("base.yml", "fails: false\n")
    lab.write("run.yml", re.sub(r"(?s)api_token.*", 'api_token: "12345678"\n', FILE))
    lab.pyexp("run", "run.yml")
    assert "identical" in lab.pyexp("reproduce", "n/1:exp.0", "--set", "api_token=12345678").stdout
    lab.pyexp("run", "out/n/1/exp.0/config.yml", "--api_token", "12345678")
    assert outcome(lab, 2) == outcome(lab, 0)


def test_a_secret_may_look_like_a_variable_or_a_reference(lab: Any) -> None:
    lab.write("base.yml", "fails: false\n")
    secret = "pa$word{lr}81planted"
    lab.write("run.yml", re.sub(r"(?s)api_token.*", f"password: '!P{secret}'\n", FILE))
    lab.pyexp("run", "run.yml")
    assert secret not in (lab.out / "n/1/exp.0/config.yml").read_text()
    assert "identical" in lab.pyexp("reproduce", "n/1:exp.0", "--set", f"password='{secret}'").stdout
    run(lab, "run", "out/n/1/exp.0/raw_config.yml", PASSWORD=secret)
    lab.pyexp("run", "out/n/1/exp.0/config.yml", "--password", secret)
    assert outcome(lab, 0) == outcome(lab, 1) == outcome(lab, 2) == outcome(lab, 3)
    lab.pyexp("run", "out/n/1/exp.0/config.yml", "--password", "$HOME")
    assert outcome(lab, 0) != outcome(lab, 4)


def test_the_hash_of_the_config_is_of_the_real_one(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    record = json.loads((lab.out / "n/1/exp.0/.finished").read_text())
    (manifest,) = [json.loads(path.read_text()) for path in lab.out.glob("n/1/.batches/2*.json")]
    assert manifest["hashes"]["exp.0"] == record["config_hash"]
    run(lab, "run", "run.yml", "--api_token", "planted98")
    assert json.loads((lab.out / "n/1/exp.1/.finished").read_text())["config_hash"] != record["config_hash"]
    diff = lab.pyexp("diff", "n/1:exp.0", "n/1:exp.1", status=None).stdout
    assert "*** -> *** (another)" in diff
    assert_no_secret(lab)


def test_a_variable_that_held_a_secret_must_not_be_missing(lab: Any, one_sentence: Any) -> None:
    text = "    api_token: $MY_TOKEN\n    header: Bearer $MY_TOKEN\n    path: $HOME\n"
    lab.write("run.yml", re.sub(r"(?s)    api_token.*", text, FILE))
    lab.write("base.yml", "fails: false\n")
    run(lab, "run", "run.yml", MY_TOKEN="planted21")
    config = (lab.out / "n/1/exp.0/config.yml").read_text()
    assert "api_token: $MY_TOKEN\nheader: Bearer $MY_TOKEN\npath: /" in config
    one_sentence(run(lab, "reproduce", "n/1:exp.0", status=2), "a secret from the environment variable MY_TOKEN")
    one_sentence(run(lab, "run", "out/n/1/exp.0/config.yml", status=2), "MY_TOKEN")
    assert "identical" in run(lab, "reproduce", "n/1:exp.0", MY_TOKEN="planted21").stdout
    assert "different" in run(lab, "reproduce", "n/1:exp.0", MY_TOKEN="planted2", status=1).stdout
    assert_no_secret(lab)


def test_what_refers_to_a_secret_stays_a_reference(lab: Any) -> None:
    lab.pyexp("run", "run.yml")
    for name in ("config.yml", "raw_config.yml"):
        assert "header: Bearer {api_token}\n" in (lab.out / "n/1/exp.0" / name).read_text()
    assert json.loads((lab.out / "n/1/exp.0/config.json").read_text())["header"] == "Bearer ***"


def test_a_literal_beside_a_variable_is_masked(lab: Any) -> None:
    lab.write("base.yml", "fails: false\n")
    text = "    api_token: ${NO_SUCH_TOKEN:-planted31}\n    password: planted32$NO_SUCH_PART\n"
    lab.write("run.yml", re.sub(r"(?s)    api_token.*", text, FILE))
    lab.pyexp("run", "run.yml")
    assert_no_secret(lab)
    words = ("--set", "api_token=planted31", "--set", "password=planted32")
    assert "identical" in lab.pyexp("reproduce", "n/1:exp.0", *words).stdout


def test_a_mask_that_somebody_copied_is_no_value(lab: Any, one_sentence: Any) -> None:
    lab.write("base.yml", "fails: false\nstars: '***'\n")
    lab.write("run.yml", re.sub(r"(?s)api_token.*", "login:\n      password: '***'\n", FILE))
    one_sentence(lab.pyexp("run", "run.yml", status=2), 'run.yml:10: the config had a secret under "login.password"',
                 "--login.password ...")  # fmt: skip
    assert not lab.out.exists()
    lab.pyexp("run", "run.yml", "--login.password", "planted41")
    assert_no_secret(lab)
    lab.write("run.yml", re.sub(r"(?s)    api_token.*", "    url: https://***@host\n", FILE))
    one_sentence(lab.pyexp("run", "run.yml", status=2), '"url"')


def test_a_file_that_builds_on_a_launch_may_give_the_secrets(lab: Any, one_sentence: Any) -> None:
    lab.write("base.yml", "fails: false\n")
    secrets = "api_token: planted51\n    pin_secret: 77\n    note: by planted51\n"
    lab.write("run.yml", re.sub(r"(?s)api_token.*", secrets, FILE))
    lab.write("lab/main.py", "def main(name, config):\n    return config['note'][-2:], config['lr']\n")
    lab.pyexp("run", "run.yml")
    text = "__default__: out/n/1/exp.0/config.yml\nlr: 5\napi_token: planted52\n"
    lab.write("more.yml", text)
    one_sentence(lab.pyexp("run", "more.yml", status=2), 'a secret under "pin_secret"', "--pin_secret ...")
    lab.pyexp("run", "more.yml", "--pin_secret", "77")
    assert outcome(lab, 1) == ["52", 5]
    lab.write("more.yml", f"{text}pin_secret: 1\n")
    lab.pyexp("run", "more.yml")
    assert outcome(lab, 2) == ["52", 5]
    lab.write("more.yml", f"{text.replace('planted52', 'null')}pin_secret: 1\n")
    one_sentence(lab.pyexp("run", "more.yml", status=2), 'a secret under "note"', "--note ...")
    assert_no_secret(lab)


def test_what_has_to_be_given_again_is_said_where_a_command_is_offered(lab: Any) -> None:
    lab.write("base.yml", "fails: true\n")
    lab.write("run.yml", re.sub(r"(?s)api_token.*", "api_token: planted61\n", FILE))
    said = "with api_token given again"
    assert said in lab.pyexp("run", "run.yml", status=1).stderr
    assert said in lab.pyexp("run", "run.yml", "--run-mode", "generate_only").stderr


def test_code_and_files_that_hold_secrets_are_not_copied_and_the_code_runs_all_the_same(lab: Any) -> None:
    lab.write("lab/settings.py", "API_KEY = 'planted72'\n")
    lab.write(
        "lab/main.py",
        "from lab.settings import API_KEY\ndef main(name, config):\n    return API_KEY == 'planted' + '72'\n",
    )
    lab.write("lab/run.yml", re.sub(r"    __default__.*\n", "", FILE))

    done = lab.pyexp("run", "lab/run.yml")
    assert "lab/settings.py is not in the copy of the code: it holds a value for API_KEY" in done.stdout
    assert "lab/run.yml is not in the copy" in done.stdout
    assert (lab.out / "n/1/exp.0/result.json").read_text().strip() == "true"
    assert_no_secret(lab)


def test_a_mark_that_was_changed_is_told(lab: Any, one_sentence: Any) -> None:
    lab.pyexp("run", "run.yml")
    path: Path = lab.out / "n/1/exp.0/config.yml"
    path.write_text(re.sub(r"(?s)__masked__:.*", "__masked__: 3\n", path.read_text()))
    one_sentence(lab.pyexp("run", str(path), status=2), "__masked__")


def test_it_is_the_same_again_though_its_copy_of_the_code_was_compiled(lab: Any) -> None:
    run(lab, "run", "run.yml", PYTHONDONTWRITEBYTECODE="")
    assert list((lab.out / "n/1/exp.0/lab").glob("__pycache__/main.*.pyc"))
    again = run(lab, "reproduce", "n/1:exp.0", *options("--set"), PYTHONDONTWRITEBYTECODE="")
    assert "identical" in again.stdout
