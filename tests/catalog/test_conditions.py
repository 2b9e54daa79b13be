"""What stands beside rows: contracts, surcharges, currencies, speeds, counted units; and time."""

from datetime import date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.charges import fees_in_force, read_fee, read_modifier, unit_lines
from headgate.catalog.contracts import Contract, read_contract
from headgate.catalog.exchange import ExchangeRate, read_exchange_rate
from headgate.catalog.fields import PriceRowError
from headgate.catalog.native import native_amount
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard
from headgate.catalog.rows import PriceRow, parse_row
from headgate.catalog.surcharges import read_surcharge
from headgate.records.charge import SURCHARGE
from headgate.records.demand import STANDARD, Terms
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage

DAY_ONE = date(2026, 1, 1)
LIST = {"input": "10", "cache_read": "1", "output": "40"}


def at(text: str) -> int:
    """Return an instant; a date alone is 00:00 UTC."""
    return from_datetime(datetime.fromisoformat(text if "T" in text else text + "T00:00:00Z"))


NOW = at("2026-11-20")


def row(**change: Any) -> PriceRow:
    table = {"model": "m", "valid_from": DAY_ONE, "recorded_at": DAY_ONE, "usd_per_million": LIST}
    return parse_row(
        {key: value for key, value in (table | change).items() if value is not None},
        seller="acme",
        bands={},
    )


def contract(name: str = "c", **table: Any) -> Contract:
    return read_contract({"valid_from": DAY_ONE} | table, name, "acme")


def euro(usd: str, day: str) -> ExchangeRate:
    start = date.fromisoformat(day)
    return read_exchange_rate({"currency": "EUR", "usd": usd, "valid_from": start})


def card(
    book: PriceBook, terms: Terms = STANDARD, moment: int = NOW, known: int | None = None
) -> RateCard:
    found = book.rate_card("acme", "m", terms, moment, known)
    assert found is not None
    return found


def input_femto(book: PriceBook, terms: Terms = STANDARD, moment: int = NOW) -> int | None:
    return card(book, terms, moment).rates[0].prices_femto[0]


def test_a_discount_is_percent_off_the_list() -> None:
    """The line names the list's row and the contract."""
    book = PriceBook((row(),), contracts=(contract(discount_percent="12.5"),))

    charge = card(book).rate(Usage(input_uncached=1_000))

    assert charge.amount_nanos == 8_750_000
    assert charge.lines[0].price_row == "acme/m/standard/2026-01-01*contract/c"


def test_a_price_wins_over_a_multiplier_and_that_over_a_discount() -> None:
    """However they are written down, and whatever is the cheapest."""
    price = contract("p", per_million_tokens={"input": "9", "output": "30"})
    times = contract("t", multiplier="0.5")
    off = contract("d", discount_percent="90")

    assert input_femto(PriceBook((row(),), contracts=(off, price, times))) == 9_000_000_000
    assert input_femto(PriceBook((row(),), contracts=(off, times))) == 5_000_000_000
    assert input_femto(PriceBook((row(),), contracts=(off,))) == 1_000_000_000


def test_the_smallest_circle_has_its_contract() -> None:
    """One of a key wins over its team's, that over a deployment's, that over everybody's."""
    nodes = ("key:k", "team:t", "deployment:d")
    held = [
        contract("all", multiplier="0.9"),
        contract("key", multiplier="0.6", nodes=["key:k"]),
        contract("team", multiplier="0.7", nodes=["team:t"]),
        contract("deployment", multiplier="0.8", nodes=["deployment:d"]),
    ]
    book = PriceBook((row(),), contracts=tuple(held))

    assert input_femto(book, Terms(nodes=nodes)) == 6_000_000_000
    assert input_femto(book, Terms(nodes=nodes[1:])) == 7_000_000_000
    assert input_femto(book, Terms(nodes=nodes[2:])) == 8_000_000_000
    assert input_femto(book) == 9_000_000_000


