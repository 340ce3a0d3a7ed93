"""Making configs, and reading results back: no build."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .figure import Figure
from .measure import alternate, in_words, seconds
from .workspace import Workspace


def sweep(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """A sweep of 100,000 nested configs with dotted keys, beside the same dicts written by hand."""
    import pyexp

    base = [
        {"name": f"b{number}", "optimizer": {"lr": 0.1, "betas": [0.9, 0.99]}, "model": {"width": 32, "depth": 2}}
        for number in range(100)
    ]
    variations = [
        {"name": f"v{number}", "optimizer.lr": number / 1000, "model.width": number} for number in range(1000)
    ]

    def by_hand() -> object:
        return [
            {
                "name": f"{one['name']}_{other['name']}",
                "optimizer": {"lr": other["optimizer.lr"], "betas": list(one["optimizer"]["betas"])},  # type: ignore[index]  # a config holds Any
                "model": {"width": other["model.width"], "depth": one["model"]["depth"]},  # type: ignore[index]  # the same
            }
            for one in base
            for other in variations
        ]

    floor, ours = alternate(repeat, lambda: seconds(by_hand), lambda: seconds(lambda: pyexp.sweep(base, variations)))
    each = ours / 100_000 * 1e6
    said = f"{ours / floor:.1f} times dicts by hand ({floor / 100_000 * 1e6:.2f} us)"
    yield Figure("sweep, a config of 100,000", each, "us", 6.0, in_words(ours), said)


def results(space: Workspace, repeat: int, full: bool) -> Iterator[Figure]:
    """Loading a batch of 10,000 results and filtering on a config value, beside reading the manifest's JSON."""
    import pyexp
    from dodo_pyexp.store.paths import OutputFolder

    folder = OutputFolder(f"{space.experiment(10_000)}/out").experiment("train")
    manifest = folder.manifest(folder.batch_names()[-1])

    def parse() -> None:
        with open(manifest, "rb") as file:
            json.loads(file.read())

    train = pyexp.experiment(name="train")(lambda cfg: None)

    def load() -> None:
        found = train.results(output_dir=f"{space.experiment(10_000)}/out").filter({"model.width": 32, "seed": 77})
        assert len(found) == 1

    floor, ours = alternate(repeat, lambda: seconds(parse), lambda: seconds(load))
    said = f"{ours / floor:.1f} times the manifest's JSON ({in_words(floor)})"
    yield Figure("results of 10,000 runs, filtered by config", ours, "s", 0.5, in_words(ours), said)
