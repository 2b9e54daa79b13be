"""Where the lines of a batch go, and the most that each can cost there at batch rates.

A batch is at one provider. Of those that could serve every line, it is the first in the order of
the route of the first line's model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from headgate.dialects.batches.carriers.registry import Carrier
from headgate.dialects.batches.lines import Asked, name_of, named
from headgate.gateway.batching.permitting import Permitted
from headgate.gateway.upstream.target import Target
from headgate.providers.registry import batches_of
from headgate.records.batch import BatchLine
from headgate.records.demand import Demand, Edit
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.dialects.registry import Dialect
    from headgate.gateway.money.paths import SpendPath

TIER = "batch"
MODELS_MAX = 64


class Read(NamedTuple):
    """The lines of a batch, read.

    Attributes:
        demands: What each asks for.
        first: By model, the first line that asks for it: its place, its body and what it asks for.
    """

    lines: Sequence[Asked]
    demands: Sequence[Demand]
    first: dict[str, tuple[int, bytes, Demand]]


class Quoted(NamedTuple):
    """A batch as it is handed over.

    Attributes:
        carrier: How.
        path: What it is held on, toward its deployments.
        content: Its lines as they go to the provider.
    """

    provider: str
    carrier: str
    path: SpendPath
    lines: tuple[BatchLine, ...]
    content: bytes

    @property
    def total_nanos(self) -> int:
        """The most that it can cost."""
        return sum(line.hold_nanos for line in self.lines)


def read(lines: Sequence[Asked], dialect: Dialect, *, one_model: bool) -> Read | Refusal:
    """Read every line, or name those that cannot be lines of one batch."""
    demands: list[Demand] = []
    first: dict[str, tuple[int, bytes, Demand]] = {}
    wrong: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        demand = dialect.read(line.body)
        if isinstance(demand, Refusal):
            wrong.append((number, demand.message))
            continue
        if demand.stream:
            wrong.append((number, "It asks for a stream."))
        elif demand.thread or demand.after is not None:
            wrong.append((number, "It goes on with a conversation that its provider keeps."))
        elif one_model and first and demand.model not in first:
            wrong.append((number, f"It is for another model, {demand.model[:128]!r}."))
        demands.append(demand)
        first.setdefault(demand.model, (number, line.body, demand))
    if wrong:
        return Refusal(errors.BODY_INVALID, named(wrong))
    if len(first) > MODELS_MAX:
        return Refusal(errors.BODY_INVALID, f"A batch may name {MODELS_MAX} models.")
    return Read(lines, demands, first)


class Place(NamedTuple):
    """Where a batch could go, and as what.

    Attributes:
        url: What the endpoint is called there.
        targets: By model, at one provider.
        call: What the names of its lines begin with.
        at_ns: The instant that prices it.
    """

    carrier: Carrier
    dialect: Dialect
    url: str
    targets: Mapping[str, Target]
    call: str
    at_ns: int


def places(
    permission: Permitted, carriers: Mapping[str, Carrier]
) -> list[dict[str, Target]] | Refusal:
    """Return the targets by model for each provider that takes batches of all models.

    Args:
        permission: Where the lines may go.
        carriers: Those that take batches of this wire, by kind.
    """
    found: dict[str, dict[str, Target]] = {}
    for model, targets in permission.targets.items():
        for target in targets:
            if batches_of(target.kind) in carriers:
                found.setdefault(target.pool.provider.id, {}).setdefault(model, target)
    whole = [each for each in found.values() if len(each) == len(permission.targets)]
    if whole:
        return whole
    models = ", ".join(repr(model[:64]) for model in permission.targets)
    message = f"No provider takes batches of this kind for {models}."
    return Refusal(errors.NO_CANDIDATE, message, "model")


def quote(found: Read, permission: Permitted, place: Place) -> Quoted | Refusal:
    """Return a batch with what each line is held at; or why it cannot be held there."""
    paths = {permission.path.toward(each.deployment) for each in place.targets.values()}
    windows = {path.windows for path in paths}
    if len(windows) > 1:
        message = "These models have budgets of their own: make a batch of each."
        return Refusal(errors.NO_CANDIDATE, message, "model")
    path = paths.pop()
    lines: list[BatchLine] = []
    content: list[bytes] = []
    wrong: list[tuple[int, str]] = []
    for number, (line, demand) in enumerate(zip(found.lines, found.demands, strict=True), 1):
        target = place.targets[demand.model]
        quoted = _line(number, line, demand, (place, target, permission.contracts))
        if demand.unbounded is not None and path.hard:
            wrong.append((number, f"What {demand.unbounded} costs has no bound."))
        elif isinstance(quoted, str):
            wrong.append((number, quoted))
        else:
            lines.append(quoted)
            body = place.dialect.edit(line.body, demand, _edit(target, quoted))
            content.append(place.carrier.told_line(name_of(place.call, number), place.url, body))
    if wrong:
        return Refusal(errors.NO_CANDIDATE, named(wrong), "model")
    provider = next(iter(place.targets.values())).pool.provider.id
    return Quoted(provider, place.carrier.KIND, path, tuple(lines), b"".join(content))


def _line(
    number: int, line: Asked, demand: Demand, where: tuple[Place, Target, tuple[str, ...]]
) -> BatchLine | str:
    place, target, nodes = where
    deployment = target.deployment
    asked = demand.terms._replace(tier=TIER, nodes=nodes)
    card = target.card(None, asked, place.at_ns)
    if card is None:
        return f"{deployment.seller}/{deployment.priced_as} has no batch price now."
    bound, wanted = demand.input_tokens_max, demand.output_tokens_max
    context = deployment.context_tokens
    # What generates nothing has a window for each of its texts, and any number of them.
    tokens = context if bound is None else bound if wanted == 0 else min(bound, context)
    wanted = deployment.output_tokens_default if wanted is None else wanted
    output = min(wanted, deployment.output_tokens_max)
    return BatchLine(
        number,
        line.custom_id,
        demand.model,
        deployment.id,
        place.dialect.KIND,
        card.worst_nanos(tokens, output * demand.choices),
        tokens,
        output,
        demand.choices,
        asked.region,
        asked.cache_retention,
    )


def _edit(target: Target, line: BatchLine) -> Edit:
    return Edit(
        target.deployment.model,
        line.output_tokens_max,
        target.limit_field,
        target.limit_needed,
        ask_usage=False,
    )
