"""Naming on the command line what can be frozen: who makes calls, and what serves them."""

from typing import Annotated

import typer

from headgate.budgets.settings import ORGANISATION
from headgate.cli.completing import NODES
from headgate.cli.output import fail
from headgate.config.problems import near
from headgate.config.snapshot import Snapshot
from headgate.units.ids import is_name, is_run

NODE_HELP = (
    "organisation, team:ID, principal:ID, agent:PRINCIPAL/NAME (a delegation), "
    "run:PRINCIPAL/RUN, provider:ID, deployment:ID"
    " or model:NAME (an alias, or what a provider calls it)."
)

Node = Annotated[str, typer.Argument(metavar="NODE", help=NODE_HELP, autocompletion=NODES)]


def require_node(node: str, snapshot: Snapshot) -> None:
    """End with a fix unless the configuration has this node."""
    known = _known(snapshot)
    if node in known:
        return
    kind, _, name = node.partition(":")
    principal, _, run = name.partition("/")
    if kind == "run" and principal in snapshot.principals and is_run(run):
        # Runs are named by those who make calls, so any may come.
        return
    if kind == "agent" and principal in snapshot.principals and all(map(is_name, run.split("/"))):
        # Delegations are named by those who mint them.
        return
    fail(f"There is no node {node!r}.", near(node, known, "node"))


def _known(snapshot: Snapshot) -> tuple[str, ...]:
    deployments = snapshot.deployments
    models = {*snapshot.routes, *(each.model for each in deployments.values())}
    return (
        ORGANISATION,
        *(f"team:{team}" for team in snapshot.teams),
        *(f"principal:{principal}" for principal in snapshot.principals),
        *(f"provider:{provider}" for provider in snapshot.providers),
        *(f"deployment:{deployment}" for deployment in deployments),
        *(f"model:{model}" for model in sorted(models)),
    )
