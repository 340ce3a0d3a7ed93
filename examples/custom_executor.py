"""Your own way to execute a run: a subclass of `Executor` with `run`, passed where a name would go.

What surrounds a run (folder, log, status, record) stays with pyexp; an executor only executes.
"""

import pickle
import time

import pyexp
from pyexp import Config, Executor


@pyexp.experiment(name="custom_executor")
def experiment(cfg: Config):
    return {"square": cfg.x**2}


@experiment.configs
def configs():
    return [{"name": f"x{x}", "x": x} for x in range(3)]


class StopwatchExecutor(Executor):
    """Call the function right here, and tell how long it took."""

    def run(self, fn, config, result_path):
        start = time.perf_counter()
        value = fn(config)
        print(f"{config.name} took {time.perf_counter() - start:.3f} s")  # lands in the log of the run
        with open(result_path, "wb") as file:
            pickle.dump(value, file)
        return value


if __name__ == "__main__":
    experiment.run(executor=StopwatchExecutor())
    for run in experiment.results():
        print(f"{run.name}: {run.result['square']}")
