"""Whether the decisions in the books repeat from their records, each by its own policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection, select

from headgate.ledger.tables import decision
from headgate.records.journal import DecisionRecord
from headgate.routing.policies.registry import Policy
from headgate.routing.replaying import Repeat, repeat

ROWS_PER_FETCH = 1_000
NAMED_MAX = 20

_decode = msgspec.json.Decoder(DecisionRecord).decode


@dataclass(slots=True)
class Again:
    """How many decisions came out again as they were.

    Attributes:
        same: Those that did.
        other: Those that did not.
        untried: Those whose record or policy is of another version.
        named: `JOURNAL/NUMBER` of the first that did not.
    """

    same: int = 0
    other: int = 0
    untried: int = 0
    named: list[str] = field(default_factory=list)


def decide_again(connection: Connection, known: Mapping[str, Policy]) -> Again:
    """Make every decision in the store again from its record alone.

    Args:
        connection: To the store.
        known: The policies by kind.
    """
    columns = decision.c
    query = select(columns.journal, columns.number, columns.record)
    query = query.order_by(columns.journal, columns.number)
    found = Again()
    rows = connection.execution_options(yield_per=ROWS_PER_FETCH).execute(query)
    for journal, number, record in rows:
        match repeat(_decode(record), known):
            case Repeat.SAME:
                found.same += 1
            case Repeat.UNTRIED:
                found.untried += 1
            case Repeat.OTHER:
                found.other += 1
                if len(found.named) < NAMED_MAX:
                    found.named.append(f"{journal}/{number}")
    return found
