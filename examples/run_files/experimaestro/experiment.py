"""Only this import line is another one than it would be with Experimaestro."""

from pyexp.experiments import ConfigurationBase, ExperimentHelper, configuration


@configuration
class Model:
    hidden_size: int = 64
    num_layers: int = 2


@configuration
class Configuration(ConfigurationBase):
    #: Default learning rate
    learning_rate: float = 1e-3
    batch_size: int = 32
    optimizer: str = "sgd"
    model: Model = Model()


def train(cfg):
    loss = (cfg.learning_rate - 0.1) ** 2 + 1 / (cfg.model.hidden_size * cfg.model.num_layers) + cfg.seed / 1000
    print(f"trained with {cfg.optimizer} on batches of {cfg.batch_size}")
    return {"loss": loss}


def run(helper: ExperimentHelper, cfg: Configuration):
    base = {
        "name": "net",
        "learning_rate": cfg.learning_rate,
        "batch_size": cfg.batch_size,
        "optimizer": cfg.optimizer,
        "model": cfg.model,
    }
    seeds = [{"name": f"seed{seed}", "seed": seed} for seed in range(3)]
    results = helper.experiment(train, configs=helper.sweep([base], seeds)).run()
    for result in results:
        if result.result is not None:
            print(f"{result.name}: loss {result['loss']:.4f}")
