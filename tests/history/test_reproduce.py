"""A past run can be run again: its code, config, upstream results; and the outcome is compared with what it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

IDENTITY = {f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
EXP = """
    import pyexp
    import helper
    from lib.deep import scale

    @pyexp.experiment
    def pre(cfg, out):
        (out / "weights.txt").write_text(str(cfg.width))
        return {"width": cfg.width}

    @pre.configs
    def pres():
        return [{"name": "w", "width": 3}]

    @pyexp.experiment(OPTIONS)
    def exp(cfg, out, deps):
        weights = int((deps[0].out / "weights.txt").read_text())
        assert deps["w"].result["width"] == weights == deps[0].cfg.width
        if cfg.name == "bad":
            raise ValueError(f"no {cfg.x}")
        (out / "sub").mkdir()
        (out / "sub" / "curve.csv").write_text(f"1,{helper.f(cfg.x)}\\n")
        print("made by", helper.f(cfg.x))
        return {"y": helper.f(cfg.x) * weights, "model": {"s": scale(cfg.x)}, "places": (1, 2)}

    @exp.configs
    def configs():
        return [{"name": name, "x": x, "model": {"width": 8}, "depends_on": "^w$"} for name, x in
                (("a", 1), ("b", 2), ("bad", 3))]

    if __name__ == "__main__":
        exp.run()
"""


def git(project: Any, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=project.folder, env=os.environ | IDENTITY, capture_output=True, text=True, check=True
    )
    return done.stdout


def install(site: Path, version: str) -> None:
    shutil.rmtree(site, ignore_errors=True)
    info = site / f"tool-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tool\nVersion: {version}\n")
    (site / "tool.py").write_text(f"VERSION = {version!r}\n")


class Lab:
    """A project whose runs have been executed once, and whose code, upstreams and packages changed since."""

    def __init__(self, project: Any) -> None:
        self.project = project
        self.out = project.out
        self.site = project.folder.parent / "site"
        self.env = {"PYTHONPATH": f"{self.site}{os.pathsep}{project.environment['PYTHONPATH']}"}

    def reproduce(self, *words: str, status: int | None = 0) -> Any:
        return self.project.python("-m", "pyexp", "reproduce", *words, env=self.env, status=status)

    def verdict(self, *words: str, status: int | None = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.reproduce(*words, "--json", status=status).stdout)
        return found

    def change(self) -> None:
        self.project.edit("helper.py", "x + 1", "x + 100")
        self.project.edit("lib/deep.py", "2 * x", "200 * x")
        self.project.edit("exp.py", '"width": 3', '"width": 5')
        self.project.edit("exp.py", "print(", "raise RuntimeError('today'); print(")
        install(self.site, "1.1")


@pytest.fixture(params=["git", "no git"])
def lab(once: Any, request: pytest.FixtureRequest) -> Lab:
    return Lab(once(make_lab, request.param == "git"))


@pytest.fixture
def git_lab(once: Any) -> Lab:
    return Lab(once(make_lab, True))


def make_lab(project: Any, with_git: bool, options: str = "", executed: bool = True) -> Lab:
    project.write("exp.py", EXP.replace("OPTIONS", options))
    project.write("helper.py", "def f(x):\n    return x + 1\n")
    project.write("lib/deep.py", "def scale(x):\n    return 2 * x\n")
    if with_git:
        project.write(".gitignore", "out/\n")
        git(project, "init", "--quiet")
        git(project, "add", "-A")
        git(project, "commit", "--quiet", "-m", "first")
    lab = Lab(project)
    install(lab.site, "1.0")
    if executed:
        project.python("exp.py", env=lab.env, status=1)
    return lab


# -- the verdict ------------------------------------------------------------------------------------------------


def test_the_old_outcome_is_made_again_after_code_upstreams_and_packages_have_changed(lab: Lab) -> None:
    (original,) = lab.project.attempts("a")
    record = (lab.out / "exp" / "a" / ".finished").read_bytes()
    before = {path: path.read_bytes() for path in original.rglob("*") if path.is_file()}
    lab.change()
    lab.project.python("exp.py", "--filter", "^pre:w$", env=lab.env, status=None)
    done = lab.reproduce("a")
    assert done.stdout.splitlines()[0] == "exp:a  identical"
    assert "warning: tool is 1.1 now and was 1.0" in done.stderr
    _, new = lab.project.attempts("a")
    assert (new / "sub" / "curve.csv").read_text() == "1,2\n"
    assert (new / "log.out").read_text() == "made by 2\n"
    assert json.loads((new / "result.json").read_text())["y"] == 6
    # The original and the record are what they were.
    assert {path: path.read_bytes() for path in original.rglob("*") if path.is_file()} == before
    assert (lab.out / "exp" / "a" / ".finished").read_bytes() == record


def test_what_differs_is_named(lab: Lab) -> None:
    told = lab.verdict("a", "--set", "x=5", status=1)
    assert told["verdict"] == "different"
    assert told["settings"] == ["x=5"]
    assert {one["key"]: (one["before"], one["after"]) for one in told["values"]} == {
        "y": (6, 18), "model.s": (2, 10),
    }  # fmt: skip
    assert [one["key"] for one in told["files"]] == ["sub/curve.csv"]
    text = lab.reproduce("a", "--set", "x=5", status=1).stdout
    assert text.startswith("exp:a  different\n  y 6 -> 18\n  model.s 2 -> 10\n  file sub/curve.csv\n")


RANDOM = """
    import os
    import pyexp

    @pyexp.experiment
    def exp(cfg, out):
        off = float(os.environ.get("OFF", "0"))
        (out / "curve.csv").write_text(f"1,{1.0 + off}\\n")
        return {"y": 1.0 + off, "n": 3}

    @exp.configs
    def configs():
        return [{"name": "a"}]

    if __name__ == "__main__":
        exp.run()
