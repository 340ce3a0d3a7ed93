"""Code that changed: which runs it concerns, through whichever door, and what is on record; counted from outside."""

from __future__ import annotations

import json
import textwrap
import time
from typing import Any

import pytest

from dodo_pyexp.planning.code import UNKNOWN
from tests.changed_code import ALL, CHANGED, HELPER, LOGIC, change_record, experiment, record


@pytest.mark.parametrize(
    ("edit", "executed"),
    [
        (("exp.py", "mark(cfg)\n", "mark(cfg)  # and go\n"), []),
        (("exp.py", "import helper\n", "import helper  # one\n"), []),
        (LOGIC, ALL),
        (("helper.py", "def f(x):", "# a comment\n\n\ndef f(\n    x,\n):"), []),
        (("helper.py", "Double.", "Twice as much."), []),
        (("helper.py", "return x * 2", "return (\n        x\n        * 2\n    )"), []),
        (("helper.py", "x * 3", "x * 4"), []),
        (("exp.py", "return x\n", "return -x\n"), []),
        (("exp.py", "3, 40)", "3, 4)"), ["r4"]),
    ],
)
def test_with_rerun_exactly_the_runs_that_use_what_changed_are_executed(
    built: Any, edit: tuple[str, str, str], executed: list[str]
) -> None:
    built.edit(*edit)
    built.pyexp("build", "exp.py", "--code", "rerun")
    assert built.executed() == executed
    built.pyexp("build", "exp.py", "--code", "rerun")
    assert built.executed() == []


def test_a_helper_that_has_another_name_is_the_same_code_also_to_what_an_older_version_wrote(built: Any) -> None:
    (kept,) = (built.out / "exp/.code").iterdir()
    told = json.loads(kept.read_text())
    assert told["meanings"]["exp.py::exp"][1:] == ["helper.py::f"]
    kept.write_text(json.dumps({"format": told["format"], "code": told["code"]}))
    built.pyexp("build", "exp.py", "--rerun", "r0")
    assert json.loads(kept.read_text()) == told
    built.executed()
    built.write("lib.py", (built.folder / "helper.py").read_text())
    (built.folder / "helper.py").unlink()
    built.edit("exp.py", "import helper", "import lib")
    built.edit("exp.py", "helper.f", "lib.f")
    done = built.pyexp("build", "exp.py", "--code", "rerun")
    assert built.executed() == [] and "other code" not in done.stderr
    built.edit("lib.py", "x * 2", "x * 5")
    assert "lib.py::f added" in built.pyexp("build", "exp.py", "-n", "--code", "rerun", status=3).stdout


CASES = {
    "another name": ("from helper import f as k", "k(1)", "", [LOGIC]),
    "decorated": (
        "from deco import twice",
        "near(1)",
        "@twice\ndef near(x):\n    return x + 1\n",
        [("deco.py", "fn(fn(x))", "fn(fn(fn(x)))"), ("exp.py", "x + 1", "x + 2")],
    ),
    "method": (
        "",
        "Net().forward(1)",
        "class Net:\n    def forward(self, x):\n        return helper.f(x) + 1\n",
        [("exp.py", "f(x) + 1", "f(x) + 2"), LOGIC],
    ),
    "class": (
        "",
        "Net().size",
        "class Base:\n    depth = 1\nclass Net(Base):\n    size = 3\n",
        [("exp.py", "size = 3", "size = 4"), ("exp.py", "depth = 1", "depth = 2")],
    ),
    "constant": ("", "RATE", "RATE = 3\n", [("exp.py", "RATE = 3", "RATE = 4")]),
    "lambda": ("", "near(1)", "near = lambda x: helper.f(x) + 1\n", [("exp.py", "f(x) + 1", "f(x) + 2"), LOGIC]),
    "partial": (
        "import functools",
        "near()",
        "near = functools.partial(helper.f, 1)\n",
        [("exp.py", "helper.f, 1", "helper.f, 2"), LOGIC],
    ),
    "recursion": (
        "",
        "a(3)",
        "def a(x):\n    return b(x - 1) if x else 1\ndef b(x):\n    return a(x - 1) if x else helper.f(1)\n",
        [("exp.py", "if x else 1", "if x else 2"), LOGIC],
    ),
    "package": (
        "from pkg import loss",
        "loss(1)",
        "",
        [("pkg/core.py", "x + base(x)", "x - base(x)"), ("pkg/sub/deep.py", "x + 7", "x + 8")],
    ),
    "imported later": (
        "",
        "later(1)",
        "def later(x):\n    import helper as h\n    return h.f(x)\n",
        [LOGIC],
    ),
}


