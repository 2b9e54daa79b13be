"""FOCUS, the FinOps Open Cost and Usage Specification: the data set "Cost and Usage"; pure.

Versions 1.2 and 1.4 (https://focus.finops.org/focus-specification/). A row is what one principal
used of one meter of one model at one price on one UTC day. `BilledCost` is what the ledger posted,
each charge line rounded once; `ListCost` and `ContractedCost` are unit price times quantity, not
rounded, as the specification wants them. What was posted at a bound is a row whose pricing unit is
the dollar. Corrections are rows of the day they were made on. There are no taxes, commitments or
invoices in the books, so those columns are null.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

import msgspec

from headgate.exports.charges import ADJUSTED, ESTIMATED, IN_MONEY, Alike, Sum
from headgate.exports.files import Value
from headgate.exports.parquet import Kind
from headgate.exports.reading import Known
from headgate.records.charge import SURCHARGE
from headgate.units.money import FEMTO_PER_NANO, NANOS_PER_USD
from headgate.units.usage import INPUT_METERS, OUTPUT_METERS

_UNITS = {
    **dict.fromkeys((*INPUT_METERS, *OUTPUT_METERS, "input_image", "output_image"), "Tokens"),
    "image": "Images",
    "audio_second": "Seconds",
    "character": "Characters",
}
"""The pricing unit of a meter; whatever is not here is counted in requests."""

Version = Literal["1.2", "1.4"]
VERSIONS: tuple[Version, ...] = get_args(Version)

FEMTO_PER_USD = Decimal(10**15)


class Column(NamedTuple):
    """A column of the data set.

    Attributes:
        kind: An instant is text, RFC 3339 in UTC.
        versions: Those of the specification that have it; an `x_` column is in all.
    """

    name: str
    kind: Kind
    versions: tuple[Version, ...] = VERSIONS


class Table(NamedTuple):
    """Rows in the order of the columns."""

    columns: tuple[Column, ...]
    rows: list[tuple[Value, ...]]


class Charge(NamedTuple):
    """One row before it has columns."""

    organisation: str
    alike: Alike
    sum: Sum
    known: Known

    @property
    def is_correction(self) -> bool:
        """Whether it is a difference to what was posted before, and so has no price."""
        return self.alike.meter == ADJUSTED

    @property
    def in_money(self) -> bool:
        """Whether dollars are counted, not tokens or requests."""
        return self.alike.meter in IN_MONEY

    @property
    def quantity(self) -> Decimal:
        """How much, in pricing units."""
        quantity = Decimal(self.sum.quantity)
        return quantity / NANOS_PER_USD if self.in_money else quantity

    @property
    def unit_price(self) -> Decimal:
        """Dollars for one pricing unit; of a surcharge, its share of a dollar."""
        if self.alike.meter == SURCHARGE:
            return Decimal(self.alike.price_femto) / FEMTO_PER_NANO
        return Decimal(1) if self.in_money else Decimal(self.alike.price_femto) / FEMTO_PER_USD

    @property
    def cost(self) -> Decimal:
        """Unit price times quantity, exact; a correction is what it is."""
        return self.unit_price * self.quantity

    @property
    def billed(self) -> Decimal:
        """What the ledger posted."""
        return Decimal(self.sum.amount_nanos) / NANOS_PER_USD

    @property
    def unit(self) -> str:
        """The pricing unit."""
        if self.in_money:
            return "USD"
        return _UNITS.get(self.alike.meter, "Requests")

    @property
    def model(self) -> str:
        """The model that served, or else the deployment it was asked of."""
        return self.alike.model or self.alike.deployment

    @property
    def sku(self) -> str:
        """Seller, model and meter."""
        return f"{self.known.provider}/{self.model}/{self.alike.meter}"

    @property
    def price(self) -> str:
        """What is sold, at the price of a row: it belongs to one `sku` alone."""
        return f"{self.sku}@{self.alike.price_row}" if self.alike.price_row else self.sku

    @property
    def details(self) -> str:
        """What the price is of, as `SkuPriceDetails` has it: all keys are ours, so all are `x_`."""
        found = {"x_Meter": self.alike.meter, "x_PriceRow": self.alike.price_row or None}
        found |= {"x_ModelId": self.alike.model or None, "x_ModelSeller": self.known.provider}
        return _json({key: value for key, value in found.items() if value is not None})

    @property
    def description(self) -> str:
        """One line for people."""
        if self.is_correction:
            return f"{self.model}: corrected, {self.alike.price_row}".removeprefix(": ")
        if self.alike.meter == ESTIMATED:
            return f"{self.model}: posted at a bound, because the usage is not known"
        return f"{self.model}: {self.alike.meter}"


def meter_name(meter: str) -> str:
    """Return a meter as `SkuMeter` has it: `Input Uncached Tokens`."""
    words = meter.replace("_", " ").title()
    return f"{words} Tokens" if _UNITS.get(meter) == "Tokens" else words


_Of = Callable[[Charge], Value]


def _json(value: Mapping[str, str]) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def _instant(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _month_of(day: date) -> date:
    return day.replace(day=1)


def _month_after(day: date) -> date:
    return _month_of(_month_of(day) + timedelta(days=31))


def _day(charge: Charge) -> date:
    return date.fromisoformat(charge.alike.day)


def _priced(of: _Of) -> _Of:
    """Return what gives a value to charges that have a price, and to corrections a null."""
    return lambda charge: None if charge.is_correction else of(charge)


def _null(_charge: Charge) -> Value:
    return None


_ONLY_12: tuple[Version, ...] = ("1.2",)
_ONLY_14: tuple[Version, ...] = ("1.4",)

_FILLED: dict[Column, _Of] = {
    Column("BilledCost", "decimal"): lambda of: of.billed,
    Column("BillingAccountId", "text"): lambda of: of.organisation,
    Column("BillingAccountName", "text"): lambda of: of.organisation,
    Column("BillingAccountType", "text"): lambda _: "Organisation",
    Column("BillingCurrency", "text"): lambda _: "USD",
    Column("BillingPeriodEnd", "instant"): lambda of: _instant(_month_after(_day(of))),
    Column("BillingPeriodStart", "instant"): lambda of: _instant(_month_of(_day(of))),
    Column("ChargeCategory", "text"): lambda of: "Adjustment" if of.is_correction else "Usage",
    Column("ChargeClass", "text"): lambda of: "Correction" if of.alike.late else None,
    Column("ChargeDescription", "text"): lambda of: of.description,
    Column("ChargeFrequency", "text"): lambda of: "One-Time" if of.is_correction else "Usage-Based",
    Column("ChargePeriodEnd", "instant"): lambda of: _instant(_day(of) + timedelta(days=1)),
    Column("ChargePeriodStart", "instant"): lambda of: _instant(_day(of)),
    Column("ConsumedQuantity", "decimal"): _priced(lambda of: of.quantity),
    Column("ConsumedUnit", "text"): _priced(lambda of: of.unit),
    Column("ContractedCost", "decimal"): lambda of: of.cost,
    Column("ContractedUnitPrice", "decimal"): _priced(lambda of: of.unit_price),
    Column("EffectiveCost", "decimal"): lambda of: of.billed,
    Column("HostProviderName", "text", _ONLY_14): lambda of: of.known.provider,
    Column("InvoiceIssuerName", "text"): lambda of: of.known.provider,
    Column("ListCost", "decimal"): lambda of: of.cost,
    Column("ListUnitPrice", "decimal"): _priced(lambda of: of.unit_price),
    Column("PricingCategory", "text"): _priced(lambda _: "Standard"),
    Column("PricingCurrency", "text"): lambda _: "USD",
    Column("PricingCurrencyContractedUnitPrice", "decimal"): _priced(lambda of: of.unit_price),
    Column("PricingCurrencyEffectiveCost", "decimal"): lambda of: of.billed,
    Column("PricingCurrencyListUnitPrice", "decimal"): _priced(lambda of: of.unit_price),
    Column("PricingQuantity", "decimal"): _priced(lambda of: of.quantity),
    Column("PricingUnit", "text"): _priced(lambda of: of.unit),
    Column("ProviderName", "text", _ONLY_12): lambda of: of.known.provider,
    Column("PublisherName", "text", _ONLY_12): lambda of: of.known.provider,
    Column("RegionId", "text"): lambda of: of.known.region,
    Column("RegionName", "text"): lambda of: of.known.region,
    Column("ResourceId", "text"): lambda of: of.alike.deployment or None,
    Column("ResourceName", "text"): lambda of: of.alike.deployment or None,
    Column("ResourceType", "text"): lambda of: "Deployment" if of.alike.deployment else None,
    Column("ServiceCategory", "text"): lambda _: "AI and Machine Learning",
    Column("ServiceName", "text"): lambda of: f"{of.known.provider} inference",
    Column("ServiceProviderName", "text", _ONLY_14): lambda of: of.known.provider,
    Column("ServiceSubcategory", "text"): lambda _: "Generative AI",
    Column("SkuId", "text"): _priced(lambda of: of.sku),
    Column("SkuMeter", "text"): _priced(lambda of: meter_name(of.alike.meter)),
    Column("SkuPriceDetails", "json"): _priced(lambda of: of.details),
    Column("SkuPriceId", "text"): _priced(lambda of: of.price),
    Column("SubAccountId", "text"): lambda of: of.alike.team or None,
    Column("SubAccountName", "text"): lambda of: of.alike.team or None,
    Column("SubAccountType", "text"): lambda of: "Team" if of.alike.team else None,
    Column("Tags", "json"): lambda of: _json(
        {"team": of.alike.team, "principal": of.alike.principal}
    ),
}
_EMPTY = (
    *(Column(f"Allocated{name}", "text", _ONLY_14) for name in ("MethodId", "ResourceId")),
    *(Column(f"Allocated{name}", "json", _ONLY_14) for name in ("MethodDetails", "Tags")),
    Column("AllocatedResourceName", "text", _ONLY_14),
    Column("AvailabilityZone", "text"),
    *(Column(f"CapacityReservation{name}", "text") for name in ("Id", "Status")),
    *(Column(f"CommitmentDiscount{name}", "text") for name in ("Category", "Id", "Name")),
    Column("CommitmentDiscountQuantity", "decimal"),
    *(Column(f"CommitmentDiscount{name}", "text") for name in ("Status", "Type", "Unit")),
    Column("CommitmentProgramEligibilityDetails", "json", _ONLY_14),
    Column("ContractApplied", "json", _ONLY_14),
    Column("InvoiceDetailId", "text", _ONLY_14),
    Column("InvoiceId", "text"),
)
_OURS: dict[Column, _Of] = {
    Column("x_Estimated", "text"): lambda of: str(of.alike.meter == ESTIMATED).lower(),
    Column("x_CorrectionReason", "text"): lambda of: (
        of.alike.price_row if of.is_correction else None
    ),
    Column("x_ModelId", "text"): lambda of: of.alike.model or None,
    Column("x_PrincipalId", "text"): lambda of: of.alike.principal or None,
    Column("x_RequestCount", "decimal"): lambda of: of.sum.attempts,
}
_VALUES: Mapping[Column, _Of] = dict(
    sorted({**_FILLED, **dict.fromkeys(_EMPTY, _null)}.items()) + list(_OURS.items())
)


def columns(version: Version) -> tuple[Column, ...]:
    """Return the columns of a version, by name; those of our own come last."""
    return tuple(column for column in _VALUES if version in column.versions)


def table(
    organisation: str,
    sums: Iterable[tuple[Alike, Sum]],
    known: Mapping[str, Known],
    version: Version,
) -> Table:
    """Return the data set.

    Args:
        organisation: Id of the billing account.
        sums: Charges summed up, in order.
        known: By deployment; one that is configured no more stands for its own seller.
        version: Of the specification.
    """
    heads = columns(version)
    rows: list[tuple[Value, ...]] = []
    for alike, total in sums:
        found = known.get(alike.deployment, Known(alike.deployment or organisation))
        charge = Charge(organisation, alike, total, found)
        rows.append(tuple(_VALUES[column](charge) for column in heads))
    return Table(heads, rows)