"""


@pytest.mark.parametrize(
    ("off", "words", "verdict", "status"),
    [
        ("0", [], "identical", 0),
        ("1e-8", [], "within tolerance", 0),
        ("1e-8", ["--tolerance", "0"], "different", 1),
        ("1e-3", [], "different", 1),
        ("1e-3", ["--tolerance", "0.01"], "within tolerance", 0),
    ],
)
def test_numbers_may_differ_within_the_tolerance(
    project: Any, off: str, words: list[str], verdict: str, status: int
) -> None:
    project.write("exp.py", RANDOM)
    project.python("exp.py")
    done = project.python("-m", "pyexp", "reproduce", "a", "--json", *words, env={"OFF": off}, status=status)
    assert json.loads(done.stdout)["verdict"] == verdict


BOMB = b"cposix\nsystem\n(S'touch planted'\ntR."


def test_what_lies_in_the_attempt_is_not_unpickled(project: Any) -> None:
    project.write("exp.py", RANDOM)
    project.python("exp.py")
    next(project.out.glob("exp/a/*/experiment.pkl")).write_bytes(BOMB)
    for off, words, verdict in (("0", [], "identical"), ("1e-8", [], "within tolerance"), ("1", [], "different")):
        done = project.python("-m", "pyexp", "reproduce", "a", "--json", *words, env={"OFF": off}, status=None)
        assert json.loads(done.stdout)["verdict"] == verdict
    assert not (project.folder / "planted").exists()


def test_values_that_only_a_pickle_holds_are_compared_if_that_is_wanted(project: Any) -> None:
    project.write("exp.py", RANDOM.replace('"n": 3', '"n": {1, off}'))
    project.python("exp.py")
    again = "-m", "pyexp", "reproduce", "a"
    assert project.python(*again, env={"OFF": "0"}).stdout.startswith("exp:a  identical\n")
    said = project.python(*again, env={"OFF": "1e-9"}, status=1).stdout
    assert "  other values\n  file" in said and "  other values: it is pickled; --unpickle loads it" in said
    told = json.loads(project.python(*again, "--unpickle", "--json", env={"OFF": "1e-9"}, status=1).stdout)
    assert [one["key"] for one in told["values"]] == ["y", "n"]
    assert told["note"] is None


def test_a_failure_is_made_again_too(lab: Lab) -> None:
    lab.change()
    told = lab.verdict("exp:bad")
    assert told["verdict"] == "identical"
    assert told["failure"] == "both failed: ValueError: no 3"
    told = lab.verdict("bad", "--set", "x=4", status=1)
    assert told["failure"] == "then it failed with ValueError: no 3, now it failed with ValueError: no 4"


def test_a_run_that_dies_now_is_different(project: Any) -> None:
    project.write("exp.py", RANDOM.replace("off = ", "os.environ.get('DIE') and os.abort(); off = "))
    project.python("exp.py")
    done = project.python("-m", "pyexp", "reproduce", "a", env={"DIE": "1"}, status=1)
    assert "then it finished, now it failed with ProcessKilled" in done.stdout


# -- which attempt ----------------------------------------------------------------------------------------------


def test_an_older_attempt_is_made_again_with_the_code_of_then(lab: Lab) -> None:
    first = lab.project.attempts("a")[0].name
    lab.project.edit("helper.py", "x + 1", "x + 100")
    lab.project.python("exp.py", "--rerun", "--timestamp", "2030-01-01_00-00-00", env=lab.env, status=1)
    assert lab.verdict("a", "--at", first)["original"] == first
    assert json.loads((lab.project.attempts("a")[1] / "result.json").read_text())["y"] == 6
    assert lab.verdict("a", "--at", "2030")["verdict"] == "identical"
    assert lab.verdict("a")["original"] == "2030-01-01_00-00-00"  # what the record speaks of


def test_a_reproduction_is_no_result_and_not_the_newest_attempt(lab: Lab) -> None:
    lab.project.edit("helper.py", "x + 1", "x + 100")
    lab.reproduce("a", "--set", "x=7", status=1)
    lab.reproduce("bad")
    listed = json.loads(lab.project.python("-m", "pyexp", "list", "exp.py", "--json", env=lab.env).stdout)["runs"]
    states = [run["state"] for run in listed]
    assert states == ["up-to-date", "up-to-date", "up-to-date", "failed"]
    row = json.loads(lab.project.pyexp("results", "exp", "--json").stdout)[0]["runs"][0]
    assert row["result"]["y"] == 6
    assert "made by 2\n" in lab.project.pyexp("log", "exp:a").stdout
    status = json.loads((lab.project.attempts("a")[1] / "status.json").read_text())
    assert status["reproduces"] == lab.project.attempts("a")[0].name
    assert status["why"].startswith("reproduces 2")


def test_a_reproduction_can_itself_be_made_again(lab: Lab) -> None:
    lab.reproduce("a", "--set", "x=7", status=1)
    new = lab.project.attempts("a")[1].name
    told = lab.verdict("a", "--at", new)
    assert (told["verdict"], told["original"]) == ("identical", new)


@pytest.mark.parametrize("options", ["timestamp=False", "hash_configs=True", 'executor="fork"'])
def test_every_layout_and_executor_will_do(project: Any, tmp_path: Path, options: str) -> None:
    lab = make_lab(project, True, options)
    lab.project.edit("helper.py", "x + 1", "x + 100")
    assert lab.verdict("exp:a")["verdict"] == "identical"
    done = project.python("exp.py", env=lab.env, status=1)
    assert "2 executed" not in done.stderr  # nothing became stale by it


def test_a_function_of_a_package_is_made_again(project: Any, tmp_path: Path) -> None:
    project.write("src/pkg/__init__.py", "")
    project.write("src/pkg/inner.py", "def f(x):\n    return x\n")
    project.write("src/pkg/train.py", RANDOM.replace("import os\n", "import os\n    from .inner import f\n"))
    project.write("dodo.py", "import sys; sys.path.insert(0, 'src')\nfrom pkg.train import exp as other_name\n")
    git(project, "init", "--quiet")
    project.pyexp("build")
    project.edit("src/pkg/inner.py", "return x", "return x + 1")
    project.edit("src/pkg/train.py", '"y": 1.0', '"y": 2.0')
    (project.folder / "dodo.py").unlink()
    assert "identical" in project.pyexp("reproduce", "a").stdout


def test_a_function_under_another_name_is_found(project: Any) -> None:
    text = RANDOM.replace("@pyexp.experiment\n    def exp(", "def inner(").replace(
        "@exp.configs", "exp = pyexp.experiment(inner, name='exp')\n\n    @exp.configs"
    )
    project.write("exp.py", text)
    project.python("exp.py")
    assert "identical" in project.pyexp("reproduce", "exp:a").stdout


def test_files_are_opened_in_the_folder_that_the_build_was_started_in(project: Any) -> None:
    project.write("work/exp.py", RANDOM.replace("off = ", "open('here.txt'); off = "))
    project.write("work/here.txt", "")
    git(project, "init", "--quiet")
    project.python("exp.py", env={}, status=None)
    subprocess.run(
        [sys.executable, "exp.py"], cwd=project.folder / "work", env=project.environment, check=True, timeout=60
    )
    done = project.pyexp("reproduce", "a")
    assert "identical" in done.stdout


def test_secrets_come_from_the_environment_or_the_command_line(project: Any, one_sentence: Callable[..., None]) -> None:
    text = RANDOM.replace('[{"name": "a"}]', '[{"name": "a", "api_token": os.environ["TOK"], "x": 1}]')
    project.write("exp.py", text.replace('"n": 3', '"n": len(cfg.api_token)'))
    project.python("exp.py", env={"TOK": "planted-1"})
    one_sentence(project.pyexp("reproduce", "a", status=None), '"api_token"', "--set api_token=", "API_TOKEN")
    one_sentence(project.pyexp("reproduce", "a", "--set", "x=2", status=None), '"api_token"')
    assert len(project.attempts("a")) == 1
    done = project.python("-m", "pyexp", "reproduce", "a", env={"API_TOKEN": "planted-1"})
    assert "identical" in done.stdout
    assert "identical" in project.pyexp("reproduce", "a", "--set", "api_token=planted-1").stdout
    for path in project.out.rglob("*"):
        assert path.is_dir() or b"planted-" not in path.read_bytes(), path


def test_a_secret_that_looks_like_a_number_stays_what_it_was(project: Any) -> None:
    text = RANDOM.replace('[{"name": "a"}]', '[{"name": "a", "password": "12" "34", "pin_secret": 56, "x": 1}]')
    project.write("exp.py", text.replace('"n": 3', '"n": f"{cfg.password!r} {cfg.pin_secret!r}"'))
    project.python("exp.py")
    words = ("--set", "password=1234", "--set", "pin_secret=56")
    assert "identical" in project.pyexp("reproduce", "a", *words).stdout
    assert "different" in project.pyexp("reproduce", "a", "--set", "password=5678", *words[2:], status=1).stdout


def test_secrets_that_the_experiment_names_are_asked_for_with_the_others(
    project: Any, one_sentence: Callable[..., None]
) -> None:
    text = RANDOM.replace(
        '[{"name": "a"}]', '[{"name": "a", "salt": "planted-1", "api_key": "k-2", "db": {"pin": 77}}]'
    )
    project.write("exp.py", text.replace("@pyexp.experiment", '@pyexp.experiment(secret=["salt", "db.pin"])', 1))
    project.python("exp.py")
    one_sentence(
        project.pyexp("reproduce", "a", status=None),
        'secrets under "salt", "api_key", "db.pin"',
        "variables SALT, API_KEY, DB_PIN",
    )


def test_all_secrets_that_are_missing_are_named(project: Any, one_sentence: Callable[..., None]) -> None:
    text = RANDOM.replace(
        '[{"name": "a"}]', '[{"name": "a", "token": os.environ["A"], "db": {"password": "plan" "ted"}}]'
    )
    project.write("exp.py", text.replace('"n": 3', '"n": 1'))
    project.python("exp.py", env={"A": "planted"})

    def reproduce(*words: str, status: int | None = None, **env: str) -> Any:
        return project.python("-m", "pyexp", "reproduce", "a", *words, env=env, status=status)

    one_sentence(reproduce(), '"token", "db.password"', "variables TOKEN, DB_PASSWORD")
    one_sentence(reproduce("--set", "token=planted"), 'a secret under "db.password"', "variable DB_PASSWORD")
    assert "identical" in reproduce(TOKEN="another", PASSWORD="new", status=0).stdout
    assert "identical" in reproduce("--set", "token=planted", PASSWORD="planted", status=0).stdout


# -- run files --------------------------------------------------------------------------------------------------

TYPED = """
    from pyexp.experiments import configuration
    from helper import f

    @configuration
    class Model:
        width: int = 8

    @configuration
    class Train:
        lr: float
        model: Model = Model()

    def train(cfg: Train):
        return {"y": f(cfg.lr), "width": cfg.model.width, "kind": type(cfg.lr).__name__}
