"""Train four families of models, with two settings each, on inputs that suit them, three seeds each."""

from __future__ import annotations

from pathlib import Path

import pyexp
from pyexp import Config, Runs, sweep


@pyexp.experiment(name="train")
def train(cfg: Config, out: Path, deps: Runs):
    import numpy as np
    from threadpoolctl import threadpool_limits

    data = np.load(deps[0].out / "arrays.npz")
    x, y = data["x_train"], data["y_train"]

    # Each seed trains on its own 80 % of the images, so that every family shows a spread.
    chosen = np.random.default_rng(cfg.seed).permutation(len(x))[: int(0.8 * len(x))]
    model = make_model(cfg)
    with threadpool_limits(1):  # the build runs several of these side by side
        model.fit(x[chosen], y[chosen])
        predicted = model.predict(data["x_test"])

    np.savez(out / "predictions.npz", expected=data["y_test"], predicted=predicted)
    wrong = int((predicted != data["y_test"]).sum())
    # No timing here: equal work gives an equal result, so what depends on this run can stay as it is.
    return {"accuracy": 1 - wrong / len(predicted), "wrong": wrong}


def make_model(cfg: Config):
    import warnings

    from sklearn.ensemble import RandomForestClassifier
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC

    match cfg.model:
        case "logreg":
            return LogisticRegression(C=cfg.C, max_iter=2000)
        case "svm":
            return SVC(C=cfg.C)
        case "forest":
            return RandomForestClassifier(cfg.trees, random_state=cfg.seed, n_jobs=1)
        case "mlp":
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is a budget here
            return MLPClassifier(cfg.hidden, learning_rate_init=cfg.lr, max_iter=cfg.epochs, random_state=cfg.seed)
        case other:
            raise ValueError(f"unknown model {other!r}")


@train.configs
def configs():
    logreg = {"name": "logreg", "model": "logreg"}
    svm = {"name": "svm", "model": "svm"}
    forest = {"name": "forest", "model": "forest"}
    mlp = {"name": "mlp", "model": "mlp", "hidden": [64], "epochs": 60}

    logregs = sweep([logreg], [{"name": "strict", "C": 0.01}, {"name": "loose", "C": 1.0}])
    svms = sweep([svm], [{"name": "soft", "C": 1.0}, {"name": "hard", "C": 10.0}])
    forests = sweep([forest], [{"name": "small", "trees": 30}, {"name": "large", "trees": 150}])
    mlps = sweep([mlp], [{"name": "slow", "lr": 0.001}, {"name": "fast", "lr": 0.01}])

    settings = [
        *sweep(logregs, inputs("standard")),
        *sweep(svms, inputs("standard", "pca")),
        *sweep(forests, inputs("raw")),
        *sweep(mlps, inputs("standard", "minmax")),
    ]
    seeds = [{"name": f"seed{seed}", "seed": seed} for seed in range(3)]
    runs = sweep(settings, seeds)

    # One run beside the sweep, tuned by hand. Change its learning rate and build again:
    # this run is executed, and `evaluate`, which depends on it. Nothing else is.
    tuned = {"name": "mlp_tuned", "model": "mlp", "hidden": [128, 64], "epochs": 80, "lr": 0.005, "seed": 0}
    return [*runs, *sweep([tuned], inputs("pca"))]


def inputs(*variants: str) -> list[dict]:
    """Give the variations that choose the input: each depends on that run of `prepare`, and no other."""
    return [{"name": name, "input": name, "depends_on": f"^prepare:{name}$"} for name in variants]


if __name__ == "__main__":
    train.run()
