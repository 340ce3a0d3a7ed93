"""What tests of changed code share: five runs that use a helper, and a pipeline of two experiments with a report."""

from __future__ import annotations

import json
from typing import Any

EXPERIMENT = """
    import pyexp
    import helper
    from tally import mark


    def nobody(x):
        return x


    @pyexp.experiment{how}
    def exp(cfg):
        mark(cfg)
        return helper.f(cfg.x)


    @exp.configs
    def configs():
        return [{{"name": f"r{{x}}", "x": x}} for x in (0, 1, 2, 3, 40)]


    if __name__ == "__main__":
        exp.run()
"""
HELPER = '''
    """A helper."""


    def f(x):
        """Double."""
        return x * 2


    def unused(x):
        return x * 3
'''
ALL = ["r0", "r1", "r2", "r3", "r40"]
LOGIC = ("helper.py", "x * 2", "x * 5")
CHANGED = "code: helper.py::f changed"
PIPELINE = """
    import pyexp
    import helper
    from tally import mark


    @pyexp.experiment(stash=False, executor="fork")
    def up(cfg):
        mark(cfg)
        return helper.f(2)


    @up.configs
    def ups():
        return [{"name": "up"}]


    def double(x):
        return 2 * x


    @pyexp.experiment(stash=False, executor="fork")
    def down(cfg, out, deps):
        mark(cfg)
        return double(deps[0].result)


    @down.configs
    def downs():
        return [{"name": "down", "depends_on": "^up$"}]


    def line(run):
        return f"{run.name} {run.result}"


    @down.report
    def report(results, out):
        mark(pyexp.Config(name="report"))
        (out / "lines.txt").write_text("".join(map(line, results)))
"""


def experiment(how: str = '(stash=False, executor="fork")') -> str:
    """Write the five runs, with other arguments of the decorator."""
    return EXPERIMENT.format(how=how)


def record(project: Any, run: str = "r0", output: str = "out") -> dict[str, Any]:
    """Read a run's record."""
    values: dict[str, Any] = json.loads((project.folder / output / "exp" / run / ".finished").read_text())
    return values


def change_record(project: Any, run: str, **changes: Any) -> None:
    """Put other values into a run's record; "gone" takes one out."""
    values = {key: value for key, value in {**record(project, run), **changes}.items() if value != "gone"}
    (project.out / "exp" / run / ".finished").write_text(json.dumps(values))
