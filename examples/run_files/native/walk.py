"""An experiment for run files: what it is run on stands in sweep.yml."""

import random


def walk(cfg, out):
    random.seed(cfg.seed)
    position, steps = 0.0, []
    for _ in range(cfg.steps):
        position += random.gauss(cfg.model.drift, cfg.model.width)
        steps.append(position)
    (out / "steps.txt").write_text("\n".join(map(str, steps)))
    print(f"{cfg.name}: ended at {position:.2f}")
    return {"end": position, "furthest": max(map(abs, steps))}


def report(results):
    for result in sorted(results, key=lambda result: -result["furthest"]):
        print(f"{result.name:<24} {result['furthest']:8.2f}")
