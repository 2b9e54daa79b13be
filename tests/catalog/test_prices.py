"""How the price book chooses: served model, layers, regions, fees, and how long a choice holds."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.choice import END_OF_TIME_NS
from headgate.catalog.fields import PriceRowError
from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard
from headgate.catalog.rows import PriceRow, parse_row
from headgate.records.demand import STANDARD, Terms
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage

NOW = from_datetime(datetime(2026, 11, 20, 12, tzinfo=UTC))
BOOK = load_price_book()


def configured(**table: object) -> PriceRow:
    """Return a row as a configuration file would give it."""
    defaults: dict[str, object] = {
        "model": "gpt-5.5",
        "valid_from": datetime(2026, 11, 1, tzinfo=UTC),
        "usd_per_million": {"input": "1", "output": "2"},
    }
    return parse_row(
        defaults | table,
        seller="openai",
        bands={},
        origin="configuration",
        default_recorded_at_ns=0,
    )


def card(book: PriceBook, model: str, terms: Terms = STANDARD, at_ns: int = NOW) -> RateCard:
    seller, name = model.split("/")
    found = book.rate_card(seller, name, terms, at_ns)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("served", "priced_as"),
    [
        ("openai/gpt-5.5", "gpt-5.5"),
        ("openai/gpt-5.5-2026-04-23", "gpt-5.5"),
        ("openai/gpt-5.6-sol-2026-07-09", "gpt-5.6-sol"),
        ("anthropic/claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("openai/gpt-4o-2024-08-06", "gpt-4o"),
        ("openai/gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai/gpt-5.5-turbo", None),
        ("openai/gpt-5.5-2026-13-23", None),
        ("openai/GPT-5.5", None),
        ("deepseek/gpt-5.5", None),
        ("openai/", None),
    ],
)
def test_a_served_name_has_its_own_rows_or_those_of_its_model(
    book: PriceBook, served: str, priced_as: str | None
) -> None:
    """Exact rows win, then aliases and dated snapshots; a mere likeness is unpriced."""
    seller, name = served.split("/")

    assert book.priced_as(seller, name) == priced_as
    found = book.rate_card(seller, name, STANDARD, NOW)
    assert (found.model if found else None) == priced_as


def test_a_snapshot_is_charged_with_the_rows_of_its_model(book: PriceBook) -> None:
    """The charge line names the row, so the difference can be seen."""
    charge = card(book, "openai/gpt-5.5-2026-04-23").rate(Usage(input_uncached=1_000))

    assert charge.lines[0].price_row == "openai/gpt-5.5/standard/2026-04-23"
    assert charge.amount_nanos == 5_000_000


def test_configured_rows_replace_the_list_of_that_tier(book: PriceBook) -> None:
    """A configured row wins, takes the built-in long-context row out, and leaves other tiers."""
    own = book.with_rows([configured()])

    chosen = card(own, "openai/gpt-5.5")
    assert [rate.price_rows[0] for rate in chosen.rates] == [
        "configuration/openai/gpt-5.5/standard/2026-11-01"
    ]
    assert (
        card(own, "openai/gpt-5.5", Terms(tier="batch")).rates
        == card(book, "openai/gpt-5.5", Terms(tier="batch")).rates
    )


def test_configured_rows_win_only_while_they_are_in_force(book: PriceBook) -> None:
    """Before its start, and after its end, the built-in list is the price."""
    own = book.with_rows([configured(valid_to=datetime(2026, 11, 30, tzinfo=UTC))])
    before = from_datetime(datetime(2026, 10, 31, tzinfo=UTC))
    after = from_datetime(datetime(2026, 11, 30, tzinfo=UTC))

    for instant in (before, after):
        assert (
            card(own, "openai/gpt-5.5", at_ns=instant).rates
            == card(book, "openai/gpt-5.5", at_ns=instant).rates
        )
    assert card(own, "openai/gpt-5.5", at_ns=before).valid_until_ns < END_OF_TIME_NS
    assert card(own, "openai/gpt-5.5").valid_until_ns == after


def test_a_configured_long_context_row_joins_the_built_in_list(book: PriceBook) -> None:
    """A row with only a threshold wins over the built-in row of that threshold."""
    own = book.with_rows([configured(min_prompt_tokens_exclusive=272_000)])

    assert [rate.prices_femto[0] for rate in card(own, "openai/gpt-5.5").rates] == [
        5_000_000_000,
        1_000_000_000,
    ]


def test_a_model_of_ones_own_needs_only_a_row(book: PriceBook) -> None:
    """A model that the book has never heard of is priced by the configuration alone."""
    own = book.with_rows([configured(model="my-model")])

    assert card(own, "openai/my-model").rate(Usage(1_000_000)).amount_nanos == 1_000_000_000


def test_two_rows_of_one_id_are_refused(book: PriceBook) -> None:
    """A charge line must name one row."""
    with pytest.raises(PriceRowError, match="two rows"):
        book.with_rows([configured(), configured()])


def test_a_region_multiplies_every_token_price(book: PriceBook) -> None:
    """Inference in the US costs 1.1 times, where the seller says so, and the line names it."""
    usage = Usage(100, 200, 300, 400, output_text=500, output_reasoning=600)
    plain = card(book, "anthropic/claude-opus-4-8").rate(usage)
    regional = card(book, "anthropic/claude-opus-4-8", Terms(region="us")).rate(usage)

    assert regional.amount_nanos * 10 == plain.amount_nanos * 11
    assert {line.price_row for line in regional.lines} == {
        "anthropic/claude-opus-4-8/standard/2026-05-28*inference-us"
    }


def test_a_region_changes_nothing_for_models_it_does_not_name(book: PriceBook) -> None:
    """Haiku 4.5 came before regional prices."""
    assert (
        card(book, "anthropic/claude-haiku-4-5", Terms(region="us")).rates
        == card(book, "anthropic/claude-haiku-4-5").rates
    )


def test_an_unknown_region_is_unpriced(book: PriceBook) -> None:
    """A region that no modifier of the seller names may cost anything."""
    assert book.rate_card("anthropic", "claude-opus-4-8", Terms(region="mars"), NOW) is None
    assert book.rate_card("deepseek", "deepseek-v4-pro", Terms(region="us"), NOW) is None


def test_modifiers_apply_to_configured_rows(book: PriceBook) -> None:
    """A surcharge comes on top of a price of one's own."""
    own = book.with_rows([configured()])

    assert card(own, "openai/gpt-5.5", Terms(region="eu")).rates[0].prices_femto[0] == (
        1_100_000_000
    )