def test_a_contract_covers_its_models_tiers_and_days() -> None:
    """Outside of any of the three the list price holds, and a card ends where the contract does."""
    own = contract(multiplier="0.5", models=["m"], tiers=["standard"], valid_to=date(2026, 12, 1))
    rows = (row(), row(tier="batch"), row(model="n"))
    book = PriceBook(rows, contracts=(own,))

    assert input_femto(book) == 5_000_000_000
    assert card(book).valid_until_ns == at("2026-12-01")
    assert input_femto(book, moment=at("2026-12-01")) == 10_000_000_000
    assert input_femto(book, Terms(tier="batch")) == 10_000_000_000


def test_a_contract_prices_what_has_no_list_price() -> None:
    """A price that was agreed needs no row beside it."""
    own = contract(per_million_tokens={"input": "1", "output": "2"}, models=["m"])

    charge = card(PriceBook((), contracts=(own,))).rate(Usage(output_text=1_000))

    assert (charge.amount_nanos, charge.lines[0].price_row) == (2_000_000, "contract/c")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({}, "per_million_tokens"),
        ({"multiplier": "1", "discount_percent": "1"}, "per_million_tokens"),
        ({"multiplier": "-1"}, "multiplier"),
        ({"discount_percent": "101"}, "discount_percent"),
        ({"discount_percent": "0"}, "discount_percent"),
        ({"multiplier": "1", "currency": "EUR"}, "currency"),
        ({"multiplier": "1", "nodes": ["robot:r2"]}, "nodes"),
        ({"multiplier": "1", "valid_to": DAY_ONE}, "valid_to"),
        ({"multiplier": "1", "until": DAY_ONE}, "until"),
    ],
)
def test_a_contract_that_makes_no_sense_is_refused(table: dict[str, Any], key: str) -> None:
    """The message begins with the key."""
    with pytest.raises(PriceRowError, match=f"^{key}"):
        contract(**table)


def test_a_surcharge_has_a_line_of_its_own() -> None:
    """Percent of the sum of the others, rounded once."""
    fee = read_surcharge({"percent": "5.5", "valid_from": DAY_ONE}, "credit", "acme")
    book = PriceBook((row(),), surcharges=(fee,))

    charge = card(book).rate(Usage(input_uncached=3, output_text=1))

    assert [line.amount_nanos for line in charge.lines] == [30_000, 40_000, 3_850]
    last = charge.lines[-1]
    assert (last.meter, last.quantity, last.price_row) == (SURCHARGE, 70_000, "surcharge/credit")
    assert book.entry(last.price_row) == fee


@given(
    st.lists(st.integers(1, 1_000_000), min_size=1, max_size=3),
    st.integers(0, 5_000_000),
    st.integers(0, 5_000_000),
    st.integers(-10, 10**13),
)
def test_bounds_hold_with_surcharges(
    shares: list[int], prompt: int, output: int, amount: int
) -> None:
    """The hold covers the charge, and the affordable output is the exact inverse of the hold."""
    plain = card(PriceBook((row(),)))
    found = RateCard(
        plain.seller,
        plain.model,
        plain.terms,
        plain.valid_until_ns,
        plain.rates,
        tuple((f"surcharge/{index}", share) for index, share in enumerate(shares)),
    )
    charge = found.rate(Usage(input_uncached=prompt, output_text=output))
    within = found.output_tokens_within(amount, prompt)

    assert charge.amount_nanos <= found.worst_nanos(prompt, output)
    assert charge.amount_nanos == found.amount(Usage(prompt, output_text=output))[0]
    assert charge.amount_nanos == found.expected_nanos(prompt, output)
    assert charge.amount_nanos == sum(line.amount_nanos for line in charge.lines)
    if within >= 0:
        assert found.worst_nanos(prompt, within) <= amount
    assert found.worst_nanos(prompt, max(within, -1) + 1) > amount


