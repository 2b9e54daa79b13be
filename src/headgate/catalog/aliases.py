"""Names that another model serves from a day on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from headgate.catalog.fields import Fields
from headgate.catalog.spans import Span, read_span


@dataclass(frozen=True, slots=True)
class DatedAlias:
    """A name that is served by `model` while `span` holds, whatever it was before.

    Unlike an undated alias it wins over rows of the name itself: those are of the model that served
    it earlier.
    """

    seller: str
    alias: str
    model: str
    span: Span
    sources: tuple[str, ...] = ()


def read_alias(table: Mapping[str, object], seller: str) -> DatedAlias:
    """Return the alias of an `[[alias]]` table.

    Raises:
        PriceRowError: A key is missing, unknown or has an unusable value.
    """
    fields = Fields(table)
    alias = DatedAlias(
        seller=seller,
        alias=fields.text("alias"),
        model=fields.text("model"),
        span=read_span(fields),
        sources=fields.texts("sources"),
    )
    fields.reject_rest()
    return alias


def served_by(
    aliases: Iterable[DatedAlias], name: tuple[str, str], at_ns: int, known_at_ns: int | None
) -> str | None:
    """Return the model that serves (seller, name) at an instant; None when no alias says so."""
    found: DatedAlias | None = None
    for each in aliases:
        if (each.seller, each.alias) == name and each.span.holds(at_ns, known_at_ns):
            later = found is None or each.span[:2] >= found.span[:2]
            found = each if later else found
    return None if found is None else found.model
