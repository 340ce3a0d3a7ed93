"""``pyexp graph``."""

from __future__ import annotations

import json
from argparse import Namespace

from ..arguments import Parser
from ..build.graph import graph_data, graph_dot, graph_mermaid, graph_text
from .experiments import add_selection, request, selected_plan


def add_arguments(parser: Parser) -> None:
    """Say which arguments the command takes."""
    add_selection(parser)
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--all", action="store_true", help="draw every run, however many they are")
    forms.add_argument("--dot", action="store_true", help="write it for Graphviz")
    forms.add_argument("--mermaid", action="store_true", help="write it for Mermaid")
    forms.add_argument("--json", action="store_true", help="write it as JSON")


def run(arguments: Namespace) -> int:
    """Print the graph."""
    plan = selected_plan(request(arguments))
    if arguments.dot:
        print(graph_dot(plan))
    elif arguments.mermaid:
        print(graph_mermaid(plan))
    elif arguments.json:
        print(json.dumps(graph_data(plan), indent=2))
    else:
        print(graph_text(plan, expand=arguments.all or None))
    return 0
