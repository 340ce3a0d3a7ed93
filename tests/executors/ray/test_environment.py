"""What a `runtime_env` brings to the nodes: a folder, modules, packages, environment variables."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from .nodes import Nodes, some, train

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]
PIP = pytest.mark.skipif(
    importlib.util.find_spec("virtualenv") is None,
    reason="Ray installs packages with virtualenv: pip install ray[default]",
)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    cluster = Nodes(cpus=2)
    yield cluster
    cluster.close()


def executor(nodes: Nodes, environment: dict, more: str = "") -> str:
    arguments = f"address={nodes.address!r}, runtime_env={environment!r}, num_cpus=1{more}"
    return f"ARGUMENTS = {{'executor': pyexp.RayExecutor({arguments})}}"


def wheel(folder: Path) -> Path:
    """Make a wheel of a package that nobody has, as it could come from an index."""
    path = folder / "only_in_wheel-1.2-py3-none-any.whl"
    about = "only_in_wheel-1.2.dist-info"
    files = {
        "only_in_wheel/__init__.py": "WORD = 'installed'\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: only-in-wheel\nVersion: 1.2\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    with ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return path


def test_a_runtime_env_brings_modules_that_the_build_does_not_have(script, nodes, tmp_path):
    package = tmp_path / "elsewhere" / "only_there"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("WORD = 'brought'\n")
    working = tmp_path / "working"
    working.mkdir()
    (working / "data.txt").write_text("data")
    (working / "large.pt").write_text("x")
    environment = {
        "py_modules": [str(package)], "working_dir": str(working), "excludes": ["*.pt"], "env_vars": {"SAID": "so"},
    }  # fmt: skip
    body = (
        "import only_there\n"
        "return [only_there.WORD, open('data.txt').read(), os.path.exists('large.pt'), os.environ['SAID']]"
    )
    built = script(train(body, some(2)) + executor(nodes, environment))
    assert built.code == 0, built.stderr
    assert json.loads((built.attempt("r0") / "result.json").read_text()) == ["brought", "data", False, "so"]


def test_what_ray_init_was_told_holds_in_runs_that_use_ray_themselves(script, nodes, tmp_path):
    working = tmp_path / "working"
    working.mkdir()
    (working / "only_sent.py").write_text("WORD = 'sent'\n")
    environment = {"working_dir": str(working), "env_vars": {"SAID": "so"}}
    body = (
        "import ray\n"
        "@ray.remote(num_cpus=0)\n"
        "def look():\n"
        "    import only_sent\n"
        "    return [only_sent.WORD, os.environ['SAID'], os.environ.get('MORE')]\n"
        "if cfg.n:\n"
        "    ray.init(namespace='own', runtime_env={'env_vars': {'MORE': 'more'}})\n"
        "return [*ray.get(look.remote()), ray.get_runtime_context().namespace]"
    )
    built = script(train(body, some(2)) + executor(nodes, environment, ", namespace='lab'"))
    assert built.code == 0, built.stderr
    found = [json.loads((built.attempt(name) / "result.json").read_text()) for name in ("r0", "r1")]
    assert found == [["sent", "so", None, "lab"], ["sent", "so", "more", "own"]]


def test_a_runtime_env_that_cannot_be_made_is_told(script, nodes):
    environment = {"working_dir": "/there/is/no/such/folder"}
    built = script(train("return 1", some(1)) + executor(nodes, environment))
    assert built.code != 0
    assert "/there/is/no/such/folder" in built.stderr and "Traceback" not in built.stderr


@PIP
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_packages_of_a_runtime_env_are_installed_for_the_runs_beside_those_that_are_there(script, nodes, tmp_path):
    (script.folder / "data").mkdir()
    (script.folder / "data" / "large").write_text("x")
    (script.folder / "small.txt").write_text("small")
    environment = {
        "working_dir": str(script.folder), "excludes": ["data/", "*.pt"], "env_vars": {"SAID": "so"},
        "pip": {"packages": [str(wheel(tmp_path))], "pip_install_options": ["--no-index", "--no-deps"]},
    }  # fmt: skip
    body = (
        "import only_in_wheel, yaml\n"
        "return [only_in_wheel.WORD, open('small.txt').read(), os.path.exists('data'), os.environ['SAID']]"
    )
    built = script(train(body, some(2)) + executor(nodes, environment), timeout=500)  # pip takes its time
    assert built.code == 0, built.stderr
    assert json.loads((built.attempt("r0") / "result.json").read_text()) == ["installed", "small", False, "so"]
    assert importlib.util.find_spec("only_in_wheel") is None


@PIP
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_package_that_does_not_exist_is_told_by_its_name(script, nodes):
    environment = {"pip": {"packages": ["no-such-package==9.9"], "pip_install_options": ["--no-index"]}}
    built = script(train("return 1", some(2)) + executor(nodes, environment), timeout=500)  # Ray tries three times
    assert built.code == 1
    for name in ("r0", "r1"):
        kind, message = built.error(name)
        assert kind == "RuntimeEnvSetupError"
        assert message.startswith("No matching distribution found for no-such-package==9.9 (so Ray could not make")
        assert "pip" in built.log(name) and "Traceback" in built.log(name)
    assert "Traceback" not in built.stderr


def test_what_earlier_builds_wrote_is_not_sent_with_the_working_dir(script, nodes):
    environment = {"working_dir": str(script.folder)}
    body = train("return sorted(name for name in os.listdir() if name != '__pycache__')", some(2))
    for arguments in ((), ("--rerun",)):
        built = script(body + executor(nodes, environment), *arguments)
        assert built.code == 0, built.stderr
        assert json.loads((built.attempt("r0") / "result.json").read_text()) == ["script.py"]
        assert (built.folder / "out").is_dir()
