import datetime
from pathlib import Path

import helper
import pyexp


@pyexp.experiment(executor="inline")
def train(cfg, out):
    print("training", cfg.name)
    (out / "weights.bin").write_bytes(bytes(range(8)))
    if cfg.get("broken"):
        raise ValueError("this one is broken")
    return {"loss": helper.loss(cfg.lr, cfg.model.width)}


@train.configs
def configs():
    base = {
        "lr": 0.1, "data": Path("data/train.csv"), "shape": (3, 4), "model": {"width": 8, "api_key": "k-1"},
        "big": 2**70, "nothing": None, "day": datetime.date(2026, 2, 17), "tags": {"a", "b"},
    }
    return [
        pyexp.merge(base, {"name": "slow", "lr": 0.01}),
        pyexp.merge(base, {"name": "fast", "lr": 1.0}),
        pyexp.merge(base, {"name": "lr=1/x", "lr": 1.5}),
        pyexp.merge(base, {"name": "broken", "broken": True}),
    ]


@train.report
def report(results, out):
    (out / "losses.txt").write_text(" ".join(str(result["loss"]) for result in results if not result.error))
