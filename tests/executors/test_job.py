"""What a function may do, and what comes of it: the same with every executor."""

from __future__ import annotations

import json
import pickle

from dodo_pyexp.executors.job import describe


def failing(script, executor, body, **more):
    """Run a function that fails in the run `r`, and check that the other run was not harmed."""
    built = script(
        f"@pyexp.experiment(executor={executor!r}, stash=False)\n"
        "def train(cfg, out):\n"
        "    if cfg.name != 'r': return {'ok': cfg.lr}\n" + "".join(f"    {line}\n" for line in body.splitlines()),
        **more,
    )
    assert built.code == 1, built.stderr
    assert "Traceback" not in built.stderr
    assert built.status()["state"] == "failed"
    assert not built.finished() and built.finished("other")
    assert (built.attempt() / "experiment.pkl").exists()
    return built


def succeeding(script, executor, body, head="", tail=""):
    """Run a function that succeeds."""
    built = script(
        f"{head}\n@pyexp.experiment(executor={executor!r}, stash=False)\n"
        "def train(cfg, out):\n" + "".join(f"    {line}\n" for line in body.splitlines()) + tail
    )
    assert built.code == 0, built.stderr
    assert built.finished() and built.finished("other")
    return built


FAILURES = [
    ("raise ValueError('no luck')", "ValueError", "no luck"),
    ("sys.exit(0)", "SystemExit", "the function called sys.exit(0)"),
    ("raise SystemExit", "SystemExit", "the function called sys.exit(None)"),
    ("def f(n): f(n + 1)\nf(0)", "RecursionError", "maximum recursion depth exceeded"),
    (
        "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
        "Mute",
        "(its message cannot be shown)",
    ),
    ("raise ValueError('\\ud800 \\xff')", "ValueError", "\ud800 \xff"),
    ("raise GeneratorExit", "GeneratorExit", ""),
    ("import threading\nreturn threading.Lock()", "UnsavableResult", "the return value cannot be pickled"),
    ("class Bad:\n    def __reduce__(self): raise RuntimeError('never')\nreturn Bad()", "UnsavableResult", "never"),
    ("(out / 'experiment.pkl').write_text('mine')", "UnsavableResult", "the function wrote experiment.pkl into"),
    ("(out / 'status.json').write_text('mine')", "UnsavableResult", "the function wrote status.json"),
]


def several(script, executor, bodies, more=""):
    """Build one run for each body, `r0`, `r1`..., in one build."""
    functions = "".join(
        f"def body{n}(cfg, out):\n" + "".join(f"    {line}\n" for line in body.splitlines())
        for n, body in enumerate(bodies)
    )
    names = ", ".join(f"body{n}" for n in range(len(bodies)))
    return script(
        f"{functions}\nBODIES = [{names}]\n@pyexp.experiment(executor={executor!r}, stash=False{more})\n"
        "def train(cfg, out):\n    return BODIES[cfg.n](cfg, out)\n"
        f"CONFIGS = [{{'name': f'r{{n}}', 'n': n}} for n in range({len(bodies)})]\n"
    )


def test_a_failure_is_that_runs_alone_and_its_cause_is_recorded(script, executor):
    built = several(script, executor, [*(body for body, _, _ in FAILURES), "return 'fine'"])
    assert built.code == 1 and "Traceback" not in built.stderr
    for n, (_, kind, message) in enumerate(FAILURES):
        name = f"r{n}"
        found = built.error(name)
        assert found[0] == kind and message in found[1]
        assert built.status(name)["state"] == "failed" and not built.finished(name)
        assert (built.attempt(name) / "experiment.pkl").exists()
        assert f"train:{name}  FAILED  {kind}" in built.stderr
    assert built.finished(f"r{len(FAILURES)}")