def test_a_price_in_euro_is_converted_at_the_rate_of_the_day() -> None:
    """The line is in dollars and names the rate; the euro amount follows from it for ever."""
    own = row(usd_per_million=None, currency="EUR", per_million={"input": "2", "output": "6"})
    rates = (euro("1.10", "2026-01-01"), euro("1.0842", "2026-11-01"))
    book = PriceBook((own,), exchange_rates=rates)

    old = card(book, moment=at("2026-10-31")).rate(Usage(input_uncached=1_000))
    new = card(book).rate(Usage(input_uncached=1_000))

    assert card(book, moment=at("2026-10-31")).valid_until_ns == at("2026-11-01")
    assert (old.amount_nanos, new.amount_nanos) == (2_200_000, 2_168_400)
    assert new.lines[0].price_row == "acme/m/standard/2026-01-01*EUR/2026-11-01"
    assert native_amount(book, old.lines[0]) == native_amount(book, new.lines[0])
    assert native_amount(book, new.lines[0]) == ("EUR", 2_000_000)


def test_without_a_rate_of_exchange_there_is_no_price() -> None:
    """A price that cannot be converted is not taken for dollars."""
    own = row(usd_per_million=None, currency="EUR", per_million={"input": "2", "output": "6"})
    book = PriceBook((own,), exchange_rates=(euro("1.1", "2026-12-01"),))

    assert book.rate_card("acme", "m", STANDARD, NOW) is None


def test_speed_and_region_multiply() -> None:
    """A tier without rows that a modifier names costs the standard price times the factors."""
    modifiers = tuple(
        read_modifier({"id": name, "when": when, "factor": factor, "models": ["m"]}, "acme")
        for name, when, factor in (
            ("fast", {"tier": ["fast"]}, "6"),
            ("us", {"region": ["us"]}, "1.1"),
        )
    )
    book = PriceBook((row(), row(tier="batch")), modifiers=modifiers)

    assert input_femto(book, Terms(tier="fast")) == 60_000_000_000
    assert input_femto(book, Terms(tier="fast", region="us")) == 66_000_000_000
    assert input_femto(book, Terms(tier="batch", region="us")) == 11_000_000_000
    assert book.rate_card("acme", "m", Terms(tier="flex"), NOW) is None


def test_counted_units_have_dated_fees() -> None:
    """Of two fees the one in force counts, per unit, with a line that can be looked up."""
    fees = tuple(
        read_fee(
            {"id": name, "meter": "container_session", "usd_per_unit": usd, "valid_from": start},
            "acme",
        )
        for name, usd, start in (
            ("container", "0.03", DAY_ONE),
            ("container-2026-12", "0.05", date(2026, 12, 1)),
        )
    )
    book = PriceBook((row(),), fees=fees)

    lines = unit_lines(fees_in_force(book.fees, "acme", "m", NOW, None), {"container_session": 3})

    assert [(line.amount_nanos, line.price_row) for line in lines] == [
        (90_000_000, "acme/container")
    ]
    with pytest.raises(KeyError):
        unit_lines(fees_in_force(book.fees, "acme", "m", NOW, None), {"page": 1})


def test_a_correction_of_a_row_is_a_row_of_its_own() -> None:
    """It starts with the row it corrects, and its id says since when it was known better."""
    wrong = row(superseded_at=date(2026, 2, 1))
    right = row(corrects=True, recorded_at=date(2026, 2, 1), usd_per_million=LIST | {"input": "11"})
    book = PriceBook((wrong, right))

    assert right.id == "acme/m/standard/2026-01-01/known-2026-02-01"
    assert input_femto(book) == 11_000_000_000
    early = card(book, known=at("2026-01-15"))
    assert early.rates[0].prices_femto[0] == 10_000_000_000


MONTHS = st.integers(1, 12)


