"""Bad input: one sentence with place and hint, status 2, no traceback, nothing written; the same through every door."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from dodo_pyexp.importing import import_file
from dodo_pyexp.planning.mistakes import in_script

EXP = """\
import pyexp

@pyexp.experiment(executor="inline", stash=False)
def train(cfg):
    return 1

@train.configs
def configs():
    return CONFIGS

if __name__ == "__main__":
    train.run()
"""
CONFIGS = "exp.py:7: "  # where the configs function stands, its decorator first
INSIDE = "exp.py:9: "  # the line in it
DOORS = {
    "script": ("exp.py",),
    "build": ("-m", "pyexp", "build", "exp.py"),
    "dry run": ("-m", "pyexp", "build", "exp.py", "-n"),
    "list": ("-m", "pyexp", "list", "exp.py"),
    "graph": ("-m", "pyexp", "graph", "exp.py"),
    "doit": ("-m", "doit", "-f", "exp.py"),
    "doit list": ("-m", "doit", "list", "-f", "exp.py", "--all", "--status"),
}
YAML = {
    "empty.yml": b"",
    "comment.yml": b"# nothing yet\n\n",
    "list.yml": b"- 1\n",
    "tab.yml": b"a:\n\tb: 1\n",
    "twice.yml": b"a: 1\na: 2\n",
    "circle.yml": b"imports: other.yml\n",
    "other.yml": b"imports: [circle.yml]\n",
    "binary.yml": bytes(range(256)),
    "imports_empty.yml": b"a: 1\nimports: empty.yml\n",
    "imports_missing.yml": b"a: 1\nimports: twise.yml\n",
}


def write(project: Any, text: str) -> None:
    (project.folder / "exp.py").write_text(text)
    for name, content in YAML.items():
        (project.folder / name).write_bytes(content)


def refused(project: Any, one_sentence: Any, door: str, *words: str) -> None:
    done = project.python(*DOORS[door], status=None)
    one_sentence(done, *words)
    assert done.stderr.count("\n") == 1, done.stderr
    assert not project.out.exists()


# -- configs --------------------------------------------------------------------------------------------------------

WRONG = {
    "a duplicate name": ('[{"name": "a"}, {"name": "a"}]', [CONFIGS, '"a"', "number 0 and number 1", "of its own"]),
    "a missing name": ('[{"name": "a"}, {"x": 1}]', [CONFIGS, "config 1 (x=1)", 'no "name"', "give every config"]),
    "a value that cannot be hashed": (
        '[{"name": "a", "model": {"act": [print]}}]', [CONFIGS, '"a"', "model.act.0", "a function (print)", "use"],
    ),
    "depends_on that matches nothing": (
        '[{"name": "first"}, {"name": "b", "depends_on": "^frist$"}]', [CONFIGS, "train:b", "'^frist$'", '"first"'],
    ),
    "depends_on that matches nothing near": (
        '[{"name": "first"}, {"name": "b", "depends_on": "zzz"}]', [CONFIGS, "train:b", 'there is "train:first"'],
    ),
    "depends_on in a circle": (
        '[{"name": "a", "depends_on": "^b$"}, {"name": "b", "depends_on": "^a$"}]',
        [CONFIGS, "train:a -> train:b -> train:a"],
    ),
    "depends_on itself": ('[{"name": "a", "depends_on": "^a$"}]', [CONFIGS, "train:a depends on itself"]),
    "depends_on of a wrong kind": ('[{"name": "a", "depends_on": 3}]', [CONFIGS, "train:a", "not int"]),
    "depends_on that does not compile": (
        '[{"name": "a", "depends_on": "(("}]', [CONFIGS, "train:a", "'(('", "no regular expression", "escape"],
    ),
    "a config with out": ('[{"name": "a", "out": 1}]', [CONFIGS, '"a"', '"out"', "rename"]),
    "a name that leads out": ('[{"name": "../../x"}]', [CONFIGS, '"../../x"', '".."', 'such as "x"']),
    "an absolute name": ('[{"name": "/etc/x"}]', [CONFIGS, '"/etc/x"', "absolute"]),
    "a name with a NUL": ('[{"name": "a\\0b"}]', [CONFIGS, '"a\\0b"', "NUL"]),
    "a name that is no text": ('[{"name": ["a"]}]', [CONFIGS, "['a']"]),
    "configs that are no list": ("3", [CONFIGS, "list of configs", "int"]),
    "a config that is no dict": ("[[1]]", [CONFIGS, "config 0", "dict"]),
    "a config that contains itself": (
        '(lambda d: (d.update(me=d), [d])[1])({"name": "a"})', [CONFIGS, '"a"', "contains itself"],
    ),
    "a mistake in a sweep": ('pyexp.sweep([{"name": "a"}], 3)', [INSIDE, "variations"]),
    "an exception": ('[{"name": {}["key"]}]', [INSIDE, "KeyError: 'key'"]),
    "an exception of a generator": ("(1 / 0 for _ in [1])", [INSIDE, "ZeroDivisionError"]),
    "an exit": ('__import__("sys").exit(7)', [CONFIGS, "sys.exit(7)"]),
    "a YAML file that is missing": ('[pyexp.load_config("twise.yml")]', [INSIDE, "twise.yml", '"twice.yml"']),
    "a YAML file that is empty": ('[pyexp.load_config("empty.yml")]', [INSIDE, "empty.yml: the file is empty"]),
    "a YAML file of comments": ('[pyexp.load_config("comment.yml")]', [INSIDE, "comment.yml: the file is empty"]),
    "a YAML file that is a list": ('[pyexp.load_config("list.yml")]', [INSIDE, "list.yml:1", "a list"]),
    "a YAML file with a tab": ('[pyexp.load_config("tab.yml")]', [INSIDE, "tab.yml:2", "tab", "spaces"]),
    "a YAML file with a duplicate key": ('[pyexp.load_config("twice.yml")]', [INSIDE, "twice.yml:2", '"a"']),
    "a YAML file with an import circle": (
        '[pyexp.load_config("circle.yml")]', [INSIDE, "other.yml:1", "circle.yml -> other.yml -> circle.yml"],
    ),
    "a YAML file that imports an empty one": ('[pyexp.load_config("imports_empty.yml")]', [INSIDE, "empty.yml: the"]),
    "a YAML file that imports a missing one": (
        '[pyexp.load_config("imports_missing.yml")]', [INSIDE, "imports_missing.yml:2", '"twice.yml"'],
    ),
    "a folder as YAML file": ('[pyexp.load_config(".")]', [INSIDE, "a folder"]),
    "no text as YAML file": ('[pyexp.load_config("binary.yml")]', [INSIDE, "binary.yml", "not a text file", "UTF-8"]),
    "no path as YAML file": ("[pyexp.load_config(3)]", [INSIDE, "load_config", "3"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_in_the_configs_has_its_place(
    project: Any, monkeypatch: pytest.MonkeyPatch, here: Path, mistake: str
) -> None:
    configs, words = WRONG[mistake]
    write(project, EXP.replace("CONFIGS", configs))
    monkeypatch.chdir(project.folder)
    experiment = import_file("exp.py", f"exp_{uuid.uuid4().hex}").train
    try:
        experiment.run()
    except Exception as error:
        told = str(in_script(error))  # what a script says; the doors below prove that they do
    assert "\n" not in told
    for word in words:
        assert word in told
    assert not project.out.exists()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mistake", ["a duplicate name", "an exception of a generator", "a YAML file that is empty"])
def test_every_door_says_the_same(project: Any, one_sentence: Any, mistake: str, door: str) -> None:
    configs, words = WRONG[mistake]
    write(project, EXP.replace("CONFIGS", configs))
    refused(project, one_sentence, door, *words)


def test_configs_that_were_passed_have_the_place_of_the_function(project: Any, one_sentence: Any) -> None:
    write(project, EXP.replace("train.run()", 'train.run(configs=[{"name": "a"}, {"name": "a"}])'))
    refused(project, one_sentence, "script", "exp.py:3: ", '"a"')


def test_configs_that_were_continued_have_the_place_of_the_manifest(project: Any, one_sentence: Any) -> None:
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}, {"name": "b", "depends_on": "^a$"}]'))
    project.python("exp.py")
    (manifest,) = project.out.glob("train/.batches/2*.json")
    text = manifest.read_text()
    manifest.write_text(text.replace('"^a$"', '"^zz$"'))
    done = project.python("exp.py", "--continue", status=None)
    one_sentence(done, f"out/train/.batches/{manifest.name}: train:b", "'^zz$'")


def test_an_exception_deep_in_the_users_modules_shows_the_way_there(project: Any) -> None:
    project.write("helpers.py", "def make(x):\n    return [{'name': x['name']}]\n")
    write(project, EXP.replace("import pyexp\n", "import pyexp, helpers\n").replace("CONFIGS", "helpers.make({})"))
    for door in ("script", "build", "doit"):
        done = project.python(*DOORS[door], status=2)
        assert done.stderr.startswith("error: helpers.py:2: KeyError: 'name'\n"), done.stderr
        assert "line 9, in configs" in done.stderr
        assert "Traceback" not in done.stderr and "dodo_pyexp" not in done.stderr


def test_a_config_file_at_the_top_of_a_module_is_one_sentence(project: Any, one_sentence: Any) -> None:
    write(project, EXP.replace("import pyexp\n", 'import pyexp\n\nBASE = pyexp.load_config("empty.yml")\n'))
    for door in ("script", "build"):
        refused(project, one_sentence, door, "exp.py:3: empty.yml: the file is empty")
    done = project.doit("-f", "exp.py", status=3)  # doit's own status for what it cannot load
    assert done.stderr == "ERROR: empty.yml: the file is empty; write keys and values, or {} if it is to hold none\n"


# -- what is decorated and called -----------------------------------------------------------------------------------

DECORATED = {
    "an unknown argument": ("executor=", "executer=", ["exp.py:3: ", '"executer"', '"executor"']),
    "no near argument": ("executor=", "qqq=", ["exp.py:3: ", '"qqq"', "there are", '"retry"']),
    "a text in place of the function": ('executor="inline", stash=False', '"train"', ["exp.py:3: ", "name='train'"]),
    "an unknown executor": ('"inline"', '"inlin"', ["exp.py:3: ", '"inlin"', '"inline"', "available"]),
    "an executor that is none": ('"inline"', "3", ["exp.py:3: ", "a name or an Executor"]),
    "an experiment that leads out": ("executor=", 'name="../../x", executor=', ["exp.py:3: ", '"../../x"', '"x"']),
    "no parameter": ("train(cfg)", "train()", ["exp.py:3: ", "train takes 0", "fn(cfg)"]),
    "four parameters": ("train(cfg)", "train(a, b, c, d)", ["exp.py:3: ", "train takes 4", "fn(cfg, out, deps)"]),
    "a class": (
        "def train(cfg):\n    return 1", "class train:\n    pass", ["exp.py:3: ", "a function, not the class train"],
    ),
    "configs with a parameter": ("def configs()", "def configs(x)", ["exp.py:7: ", "no parameter"]),
    "a report without a parameter": (
        "if __name__", "train.report(lambda: 1)\n\nif __name__", ["exp.py:11: ", "report(results)"],
    ),
    "a list in place of the configs function": (
        "if __name__", "train.configs([])\n\nif __name__", ["exp.py:11: ", "run(configs=...)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", DECORATED)
def test_a_mistake_around_the_function_has_its_place(project: Any, one_sentence: Any, mistake: str) -> None:
    old, new, words = DECORATED[mistake]
    text = EXP.replace("CONFIGS", '[{"name": "a"}]')
    assert text.count(old) == 1
    write(project, text.replace(old, new))
    for door in ("script", "doit"):
        refused(project, one_sentence, door, *words)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('executer="fork"', ['run() has no argument "executer"', '"executor"']),
        ('executor="frok"', ['unknown executor "frok"', '"fork"']),
        ('name="../../x"', ['"../../x"', '"x"']),
        ("jobs=-1", ["jobs", "-1"]),
        ("report=3", ["report(results)", "int"]),
    ],
)
def test_a_mistake_in_a_call_of_run_has_its_place(project: Any, one_sentence: Any, call: str, words: list[str]) -> None:
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}]').replace("train.run()", f"train.run({call})"))
    refused(project, one_sentence, "script", "exp.py:12: ", *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--name", "../../x"), ["--name", '"../../x"', 'such as "x"']),
        (("--name", "/abs"), ["--name", "absolute"]),
        (("--executor", "frok"), ['"frok"', '"fork"']),
        (("--filter", "(("), ["--filter", "'(('", "no regular expression"]),
    ],
)
def test_a_mistake_on_the_command_line_is_told(
    project: Any, one_sentence: Any, arguments: tuple[str, ...], words: list[str]
) -> None:
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}]'))
    one_sentence(project.python("exp.py", *arguments, status=None), *words)
    assert not project.out.exists()


def test_the_output_folder_is_the_users_choice(project: Any) -> None:
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}]'))
    project.python("exp.py", "--output-dir", "../elsewhere")
    assert (project.folder.parent / "elsewhere" / "train" / "a" / ".finished").is_file()


# -- called from Python ---------------------------------------------------------------------------------------------


def test_in_a_session_the_users_own_exception_comes_through_with_its_cause(here: Path) -> None:
    import pyexp

    def train(cfg: Any) -> int:
        return 1

    def configs() -> Any:
        try:
            raise OSError("first")
        except OSError as error:
            raise KeyError("key") from error

    with pytest.raises(KeyError) as caught:
        pyexp.experiment(train).run(configs=configs)
    assert isinstance(caught.value.__cause__, OSError)


def test_for_python_an_unknown_argument_is_a_type_error(here: Path) -> None:
    import pyexp

    def train(cfg: Any) -> int:
        return 1

    with pytest.raises(TypeError, match=r'test_mistakes.py:\d+: @experiment on train has no argument "nam"'):
        pyexp.experiment(nam="x")(train)
    with pytest.raises(pyexp.PyexpError, match=r'test_mistakes.py:\d+: run\(\) has no argument "filtre"'):
        pyexp.experiment(train).run(configs=[], filtre="a")
    with pytest.raises(ValueError, match="goes up"):
        pyexp.experiment(train).results(name="../../x")


# -- around the output folder ---------------------------------------------------------------------------------------

READERS = {
    "results": ("-m", "pyexp", "results"),
    "log": ("-m", "pyexp", "log", "a"),
    "list --batches": ("-m", "pyexp", "list", "--batches"),
    "script --list": ("exp.py", "--list"),
    "script --continue": ("exp.py", "--continue"),
}


@pytest.mark.parametrize("place", ["out", "out/train", "out/train/.batches"])
def test_a_file_in_place_of_a_folder_is_told_by_every_door(project: Any, one_sentence: Any, place: str) -> None:
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}]'))
    path = project.folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    commands = DOORS | READERS if place == "out" else {door: DOORS[door] for door in ("build", "doit", "list")}
    for command in commands.values():
        done = project.python(*command, status=None)
        one_sentence(done, f"error: {place} is a file, not a folder", "move it away", "--output-dir")
    assert path.read_text() == "mine"


def test_a_file_in_place_of_a_runs_folder_fails_that_run_alone(project: Any) -> None:
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}, {"name": "b"}]'))
    (project.out / "train").mkdir(parents=True)
    (project.out / "train" / "a").write_text("mine")
    done = project.python("exp.py", status=1)
    assert "train:a  FAILED  out/train/a is a file, not a folder" in done.stderr
    assert project.finished() == {"b"}


@pytest.mark.parametrize("there", [False, True], ids=["nothing built", "built before"])
def test_a_folder_that_cannot_be_written_is_told(project: Any, one_sentence: Any, there: bool) -> None:
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}]'))
    project.out.mkdir()
    if there:
        project.python("exp.py")
        # other code, and another run: both would be written down before anything else
        write(project, EXP.replace("CONFIGS", '[{"name": "a"}, {"name": "b"}]').replace("return 1", "return 2"))
    folders = [project.out, *(path for path in project.out.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        for door in ("script", "build"):
            done = as_anybody(project, *DOORS[door])
            one_sentence(done, "cannot write to out/train", "Permission denied", "--output-dir")
        done = as_anybody(project, *DOORS["doit"])
        assert "cannot write to out/train" in done.stdout and "Traceback" not in done.stdout + done.stderr
    finally:
        for folder in folders:
            folder.chmod(0o700)
    assert project.finished() == ({"a"} if there else set())


def as_anybody(project: Any, *arguments: str) -> Any:
    """Run ``python *arguments`` without the right of root to write everywhere."""
    if os.geteuid() != 0:
        return project.python(*arguments, status=None)
    if shutil.which("setpriv") is None:
        pytest.skip("whoever runs this may write everywhere, and nothing is there to take that away")
    command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", sys.executable, *arguments]
    return subprocess.run(
        command, cwd=project.folder, env=project.environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool", ["is no valid TOML"]),
        ("[tool]\npyexp = 3", ["tool.pyexp must be a table"]),
        ("[tool.pyexp]\nretri = 1", ['"retri"', '"retry"']),
        ('[tool.pyexp]\nretry = "x"', ["retry must be a whole number", "'x'"]),
        ('[tool.pyexp]\nexecutor = "frok"', ['"frok"', '"fork"']),
        ("[tool.pyexp]\nexperiments = 3", ["experiments must be a list of files"]),
    ],
)
def test_a_mistake_in_the_project_file_is_told_by_every_command(
    project: Any, one_sentence: Any, text: str, words: list[str]
) -> None:
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}]'))
    (project.folder / "pyproject.toml").write_text(text)
    for command in (DOORS["script"], DOORS["list"], READERS["results"]):
        one_sentence(project.python(*command, status=None), "pyproject.toml", *words)


# -- manifests ------------------------------------------------------------------------------------------------------


@pytest.fixture
def batches(project: Any) -> list[Path]:
    """Two batches of one run, the names of their manifests in order."""
    write(project, EXP.replace("CONFIGS", '[{"name": "a"}]'))
    for timestamp in ("2026-01-01_00-00-00", "2026-01-02_00-00-00"):
        project.python("exp.py", "--timestamp", timestamp)
    return sorted(project.out.glob("train/.batches/2*.json"))


def results(project: Any, status: int | None = 0) -> Any:
    code = "import exp; print([r.name for r in exp.train.results()])"
    return project.python("-c", code, status=status)


def test_a_damaged_newest_manifest_is_told_in_one_line(project: Any, batches: list[Path]) -> None:
    older, newer = batches
    newer.write_text('{"format')
    said = f"warning: out/train/.batches/{newer.name} is damaged; the batch {older.stem} is used instead\n"
    done = results(project)
    assert done.stdout == "['a']\n" and done.stderr == said
    assert project.pyexp("results").stderr == said
    assert said in project.python("exp.py", "--continue").stderr
    listing = project.pyexp("list", "--batches").stdout
    assert "damaged" in listing and older.stem in listing


def test_a_damaged_manifest_that_is_named_is_an_error(project: Any, one_sentence: Any, batches: list[Path]) -> None:
    newer = batches[-1]
    newer.write_text('{"format')
    for command in (
        ("exp.py", "--continue", newer.stem),
        ("-m", "pyexp", "build", "exp.py", "--continue", newer.stem),
        ("-m", "pyexp", "results", "--at", newer.stem),
    ):
        one_sentence(project.python(*command, status=None), f"{newer.name} is damaged")


def test_where_every_manifest_is_damaged_nothing_untrue_is_said(
    project: Any, one_sentence: Any, batches: list[Path]
) -> None:
    for path in batches:
        path.write_text(json.dumps({"format": 1}))
    for command in (
        ("exp.py", "--continue"),
        ("-m", "pyexp", "results", "train"),
        ("-m", "pyexp", "results"),
    ):
        done = project.python(*command, status=None)
        one_sentence(done, "next build")
        assert "no results" not in done.stdout + done.stderr and "no batch" not in done.stdout + done.stderr
    assert "is damaged, and so is the older one" in results(project, status=None).stderr
    project.python("exp.py")  # everything is up to date, and a new manifest is written
    assert results(project).stdout == "['a']\n"
