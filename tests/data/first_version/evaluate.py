import pyexp
from train import train  # noqa: F401


@pyexp.experiment(executor="fork", timestamp=False)
def evaluate(cfg, out, deps):
    return {"score": sum(dep.result["loss"] for dep in deps), "seed": cfg.seed}


@evaluate.configs
def configs():
    return pyexp.sweep([{"name": "score", "depends_on": "slow|fast"}], [{"name": f"s{seed}", "seed": seed} for seed in range(3)])


@pyexp.experiment(hash_configs=True)
def summary(cfg, out, deps):
    return deps[0].result["score"]


@summary.configs
def summary_configs():
    return [{"name": "all", "depends_on": "score_s0"}]
