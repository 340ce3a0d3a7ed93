"""A grid of runs: `sweep` crosses configs with variations, and the results keep the grid's shape."""

import pyexp
from pyexp import Config, sweep


@pyexp.experiment(name="sweep")
def experiment(cfg: Config):
    position, speed = 1.0, 0.0
    for _ in range(cfg.steps):
        speed = cfg.optimizer.momentum * speed - cfg.optimizer.lr * 2 * position
        position += speed
    return {"loss": position**2}


@experiment.configs
def configs():
    base = {"name": "walk", "steps": 30, "optimizer": {"lr": 0.1, "momentum": 0.0}}
    rates = [{"name": f"lr{lr}", "optimizer.lr": lr} for lr in (0.01, 0.1, 0.3)]
    momenta = [{"name": "plain", "optimizer.momentum": 0.0}, {"name": "heavy", "optimizer.momentum": 0.5}]
    return sweep(sweep([base], rates), momenta)  # shape (1, 3, 2)


if __name__ == "__main__":
    experiment.run(jobs=2)
    results = experiment.results()
    print("shape:", results.shape)
    print("one by name:", results["walk_lr0.1_plain"].name)
    print("some by pattern:", [run.name for run in results["_heavy$"]])
    print("some by config:", [run.name for run in results[{"cfg.optimizer.lr": 0.3}]])
    print("a slice:", [run.name for run in results[0, :, 0]])
    best = min(results, key=lambda run: run.result["loss"])
    print("best:", best.name)