"""


@pytest.fixture
def run_file(project: Any) -> Any:
    project.write("train.py", TYPED)
    project.write("helper.py", "def f(x):\n    return x + 1\n")
    project.write("small.yml", "entry: train.py:train\nconfig: {lr: 1}\n")
    project.pyexp("run", "small.yml")
    project.edit("helper.py", "x + 1", "x + 100")
    return project


def test_a_run_of_a_run_file_is_made_again(run_file: Any) -> None:
    assert "identical" in run_file.pyexp("reproduce", "train:small").stdout
    changed = run_file.pyexp("reproduce", "small", "--set", "lr=1", "--set", "model.width=9", status=1).stdout
    assert "width 8 -> 9" in changed and "kind" not in changed and "y " not in changed


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("lr=fast", ("does not fit train", "lr must be a number")),
        ("model=16", ("does not fit train", "model must be a section")),
        ("model.widht=16", ("model.widht", "width")),
    ],
)
def test_a_config_that_no_longer_fits_the_function_is_one_sentence(
    run_file: Any, setting: str, words: tuple[str, ...], one_sentence: Callable[..., None]
) -> None:
    one_sentence(run_file.pyexp("reproduce", "small", "--set", setting, status=None), *words)
    assert len(run_file.attempts("small", "train")) == 1


def test_an_annotation_that_the_config_never_fitted_is_not_held_against_it(project: Any) -> None:
    odd = "from dataclasses import dataclass\n\n    @dataclass\n    class Odd:\n        y: int\n"
    text = RANDOM.replace("cfg, out", "cfg: Odd, out").replace('"name": "a"', '"name": "a", "x": 1')
    project.write("exp.py", text.replace("import pyexp\n", f"import pyexp\n    {odd}").replace('"n": 3', '"n": cfg.x'))
    project.python("exp.py")
    assert "n 1 -> 'new'" in project.pyexp("reproduce", "a", "--set", "x=new", status=1).stdout


# -- what is gone -----------------------------------------------------------------------------------------------


def test_a_snapshot_that_was_removed_is_checked_out_again(git_lab: Lab) -> None:
    git_lab.change()
    shutil.rmtree(git_lab.out / "exp" / ".snapshots")
    assert git_lab.verdict("a")["verdict"] == "identical"


def gone_snapshot(lab: Lab) -> None:
    shutil.rmtree(lab.out / "exp" / ".snapshots")
    shutil.rmtree(lab.project.folder / ".git")


def no_snapshot(lab: Lab) -> None:
    for path in lab.out.glob("exp/a/*/.commit"):
        path.unlink()


def gone_function(lab: Lab) -> None:
    for path in lab.out.glob("exp/.snapshots/*/exp.py"):
        path.unlink()


def gone_manifest(lab: Lab) -> None:
    for path in lab.out.glob("exp/.batches/*.json"):
        path.unlink()
    (lab.out / "exp" / ".batches" / "2000-01-01_00-00-00.json").write_text("{")


def damaged_config(lab: Lab) -> None:
    for path in lab.out.glob("exp/a/*/config.json"):
        path.write_text("{")


def changed_config(lab: Lab) -> None:
    for path in lab.out.glob("exp/a/*/config.json"):
        path.write_text(path.read_text().replace('"width": 8', '"width": 9'))


def gone_upstream(lab: Lab) -> None:
    shutil.rmtree(lab.out / "pre" / "w")


def upstream_without(name: str) -> Callable[[Lab], None]:
    def spoil(lab: Lab) -> None:
        next(lab.out.glob(f"pre/w/*/{name}")).unlink()

    return spoil


def damaged_upstream(lab: Lab) -> None:
    next(lab.out.glob("pre/w/*/config.json")).write_text("[" * 100_000)


def noted(**changes: Any) -> Callable[[Lab], None]:
    """Damage what is on record of the function."""

    def spoil(lab: Lab) -> None:
        for path in lab.out.glob("exp/.batches/*.json"):
            told = json.loads(path.read_text())
            path.write_text(json.dumps(told | {"function": told["function"] | changes, "environment": 1}))

    return spoil


def damaged_deps(lab: Lab) -> None:
    for path in lab.out.glob("exp/a/*/status.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"deps": {"pre:w": 1}}))


def spoilt_status(spoil: Callable[[Path], object]) -> Callable[[Lab], None]:
    """Put something else in the place of how the attempt went."""

    def spoil_it(lab: Lab) -> None:
        for path in list(lab.out.glob("exp/a/*/status.json")):
            spoil(path)

    return spoil_it


def running(lab: Lab) -> None:
    for path in lab.out.glob("exp/a/*/status.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"state": "interrupted"}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (gone_snapshot, ("the snapshot", "exp:a", "is gone")),
        (no_snapshot, ("exp:a", "without a snapshot", "stash=True")),
        (gone_function, ("the snapshot of exp:a", "has no exp.py")),
        (gone_manifest, ("exp:a", "manifest")),
        (damaged_config, ("saved config of exp:a", "config.json")),
        (changed_config, ("saved config of exp:a", "config.json", "model.width 8 -> 9")),
        (gone_upstream, ("exp:a", "pre:w", "is gone")),
        (upstream_without("config.json"), ("exp:a", "pre:w", "config.json", "No such file")),
        (upstream_without("experiment.pkl"), ("exp:a", "pre:w", "is gone", "experiment.pkl")),
        (damaged_upstream, ("exp:a", "pre:w", "config.json")),
        (noted(file="../../../exp.py"), ("exp:a", "../../../exp.py", "outside of the snapshot")),
        (noted(arity="x"), ("function of exp:a", "damaged")),
        (noted(path=[1]), ("function of exp:a", "damaged")),
        (damaged_deps, ("exp:a", "status.json is damaged")),
        (running, ("exp:a", "has not ended")),
        (
            spoilt_status(lambda path: path.write_text("{")),
            ("exp:a", "status.json cannot be read: it is damaged", "--rerun"),
        ),
        (
            spoilt_status(lambda path: (path.unlink(), os.mkfifo(path))),
            ("exp:a", "status.json cannot be read: it is a named pipe"),
        ),
        (spoilt_status(Path.unlink), ("exp:a", "status.json is gone", "--rerun")),
    ],
)
def test_what_is_gone_is_told_in_one_sentence_and_nothing_is_executed(
    git_lab: Lab, spoil: Callable[[Lab], None], words: tuple[str, ...], one_sentence: Callable[..., None]
) -> None:
    spoil(git_lab)
    one_sentence(git_lab.reproduce("exp:a", status=None), *words)
    assert len(list(git_lab.out.glob("exp/a/2*"))) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody"], ('no run "nobody"',)),
        (["a", "--at", "1999"], ('no attempt "1999"',)),
        (["a", "--set", "modle.width=3"], ('no key "modle', "model")),
        (["a", "--set", "name=c"], ('no key "name"',)),
        (["a", "--set", "x"], ("key=value",)),
        (["a", "--tolerance", "-1"], ("tolerance",)),
        (["a", "--tolerance", "many"], ("tolerance",)),
        ([], ("RUN",)),
    ],
)
def test_bad_input_is_one_sentence(
    git_lab: Lab, arguments: list[str], words: tuple[str, ...], one_sentence: Callable[..., None]
) -> None:
    one_sentence(git_lab.reproduce(*arguments, status=None), *words)
    assert len(git_lab.project.attempts("a")) == 1


def test_an_upstream_that_was_overwritten_is_told(
    project: Any, tmp_path: Path, one_sentence: Callable[..., None]
) -> None:
    lab = make_lab(project, True, executed=False)
    text = (project.folder / "exp.py").read_text()
    project.write("exp.py", text.replace("@pyexp.experiment\ndef pre", "@pyexp.experiment(timestamp=False)\ndef pre"))
    project.python("exp.py", env=lab.env, status=1)
    assert lab.verdict("exp:a")["verdict"] == "identical"
    status = next(project.out.glob("pre/w-*/status.json"))
    status.write_text(json.dumps(json.loads(status.read_text()) | {"digest": "other"}))
    one_sentence(lab.reproduce("exp:a", status=None), "pre:w", "overwritten")


INSIDE = """
    import pyexp

    def main():
        def inner(cfg):
            return 1

        exp = pyexp.experiment(inner, name="exp")
        exp.run(configs=[{"name": "a"}])

    if __name__ == "__main__":
        main()
