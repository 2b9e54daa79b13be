"""The tables of headgate.toml about prices: rows, names, currencies, and what was agreed."""

from collections.abc import Mapping

from headgate.catalog.commitments import Cycle
from headgate.config.shape import Count, Day, Shape, Text, Texts


class PricesShape(Shape, frozen=True, kw_only=True):
    """`[[prices]]`: a row of the price book; see `docs/reference/prices.md`.

    Attributes:
        provider: Id of a provider of this file, whose seller's price it is.
        valid_from: A date or a date-time with an offset.
        per_million_tokens: Dollars per million tokens as text, by meter.
        min_prompt_tokens_exclusive: The row holds for longer prompts only.
        band: One of the seller's built-in time bands.
        currency: Of the prices; another than dollars needs `[[exchange_rates]]`.
        corrects: Whether it corrects an earlier row that begins at the same time.
        superseded_at: When it was known to be wrong or cancelled.
    """

    provider: Text
    model: Text
    valid_from: Day
    per_million_tokens: Mapping[str, Text]
    valid_to: Day | None = None
    recorded_at: Day | None = None
    tier: Text = "standard"
    min_prompt_tokens_exclusive: Count | None = None
    band: Text | None = None
    promo: bool = False
    note: Text | None = None
    source: Text | None = None
    currency: Text = "USD"
    corrects: bool = False
    superseded_at: Day | None = None


class PriceAliasShape(Shape, frozen=True, kw_only=True):
    """`[[price_aliases]]`: a name that another model serves from a day on."""

    provider: Text
    alias: Text
    model: Text
    valid_from: Day
    valid_to: Day | None = None
    recorded_at: Day | None = None
    superseded_at: Day | None = None
    source: Text | None = None


class ExchangeRateShape(Shape, frozen=True, kw_only=True):
    """`[[exchange_rates]]`: what a unit of a currency is worth from a day on, in dollars."""

    currency: Text
    usd: Text
    valid_from: Day
    valid_to: Day | None = None
    recorded_at: Day | None = None
    superseded_at: Day | None = None
    source: Text | None = None


class ContractShape(Shape, frozen=True, kw_only=True):
    """`[contracts.ID]`: what is paid instead of a list price; see `catalog.contracts`.

    Attributes:
        models: None for every model, as with the next two.
        nodes: Who has it, such as `team:research`.
        per_million_tokens: Exactly one of this and the next two is given.
    """

    provider: Text
    valid_from: Day
    valid_to: Day | None = None
    recorded_at: Day | None = None
    superseded_at: Day | None = None
    models: Texts | None = None
    tiers: Texts | None = None
    nodes: Texts | None = None
    per_million_tokens: Mapping[str, Text] | None = None
    multiplier: Text | None = None
    discount_percent: Text | None = None
    currency: Text = "USD"
    source: Text | None = None


class SurchargeShape(Shape, frozen=True, kw_only=True):
    """`[surcharges.ID]`: percent on top of what calls cost.

    Attributes:
        models: None for every model.
    """

    provider: Text
    percent: Text
    valid_from: Day
    valid_to: Day | None = None
    recorded_at: Day | None = None
    superseded_at: Day | None = None
    models: Texts | None = None
    source: Text | None = None


class FeeShape(Shape, frozen=True, kw_only=True):
    """`[[fees]]`: the price of something that is sold by the piece.

    Attributes:
        models: None for every model.
    """

    provider: Text
    id: Text
    meter: Text
    usd_per_unit: Text
    valid_from: Day
    valid_to: Day | None = None
    recorded_at: Day | None = None
    superseded_at: Day | None = None
    models: Texts | None = None
    source: Text | None = None


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
