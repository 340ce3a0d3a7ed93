"""Split the digits into train and test, and scale them in four ways.

The data are the UCI optical digits, 1,797 images of 8 by 8 pixels, which scikit-learn carries in its package.
"""

from __future__ import annotations

from pathlib import Path

import pyexp
from pyexp import Config, sweep


@pyexp.experiment(name="prepare")
def prepare(cfg: Config, out: Path):
    # Imported here, in the run, so that `pyexp list` and a build with nothing to do stay quick.
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=cfg.test_size, stratify=y, random_state=cfg.split_seed
    )

    scaler = make_scaler(cfg).fit(x_train)  # never on the test set
    x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

    np.savez(out / "arrays.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return {"n_train": len(x_train), "n_test": len(x_test), "n_features": x_train.shape[1]}


def make_scaler(cfg: Config):
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

    match cfg.scaler:
        case "raw":
            return FunctionTransformer()
        case "standard":
            return StandardScaler()
        case "minmax":
            return MinMaxScaler()
        case "pca":
            return PCA(cfg.components, random_state=cfg.split_seed)
        case other:
            raise ValueError(f"unknown scaler {other!r}")


@prepare.configs
def configs():
    base = {"test_size": 0.4, "split_seed": 0}
    scalers = [
        {"name": "raw", "scaler": "raw"},
        {"name": "standard", "scaler": "standard"},
        {"name": "minmax", "scaler": "minmax"},
        {"name": "pca", "scaler": "pca", "components": 24},
    ]
    return sweep([base], scalers)


if __name__ == "__main__":
    prepare.run()