def test_the_traceback_is_the_users_alone_with_its_causes(script, executor):
    body = "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise RuntimeError('outer') from error"
    built = failing(script, executor, body)
    error = built.status()["error"]
    assert error["traceback"].index("ZeroDivisionError") < error["traceback"].index("RuntimeError: outer")
    assert "dodo_pyexp" not in error["traceback"]
    assert error["where"].endswith("script.py:12")
    assert "RuntimeError: outer" in built.log()


def test_an_interrupt_raised_by_the_function_is_a_failure_where_the_process_is_its_own(script, isolated):
    built = failing(script, isolated, "raise KeyboardInterrupt")
    assert built.error()[0] == "KeyboardInterrupt"


def test_an_interrupt_raised_inline_ends_the_build_as_ctrl_c_does(script):
    built = script("@pyexp.experiment(executor='inline', stash=False)\ndef train(cfg):\n    raise KeyboardInterrupt\n")
    assert built.code == 130
    assert built.status()["state"] == "interrupted"


HARMLESS = [
    "class Odd:\n    pass\nsys.stdout = Odd()\nsys.stderr = None\nreturn 1",
    "sys.stdout.close()\nsys.stderr.close()\nreturn 1",
    "os.close(1)\nos.close(2)\nreturn 1",
    "os.chdir('/')\nos.environ['PYEXP_TEST_LEAK'] = '1'\nos.environ.pop('HOME', None)\nreturn 1",
    "import shutil\nshutil.rmtree(out)\nreturn 1",
    "(out / 'log.out').unlink()\nprint('into nothing')\nreturn 1",
    "(out / 'config.json').unlink()\nreturn 1",
    "return '\\ud800'",
    "a = []\na += [a, a]\nreturn a",
    "x = []\nfor _ in range(60): x = [x, x]\nreturn x",
    "os.umask(0o777)\nreturn 1",
    "import warnings, logging\nwarnings.warn('w')\nlogging.warning('l')\nreturn 1",
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nreturn 1",
    "import atexit\natexit.register(print, 'bye')\nreturn 1",
]


def test_strange_but_harmless_behaviour_is_a_success(script, executor):
    built = several(script, executor, HARMLESS)
    assert built.code == 0, built.stderr
    for n in range(len(HARMLESS)):
        assert built.status(f"r{n}")["state"] == "finished" and built.finished(f"r{n}")


def test_a_file_named_config_json_or_result_json_is_the_functions_own_and_an_output(script, executor):
    body = (
        "(out / 'config.json').write_text('{\"hidden_size\": 3}')\n"
        "(out / 'result.json').write_text('[\"mine\"]')\n(out / 'result.pkl').write_text('model')\nreturn None"
    )
    built = succeeding(script, executor, body)
    attempt = built.attempt()
    assert (attempt / "config.json").read_text() == '{"hidden_size": 3}'
    assert (attempt / "result.json").read_text() == '["mine"]'
    assert (attempt / "result.pkl").read_text() == "model"
    before, files = built.status()["digest"], built.status()["files"]
    assert set(files) == {"experiment.pkl", "config.json.pyexp", "result.json.pyexp"}
    assert json.loads((attempt / "config.json.pyexp").read_text()) == {"name": "r", "lr": 0.1}
    assert json.loads((attempt / "result.json.pyexp").read_text()) is None
    told = (
        "the function saved config.json and result.json, as pyexp does; pyexp's own stands beside as "
        "config.json.pyexp and result.json.pyexp\n"
    )
    assert built.stderr.count(told) == 1 and told in built.log()
    again = script(body="@pyexp.experiment(stash=False)\ndef train(cfg, out):\n    raise ValueError\n")
    assert again.code == 0 and "up to date" in again.stderr
    other = succeeding(script, executor, body.replace("mine", "other"), tail="ARGUMENTS = {'rerun': True}\n")
    assert other.status()["digest"] != before


