"""A report: made from the results when all runs are done, with a folder of its own to save in."""

from pathlib import Path

import pyexp
from pyexp import Config, Runs, sweep


@pyexp.experiment(name="jar")
def experiment(cfg: Config):
    if cfg.rate > 1:
        raise ValueError("a rate above 1 would empty the jar")
    return {"left": (1 - cfg.rate) ** cfg.days}


@experiment.configs
def configs():
    rates = [{"name": f"rate{rate}", "rate": rate} for rate in (0.1, 0.2, 1.5)]
    return sweep(rates, [{"name": f"{days}d", "days": days} for days in (1, 7)])


@experiment.report
def report(results: Runs, out: Path):
    lines = ["| run | left |", "|---|---|"]
    for run in results:
        # A failed run has an error (a whole traceback) and no result; the others went on without it.
        lines.append(f"| {run.name} | {'failed' if run.error else format(run.result['left'], '.3f')} |")
    (out / "report.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    print(f"saved in {out / 'report.md'}")
    return max((run for run in results if not run.error), key=lambda run: run.result["left"])


if __name__ == "__main__":
    best = experiment.run()  # what the report returned
    print("most left:", best.name)
