"""Runs that build on other runs: `depends_on` names them, and `deps` brings their results.

Change `"steps"` of a pretrain run: that run is executed, and the two that were fine-tuned from it. No other.
"""

import json
from pathlib import Path

import pyexp
from pyexp import Config, Runs, sweep


@pyexp.experiment(name="dependencies")
def experiment(cfg: Config, out: Path, deps: Runs):
    if cfg.stage == "pretrain":
        weight = sum(1 / (step + 1) for step in range(cfg.steps))
    else:
        pretrained = deps[0]
        weight = json.loads((pretrained.out / "weight.json").read_text())
        weight += cfg.lr * (10 - weight)
    (out / "weight.json").write_text(json.dumps(weight))
    return {"weight": round(weight, 4)}


@experiment.configs
def configs():
    pretrain = [
        {"name": "pretrain_short", "stage": "pretrain", "steps": 10},
        {"name": "pretrain_long", "stage": "pretrain", "steps": 1000},
    ]
    # A regular expression, searched in the names of the other runs.
    finetune = [
        {"name": "short", "stage": "finetune", "depends_on": "^pretrain_short$"},
        {"name": "long", "stage": "finetune", "depends_on": "^pretrain_long$"},
    ]
    rates = [{"name": "gentle", "lr": 0.1}, {"name": "hard", "lr": 0.9}]
    return [*pretrain, *sweep(finetune, rates)]


if __name__ == "__main__":
    experiment.run()
    for run in experiment.results():
        print(f"{run.name}: {run.result['weight']}")
