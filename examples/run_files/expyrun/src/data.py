import random
from pathlib import Path


def load(config):
    path = Path(config["location"]) / "numbers.txt"
    numbers = [float(line) for line in path.read_text().splitlines()]
    random.shuffle(numbers)
    cut = int(len(numbers) * config["train_size"])
    return numbers[:cut], numbers[cut:]
