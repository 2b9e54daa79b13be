"""The tables of headgate.toml that are about reconciling, as types."""

from typing import Annotated

from msgspec import Meta

from headgate.config.shape import CountOrNone, Hours, Secret, Shape, Text
from headgate.reconcile.settings import DAYS_MAX, Reconcile
from headgate.units.money import format_usd

Days = Annotated[int, Meta(ge=1, le=DAYS_MAX)]

_USUAL = Reconcile({})


class ReconcileShape(Shape, frozen=True, kw_only=True):
    """`[reconcile]`: when and how reports are compared with the books.

    Attributes:
        at: The time of day from which on it is done, in the organisation's zone.
        days: So many days back.
        alert_usd: The audit chain tells of a drift above it.
    """

    at: Text = "05:00"
    days: Days = _USUAL.days
    apply: bool = _USUAL.apply
    alert_usd: Text | CountOrNone = format_usd(_USUAL.alert_nanos)
    settle_hours: Hours = _USUAL.settle_hours


class ReportsShape(Shape, frozen=True, kw_only=True):
    """`[reports.PROVIDER]`: where the reports of a provider come from: a folder, or its API.

    Attributes:
        folder: Relative to the configuration file.
        api: Whose administration interface is asked, at its maker's own address.
        base_url: Another address on this machine, for a stand-in.
    """

    folder: Text | None = None
    api: Text | None = None
    credential: Secret | None = None
    base_url: Text | None = None
