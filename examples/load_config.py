"""Configs from YAML files, which may import each other; several files are merged in the order given."""

from pathlib import Path

import pyexp
from pyexp import Config, load_config, merge

HERE = Path(__file__).parent / "configs"


@pyexp.experiment(name="load_config")
def experiment(cfg: Config):
    return {"parameters": cfg.model.width**2 * cfg.model.depth, "updates": cfg.epochs * 100}


@experiment.configs
def configs():
    large = load_config(HERE / "large.yml")
    quick = load_config([HERE / "large.yml", HERE / "quick.yml"])
    return [merge(large, {"name": "large"}), merge(quick, {"name": "quick"})]


if __name__ == "__main__":
    print(load_config(HERE / "large.yml"))  # a config prints as YAML
    experiment.run()
    for run in experiment.results():
        print(f"{run.name}: {run.cfg.epochs} epochs, {run.result['parameters']} parameters")
