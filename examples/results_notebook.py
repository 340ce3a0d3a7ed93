"""Reading results as a notebook does, cell by cell; nothing here executes a run that is already there."""

# %% The experiment comes from its own file; its results from the folder `out/`.
from sweep import experiment

experiment.run()  # brings the runs up to date

# %% All runs of the newest batch. What a run returned is loaded when it is asked for, not before.
results = experiment.results()
print(len(results), "runs")

# %% One run, by name or by config; several make a collection again.
print(experiment["walk_lr0.1_heavy"].result["loss"])
print(experiment[{"cfg.optimizer.lr": 0.01, "cfg.optimizer.momentum": 0.5}].name)

# %% A table. With pandas it would be `pandas.DataFrame(rows)`.
rows = [
    {"lr": run.cfg.optimizer.lr, "momentum": run.cfg.optimizer.momentum, "loss": run.result["loss"]} for run in results
]
for row in sorted(rows, key=lambda row: row["loss"]):
    print(f"lr {row['lr']:<5} momentum {row['momentum']:<4} loss {row['loss']:.2e}")

# %% Where a run left its files, and what it printed.
run = results["walk_lr0.01_plain"]
print(sorted(path.name for path in run.out.iterdir() if path.suffix == ".json"))