def test_a_price_that_a_modifier_makes_too_fine_is_refused(book: PriceBook) -> None:
    """Better a broken start than a price that is rounded in silence."""
    with pytest.raises(PriceRowError, match="nine decimals"):
        book.with_rows([configured(usd_per_million={"input": "0.000000001", "output": "2"})])


def test_web_searches_are_a_fee(book: PriceBook) -> None:
    """10 dollars per 1000 searches, on a line with its own row, the same in every region."""
    for region in ("global", "us"):
        charge = card(book, "anthropic/claude-opus-4-8", Terms(region=region)).rate(
            Usage(web_search=3)
        )
        assert charge.amount_nanos == 30_000_000
        assert charge.lines[0].price_row == "anthropic/web-search"


def test_every_charge_line_can_be_looked_up(book: PriceBook) -> None:
    """The row a line names is in the book, modified or not."""
    usage = Usage(1, 2, 3, output_text=4, web_search=5)
    for terms in (STANDARD, Terms(region="us")):
        for line in card(book, "anthropic/claude-sonnet-5", terms).rate(usage).lines:
            assert book.entry(line.price_row) is not None
    assert book.entry("openai/nothing") is None


def test_a_row_with_a_threshold_alone_prices_nothing() -> None:
    """Without an ordinary row a short prompt has no price, so the model has none."""
    lonely = PriceBook((replace(configured(min_prompt_tokens_exclusive=10), origin="built-in"),))

    assert lonely.rate_card("openai", "gpt-5.5", STANDARD, NOW) is None


def test_a_correction_recorded_later_wins() -> None:
    """Of two rows that start at the same time the one that was recorded last stands."""
    first = replace(configured(), id="first", recorded_at_ns=1)
    second = replace(
        configured(usd_per_million={"input": "9", "output": "9"}), id="second", recorded_at_ns=2
    )

    for rows in ((first, second), (second, first)):
        assert card(PriceBook(rows), "openai/gpt-5.5").rates[0].price_rows[0] == "second"


MOMENTS = st.integers(NOW - 2 * 365 * 86_400 * 10**9, NOW + 60 * 86_400 * 10**9)


@given(
    st.sampled_from(BOOK.models()),
    st.sampled_from(["standard", "batch", "priority"]),
    MOMENTS,
    st.integers(0, 1_000),
)
def test_a_card_holds_until_it_says(
    pair: tuple[str, str], tier: str, at_ns: int, share: int
) -> None:
    """Any instant before `valid_until_ns` gives the same card, so a card may be kept."""
    terms = Terms(tier=tier)
    found = BOOK.rate_card(*pair, terms, at_ns)
    if found is None:
        return
    until = min(found.valid_until_ns, at_ns + 10**18)
    later = BOOK.rate_card(*pair, terms, at_ns + (until - 1 - at_ns) * share // 1_000)

    assert found.valid_until_ns > at_ns
    assert later is not None
    assert later.rates == found.rates