@st.composite
def later_knowledge(draw: st.DrawFn) -> dict[str, Any]:
    """Draw entries that become known in June or later, whenever they hold."""
    known = date(2026, draw(st.integers(6, 12)), 1)
    holds = date(2026, draw(MONTHS), draw(st.integers(1, 28)))
    dates = {"valid_from": holds, "recorded_at": known}
    price = f"{draw(st.integers(1, 99))}"
    kind = draw(st.sampled_from(["row", "tier", "contract", "surcharge", "exchange"]))
    made: dict[str, Any] = {}
    if kind in ("row", "tier"):
        more = {"tier": "batch"} if kind == "tier" else {}
        made["rows"] = (
            row(**dates, **more, corrects=True, usd_per_million=LIST | {"input": price}),
        )
    if kind == "contract":
        made["contracts"] = (contract("later", **dates, multiplier=f"0.{price}"),)
    if kind == "surcharge":
        made["surcharges"] = (read_surcharge({**dates, "percent": f"0.{price}"}, "later", "acme"),)
    if kind == "exchange":
        rate = {**dates, "currency": "EUR", "usd": f"1.{price}"}
        made["exchange_rates"] = (read_exchange_rate(rate),)
    return made


@given(later_knowledge(), MONTHS, st.integers(1, 28), st.sampled_from(["standard", "batch"]))
def test_what_was_known_then_never_changes(
    learnt: dict[str, Any], month: int, day: int, tier: str
) -> None:
    """Whatever is learnt later, a report as known in May stays as it was, line by line."""
    book = PriceBook(
        (row(), row(tier="batch"), row(valid_from=date(2026, 5, 1), recorded_at=date(2026, 4, 1))),
        exchange_rates=(euro("1.1", "2026-01-01"),),
        contracts=(contract("c", discount_percent="10", valid_from=date(2026, 3, 1)),),
    )
    known, moment = at("2026-05-15"), at(f"2026-{month:02}-{day:02}")
    before = book.rate_card("acme", "m", Terms(tier=tier), moment, known)

    more = {name: (*getattr(book, name), *added) for name, added in learnt.items()}
    grown = PriceBook(
        **{
            "rows": book.rows,
            "exchange_rates": book.exchange_rates,
            "contracts": book.contracts,
            "surcharges": book.surcharges,
        }
        | more
    )

    after = grown.rate_card("acme", "m", Terms(tier=tier), moment, known)
    assert before is not None
    assert after is not None
    assert (after.rates, after.surcharges) == (before.rates, before.surcharges)


@given(later_knowledge(), MONTHS)
def test_every_charge_line_is_found_for_ever(learnt: dict[str, Any], month: int) -> None:
    """What a line names is in the book it was charged by, and in every book that grew from it."""
    book = PriceBook((row(), row(tier="batch")), contracts=(contract("c", multiplier="0.9"),))
    book = PriceBook(**({"rows": book.rows, "contracts": book.contracts} | _grown(book, learnt)))
    charge = card(book, moment=at(f"2026-{month:02}-15")).rate(Usage(5, 5, output_text=5))

    later = book.with_rows([row(valid_from=date(2026, 12, 24), recorded_at=date(2026, 12, 24))])

    for line in charge.lines:
        assert book.entry(line.price_row) is not None
        assert later.entry(line.price_row) == book.entry(line.price_row)


def _grown(book: PriceBook, learnt: dict[str, Any]) -> dict[str, Any]:
    return {name: (*getattr(book, name), *added) for name, added in learnt.items()}


def test_factors_are_exact() -> None:
    """A discount of a third is not a float's third."""
    assert contract(multiplier="0.333333333333").factor == Fraction(333333333333, 10**12)


def test_a_price_of_ones_own_holds_in_every_region() -> None:
    """A region that no modifier names is unpriced by the list, and priced by a contract."""
    own = contract(per_million_tokens={"input": "1", "output": "2"}, nodes=["team:t"])
    book = PriceBook((row(),), contracts=(own,))

    assert book.rate_card("acme", "m", Terms(region="mars"), NOW) is None
    assert input_femto(book, Terms(region="mars", nodes=("team:t",))) == 1_000_000_000