def test_a_failed_run_is_told_of_no_file_that_is_not_there(script, executor):
    built = failing(script, executor, "(out / 'result.json').write_text('[1]')\n1 / 0")
    assert ".pyexp" not in built.log() and not list(built.attempt().glob("*.pyexp"))
    assert (built.attempt() / "result.json").read_text() == "[1]"


def test_a_file_the_function_saved_under_a_vital_name_is_not_lost(script, executor):
    built = failing(script, executor, "(out / 'experiment.pkl').write_text('mine')")
    assert (built.attempt() / "experiment.pkl").read_text() == "mine"


def test_classes_of_the_script_come_through_here_and_elsewhere(script, executor):
    head = "from dataclasses import dataclass\n@dataclass\nclass Score:\n    value: float\n"
    tail = "\ndef after(results):\n    print(results['r'].result.value, results['other'].result.value)\n"
    built = succeeding(script, executor, "return Score(cfg.lr)", head, tail)
    assert built.stdout.split() == ["0.1", "0.2"]
    with open(built.attempt() / "experiment.pkl", "rb") as file:
        assert pickle.load(file).result.value == 0.1
    assert json.loads((built.attempt() / "result.json").read_text()) == {"value": 0.1}


def test_lambdas_and_closures_come_through(script, executor):
    tail = "\ndef after(results):\n    print(results['r'].result['f'](3))\n"
    built = succeeding(script, executor, "factor = 5\nreturn {'f': lambda x: x * factor}", tail=tail)
    assert built.stdout.split() == ["15"]


def test_a_result_whose_unpickling_raises_is_damaged_when_it_is_asked_for_and_not_before(script, executor):
    head = "def explode(): raise SystemExit('boom')\nclass Bomb:\n    def __reduce__(self): return explode, ()\n"
    tail = (
        "\ndef after(results):\n    assert results['other'].result == 1\n    assert results['r'].error is None\n"
        "    try:\n        results['r'].result\n    except ValueError as error:\n        print(error)\n"
    )
    built = succeeding(script, executor, "return Bomb() if cfg.name == 'r' else 1", head, tail)
    assert "the result of r in" in built.stdout and "SystemExit: boom" in built.stdout


def test_what_the_function_changes_in_its_config_is_not_saved(script, executor):
    tail = "\ndef after(results):\n    print(dict(results['r'].cfg))\n"
    built = succeeding(script, executor, "cfg.lr = 7\ncfg.extra = 1\nassert cfg.out == out", tail=tail)
    assert built.stdout.strip() == "{'name': 'r', 'lr': 0.1}"
    assert json.loads((built.attempt() / "config.json").read_text()) == {"name": "r", "lr": 0.1}


def test_a_retry_starts_in_a_clean_folder_and_keeps_the_log(script, executor):
    built = script(
        f"@pyexp.experiment(executor={executor!r}, stash=False, retry=2)\n"
        "def train(cfg, out):\n"
        "    tries = out.parent.parent / f'tries-{cfg.name}'\n"
        "    tries.open('a').write('x')\n"
        "    assert sorted(p.name for p in out.iterdir() if p.suffix == '.txt') == []\n"
        "    (out / 'leftover.txt').touch(); (out / 'config.json').write_text('mine')\n"
        "    print('try', len(tries.read_text()))\n"
        "    if len(tries.read_text()) < 3: raise ValueError('again')\n"
        "    (out / 'config.json').unlink()\n"
        "    return 1\n"
    )
    assert built.code == 0, built.stderr
    log = built.log()
    assert [line for line in log.splitlines() if line.startswith("try")] == ["try 1", "try 2", "try 3"]
    assert log.count("--- try") == 2
    assert built.status()["tries"] == 3


def test_an_error_is_described_without_trusting_it():
    class Hostile(Exception):
        @property
        def __cause__(self):
            raise RuntimeError

        def __str__(self):
            raise RuntimeError

    error = describe(Hostile())
    assert (error["type"], error["message"]) == ("Hostile", "(its message cannot be shown)")
    assert error["where"] is None