@pytest.mark.parametrize(("imports", "value", "code", "edits"), CASES.values(), ids=CASES)
def test_code_is_followed_wherever_it_leads(
    project: Any, imports: str, value: str, code: str, edits: list[tuple[str, str, str]]
) -> None:
    project.write("pyproject.toml", '[tool.pyexp]\ncode = "rerun"\nstash = false\nexecutor = "fork"\n')
    project.write("helper.py", HELPER)
    project.write("deco.py", "def twice(fn):\n    return lambda x: fn(fn(x))\n")
    project.write("pkg/__init__.py", "from .core import loss\n")
    project.write("pkg/core.py", "from .sub.deep import base\n\n\ndef loss(x):\n    return x + base(x)\n")
    project.write("pkg/sub/__init__.py", "")
    project.write("pkg/sub/deep.py", "def base(x):\n    return x + 7\n\n\ndef other(x):\n    return x + 9\n")
    head = f"import pyexp\nimport helper\nfrom tally import mark\n{imports}\n{code}\nOTHER = 1\n"
    project.write(
        "exp.py",
        f"{head}\n@pyexp.experiment\ndef exp(cfg):\n    mark(cfg)\n    return {value}\n\n"
        '@exp.configs\ndef configs():\n    return [{"name": "one"}]\n',
    )
    project.pyexp("build", "exp.py")
    assert project.executed() == ["one"]
    project.edit("helper.py", "x * 3", "x * 4")
    project.edit("pkg/sub/deep.py", "x + 9", "x")
    project.edit("exp.py", "OTHER = 1", "OTHER = 2")
    project.pyexp("build", "exp.py")
    assert project.executed() == []
    for edit in edits:
        project.edit(*edit)
        project.pyexp("build", "exp.py")
        assert project.executed() == ["one"], edit


# -- upstreams and reports ---------------------------------------------------------------------------------------------


def test_the_code_of_an_upstream_counts_by_what_it_puts_out(pipeline: Any) -> None:
    pipeline.edit("helper.py", "x * 2", "x + x")
    told = pipeline.pyexp("build", "exp.py", "-n", status=3).stdout
    assert "up:up      code: helper.py::f changed" in told
    assert "down:down  upstream up:up has to be built first" in told
    pipeline.pyexp("build", "exp.py")
    assert pipeline.executed() == ["up"]  # it put out the same
    pipeline.edit("helper.py", "x + x", "x + 1")
    pipeline.pyexp("build", "exp.py")
    assert pipeline.executed() == ["up", "down", "report"]


@pytest.mark.parametrize(
    ("edit", "executed"),
    [
        (("exp.py", "def line(run):\n", "def line(run):\n    # a line\n"), []),
        (("exp.py", "{run.name} {run.result}", "{run.result} {run.name}"), ["report"]),
        (("exp.py", "2 * x", "3 * x"), ["down", "report"]),
        (("exp.py", "2 * x", "x * 2"), ["down"]),
    ],
)
def test_a_report_is_made_again_when_the_code_it_reaches_changed(
    pipeline: Any, edit: tuple[str, str, str], executed: list[str]
) -> None:
    pipeline.edit(*edit)
    pipeline.pyexp("build", "exp.py")
    assert pipeline.executed() == executed


def test_a_changed_function_that_makes_configs_counts_by_the_configs(pipeline: Any) -> None:
    pipeline.edit("exp.py", 'return [{"name": "up"}]', 'return [dict(name="up")]')
    pipeline.pyexp("build", "exp.py")
    assert pipeline.executed() == []


# -- what is on disk ---------------------------------------------------------------------------------------------------


def test_record_status_and_manifest_name_the_code_and_its_pieces_are_kept_once(built: Any) -> None:
    named = record(built)["code"]
    assert record(built, "r40")["code"] == named
    assert json.loads((built.attempts("r0")[-1] / "status.json").read_text())["code"] == named
    (manifest,) = (built.out / "exp" / ".batches").glob("*.json")
    assert json.loads(manifest.read_text())["code"] == named
    (kept,) = (built.out / "exp" / ".code").iterdir()
    assert kept.name == f"{named}.json"
    assert json.loads(kept.read_text())["code"].keys() == {
        "exp.py::exp", "exp.py::import mark", "helper.py::f", "tally.py::mark",
    }  # fmt: skip


@pytest.mark.parametrize("code", ["gone", "0-0123456789abcdef", "nonsense", "1-../../../etc"])
def test_a_record_that_cannot_be_compared_counts_as_unchanged_and_is_told_of_once(built: Any, code: str) -> None:
    for run in ALL:
        change_record(built, run, code=code)
    done = built.pyexp("build", "exp.py", "--code", "rerun")
    assert built.executed() == []
    assert done.stderr.count("cannot be compared") == 1
    assert "exp: the code of 5 up-to-date runs cannot be compared with today's" in done.stderr
    built.pyexp("accept", "exp.py")
    assert "compared" not in built.pyexp("build", "exp.py").stderr
    built.edit(*LOGIC)
    assert f"up-to-date  {CHANGED}" in built.pyexp("list", "exp.py").stdout


