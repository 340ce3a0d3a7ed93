"""What tests of whole builds share: a folder with experiment files, the doors into it, and a tally kept by the runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from dodo_pyexp.planning import source
from dodo_pyexp.reporting import forecast
from dodo_pyexp.runfiles.experimaestro import workspace
from dodo_pyexp.running import polling
from tests.changed_code import ALL, HELPER, PIPELINE, experiment
from tests.warm import IMPORTS, Warm

# Which file tests a module that has none of its own name: here, or with its path in `tests/`.
COVERED = {
    "colour": "reporting/test_reporter.py",
    "engine": "provenance/test_frames.py",
    "main_module": "test_script.py",
}

# How fast this machine is just now says nothing about what is tested.
settings.register_profile("pyexp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("pyexp"), max_examples=50)
os.environ.pop("PYTHONUNBUFFERED", None)  # it would hide what is written too late
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # a shell's job in the background, which would inherit its deafness
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 100  # seconds; far beyond what any of these commands takes, so that a hang is a failure


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="fork commands from a warm interpreter, and draw half of the examples"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("quick" if config.getoption("--quick") else "pyexp")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs Ray where it is not installed; the files are collected all the same."""
    if importlib.util.find_spec("ray") is None:
        absent = pytest.mark.skip(reason="Ray is an extra: pip install 'dodo-pyexp[ray]'")
        for item in items:
            if item.get_closest_marker("ray") is not None:
                item.add_marker(absent)


# Runs say that they are executed by appending a line: counted from outside, whatever pyexp believes.
TALLY = """
    import os

    def mark(cfg):
        fd = os.open(os.environ["TALLY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, f"{cfg.name}\\n".encode())
        os.close(fd)
"""


class Project:
    """A folder with experiments in it, used as a user would: by commands."""

    def __init__(self, folder: Path, tally: Path, warm: dict[str, Warm] | None = None) -> None:
        self.folder = folder
        self._warm = warm
        self.out = folder / "out"
        self._tally = tally
        self._seen = 0
        self.write("tally.py", TALLY)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    # -- doors --------------------------------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV_"))}
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return kept | {
            "PYTHONPATH": os.pathsep.join(paths),
            "TALLY": str(self._tally),
            "PYTHONDONTWRITEBYTECODE": "1",
            "COLUMNS": "200",
        }

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start ``python *arguments`` in the folder, without waiting for it."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            **{
                "cwd": self.folder,
                "env": self.environment,
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                **options,
            },
        )

    def python(
        self, *arguments: str, status: int | None = 0, env: dict[str, str] | None = None, input: str | None = None
    ) -> Any:
        """Run ``python *arguments`` in the folder and check its exit status; no traceback of ours is ever shown."""
        environment = self.environment | (env or {})
        forked = self._forked(arguments, environment) if input is None else None
        done = forked or subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            **({"stdin": subprocess.DEVNULL} if input is None else {"input": input}),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        if status is not None:
            assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def _forked(self, arguments: tuple[str, ...], environment: dict[str, str]) -> Any:
        """Run a command in a fork of a warm interpreter, where that shows the same; else give None."""
        if self._warm is None or arguments[0] != "-m" or (program := arguments[1]) not in IMPORTS:
            return None
        if program not in self._warm:
            self._warm[program] = Warm(program, environment)
        warm = self._warm[program]
        if not warm.fits(environment):
            return None
        try:
            return warm.run(arguments[2:], self.folder, environment, TIMEOUT)
        except BaseException:
            self._warm.pop(program).close()  # where it was in its talk with us, nobody knows
            raise

    def doit(self, *arguments: str, status: int | None = 0) -> Any:
        return self.python("-m", "doit", *arguments, status=status)

    def pyexp(self, *arguments: str, status: int | None = 0) -> Any:
        return self.python("-m", "pyexp", *arguments, status=status)

    # -- what happened ------------------------------------------------------------------------------------------

    def tally(self) -> Counter[str]:
        """How often each run has been executed, ever."""
        try:
            return Counter(self._tally.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return Counter()

    def executed(self) -> list[str]:
        """Which runs have been executed since this was asked last, in order."""
        try:
            lines = self._tally.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            lines = []
        new, self._seen = lines[self._seen :], len(lines)
        return new

    def finished(self) -> set[str]:
        """Folders of the runs that have a record."""
        return {path.parent.name for path in self.out.glob("*/*/.finished") if path.parent.name != "report"}

    def attempts(self, run: str, experiment: str = "exp") -> list[Path]:
        return sorted(path.parent for path in self.out.glob(f"{experiment}/{run}/*/status.json"))


def assert_one_sentence(done: Any, *words: str) -> None:
    """A mistake of the user's: status 2, one sentence on stderr with these words in it, and no traceback."""
    assert done.returncode == 2, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    for word in words:
        assert word in errors[0], errors[0]


@pytest.fixture(autouse=True)
def experiments_of_tests_are_of_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """An experiment that a test defines stands for one in a file of the current folder: it writes there."""
    project_of = source.project_of

    def mine(file: str) -> str:
        return os.getcwd() if file.startswith(f"{ROOT}{os.sep}") else project_of(file)

    monkeypatch.setattr(source, "project_of", mine)
    monkeypatch.setattr(workspace, "project_of", mine)


@pytest.fixture(scope="session")
def _interpreters() -> Iterator[dict[str, Warm]]:
    """Interpreters to fork commands from, by program."""
    found: dict[str, Warm] = {}
    yield found
    for warm in found.values():
        warm.close()


@pytest.fixture
def _warm(request: pytest.FixtureRequest, _interpreters: dict[str, Warm]) -> dict[str, Warm] | None:
    quick = request.config.getoption("--quick") and request.node.get_closest_marker("fresh") is None
    return _interpreters if quick else None


@pytest.fixture
def project(tmp_path: Path, _warm: dict[str, Warm] | None) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder, tmp_path / "tally.txt", _warm)


