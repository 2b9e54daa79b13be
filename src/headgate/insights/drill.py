"""A drill: recent calls routed again as if something were gone; nothing is sent, nothing spent.

What is known of a past call is what the books keep, which is no text of it: the name it asked for,
its dialect, the tokens it used and was routed by, and whether what its conversation carried bound
it. So where it would go is exact under the present configuration; what it would cost there is its
own tokens at the other's prices, though another model would count and answer differently.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, and_, select

from headgate.catalog.settings import Deployment
from headgate.ledger.rows import usage_of_row, windows_of_row
from headgate.ledger.tables import attempts, decision
from headgate.records.conversation import Bound
from headgate.records.demand import Demand
from headgate.records.journal import DecisionRecord
from headgate.routing.given import BYTES_PER_TOKEN, Given
from headgate.routing.router import Router
from headgate.units.usage import Usage

PINNED = "pinned"
ALIAS_UNKNOWN = "alias_unknown"
NO_OTHER = "no_other_candidate"
UNPRICED = "unpriced"
SERVED = ("measured", "estimated", "unknown")

Price = Callable[[Deployment, Usage], int | None]
"""What a usage costs at a deployment, in nano-dollars; None when no price is known."""


class Past(NamedTuple):
    """A call that was served.

    Attributes:
        input_tokens: The prompt's size that it was routed by.
        bound: Where its conversation could go; None for anywhere, or when only one sort of
            deployment was there to go to.
        budgeted: Whether a budget stands above it, which nothing unpriced may serve.
        at_ns: When it was made.
        thread: What holds calls together that may share a prompt: a session, a run, or whoever
            asks.
    """

    asked: str
    deployment: str
    dialect: str
    stream: bool
    posted_nanos: int
    usage: Usage
    input_tokens: int
    output_tokens_max: int
    bound: Bound | None
    budgeted: bool
    at_ns: int = 0
    principal: str = ""
    key: str = ""
    run: str | None = None
    thread: str = ""


class Fate(NamedTuple):
    """What would become of a call: served at `to`, or broken by `rule`.

    Attributes:
        via: The dialect it would be translated to, None when it need not be.
    """

    to: str | None
    via: str | None = None
    rule: str | None = None


@dataclass(slots=True)
class Row:
    """Calls that have name, deployment and fate in common.

    Attributes:
        cost_nanos: What those with a known price would cost.
        uncosted: How many have none.
    """

    asked: str
    served_by: str
    fate: Fate
    calls: int = 0
    posted_nanos: int = 0
    cost_nanos: int = 0
    uncosted: int = 0


@dataclass(frozen=True, slots=True)
class Drill:
    """What a drill found.

    Attributes:
        calls: All that were looked at.
        rows: Those that the missing had served, the most calls first.
    """

    calls: int
    rows: tuple[Row, ...]

    def count(self, wanted: Callable[[Fate], bool] = lambda _fate: True) -> int:
        """Return how many of the calls have such a fate."""
        return sum(row.calls for row in self.rows if wanted(row.fate))


def drill(
    past: Iterable[Past], router: Router, gone: Collection[str], price: Price, now_ns: int
) -> Drill:
    """Route past calls again.

    Args:
        past: The calls.
        router: Knows only what is left.
        gone: The deployments that are not.
        price: Of what is left.
        now_ns: The present, whose prices and routes hold.
    """
    rows: dict[tuple[str, str, Fate], Row] = {}
    seen = 0
    for call in past:
        seen += 1
        if call.deployment not in gone:
            continue
        fate, deployment = _fate(call, router, gone, now_ns)
        key = (call.asked, call.deployment, fate)
        row = rows.setdefault(key, Row(*key))
        row.calls += 1
        row.posted_nanos += call.posted_nanos
        if deployment is not None:
            cost_nanos = price(deployment, call.usage)
            row.cost_nanos += cost_nanos or 0
            row.uncosted += cost_nanos is None
    return Drill(seen, tuple(sorted(rows.values(), key=lambda row: (-row.calls, row.asked))))


def _fate(
    call: Past, router: Router, gone: Collection[str], now_ns: int
) -> tuple[Fate, Deployment | None]:
    if not router.knows(call.asked):
        return Fate(None, rule=PINNED if call.asked in gone else ALIAS_UNKNOWN), None
    ranking = router.rank(
        Demand(call.asked, call.stream, call.output_tokens_max),
        dialect=call.dialect,
        body_bytes=call.input_tokens * BYTES_PER_TOKEN,
        now_ns=now_ns,
        given=Given(call.bound),
    )
    for quoted in ranking.ranked:
        if quoted.expected_nanos is not None or not call.budgeted:
            return Fate(quoted.deployment.id, quoted.via), quoted.deployment
    if ranking.ranked:
        return Fate(None, rule=UNPRICED), None
    rules = Counter(rule for _, rule in ranking.excluded)
    return Fate(None, rule=rules.most_common(1)[0][0] if rules else NO_OTHER), None


def recent(connection: Connection, *, since_ns: int, limit: int) -> Iterator[Past]:
    """Yield the calls that were served since an instant, the newest first."""
    of_it = and_(decision.c.journal == attempts.c.journal, decision.c.number == attempts.c.decision)
    query = (
        select(attempts, decision.c.record)
        .select_from(attempts.outerjoin(decision, of_it))
        .where(attempts.c.at_ns >= since_ns, attempts.c.status == 200)
        .where(attempts.c.state.in_(SERVED))
        .order_by(attempts.c.at_ns.desc())
        .limit(limit)
    )
    decoded: dict[str, DecisionRecord] = {}
    for row in connection.execute(query).mappings():
        text = row["record"]
        if text is not None and text not in decoded:
            decoded[text] = msgspec.json.decode(text, type=DecisionRecord)
        usage = usage_of_row(row)
        record = decoded.get(text)
        yield Past(
            asked=row["asked"],
            deployment=row["deployment"],
            dialect=row["dialect"],
            stream=row["stream"],
            posted_nanos=row["posted_nanos"],
            usage=_usage(usage),
            input_tokens=record.input_tokens if record else sum(usage.values()),
            output_tokens_max=row["output_tokens_max"],
            bound=_bound(record, row["via"]),
            budgeted=bool(windows_of_row(row)),
            at_ns=row["at_ns"],
            principal=row["principal"],
            key=row["key"],
            run=row["run"],
            thread=row["session"] or f"{row['principal']}/{row['run'] or ''}",
        )


def _usage(meters: Mapping[str, int]) -> Usage:
    return Usage(**{name: count for name, count in meters.items() if name in Usage._fields})


def _bound(record: DecisionRecord | None, via: str | None) -> Bound | None:
    """Return what the decision tells of the conversation: others were excluded by its state."""
    rules = {each.excluded for each in record.candidates} if record else set()
    if "bound_state" not in rules:
        return None
    return "native" if via is None else "foreign"
