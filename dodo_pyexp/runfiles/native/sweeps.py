"""The ``sweep:`` of a run file: axes, named variations and lists of runs become configs."""

from __future__ import annotations

from math import prod
from typing import Any

from ...collection.tensor import Tensor
from ...config.config import Config
from ...config.merge import number_of
from ...config.origins import COMMAND_LINE
from ...config.sweep import check_count, vary
from ...errors import ConfigError, warn
from ..document import Document


def expand(document: Document, base: dict[Any, Any]) -> Tensor[Config]:
    """Give the configs of a document: the product of all axes of its sweep, each merged into the base.

    Raises
    ------
    ConfigError
        The sweep has another form than the ones below; names file and line.

    Examples
    --------
    Of two axes, with the values of a key or with named variations::

        sweep:
          lr: [0.1, 0.01]
          size:
            small: {model.width: 8}
            large: {model.width: 64, model.depth: 4}

    A list of runs::

        sweep:
          - {name: first, lr: 0.1}
          - {name: second, lr: 0.01, model.width: 8}
    """
    configs: Any = [base]
    axes = _axes(document)
    try:
        check_count(prod(len(axis) for _, axis in axes))
    except ConfigError as error:
        raise document.refuse(str(error), "sweep") from None
    for keys, axis in axes:
        _check_overrides(document, keys, axis)
        shape = configs.shape if isinstance(configs, Tensor) else None
        told: list[str] = []
        try:
            configs = vary(list(configs), axis, shape, told.append)
        except ConfigError as error:
            raise document.refuse(str(error), *keys) from None
        for near in told:
            warn(f"{document.where(*keys)}: {near}")
    return configs if isinstance(configs, Tensor) else Tensor([Config(base)], (1,))


def is_list_of_runs(document: Document) -> bool:
    """Tell whether the sweep of a document names every run itself."""
    tree = document.tree.get("sweep")
    return bool(tree) and isinstance(tree, list) and all(isinstance(item, dict) and "name" in item for item in tree)


def _check_overrides(document: Document, keys: tuple[Any, ...], axis: list[dict[Any, Any]]) -> None:
    """Refuse an override of what each variation sets anyway: it would change nothing."""
    for key in set.intersection(*map(set, axis or [{}])) - {"name"}:
        path = str(key).removeprefix("**").split(".")
        ways = [("config", *path), ("config", *map(number_of, path))]
        if COMMAND_LINE in map(document.origins.get, ways):
            name = ".".join(path)
            raise ConfigError(
                f'command line: "{name}" is what the sweep varies ({document.where(*keys)}), so setting it changes '
                f"nothing; set the sweep (-c sweep.{name}=[...]), or select runs with --filter"
            )


def _axes(document: Document) -> list[tuple[tuple[Any, ...], list[dict[Any, Any]]]]:
    """Give the axes of the sweep, each as a list of variations with its path."""
    tree = document.tree.get("sweep")
    if tree is None:
        return []
    if isinstance(tree, dict):
        return _mapping(document, tree, ("sweep",))
    if not isinstance(tree, list):
        raise document.refuse("sweep takes axes (key: [values]) or a list of runs (- {name: ...})", "sweep")
    if is_list_of_runs(document):
        return [(("sweep",), [dict(item) for item in tree])]
    axes = []
    for index, item in enumerate(tree):
        keys = ("sweep", index)
        if isinstance(item, dict) and "name" not in item:
            axes += _mapping(document, item, keys)
        elif isinstance(item, list) and all(isinstance(one, dict) for one in item):
            axes.append((keys, [dict(one) for one in item]))
        else:
            raise document.refuse(
                "each part of this sweep must be axes (key: [values]) or a list of variations; runs need a name each",
                *keys,
            )
    return axes


def _mapping(document: Document, tree: dict[Any, Any], keys: tuple[Any, ...]) -> list[Any]:
    """Read axes that are written as ``key: [values]`` or ``label: {name: settings}``."""
    axes = []
    for key, value in tree.items():
        here = (*keys, key)
        if isinstance(value, list):
            axes.append((here, [_variation(key, item, index) for index, item in enumerate(value)]))
        elif isinstance(value, dict):
            for name, settings in value.items():
                if not isinstance(settings, dict):
                    raise document.refuse(
                        f'the variation "{name}" must be a section with what it sets, not {settings!r}', *here, name
                    )
            axes.append((here, [{"name": str(name), **settings} for name, settings in value.items()]))
        else:
            raise document.refuse(
                f'"{key}" in sweep takes a list of values, or variations (name: {{key: value}}), not {value!r}', *here
            )
    return axes


def _variation(key: Any, value: Any, index: int) -> dict[Any, Any]:
    """Make the variation that sets a key to a value, with a name that tells them apart."""
    label = str(key).removeprefix("**").rpartition(".")[2]
    if isinstance(value, str):
        return {"name": value, key: value}
    if isinstance(value, (dict, list)):
        shown: Any = index
    else:
        shown = {"True": "true", "False": "false", "None": "null"}.get(str(value), value)
    return {"name": f"{label}{shown}", key: value}
