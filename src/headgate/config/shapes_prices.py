"""The tables of headgate.toml about prices: rows, names, currencies, and what was agreed."""

from collections.abc import Mapping

from headgate.catalog.commitments import Cycle
from headgate.config.shape import Count, Day, Shape, Text, Texts


class DatedShape(Shape, frozen=True, kw_only=True):
    """When an entry of the price book holds, and since when that is known.

    Attributes:
        valid_from: A date or a date-time with an offset.
        superseded_at: When it was known to be wrong or cancelled.
        source: Where it can be read.
    """

    valid_from: Day
    valid_to: Day | None = None
    recorded_at: Day | None = None
    superseded_at: Day | None = None
    source: Text | None = None


class PricesShape(DatedShape, frozen=True, kw_only=True):
    """`[[prices]]`: a row of the price book; see `docs/reference/prices.md`.

    Attributes:
        provider: Id of a provider of this file, whose seller's price it is.
        per_million_tokens: Dollars per million tokens as text, by meter.
        per_unit: Dollars for one image, second of sound or character as text, by meter.
        min_prompt_tokens_exclusive: The row holds for longer prompts only.
        band: One of the seller's built-in time bands.
        currency: Of the prices; another than dollars needs `[[exchange_rates]]`.
        corrects: Whether it corrects an earlier row that begins at the same time.
    """

    provider: Text
    model: Text
    per_million_tokens: Mapping[str, Text] | None = None
    per_unit: Mapping[str, Text] | None = None
    tier: Text = "standard"
    min_prompt_tokens_exclusive: Count | None = None
    band: Text | None = None
    promo: bool = False
    note: Text | None = None
    currency: Text = "USD"
    corrects: bool = False


class PriceAliasShape(DatedShape, frozen=True, kw_only=True):
    """`[[price_aliases]]`: a name that another model serves from a day on."""

    provider: Text
    alias: Text
    model: Text


class ExchangeRateShape(DatedShape, frozen=True, kw_only=True):
    """`[[exchange_rates]]`: what a unit of a currency is worth from a day on, in dollars."""

    currency: Text
    usd: Text


class ContractShape(DatedShape, frozen=True, kw_only=True):
    """`[contracts.ID]`: what is paid instead of a list price; see `catalog.contracts`.

    Attributes:
        models: None for every model, as with the next two.
        nodes: Who has it, such as `team:research`.
        per_million_tokens: Exactly one of this and the next two is given.
    """

    provider: Text
    models: Texts | None = None
    tiers: Texts | None = None
    nodes: Texts | None = None
    per_million_tokens: Mapping[str, Text] | None = None
    multiplier: Text | None = None
    discount_percent: Text | None = None
    currency: Text = "USD"


class SurchargeShape(DatedShape, frozen=True, kw_only=True):
    """`[surcharges.ID]`: percent on top of what calls cost.

    Attributes:
        models: None for every model.
    """

    provider: Text
    percent: Text
    models: Texts | None = None


class FeeShape(DatedShape, frozen=True, kw_only=True):
    """`[[fees]]`: the price of something that is sold by the piece.

    Attributes:
        models: None for every model.
    """

    provider: Text
    id: Text
    meter: Text
    usd_per_unit: Text
    models: Texts | None = None


class CommitmentShape(Shape, frozen=True, kw_only=True):
    """`[commitments.ID]`: what was promised to be spent at a provider."""

    provider: Text
    amount_usd: Text
    valid_from: Day
    valid_to: Day
    period: Cycle = "term"


class CapacityShape(Shape, frozen=True, kw_only=True):
    """`[capacities.ID]`: capacity that is paid by the hour, whoever uses it.

    Attributes:
        deployments: What is served from it.
        tiers: The tiers that replies served from it name; None for every tier.
    """

    deployments: Texts
    usd_per_hour: Text
    valid_from: Day
    valid_to: Day | None = None
    tiers: Texts | None = None
