"""Three ways to change a nested config: replace, `**` to merge, dots to reach in. No argument is changed."""

from pyexp import Config, merge

base = {"name": "net", "model": {"width": 32, "depth": 2}}

if __name__ == "__main__":
    # A plain key replaces what was there: `depth` is gone.
    print("replace:", merge(base, {"model": {"width": 64}}))

    # `**key` updates the inner dict and keeps the rest of it.
    print("merge:  ", merge(base, {"**model": {"width": 64, "dropout": 0.1}}))

    # A dotted key reaches one value, and makes the way there if it must.
    print("dots:   ", merge(base, {"model.width": 64, "optimizer.lr": 0.01}))

    # A Config is a dict whose keys are attributes too, at every depth.
    cfg = Config(merge(base, {"layers": [{"size": 8}]}))
    print("dotted access:", cfg.model.width, cfg.layers[0].size)
