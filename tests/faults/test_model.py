"""Random pipelines, edited, broken, damaged and killed, beside a small model of what a build has to execute."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from dodo_pyexp.cli.main import main
from dodo_pyexp.config.hashing import hash_config

# Two experiments, as different as they can be; half of every edit changes no output, so that cutting off is tried too.
MODULE = """
import json
import os
import pyexp

HERE, AWAY = {here!r}, {away!r}
FACTOR_ONE = {one}
FACTOR_TWO = {two}

def told(name):  # nothing there is of the project, so that it is no input
    with open(os.path.join(AWAY, name)) as file:
        return json.load(file)

def found(cfg):
    try:
        with open(os.path.join(HERE, FOUND[cfg.slot])) as file:
            return json.load(file)
    except FileNotFoundError:
        return 0

def declared(cfg):
    return json.loads(open(os.path.join(HERE, DECLARED[cfg.slot])).read())

def work(cfg, out, deps, factor):
    tally = os.open(os.path.join(AWAY, "tally"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(tally, cfg.name.encode() + b"\\n")
    os.close(tally)
    if cfg.slot in told("failing"):
        raise ValueError("no luck")
    (out / "saved.json").write_text(json.dumps(factor // 2))
    read = found(cfg) // 2 + declared(cfg) // 2
    return [cfg.x // 2 + read, [[dep.result, json.loads((dep.out / "saved.json").read_text())] for dep in deps]]

FOUND, DECLARED = {found}, {declared}

@pyexp.experiment(code="rerun", read_files="rerun", stash=False, executor={executor!r})
def one(cfg, out, deps):
    return work(cfg, out, deps, FACTOR_ONE)  # {remark}

@pyexp.experiment(
    code="rerun", read_files="rerun", stash=False, executor={executor!r}, timestamp=False,
    inputs=lambda config: [DECLARED[config.slot]],
)
def two(cfg, out, deps):
    return work(cfg, out, deps, FACTOR_TWO)

def configs(experiment):
    for name, run in told("runs").items():
        if run["experiment"] == experiment:
            config = {{"name": name, "slot": name[:2], "x": run["x"]}}
            if experiment == "one":
                config["file"] = pyexp.File(DECLARED[name[:2]])
            yield {{**config, **({{"depends_on": run["above"]}} if run["above"] else {{}})}}

one.configs(lambda: list(configs("one")))
two.configs(lambda: list(configs("two")))
"""
NAMES = [f"r{number}" for number in range(5)]
ENDS = ["", "x", "y"]  # a run is called by one of the names, and by one of these behind it
#: What each run reads: a file that it is declared to, and one that it is only seen to.
DECLARED = {name: f"d{number // 2 % 2}" for number, name in enumerate(NAMES)}
FOUND = {name: f"f{number % 2}" for number, name in enumerate(NAMES)}
FILES = ["d0", "d1", "f0", "f1"]


class Model:
    """What a build must do, in a few lines: the reference."""

    def __init__(self, never: Callable[[str], bool]) -> None:
        #: Tells whether nothing that was made of a run lies under its name.
        self.never = never
        #: name -> {"experiment", "x", "above"}; a run depends on some of those before it.
        self.runs: dict[str, dict[str, Any]] = {}
        self.factors = {"one": 2, "two": 2}
        self.failing: set[str] = set()
        #: What is in each file; None if it is not there.
        self.files: dict[str, int | None] = dict.fromkeys(FILES, 2)
        #: (experiment, name) -> what its record was made from, and what came out; and those of which a part is gone.
        self.records: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self.damaged: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        #: What runs were called that were taken over.
        self.earlier: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {}

    def key(self, name: str) -> tuple[Any, ...]:
        """Where a run's record lies: in the flat layout its config has a say in that."""
        run = self.runs[name]
        return run["experiment"], name, run["x"] if run["experiment"] == "two" else None

    def selected(self, experiment: str, chosen: str | None) -> list[str]:
        """The runs that a build of an experiment brings up to date, upstreams first."""
        wanted = {name for name, run in self.runs.items() if run["experiment"] == experiment}
        if chosen is not None:
            wanted &= {chosen}
        for name in reversed(self.runs):
            if name in wanted:
                wanted |= set(self.runs[name]["above"])
        return [name for name in self.runs if name in wanted]

    def made_from(self, name: str) -> Any:
        run, slot = self.runs[name], name[:2]
        above = [(self.key(upstream), self.put_out(upstream)) for upstream in run["above"]]
        return [run["x"], self.factors[run["experiment"]], above, self.files[DECLARED[slot]], self.files[FOUND[slot]]]

    def put_out(self, name: str) -> Any:
        """What a run has put out, as far as it is known; of one that looks renamed, what it was before has."""
        key = self.key(name)
        known = self.records.get(key, self.damaged.get(key))
        if known is not None and known[0][0] == self.runs[name]["x"]:
            return known[1]
        fitting = self.fitting(name) if self.never(name) else []
        return self.records[fitting[0]][1] if len(fitting) == 1 else None

    def is_same(self, before: Any, now: Any, *, names: bool = True) -> bool:
        """A file that was not there when a run looked for it is none of its inputs."""
        plain = before[:2] == now[:2] and before[3] == now[3] and before[4] in (None, now[4])
        if not plain or [output for _, output in before[2]] != [output for _, output in now[2]]:
            return False
        pairs = zip(before[2], now[2], strict=True)
        return not names or all(old in {key, *self.earlier.get(key, ())} for (old, _), (key, _) in pairs)

    def fitting(self, name: str) -> list[tuple[Any, ...]]:
        """The records that no run asks for, and that may be those of a run, which was renamed."""
        asked, experiment, now = {self.key(one) for one in self.runs}, self.runs[name]["experiment"], None
        found = []
        for key, (made, _) in self.records.items():
            if key[0] == experiment and key[1][:2] == name[:2] and key not in asked:
                now = now or self.made_from(name)
                if self.is_same(made, now, names=False):
                    found.append(key)
        return found

    def renamed(self) -> dict[str, tuple[Any, ...]]:
        """The runs that can be taken over, with their records."""
        fitting = {name: self.fitting(name) for name in self.runs if self.never(name)}
        wanted = Counter(key for keys in fitting.values() for key in keys)
        return {name: keys[0] for name, keys in fitting.items() if len(keys) == 1 and wanted[keys[0]] == 1}

    def take_over(self, renamed: dict[str, tuple[Any, ...]]) -> None:
        for name, old in renamed.items():
            new = self.key(name)
            self.records[new] = self.records.pop(old)
            self.earlier[new] = {old, *self.earlier.pop(old, ())}

    def output(self, name: str) -> Any:
        """What a run returns, and what it saves."""
        run = self.runs[name]
        above = [self.put_out(upstream) for upstream in run["above"]]
        read = sum((self.files[file] or 0) // 2 for file in (DECLARED[name[:2]], FOUND[name[:2]]))
        return [[run["x"] // 2 + read, above], self.factors[run["experiment"]] // 2]

    def build(self, experiment: str, chosen: str | None = None, *, rerun: bool = False) -> tuple[list[str], set[str]]:
        """Bring an experiment up to date; give what is executed, and what is left unfinished."""
        executed, bad = [], set()
        for name in self.selected(experiment, chosen):
            run, key = self.runs[name], self.key(name)
            if bad & set(run["above"]):
                bad.add(name)
                continue
            before = self.records.get(key)
            forced = rerun and run["experiment"] == experiment and chosen in (None, name)
            if before is not None and self.is_same(before[0], self.made_from(name)) and not forced:
                continue
            executed.append(name)
            self.damaged.pop(key, None)
            if name[:2] in self.failing:
                self.records.pop(key, None)
                bad.add(name)
            else:
                self.records[key] = self.made_from(name), self.output(name)
        return executed, bad


class Pipelines:
    """Does everything to a real pipeline and to the model, and compares."""

    def __init__(self, executor: str = "inline", jobs: int = 1) -> None:
        self.executor, self.jobs = executor, jobs
        self.model = Model(self.never)
        self.folder = Path(tempfile.mkdtemp(prefix="pipelines-"))
        self.away = Path(tempfile.mkdtemp(prefix="pipelines-away-"))
        self.version = 0
        self.counted: Counter[str] = Counter()
        self.module: ModuleType | None = None

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.away, ignore_errors=True)

    # -- edits --------------------------------------------------------------------------------------------------

    def start(self, runs: list[tuple[str, int, list[int]]]) -> None:
        for name, (experiment, x, above) in zip(NAMES, runs, strict=False):
            self.put(name, experiment, x, above)
        for file, value in self.model.files.items():
            (self.folder / file).write_text(str(value))
        self.write()
        self.load()

    def put(self, name: str, experiment: str, x: int, above: list[int]) -> None:
        """Let a run depend on some of those before it, counted backwards."""
        earlier = [one for one in reversed(self.model.runs) if one < name]
        chosen = [earlier[back] for back in above if back < len(earlier)]
        runs = self.model.runs | {name: {"experiment": experiment, "x": x, "above": chosen}}
        self.model.runs = dict(sorted(runs.items()))

    def write(self) -> None:
        (self.away / "failing").write_text(json.dumps(sorted(self.model.failing)))
        told = {
            name: {**run, "above": [f"^{upstream}$" for upstream in run["above"]]}
            for name, run in reversed(self.model.runs.items())
        }
        (self.away / "runs").write_text(json.dumps(told))

    def load(self, remark: str = "") -> None:
        """Write the module, and import it anew."""
        self.version += 1
        text = MODULE.format(
            here=str(self.folder), away=str(self.away), **self.model.factors, executor=self.executor,
            remark=remark or "nothing", found=FOUND, declared=DECLARED,
        )  # fmt: skip
        path = self.folder / "pipeline.py"
        path.write_text(text)
        os.utime(path, ns=(self.version * 10**9, self.version * 10**9))  # whatever the clock is like
        spec = importlib.util.spec_from_file_location("pipeline", path)
        assert spec is not None and spec.loader is not None
        self.module = sys.modules["pipeline"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.module)

    def add_or_edit(self, name: str, experiment: str, x: int, above: list[int]) -> None:
        name = self.today(name)
        if name in self.model.runs:
            experiment = self.model.runs[name]["experiment"]
        self.put(name, experiment, x, above)
        self.write()

    def today(self, name: str) -> str:
        """What the run in a place is called just now."""
        return next((one for one in self.model.runs if one[:2] == name), name)

    def rename(self, names: list[str], end: str) -> None:
        new = {old: name + end for name in names if (old := self.today(name)) in self.model.runs}
        self.model.runs = {new.get(one, one): run for one, run in self.model.runs.items()}
        for run in self.model.runs.values():
            run["above"] = [new.get(one, one) for one in run["above"]]
        self.write()

    def rename_and_accept(self, names: list[str], end: str, write: int) -> None:
        self.rename(names, end)
        self.accept_renamed(write)

    def set_a_value(self, name: str, x: int) -> None:
        name = self.today(name)
        if name in self.model.runs:
            self.model.runs[name]["x"] = x
            self.write()

    def rewire(self, name: str, above: list[int]) -> None:
        name = self.today(name)
        if name in self.model.runs:
            run = self.model.runs[name]
            self.put(name, run["experiment"], run["x"], above)
            self.write()

    def reorder(self, name: str) -> None:
        name = self.today(name)
        if name in self.model.runs:
            self.model.runs[name]["above"].reverse()
            self.write()

    def remove(self, name: str) -> None:
        name = self.today(name)
        if len(self.model.runs) > 1 and name in self.model.runs:
            del self.model.runs[name]
            for run in self.model.runs.values():
                run["above"] = [upstream for upstream in run["above"] if upstream != name]
            self.write()

    def edit_the_code(self, experiment: str, factor: int) -> None:
        self.model.factors[experiment] = factor
        self.load()

    def edit_a_comment(self, remark: str) -> None:
        self.load(remark.strip())

    def let_fail(self, failing: set[str]) -> None:
        self.model.failing = failing
        self.write()

    def write_data(self, file: str, value: int) -> None:
        """Write a file over, at once after it was read perhaps, and with as many bytes."""
        self.model.files[file] = value
        (self.folder / file).write_text(str(value))

    def touch(self, file: str) -> None:
        if (self.folder / file).exists():
            (self.folder / file).touch()

    def replace_by_the_same(self, file: str) -> None:
        if (self.folder / file).exists():
            shutil.copy(self.folder / file, self.folder / "new")
            os.replace(self.folder / "new", self.folder / file)

    def delete(self, file: str) -> None:
        """Delete a file that runs have found; without one that is declared, there would be no build."""
        if file.startswith("f"):
            self.model.files[file] = None
            (self.folder / file).unlink(missing_ok=True)

    # -- damage -------------------------------------------------------------------------------------------------

    def records(self) -> dict[tuple[Any, ...], Path]:
        found: dict[tuple[Any, ...], Path] = {}
        for path in self.folder.glob("out/one/r*/.finished"):
            found["one", path.parts[-2], None] = path
        for path in self.folder.glob("out/two/r*/.finished"):
            config = json.loads((path.parent / "config.json").read_text())
            found["two", path.parts[-2].rpartition("-")[0], config["x"]] = path
        return found

    def never(self, name: str) -> bool:
        """Tell whether a run has no attempt; in the flat layout, also none of another config."""
        run = self.model.runs[name]
        if run["experiment"] == "one":
            return not [
                *(self.folder / "out" / "one" / name).glob("2*/"),
                *self.folder.glob(f"out/one/{name}/.finished"),
            ]
        own = f"{name}-{hash_config({'slot': name[:2], 'x': run['x']})[:12]}"
        if (self.folder / "out" / "two" / own / "status.json").exists():
            return False
        return not any(is_json(path) for path in self.folder.glob(f"out/two/{name}-*/.finished"))

    def damage(self, name: str, how: str) -> None:
        for key, record in self.records().items():
            if key[1][:2] == name and key in self.model.records:
                attempt = record.parent / json.loads(record.read_bytes())["attempt"]
                if how == "record":
                    record.unlink()
                elif how == "attempts":
                    shutil.rmtree(record.parent)
                else:
                    path = {"result": attempt / "experiment.pkl", "saved": attempt / "saved.json"}.get(how)
                    if path is not None:
                        path.unlink()
                    else:
                        path = record if how == "half a record" else attempt / "result.json"
                        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
                made = self.model.records.pop(key)
                if how in ("result", "saved", "half a result"):
                    self.model.damaged[key] = made

    def lose_what_nothing_depends_on(self) -> None:
        """doit's database, and everything that a record does not name."""
        for name in (".doit.db", ".digests.json"):
            (self.folder / "out" / name).unlink(missing_ok=True)
        for pattern in ("out/*/.batches", "out/*/.code"):
            for path in self.folder.glob(pattern):
                if path.name == ".batches":
                    shutil.rmtree(path)
        for path in [
            *self.folder.glob("out/one/r*/*/status.json"),
            *self.folder.glob("out/*/r*/**/config.yml"),
            *self.folder.glob("out/*/r*/**/inputs.json"),
        ]:
            path.unlink()

    def move_the_output_folder(self) -> None:
        out = self.folder / "out"
        if out.exists():
            shutil.copytree(out, self.folder / "copy", symlinks=True)
            shutil.rmtree(out)
            (self.folder / "copy").rename(out)

    # -- builds -------------------------------------------------------------------------------------------------

    def tally(self) -> Counter[str]:
        """What has been executed since this was asked last."""
        path = self.away / "tally"
        found = Counter(path.read_text().split() if path.exists() else [])
        self.counted += Counter(builds=1, executions=found.total())
        path.unlink(missing_ok=True)
        return found

    def run(self, experiment: str, **options: Any) -> Any:
        return getattr(self.module, experiment).run(output_dir=str(self.folder / "out"), jobs=self.jobs, **options)

    def foretold(self, experiment: str, rerun: bool) -> dict[str, str]:
        """Ask for a dry run: which runs would be executed, and why."""
        sys.argv = ["pytest", "--dry-run"]
        try:
            with contextlib.redirect_stdout(io.StringIO()) as said:
                self.run(experiment, rerun=rerun)
        finally:
            sys.argv = ["pytest"]
        assert not (self.away / "tally").exists(), "a dry run executes nothing"
        told = [line.partition("  ") for line in said.getvalue().splitlines() if "  " in line]
        return {name.partition(":")[2]: reason.strip() for name, _, reason in told}

    def check_explanations(self, foretold: dict[str, str], executed: list[str], bad: set[str]) -> None:
        """What was done is what had been foretold, for the reason that was told before and is on record now."""
        assert set(executed) <= set(foretold)
        waiting = {name for name, reason in foretold.items() if "has to be built first" in reason}
        assert set(foretold) - waiting - bad <= set(executed)
        for name in set(executed) - waiting:
            if not set(self.model.runs[name]["above"]) & set(executed):
                attempts = [self.folder / "out" / "one" / name, *self.folder.glob(f"out/two/{name}-*")]
                status = max((path for one in attempts for path in one.rglob("status.json")), key=os.path.getmtime)
                assert json.loads(status.read_text())["why"] == foretold[name]

    def build(self, experiment: str, rerun: bool) -> None:
        executed, bad = self.model.build(experiment, rerun=rerun)
        foretold = self.foretold(experiment, rerun)
        results = self.run(experiment, rerun=rerun)
        assert self.tally() == Counter(executed)
        self.check_explanations(foretold, executed, bad)
        for result in results:
            if result.name in bad:
                assert result.result is None and result.error, result.name
            else:
                value, saved = self.model.records[self.model.key(result.name)][1]
                assert result.result == value and result.error is None, result.name
                assert json.loads((result.out / "saved.json").read_text()) == saved, result.name

    def build_all(self, first: str) -> None:
        for experiment in (first, {"one": "two", "two": "one"}[first]):
            self.build(experiment, rerun=False)

    def build_one(self, experiment: str, name: str) -> None:
        name = self.today(name)
        if name in self.model.runs and self.model.runs[name]["experiment"] == experiment:
            executed, _ = self.model.build(experiment, name)
            self.run(experiment, filter=f"^{name}$")
            assert self.tally() == Counter(executed)

    def build_and_be_killed(self, experiment: str, write: int, rerun: bool) -> None:
        before = {key: path.read_bytes() for key, path in self.records().items()}
        had, broken = dict(self.model.records), dict(self.model.damaged)
        expected, _ = self.model.build(experiment, rerun=rerun)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            code = 99
            try:
                kill_at(write)
                self.run(experiment, rerun=rerun)
                code = 0
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.close(writer)
        os.read(reader, 1)  # it ends with the last run that was on its way: until then, one may still begin
        os.close(reader)
        assert code in (0, -signal.SIGKILL)
        self.counted["killed_builds"] += code != 0
        executed = self.tally()
        assert executed <= Counter(expected) if code else executed == Counter(expected)
        if not code:
            return
        # What the build came to do is for the disk to tell; what it tells has to be in keeping with the model.
        after = {key: path.read_bytes() for key, path in self.records().items()}
        keys = {name: self.model.key(name) for name in expected}
        done = {name for name, key in keys.items() if key in after and after[key] != before.get(key)}
        lost = {key[1] for key in before if key not in after}
        assert done <= set(executed), "nothing is finished that was not executed"
        failing = {name for name in {*executed, *lost} if name[:2] in self.model.failing}
        assert len((set(executed) | lost) - failing - done) <= self.jobs, "at most what was on its way"
        self.model.damaged = {
            key: made for key, made in broken.items() if key in after and after[key] == before.get(key)
        }
        now, self.model.records = self.model.records, {}
        for key, record in after.items():
            if record != before.get(key):
                self.model.records[key] = now[key]
            elif key in had:  # else it is damaged, and as damaged as before
                self.model.records[key] = had[key]

    def accept_renamed(self, write: int) -> None:
        """Take over what looks renamed, or be killed meanwhile: before the n-th write, if there is one."""
        expected = self.model.renamed()
        code, told = self.accept("-n")
        assert (code, told) == (0, set(expected)), f"{told}, not {set(expected)}"
        code, told = self.accept(write=write)
        assert code in (0, -signal.SIGKILL)
        self.counted["killed_renames"] += code != 0
        there = self.records()
        done = {name: old for name, old in expected.items() if self.model.key(name) in there}
        assert code or told == set(done) == set(expected)
        assert all(old in there for name, old in expected.items() if name not in done)
        self.model.take_over(done)
        self.counted["renamed"] += len(done)
        assert not (self.away / "tally").exists(), "nothing is executed"

    def accept(self, *flags: str, write: int = 0) -> tuple[int, set[str]]:
        """Have another process take over what looks renamed; give its exit status and which runs it names."""
        told = self.away / "told"
        child = os.fork()
        if child == 0:
            code = 99
            try:
                os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
                kill_at(write)
                path, out = str(self.folder / "pipeline.py"), str(self.folder / "out")
                code = main(["accept", "--renamed", "--json", *flags, "--output-dir", out, path])
                sys.stdout.flush()
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        text = told.read_text() if code == 0 else ""
        return code, {one["run"].partition(":")[2] for one in json.loads(text)["taken"]} if text else set()


def is_json(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_bytes()))
    except ValueError:
        return False


def kill_at(write: int) -> None:
    """Let this process be killed before its n-th write to a file; not those that it forks."""
    left, build = write, os.getpid()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        writing = event in ("os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir") or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        left -= writing
        if writing and left == 0 and os.getpid() == build:
            os.kill(build, signal.SIGKILL)

    sys.addaudithook(hook)


# -- programs -------------------------------------------------------------------------------------------------------
# Hypothesis chooses the seed of a program, and what of it is done. The steps themselves are rolled: its own choices are
# much alike from one example to the next, and so they find the same again, or nothing.

STEPS = 32
HOW = ["record", "half a record", "result", "saved", "half a result", "attempts"]
# Most runs depend on some others, in any order: where few do, there is little to go wrong.
ABOVE = [[], [0], [1], [0, 1], [1, 0], [2, 0], [0, 1, 2]]


def a_name(dice: random.Random) -> str:
    return dice.choice(NAMES)


def an_experiment(dice: random.Random) -> str:
    return dice.choice(["one", "two"])


def a_file(dice: random.Random) -> str:
    return dice.choice(FILES)


def some_names(dice: random.Random) -> list[str]:
    return dice.sample(NAMES, dice.choice([1, 2, 3, 5]))


def a_write(dice: random.Random) -> int:
    """Before which write to kill; most often before none."""
    return dice.choice([0, 0, dice.randrange(1, 40)])


Roll = Callable[[random.Random], tuple[Any, ...]]
#: How often each is chosen, and how it is rolled.
EDITS: dict[str, tuple[int, Roll]] = {
    "set_a_value": (3, lambda dice: (a_name(dice), dice.randrange(4))),
    "add_or_edit": (2, lambda dice: (a_name(dice), an_experiment(dice), dice.randrange(4), dice.choice(ABOVE))),
    "rewire": (2, lambda dice: (a_name(dice), dice.choice(ABOVE))),
    "reorder": (2, lambda dice: (a_name(dice),)),
    "edit_the_code": (2, lambda dice: (an_experiment(dice), dice.randrange(6))),
    "let_fail": (2, lambda dice: (set(dice.sample(NAMES, dice.randrange(3))),)),
    "damage": (2, lambda dice: (a_name(dice), dice.choice(HOW))),
    "write_data": (3, lambda dice: (a_file(dice), dice.randrange(6))),
    "touch": (1, lambda dice: (a_file(dice),)),
    "replace_by_the_same": (1, lambda dice: (a_file(dice),)),
    "delete": (1, lambda dice: (a_file(dice),)),
    "remove": (1, lambda dice: (a_name(dice),)),
    "rename": (1, lambda dice: (some_names(dice), dice.choice(ENDS))),
    "accept_renamed": (1, lambda dice: (a_write(dice),)),
    "rename_and_accept": (4, lambda dice: (some_names(dice), dice.choice(ENDS), a_write(dice))),
    "edit_a_comment": (1, lambda dice: (dice.choice(["", "a", "b c"]),)),
    "lose_what_nothing_depends_on": (1, lambda dice: ()),
    "move_the_output_folder": (1, lambda dice: ()),
}
BUILDS: dict[str, tuple[int, Roll]] = {
    "build_all": (4, lambda dice: (an_experiment(dice),)),
    "build": (3, lambda dice: (an_experiment(dice), dice.random() < 0.5)),
    "build_one": (1, lambda dice: (an_experiment(dice), a_name(dice))),
    "build_and_be_killed": (2, lambda dice: (an_experiment(dice), dice.randrange(1, 80), dice.random() < 0.3)),
}


def roll(dice: random.Random, kinds: dict[str, tuple[int, Roll]]) -> tuple[Any, ...]:
    kind = dice.choices(list(kinds), [often for often, _ in kinds.values()])[0]
    return kind, *kinds[kind][1](dice)


def program(seed: int) -> tuple[list[Any], list[Any]]:
    """The runs that there are in the beginning, and what is done then."""
    dice = random.Random(seed)
    runs = [(an_experiment(dice), dice.randrange(4), dice.choice(ABOVE)) for _ in range(dice.choice([4, 5]))]
    return runs, [roll(dice, kinds) for _ in range(STEPS) for kinds in (EDITS, BUILDS)]


#: Four bytes of a seed, and a bit for each operation, whether it is done: half of them are, and fewer make it simpler.
chances = st.binary(min_size=4 + STEPS // 4, max_size=4 + STEPS // 4)


def check(examples: int, executor: str = "inline", jobs: int = 1, *, shrink: bool = False) -> Counter[str]:
    """Follow so many programs. What fails is shown; to make it as short as possible takes five minutes more."""
    counted: Counter[str] = Counter()
    phases = [Phase.generate, *([Phase.shrink] if shrink and os.environ.get("FAULTS_SHRINK") != "0" else [])]

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=phases
    )
    @given(chances)
    def follow(chance: bytes) -> None:
        start, operations = program(int.from_bytes(chance[:4], "big"))
        bits = int.from_bytes(chance[4:], "big")
        chosen = [operation for number, operation in enumerate(operations) if bits >> number & 1]
        note(f"{start=}\n" + "\n".join(map(str, chosen)))
        pipelines = Pipelines(executor, jobs)
        try:
            pipelines.start(start)
            for kind, *values in chosen:
                getattr(pipelines, kind)(*values)
        finally:
            pipelines.close()
        counted.update(pipelines.counted, pipelines=1, edits=sum(kind in EDITS for kind, *_ in chosen))

    follow()
    return counted


@pytest.fixture(autouse=True)
def arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pytest"])


def test_builds_execute_what_the_model_says(pytestconfig: pytest.Config) -> None:
    check(8 if pytestconfig.getoption("--quick") else 20)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("executor", "jobs", "examples"), [("inline", 1, 500), ("fork", 3, 100)])
def test_many_builds_execute_what_the_model_says(
    executor: str, jobs: int, examples: int, figures: Callable[..., None]
) -> None:
    figures(**check(examples, executor, jobs, shrink=True))
