"""Compare all trained models: a table, and two plots."""

from __future__ import annotations

import json
from os.path import relpath
from pathlib import Path

import pyexp
from pyexp import Config, Runs

COLOURS = {"svm": "#4269d0", "mlp": "#e07b39", "logreg": "#3b9c7c", "forest": "#a463c2"}


@pyexp.experiment(name="evaluate")
def evaluate(cfg: Config, out: Path, deps: Runs):
    import numpy as np

    scores = rank(deps)
    (out / "scores.json").write_text(json.dumps(scores, indent=2))

    best = scores[0]
    counts = np.zeros((10, 10), dtype=int)
    for name in best["runs"]:
        saved = np.load(deps[name].out / "predictions.npz")
        np.add.at(counts, (saved["expected"], saved["predicted"]), 1)
    np.save(out / "confusion.npy", counts)

    return {"best": best["setting"], "accuracy": best["mean"], "settings": len(scores), "models": len(deps)}


def rank(trained: Runs) -> list[dict]:
    """Group the runs that differ in nothing but the seed, best setting first."""
    from statistics import fmean, stdev

    groups: dict[str, list] = {}
    for run in trained:
        groups.setdefault(run.name.removesuffix(f"_seed{run.cfg.seed}"), []).append(run)
    scores = []
    for setting, runs in groups.items():
        accuracies = [run.result["accuracy"] for run in runs]
        scores.append(
            {
                "setting": setting,
                "model": runs[0].cfg.model,
                "input": runs[0].cfg.input,
                "runs": [run.name for run in runs],
                "accuracies": accuracies,
                "mean": fmean(accuracies),
                "std": stdev(accuracies) if len(accuracies) > 1 else None,
            }
        )
    return sorted(scores, key=lambda score: (-score["mean"], score["setting"]))


@evaluate.configs
def configs():
    return [{"name": "all", "depends_on": "^train:"}]


@evaluate.report
def report(results: Runs, out: Path):
    import numpy as np

    evaluated = results["all"]
    scores = json.loads((evaluated.out / "scores.json").read_text())
    counts = np.load(evaluated.out / "confusion.npy")

    table = make_table(scores)
    print(table)
    (out / "scores.txt").write_text(table + "\n")
    plot_confusion(counts, scores[0], out / "confusion.png")
    plot_accuracy(scores, out / "accuracy.png")
    print(f"Confusion matrix: {relpath(out / 'confusion.png')}")
    print(f"Plot: {relpath(out / 'accuracy.png')}")


def make_table(scores: list[dict]) -> str:
    from tabulate import tabulate

    rows = [
        (score["setting"], score["model"], score["input"], len(score["runs"]), score["mean"], score["std"])
        for score in scores
    ]
    return tabulate(rows, ["setting", "model", "input", "seeds", "accuracy", "std"], floatfmt=".4f")


def plot_accuracy(scores: list[dict], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.36 * len(scores) + 1.6), layout="constrained")
    axes = figure.add_subplot()
    for row, score in enumerate(scores):
        colour = COLOURS[score["model"]]
        low, high = min(score["accuracies"]), max(score["accuracies"])
        axes.plot([low, high], [row, row], color=colour, linewidth=6, alpha=0.22, solid_capstyle="round")
        axes.plot(score["accuracies"], [row] * len(score["accuracies"]), ".", color=colour, alpha=0.75)
        axes.plot(score["mean"], row, "o", color=colour, markersize=8, markeredgecolor="white")
        axes.annotate(f"{score['mean']:.1%}", (high, row), (9, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(scores)), [score["setting"].replace("_", " ") for score in scores])
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.margins(x=0.09)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(axis="x", color="#e3e3e3")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel("accuracy on the test set: each seed, and their mean")
    axes.set_title("Digits: which setting reads them best?", loc="left", fontweight="bold")
    for model, colour in COLOURS.items():
        axes.plot([], [], "o", color=colour, label=model)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=150)


def plot_confusion(counts, best: dict, path: Path) -> None:
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5.8), layout="constrained")
    axes = figure.add_subplot()
    # Two scales: on one, a handful of mistakes among hundreds of digits could not be seen.
    right = np.eye(10, dtype=bool)
    axes.imshow(np.ma.masked_where(~right, counts), cmap="Blues", vmin=0, vmax=3 * counts.max())
    axes.imshow(np.ma.masked_where(right | (counts == 0), counts), cmap="Oranges", vmin=-2, vmax=10)
    for expected, predicted in zip(*counts.nonzero(), strict=True):
        axes.text(predicted, expected, counts[expected, predicted], ha="center", va="center", fontsize=9)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xticks(np.arange(-0.5, 10), minor=True)
    axes.set_yticks(np.arange(-0.5, 10), minor=True)
    axes.grid(which="minor", color="#ececec")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("read as")
    axes.set_ylabel("digit")
    seeds = len(best["runs"])
    wrong = counts.sum() - counts.trace()
    title = f"{best['setting'].replace('_', ' ')}, {seeds} seed{'s' * (seeds > 1)}"
    axes.set_title(f"{title}: {wrong} of {counts.sum()} wrong", loc="left", fontweight="bold")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    evaluate.run()
