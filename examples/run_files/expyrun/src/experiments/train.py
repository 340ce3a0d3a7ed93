import os

from src.data import load
from src.methods import Method
from src.utils import seed_all


def main(name: str, config: dict) -> None:
    seed_all(config["seed"])
    numbers, _ = load(config["data"])
    os.makedirs("checkpoints")
    for method in ("ViT", "ResNet"):
        learner = Method(config[method]["lr"], config[method]["epochs"])
        learner.fit(numbers)
        with open(f"checkpoints/{method}.ckpt", "w") as file:
            file.write(str(learner.mean))
        print(f"{name}: {method} has learned {learner.mean:.3f}")
