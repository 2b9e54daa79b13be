"""Reading what is to be compared, and comparing it."""

from collections.abc import Mapping
from datetime import UTC, timedelta, tzinfo
from typing import NamedTuple

from sqlalchemy import Connection

from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.reconcile.load_books import Books, Stretch, read_books
from headgate.reconcile.reconciling import Reconciled, reconcile
from headgate.reconcile.reports import Reports, day_ns
from headgate.units.instants import NANOS_PER_SECOND

HOUR_NS = 3_600 * NANOS_PER_SECOND


class Rules(NamedTuple):
    """By what it is compared.

    Attributes:
        deployments: Those whose attempts are compared, by id.
        settle_hours: How long after its end a day may still change in reports.
        zone: Where days begin.
    """

    deployments: Mapping[str, Deployment]
    book: PriceBook
    settle_hours: int
    zone: tzinfo = UTC


def deployments_of(
    deployments: Mapping[str, Deployment], *, seller: str, provider: str | None
) -> dict[str, Deployment]:
    """Return the deployments of a provider, or all that a seller sells."""
    return {
        name: one
        for name, one in deployments.items()
        if (one.seller == seller if provider is None else one.provider == provider)
    }


def compare(connection: Connection, reports: Reports, rules: Rules, source: str) -> Reconciled:
    """Compare the reports of a seller with the books."""
    days = reports.days(rules.zone)
    if not days:
        return Reconciled(reports.seller, (), ())
    # What crosses midnight may have begun the day before, or end the day after.
    first, last = days[0] - timedelta(days=1), days[-1] + timedelta(days=1)
    stretch = Stretch(day_ns(first, rules.zone)[0], day_ns(last, rules.zone)[1])
    books: Books = read_books(connection, rules.deployments, rules.book, stretch, rules.zone)
    return reconcile(
        reports,
        books,
        rules.book,
        zone=rules.zone,
        settle_ns=rules.settle_hours * HOUR_NS,
        source=source,
    )