def test_a_run_whose_code_could_not_be_found_is_never_compared(project: Any) -> None:
    project.write("exp.py", experiment().replace("import helper", "import made").replace("helper.f", "made.f"))
    text = experiment().replace("\n    import helper", "")
    text = textwrap.dedent(text).replace("helper.f(cfg.x)", "cfg.x")
    text = text.replace('@pyexp.experiment(stash=False, executor="fork")\ndef exp', "CODE = '''\ndef exp").replace(
        "return cfg.x\n", "return cfg.x\n'''\nexec(CODE)\nexp = pyexp.experiment(stash=False, executor='inline')(exp)\n"
    )
    project.write("exp.py", text)
    project.pyexp("build", "exp.py")
    assert record(project)["code"] == ""
    project.edit("exp.py", "return cfg.x\n", "return cfg.x + 1\n")
    done = project.pyexp("build", "exp.py", "--code", "rerun")
    assert project.executed() == ALL and "code" not in done.stderr


@pytest.mark.parametrize("content", [None, b"", b'{"format": 1, "code"', b"[]", b'{"code": 3}'])
def test_without_the_pieces_it_is_told_that_the_code_changed(built: Any, content: bytes | None) -> None:
    (kept,) = (built.out / "exp" / ".code").iterdir()
    kept.unlink() if content is None else kept.write_bytes(content)
    assert built.pyexp("build", "exp.py").stderr.count("code") == 0
    built.edit(*LOGIC)
    assert "exp:r0   code: changed" in built.pyexp("build", "exp.py", "-n", "--code", "rerun", status=3).stdout


def test_an_edit_that_is_taken_back_leaves_nothing_to_do(built: Any) -> None:
    built.edit(*LOGIC)
    built.pyexp("build", "exp.py", "--code", "rerun", "exp:r1")
    assert built.executed() == ["r1"]
    built.edit("helper.py", "x * 5", "x * 2")
    built.pyexp("build", "exp.py", "--code", "rerun")
    assert built.executed() == ["r1"]


def test_a_project_that_becomes_a_repository_keeps_its_runs(project: Any) -> None:
    project.write("work/exp.py", experiment())
    project.write("work/helper.py", HELPER)
    project.write("work/tally.py", (project.folder / "tally.py").read_text())
    project.pyexp("build", "work/exp.py", "--output-dir", "out")  # else it is another one from now on
    assert project.executed() == ALL
    (project.folder / ".git").mkdir()
    assert "code" not in project.pyexp("build", "work/exp.py", "--output-dir", "out", "--code", "rerun").stderr
    assert project.executed() == []


# -- doors -------------------------------------------------------------------------------------------------------------


def test_all_doors_agree_on_the_code(built: Any) -> None:
    built.write("pyproject.toml", '[tool.pyexp]\ncode = "rerun"\n')
    built.write("dodo.py", "from exp import exp\n")
    inner = built.folder / "inner"
    inner.mkdir()
    doors = [
        ["exp.py"],
        ["-m", "exp"],
        ["-m", "pyexp", "build", "exp.py"],
        ["-m", "pyexp", "build"],
        ["-m", "doit", "-f", "exp.py"],
        ["-m", "doit"],
        ["-m", "pyexp", "build", "./exp.py", "--executor", "fork"],
        ["exp.py", "--executor", "inline"],
    ]
    for door in doors:
        built.python(*door)
        assert built.executed() == [], door
    for path in ("../exp.py", str(built.folder / "exp.py")):
        for door in (["-m", "pyexp", "build", path], [path]):
            process = built.start(*door, "--output-dir", "../out", cwd=inner)
            assert process.communicate(timeout=60) and process.returncode == 0
            assert built.executed() == [], door


@pytest.mark.parametrize("door", [["exp.py"], ["-m", "pyexp", "build", "exp.py"], ["-m", "doit", "-f", "exp.py"]])
@pytest.mark.parametrize("executor", ["subprocess", "inline"])
def test_every_door_and_executor_puts_the_same_code_on_record(built: Any, door: list[str], executor: str) -> None:
    named = record(built)["code"]
    built.write("exp.py", experiment(f'(stash=False, executor="{executor}", output_dir="other")'))
    built.python(*door)
    assert built.executed() == ALL
    assert json.loads((built.folder / "other/exp/r0/.finished").read_text())["code"] == named


def test_a_module_of_a_package_is_the_same_from_everywhere(project: Any) -> None:
    project.write("pyproject.toml", '[tool.pyexp]\ncode = "rerun"\n')
    project.write("lab/__init__.py", "")
    project.write("lab/helper.py", HELPER)
    project.write("lab/exp.py", experiment().replace("import helper", "from lab import helper"))
    project.write("dodo.py", "from lab.exp import exp\n")
    project.pyexp("build")
    assert project.executed() == ALL
    for door in (["-m", "lab.exp"], ["-m", "doit"]):
        project.python(*door)
        assert project.executed() == [], door
    project.python("lab/exp.py", env={"PYTHONPATH": f"{project.folder}:{project.environment['PYTHONPATH']}"})
    assert project.executed() == []


