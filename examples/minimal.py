"""The least there is: a function, a list of configs, and `run()`.

Run it twice: the second time nothing is executed.
"""

import pyexp
from pyexp import Config


@pyexp.experiment(name="minimal")
def experiment(cfg: Config):
    print(f"walking {cfg.steps} steps")  # lands in the run's log.out
    position = 1.0
    for _ in range(cfg.steps):
        position -= cfg.lr * 2 * position  # downhill on x²
    return {"position": position, "loss": position**2}


@experiment.configs
def configs():
    return [
        {"name": "timid", "lr": 0.01, "steps": 50},
        {"name": "bold", "lr": 0.3, "steps": 50},
    ]


if __name__ == "__main__":
    experiment.run()
    for run in experiment.results():
        print(f"{run.name}: loss {run.result['loss']:.4f}")
