"""``pyexp graph``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ..arguments import Parser
from ..colour import name_limit
from ..interchange import json_text
from ..reporting.graph import TaskGraph, graph_data, graph_dot, graph_mermaid, graph_text
from .experiments import add_selection, request, selected_plan
from .output import kept

if TYPE_CHECKING:
    from ..building.request import Request
    from ..planning.plan import Plan


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
    with kept(arguments.dot or arguments.mermaid or arguments.json) as stdout:
        wanted = request(arguments, other_tasks=True)
        plan = selected_plan(wanted)
        own = _own(wanted, plan)
        if arguments.dot:
            text = graph_dot(plan, own)
        elif arguments.mermaid:
            text = graph_mermaid(plan, own)
        elif arguments.json:
            text = json_text(graph_data(plan, own))
        else:
            text = graph_text(plan, expand=arguments.all or None, limit=name_limit(stdout), own=own)
        print(text, file=stdout)
    return 0


def _own(wanted: Request, plan: Plan) -> TaskGraph:
    """Give the user's own tasks as the graph shows them."""
    if not wanted.own:
        return TaskGraph()
    from ..tasks.own_edges import edges_of

    return TaskGraph(wanted.own.names(), edges_of(wanted.own, plan))