# -- edits while something is going on ---------------------------------------------------------------------------------


SLOW = """
    import time
    from pathlib import Path

    import pyexp
    import helper
    from tally import mark


    @pyexp.experiment(stash=False, executor="{executor}")
    def exp(cfg):
        mark(cfg)
        while cfg.name == "r0" and not Path("go").exists():
            time.sleep(0.01)
        return helper.f(1)


    @exp.configs
    def configs():
        return [{{"name": "r0"}}, {{"name": "r1"}}]


    if __name__ == "__main__":
        exp.run()
"""


@pytest.mark.parametrize("executor", ["subprocess", "fork"])
@pytest.mark.parametrize("door", [["-m", "pyexp", "build", "exp.py"], ["exp.py"]], ids=["build", "script"])
def test_an_edit_during_a_build_counts_for_the_runs_that_executed_it(
    project: Any, executor: str, door: list[str]
) -> None:
    project.write("pyproject.toml", "")
    project.write("helper.py", HELPER)
    project.write("exp.py", SLOW.format(executor=executor))
    process = project.start(*door)
    deadline = time.monotonic() + 60
    while project.tally() != {"r0": 1} and time.monotonic() < deadline:
        time.sleep(0.01)
    project.edit(*LOGIC)
    project.write("go", "")
    process.communicate(timeout=60)
    assert process.returncode == 0
    values = [json.loads(next((project.out / "exp" / run).glob("2*/result.json")).read_text()) for run in ("r0", "r1")]
    assert values == ([2, 5] if executor == "subprocess" else [2, 2])
    project.executed()
    project.pyexp("build", "exp.py", "--code", "rerun")
    assert project.executed() == (["r0"] if executor == "subprocess" else ["r0", "r1"])


def test_a_script_that_is_edited_while_it_runs_is_put_on_record_as_it_was_executed(project: Any) -> None:
    project.write("pyproject.toml", "")
    project.write("helper.py", HELPER)
    project.write("exp.py", SLOW.format(executor="subprocess"))
    process = project.start("exp.py")
    deadline = time.monotonic() + 60
    while project.tally() != {"r0": 1} and time.monotonic() < deadline:
        time.sleep(0.01)
    project.edit("exp.py", "helper.f(1)", "helper.f(2)")
    project.write("go", "")
    process.communicate(timeout=60)
    assert UNKNOWN not in [record(project, run)["code"] for run in ("r0", "r1")]
    values = [json.loads(next((project.out / "exp" / run).glob("2*/result.json")).read_text()) for run in ("r0", "r1")]
    assert values == [2, 4]
    told = project.pyexp("build", "exp.py", "-n", "--code", "rerun", status=3).stdout
    assert "exp:r0  code: exp.py::exp changed" in told and "exp:r1" not in told


SESSION = """
import sys, time
import exp

executor, edit, reload = sys.argv[1:]
sys.argv = sys.argv[:1]
exp.exp.run(executor=executor)
old, new = edit.split(" => ")
text = open("helper.py").read()
assert text.count(old) == 1
open("helper.py", "w").write(text.replace(old, new))
if reload == "reload":
    import importlib
    importlib.reload(exp.helper)
exp.exp.run(executor=executor, rerun=True)
"""


@pytest.mark.parametrize(
    ("executor", "edit", "reload", "known"),
    [
        ("inline", "x * 2 => x * 7", "no", False),
        ("fork", "x * 2 => x * 7", "no", False),
        ("subprocess", "x * 2 => x * 7", "no", True),
        ("inline", "x * 2 => x * 7", "reload", True),
        ("inline", "K = 1 => K = 2", "no", False),
        ("inline", "Double. => Twice.", "no", True),
        ("inline", "self.a => self.b", "no", False),
    ],
)
def test_a_session_with_old_code_in_memory_does_not_pass_it_off_as_todays(
    project: Any, executor: str, edit: str, reload: str, known: bool
) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", experiment())
    added = "\n    K = 1\n\n    class Net:\n        def g(self):\n            return self.a + K\n"
    project.write("helper.py", HELPER.replace("x * 2", "x * 2 if x else Net") + added)
    project.write("session.py", SESSION)
    done = project.python("session.py", executor, edit, reload)
    assert (record(project)["code"] != UNKNOWN) == known
    assert ("helper.py was edited after this process had imported it" in done.stderr) != known
    project.executed()
    project.pyexp("build", "exp.py", "--code", "rerun")
    assert project.executed() == ([] if known else ALL)
