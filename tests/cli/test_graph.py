from __future__ import annotations

import json
from typing import Any


def test_the_tree_has_experiments_as_headings_and_upstreams_above(pipeline: Any) -> None:
    assert pipeline.pyexp("graph").stdout == (
        "prepare\n"
        "├─ small\n"
        "└─ large\n"
        "\n"
        "train\n"
        "├─ slow <- prepare:small\n"
        "├─ quick <- prepare:large\n"
        "└─ wild <- prepare:large\n"
        "   └─ after <- prepare:small\n"
    )


def test_targets_choose_a_part_of_it(pipeline: Any) -> None:
    assert pipeline.pyexp("graph", "train:slow").stdout == "prepare\n└─ small\n\ntrain\n└─ slow <- prepare:small\n"


def test_a_large_graph_is_told_in_a_line_an_experiment(pipeline: Any) -> None:
    pipeline.write(
        "many.py",
        """
        import pyexp

        @pyexp.experiment
        def many(cfg): ...

        many.configs(lambda: [{"name": f"r{i}"} for i in range(100)])

        @pyexp.experiment
        def last(cfg): ...

        last.configs(lambda: [{"name": "all", "depends_on": "^many:"}])
    """,
    )
    lines = pipeline.pyexp("graph", "many.py").stdout.splitlines()
    assert lines[:2] == ["many: 100 runs", "last: 1 run <- many (100)"]
    expanded = pipeline.pyexp("graph", "many.py", "--all").stdout.splitlines()
    assert len(expanded) == 104
    assert expanded[-1] == "└─ all <- many (100)"


def test_other_tools_can_draw_it(pipeline: Any) -> None:
    dot = pipeline.pyexp("graph", "--dot").stdout
    assert dot.startswith("digraph")
    assert '"train:wild" -> "train:after";' in dot
    mermaid = pipeline.pyexp("graph", "--mermaid").stdout
    assert mermaid.startswith("graph LR")
    assert mermaid.count("-->") == 5


def test_programs_can_read_it(pipeline: Any) -> None:
    told = json.loads(pipeline.pyexp("graph", "--json").stdout)
    assert len(told["runs"]) == 6
    assert {"upstream": "prepare:small", "downstream": "train:slow"} in told["edges"]