@pytest.fixture(scope="session")
def _made() -> dict[tuple[Any, ...], Path]:
    """Where the projects are that were made for all tests, by how they were made."""
    return {}


@pytest.fixture
def once(
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
    _made: dict[tuple[Any, ...], Path],
    _warm: dict[str, Warm] | None,
) -> Callable[..., Project]:
    """Give this test a copy of what ``make(project, *arguments)`` makes, which it does once for all tests.

    Builds take most of the time of the tests, and what was built survives that it is copied. `make` may write beside
    the project's folder as well.
    """

    def copy(make: Callable[..., object], *arguments: Any) -> Project:
        if (make, *arguments) not in _made:
            root = tmp_path_factory.mktemp("once")
            (root / "project").mkdir()
            make(Project(root / "project", root / "tally.txt", _warm), *arguments)
            _made[make, *arguments] = root
        shutil.copytree(_made[make, *arguments], project.folder.parent, symlinks=True, dirs_exist_ok=True)
        project.executed()
        return project

    return copy


@pytest.fixture
def one_sentence() -> Callable[..., None]:
    return assert_one_sentence


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory, and the command line of nobody: for experiments that run in the test's process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pytest"])
    yield tmp_path


# -- a clock, and projects that have been built and are about to be edited ---------------------------------------


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time, for what measures it."""
    clock = Clock()
    monkeypatch.setattr(forecast, "time", clock)
    monkeypatch.setattr(polling, "time", clock)
    return clock


def build_five(project: Any) -> None:
    project.write("pyproject.toml", "")
    project.write("exp.py", experiment())
    project.write("helper.py", HELPER)
    project.pyexp("build", "exp.py")
    assert project.executed() == ALL


@pytest.fixture
def built(once: Any) -> Any:
    """Five runs that use `helper.f`, executed."""
    return once(build_five)


def build_pipeline(project: Any) -> None:
    project.write("pyproject.toml", '[tool.pyexp]\ncode = "rerun"\n')
    project.write("exp.py", PIPELINE)
    project.write("helper.py", HELPER)
    project.pyexp("build", "exp.py")
    assert project.executed() == ["up", "down", "report"]


@pytest.fixture
def pipeline(once: Any) -> Any:
    """A run, one that depends on it, and a report, executed, with `code = "rerun"`."""
    return once(build_pipeline)
