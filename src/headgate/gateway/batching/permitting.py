"""Whether a caller may make a batch, and what it is held on.

Each model that the lines ask for is permitted as one call for it would be. What can only be told
while a call waits, a person's approval, is not for batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headgate.dialects.batches.lines import named
from headgate.gateway.entry import permit
from headgate.gateway.exchange import Exchange
from headgate.governance.rules import rule_for
from headgate.records.demand import Demand
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.ids import is_run

if TYPE_CHECKING:
    from headgate.dialects.registry import Dialect
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.client.request import Request
    from headgate.gateway.money.paths import SpendPath
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream.target import Target


class Permitted(NamedTuple):
    """What a batch may be made of.

    Attributes:
        path: What a call of the caller is held on, before it is known where it goes.
        run: The run it is of.
        contracts: Nodes of the caller that have contracts.
        targets: By the model that is asked for, where its lines may go, in the route's order.
        data_class: The class of data that the client says it carries.
    """

    path: SpendPath
    run: str | None
    contracts: tuple[str, ...]
    targets: dict[str, list[Target]]
    data_class: str | None


_OF_LINES: Final = frozenset(
    {errors.MODEL_UNKNOWN, errors.NOT_PERMITTED, errors.FEATURE_UNBOUNDED, errors.NO_CANDIDATE}
)
"""What a line is refused for, not whoever sends it."""


class Asking(NamedTuple):
    """The request by which a batch is made."""

    pipeline: Pipeline
    client: ClientConnection
    request: Request
    dialect: Dialect
    call: str


def permitted(asking: Asking, first: dict[str, tuple[int, bytes, Demand]]) -> Permitted | Refusal:
    """Permit a batch, or tell why it is refused, and for which line.

    Args:
        asking: The request.
        first: By model, the first line that asks for it; see `Read`.
    """
    request = asking.request
    run = None if request.head.run is None else request.head.run.decode("latin-1")
    if run is not None and not is_run(run):
        return Refusal(errors.RUN_INVALID, errors.RUN_INVALID.sentence, "x-headgate-run")
    found: Permitted | None = None
    for model, (number, body, demand) in first.items():
        exchange = _exchange(asking, run, body, demand)
        targets = permit(asking.pipeline, exchange) or _targets(asking, exchange)
        if isinstance(targets, Refusal):
            return _named(number, targets)
        if found is None:
            contracts, required = exchange.demand.terms.nodes, exchange.required
            found = Permitted(exchange.path, run, contracts, {}, required.data_class)
        found.targets[model] = targets
    assert found is not None, "a batch has a line"
    return found


def _named(number: int, refusal: Refusal) -> Refusal:
    """Name the line that a refusal is about, if it is about one."""
    if refusal.code not in _OF_LINES:
        return refusal
    return refusal._replace(message=named([(number, refusal.message)]))


def _exchange(asking: Asking, run: str | None, body: bytes, demand: Demand) -> Exchange:
    """Return a call that one line would be; it is permitted like one, and never made."""
    pipeline, client, request, dialect, call = asking
    exchange = Exchange(pipeline, client, request, dialect, call)
    exchange.body, exchange.run = body, run
    exchange.demand = exchange.own = demand
    exchange.asked = demand.model
    return exchange


def _targets(asking: Asking, exchange: Exchange) -> list[Target] | Refusal:
    """Return where lines for a model may go: who speaks their dialect, and is not frozen."""
    pipeline, world = asking.pipeline, asking.pipeline.world
    now_ns = pipeline.now_ns()
    frozen: Refusal | None = None
    found: list[Target] = []
    for deployment in world.router.candidates(exchange.asked):
        target = world.targets[deployment.id]
        if asking.dialect.KIND not in deployment.dialects:
            continue
        if exchange.required.violation(deployment, now_ns) is not None:
            continue
        frozen = pipeline.why_frozen(target.nodes)
        if frozen is None:
            found.append(target)
    if found:
        return found
    message = (
        f"No deployment of {exchange.asked!r} may serve a batch of this form: its provider has to"
        " take such batches, and the rules of your key have to permit it."
    )
    return frozen or Refusal(errors.NO_CANDIDATE, message, "model")


def awaits_person(
    asking: Asking, permission: Permitted, model: str, total_nanos: int
) -> Refusal | None:
    """Refuse a batch about which a person would be asked: it cannot wait for one."""
    rule = rule_for(
        asking.pipeline.world.approvals,
        nodes=permission.path.nodes,
        model=model,
        data_class=permission.data_class,
        quote_nanos=total_nanos,
    )
    if rule is None:
        return None
    message = f"The rule {rule.id!r} has a person asked about this, and batches wait for nobody."
    return Refusal(errors.NOT_PERMITTED, message)
