from evaluate import evaluate, summary  # noqa: F401
from train import train  # noqa: F401
