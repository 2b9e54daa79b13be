"""Responses that providers keep, by the books: whose each is, and who made it."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, Select, select, text

from headgate.ledger.tables import IS_RESPONSE, attempt, caller, route
from headgate.records.makers import Maker


def made_by(response: str, dialect: str) -> Select[tuple[str, str, str]]:
    """Select principal, chain and deployment of those who made a response, the newest first.

    Args:
        response: Its id, as the provider said it.
        dialect: In which it was asked for; what was translated was never asked for in it.
    """
    made = select(caller.c.principal, caller.c.chain, route.c.deployment)
    made = made.select_from(attempt).join(caller, caller.c.id == attempt.c.caller)
    made = made.join(route, route.c.id == attempt.c.route)
    made = made.where(attempt.c.upstream_id == response, text(IS_RESPONSE))
    made = made.where(route.c.dialect == dialect, route.c.via.is_(None))
    return made.order_by(attempt.c.at_ns.desc())


def makers(connection: Connection, made: Select[tuple[str, str, str]]) -> Iterator[Maker]:
    """Yield who made a response, the newest first.

    Args:
        connection: To the store.
        made: Who made it, see `made_by`.
    """
    for row in connection.execute(made):
        chain = msgspec.json.decode(row.chain, type=tuple[str, ...])
        yield Maker(row.principal, chain, row.deployment)