"""


def test_a_function_that_is_made_in_a_function_is_told(project: Any, one_sentence: Callable[..., None]) -> None:
    project.write("exp.py", INSIDE)
    project.python("exp.py")
    one_sentence(project.pyexp("reproduce", "a", status=None), "inside another function of exp.py")


# -- from Python ------------------------------------------------------------------------------------------------

NOTEBOOK = """
    import pyexp
    from exp import exp
    same = exp.reproduce("a")
    assert same and same.ok and same.verdict == "identical", same
    assert same.attempt.parent == same.original.parent
    other = exp.reproduce("a", at=same.original.name, set={"model.width": 4, "x": 2}, tolerance=0.1)
    assert not other and other.verdict == "different", other
    bad = [{"run": "nobody"}, {"run": "a", "set": {"q": 1}}, {"run": "a", "at": "1999"}, {"run": "a", "tolerance": -1}]
    for words in bad:
        try:
            exp.reproduce(**words)
        except pyexp.PyexpError as error:
            print(error)
        else:
            raise AssertionError(words)
"""


def test_an_experiment_reproduces_its_runs(lab: Lab) -> None:
    lab.change()
    lab.project.write("notebook.py", NOTEBOOK)
    done = lab.project.python("notebook.py", env=lab.env)
    assert len(done.stdout.splitlines()) == 4


def test_an_experiment_that_was_never_run_has_nothing_to_reproduce(
    project: Any, one_sentence: Callable[..., None]
) -> None:
    project.write("exp.py", RANDOM.replace("exp.run()", "exp.reproduce('a')"))
    one_sentence(project.python("exp.py", status=None), "no batch of exp")


TYPES = """
    import datetime, enum, pathlib, typing, zoneinfo
    import numpy as np
    import pyexp

    class Act(enum.Enum):
        RELU = "relu"
        GELU = "gelu"

    class Size(typing.NamedTuple):
        x: int
        act: Act

    CONFIG = {"act": Act.RELU, "size": Size(3, Act.GELU), "lr": np.float32(0.1), "data": pathlib.Path("a\\udcff"),
              "when": datetime.datetime(2024, 1, 2, tzinfo=zoneinfo.ZoneInfo("Europe/Paris"))}

    @pyexp.experiment
    def train(cfg):
        for key, value in CONFIG.items():
            assert type(cfg[key]) is type(value) and cfg[key] == value, f"{key}: {cfg[key]!r}"
        assert cfg.act is Act.RELU and cfg.when.tzinfo.key == "Europe/Paris"

    @train.configs
    def configs():
        return [{"name": "a", **CONFIG}, {"name": "b", **CONFIG, "act": Act.RELU, "depends_on": {"act": Act.RELU}}]

    if __name__ == "__main__":
        train.run()
        assert train.results().filter({"act": Act.RELU, "lr": np.float32(0.1)}).names == ["a", "b"]
        assert train.results().filter({"act": "relu", "size": (3, Act.GELU)}).names == ["a", "b"]
        assert len(train.results().filter({"act": Act.GELU})) == 0
"""


def test_values_of_the_users_own_classes_are_kept_through_every_door(project: Any) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", TYPES)
    project.python("exp.py")
    project.pyexp("build", "exp.py", "--continue", "--rerun", "--executor", "inline")
    assert "identical" in project.pyexp("reproduce", "train:a").stdout
    assert "relu" in project.pyexp("results", "--json").stdout
    project.edit("exp.py", "class Act", "class Action")  # what was saved needs the class of then
    (project.folder / "exp.py").write_text((project.folder / "exp.py").read_text().replace("Act.", "Action."))
    (project.folder / "exp.py").write_text((project.folder / "exp.py").read_text().replace("act: Act", "act: Action"))
    assert "identical" in project.pyexp("reproduce", "train:a").stdout
    said = project.pyexp("build", "exp.py", "--continue", "--rerun", status=2).stderr
    assert "exp.Act, of which the config holds a value, is not there any more" in said
