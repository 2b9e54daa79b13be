"""Naming nodes of the budget tree on the command line."""

from typing import Annotated

import typer

from headgate.budgets.settings import ORGANISATION
from headgate.cli.output import fail
from headgate.config.problems import near
from headgate.config.snapshot import Snapshot

NODE_HELP = "organisation, team:ID or principal:ID."

Node = Annotated[str, typer.Argument(metavar="NODE", help=NODE_HELP)]


def require_node(node: str, snapshot: Snapshot) -> None:
    """End with a fix unless the configuration has this node."""
    teams = (f"team:{team}" for team in snapshot.teams)
    principals = (f"principal:{principal}" for principal in snapshot.principals)
    known = (ORGANISATION, *teams, *principals)
    if node not in known:
        fail(f"There is no node {node!r}.", near(node, known, "node"))
