"""What-if: lines that add up, each exact, and no promise that arithmetic forbids."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import parse_row
from headgate.cli.main import app
from headgate.economics.inputs import InputError
from headgate.economics.prices.impact import scaled
from headgate.economics.usage_logs.pricing import Priced
from headgate.economics.usage_logs.record import Findings, Found
from headgate.economics.usage_logs.store import STORE_NAME, UsageStore
from headgate.economics.whatif.calls import Who, calls_of
from headgate.economics.whatif.load_calls import imported
from headgate.economics.whatif.replay import replays
from headgate.economics.whatif.scenario import Scenario, everything_on, priced_model, read_models
from headgate.economics.whatif.tokenisers import factor, input_of
from headgate.records.demand import Terms
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage
from tests.economics.conftest import Desk
from tests.economics.logs import claude, write_lines
from tests.economics.past_calls import (
    AT,
    BOOK,
    FAMILIES,
    INPUTS,
    OPUS,
    SONNET,
    F,
    asked,
    calls,
    rate,
    row,
    run,
)

KINDS = st.tuples(
    st.sampled_from([OPUS, SONNET, "openai/gpt-5.5"]), st.sampled_from(["main", "side"])
)
COUNTS = st.tuples(
    st.integers(0, 500_000), st.integers(0, 500_000), st.integers(0, 50_000), st.integers(0, 50_000)
).map(lambda n: Usage(n[0], n[1], cache_write_1h=n[2], output_text=n[3]))


def test_each_line_is_what_it_says(book: PriceBook) -> None:
    """Rated again by hand, call by call and change by change, to the nano-dollar."""
    usage = Usage(input_uncached=10_001, cache_read=50_003, output_text=1_009)
    counted = usage._replace(input_uncached=6_803, cache_read=34_016, output_text=686)
    cold = counted._replace(input_uncached=6_803 + 3_402, cache_read=34_016 - 3_402)
    scenario = asked(
        book,
        "claude-opus-4-8=openai/gpt-5.5",
        cache_loss=F(1, 10),
        retries=F(1, 20),
        checks=F(1, 10),
        check_cost=F(1, 2),
    )

    would = run(calls(row(OPUS, usage)), scenario)

    was, same = rate(book, OPUS, usage), rate(book, "openai/gpt-5.5", usage)
    after, chilled = (rate(book, "openai/gpt-5.5", one) for one in (counted, cold))
    assert would.lines == {
        "rating": (was - 7_000_000,),
        "prices": (0,),
        "carried": (0,),
        "refused": (0,),
        "models": (same - was,),
        "tokens": (after - same,),
        "cache": (chilled - after,),
        "escalated": (0,),
        "retries": ((chilled + 10) // 20,),
        "checks": (350_000,),
        "seats": (0,),
    }
    assert (would.moves[0].was_nanos, would.moves[0].would_nanos) == (was, same)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.tuples(KINDS, COUNTS), min_size=1, max_size=12))
def test_lines_add_up_in_any_order_of_calls(rows: Sequence[Any]) -> None:
    """By class and together, and the fingerprint is that of the calls, not of their order."""
    made = [row(model, usage, name) for (model, name), usage in rows]
    shuffled = made[::-1]
    scenario = asked(BOOK, "*=claude-sonnet-5", cache_loss=F(1, 3), retries=F(1, 7))

    first, second = run(calls_of(made), scenario), run(calls_of(shuffled), scenario)

    assert first.would_nanos == sum(first.would_of(one) for one in range(len(first.classes)))
    assert first[:6] == second[:6]
    assert calls_of(made).fingerprint() == calls_of(shuffled).fingerprint()
    assert calls_of(made).fingerprint() != calls_of([*made, made[0]]).fingerprint()


def test_nothing_changed_costs_the_same(book: PriceBook) -> None:
    """A call that keeps its model pays for no cold cache, retry or check."""
    made = calls(row(SONNET, Usage(1_000, 9_000)), row(OPUS, Usage(1_000), "side"))
    kept = asked(book, "*=claude-sonnet-5", only=frozenset(["main"]), cache_loss=F(1), retries=F(1))

    would = run(made, kept)

    assert would.moves == ()
    assert all(line == (0, 0) for name, line in would.lines.items() if name != "rating")


def test_only_the_named_class_moves(book: PriceBook) -> None:
    """The same call in another class stays as it was."""
    usage = Usage(1_000_000)
    made = calls(row(OPUS, usage, "main"), row(OPUS, usage, "side"))

    would = run(made, asked(book, f"{OPUS}={SONNET}", only=frozenset(["side"])))

    assert would.classes == ("main", "side")
    assert would.lines["models"] == (0, rate(book, SONNET, usage) - rate(book, OPUS, usage))


def test_a_cache_that_the_other_model_does_not_sell_is_fresh_input(book: PriceBook) -> None:
    """Tokens do not vanish because they were cached with one who sells that."""
    kept = Usage(input_uncached=1_000, cache_write_1h=2_000, cache_write_5m=500)

    would = run(calls(row(OPUS, kept)), asked(book, "*=openai/gpt-5.4-mini"))

    fresh = rate(book, "openai/gpt-5.4-mini", Usage(input_uncached=3_500))
    assert would.left_out == 0
    assert would.moves[0].would_nanos == fresh


def test_other_prices_are_a_line_of_their_own(book: PriceBook) -> None:
    """A scenario of prices and the prices of a day, both at the call's own model."""
    usage = Usage(1_000_000)
    dear = scaled(book, {"anthropic": F(2)})
    was = rate(book, OPUS, usage)
    early = parse_row(
        {
            "model": "claude-opus-4-8",
            "valid_from": date(2026, 1, 1),
            "valid_to": date(2026, 1, 3),
            "recorded_at": date(2026, 1, 1),
            "usd_per_million": {"input": "9", "output": "1"},
        },
        seller="anthropic",
        bands={},
        origin="configuration",
    )
    then = book.with_rows([early])
    on_ns = from_datetime(datetime(2026, 1, 2, tzinfo=UTC))

    doubled = run(calls(row(OPUS, usage)), Scenario(book, dear))
    dated = run(calls(row(OPUS, usage)), Scenario(then, then, on_ns=on_ns))

    assert doubled.lines["prices"] == (was,)
    assert dated.lines["prices"] == (9_000_000_000 - was,)


def test_what_has_no_price_is_left_out_everywhere(book: PriceBook) -> None:
    """Also from what was posted, and it is told."""
    made = calls(row(OPUS, Usage(1_000)), row(OPUS, Usage(5), terms=Terms("no-such-tier")))

    would = run(made, asked(book, f"{OPUS}={SONNET}"))

    assert (would.calls, would.posted_nanos) == ((1,), (7_000_000,))
    assert (would.left_out, would.left_out_nanos) == (1, 7_000_000)


def test_a_baseline_is_of_the_same_calls(book: PriceBook) -> None:
    """What one of the two has no price for is in neither."""
    usage = Usage(1_000_000)
    made = calls(row(SONNET, usage), row(SONNET, usage, terms=Terms("batch")), row(OPUS, usage))
    fixed = everything_on(("anthropic", "claude-opus-4-8"), book)

    would, base = replays(made, [Scenario(book, book), fixed], INPUTS, FAMILIES)

    batch = book.rate_card("anthropic", "claude-opus-4-8", Terms("batch"), AT)
    assert batch is not None
    assert base.would_nanos == 2 * rate(book, OPUS, usage) + batch.amount(usage)[0]
    assert would.calls == base.calls == (3,)


def test_tokenisers_differ_by_dated_figures() -> None:
    """Within a family by nothing; across by the quotient; an unknown model as the reference."""
    opus_46 = "anthropic/claude-opus-4-6"

    assert factor(INPUTS, FAMILIES, opus_46, "anthropic/claude-haiku-4-5") == 1
    assert factor(INPUTS, FAMILIES, opus_46, OPUS) == F("1.47") / F("1.25")
    assert factor(INPUTS, FAMILIES, "deepseek/anything", opus_46) == F("1.25")
    assert input_of(FAMILIES, "us.anthropic/anthropic.claude-x") == "tokens_other"


@pytest.mark.parametrize("text", ["claude-opus-4-8", "=x", "claude-opus-4-8=claud-sonet"])
def test_a_move_to_nobody_is_refused(book: PriceBook, text: str) -> None:
    """With what to write instead."""
    with pytest.raises(InputError) as caught:
        read_models([text], book)

    assert caught.value.fix


def test_a_name_of_several_sellers_wants_one(book: PriceBook) -> None:
    """Guessing whose price counts would be a guess about money."""
    twin = replace(book.rows_of("openai", "gpt-5.5")[0], seller="else", id="else/gpt-5.5")

    with pytest.raises(InputError, match="several"):
        priced_model("gpt-5.5", book.with_rows([twin]))


def test_quantities_are_read_as_they_are_kept(tmp_path: Path) -> None:
    """Of single calls and of sums, which may be larger than any call, and whosever they are."""
    store = UsageStore(tmp_path / STORE_NAME)
    most = 10**9
    counts = [(0,) * 10, (most,) * 10, (1, most) * 5, (most, 0) * 5, tuple(range(10))]
    found = [
        Found(
            str(number),
            "",
            0,
            AT,
            AT + number,
            ("claude-opus-4-8", "gpt-5.5")[number % 2],
            Usage(*(count * many for count in each)),
            calls=many,
            seat=("ann", "bob", "carol")[number % 3],
        )
        for number, (each, many) in enumerate(product(counts, (1, 1_000)))
    ]
    prices = [Priced("", number, number, "", "B") for number in range(len(found))]
    store.keep("claude_code", "local", Findings(usage=found), prices)

    read = imported(store, BOOK, "seat", 0, 2**62)
    store.close()

    batch = read.batch
    rows = {
        at_ns: (*usage, posted, read.whos[who], read.classes[class_], batch.ways[way][1])
        for at_ns, usage, posted, who, class_, way in zip(
            batch.at_ns.tolist(),
            batch.usage.tolist(),
            read.posted_nanos.tolist(),
            read.who_of.tolist(),
            read.class_of.tolist(),
            batch.way.tolist(),
            strict=True,
        )
    }
    assert rows == {
        one.started_ns: (*one.usage, number, Who(str(one.seat), "claude_code"), one.seat, one.model)
        for number, one in enumerate(found)
    }


def _imported(tmp_path: Path, book: PriceBook, count: int = 40) -> Path:
    desk = Desk(tmp_path / STORE_NAME, book)
    lines = [claude(f"m{one}", 1_000 + one) for one in range(count)]
    desk.take(write_lines(tmp_path / "s.jsonl", lines), seat="ann")
    return tmp_path


def _ask(folder: Path, *more: str) -> Result:
    first = min(one.started_ns for one in Desk(folder / STORE_NAME, None).records())  # type: ignore[arg-type]  # reading prices nothing
    since = datetime.fromtimestamp(first // 10**9, UTC).date()
    span = ["--since", str(since), "--until", str(since + timedelta(days=400))]
    place = ["--data-dir", str(folder), "--config", str(folder / "none.toml")]
    return CliRunner().invoke(app, ["whatif", "--imported", *span, *place, *more])


def test_the_command_answers_from_imported_logs(book: PriceBook, tmp_path: Path) -> None:
    """Without a configuration, the same twice, with the arithmetic of a promise."""
    folder = _imported(tmp_path, book)
    move = ["--model", "claude-opus-4-8=claude-sonnet-4-6", "--by", "seat", "--json"]

    first, second = _ask(folder, *move, "--promised", "90"), _ask(folder, *move, "--promised", "90")

    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    report = json.loads(first.stdout)
    assert "90.0 % is impossible" in report["answer"][1]
    assert report["figures"]["calls"] == "40"
    assert [line[0] for line in report["tables"][1]["rows"]] == ["ann"]


def test_a_possible_promise_says_what_it_takes(book: PriceBook, tmp_path: Path) -> None:
    """`f = s / (1 - r)`: with r = 60 %, half of that saving asks for half of the spend."""
    folder = _imported(tmp_path, book)

    told = _ask(folder, "--model", "*=claude-sonnet-4-6", "--promised", "20%")

    assert "A saving of 20.0 % needs 50.0 % of the spend to move" in told.stdout
    assert "100.0 % does, as much as that needs" in told.stdout


def test_a_dearer_model_saves_nothing(book: PriceBook, tmp_path: Path) -> None:
    """And there is no negative saving to read."""
    told = _ask(_imported(tmp_path, book), "--model", "*=openai/gpt-5.5-pro", "--promised", "5")

    assert "A saving of 5.0 % is impossible: the other models cost" in told.stdout
    assert "even all work" not in told.stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "There is nothing to ask."),
        (["--model", "*=claude-sonnet-5", "--only", "nobody"], "There is no class 'nobody'."),
        (["--model", "*=claude-sonnet-5", "--by", "team"], "Imported calls have no 'team'."),
        (["--scale", "anthropic=2", "--promised", "0"], "'0' is no saving."),
        (["--as-of", "2026-03-01T05:00Z"], "is no day."),
        (["none.toml"], "A FILE of prices belongs to a configuration."),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_fix(
    book: PriceBook, tmp_path: Path, more: list[str], said: str
) -> None:
    """Exit code 2, before anything is computed."""
    told = _ask(_imported(tmp_path, book, 1), *more)

    assert told.exit_code == 2
    assert said in told.output


def test_thin_data_gets_no_answer(book: PriceBook, tmp_path: Path) -> None:
    """Three calls are no month."""
    told = _ask(_imported(tmp_path, book, 3), "--scale", "anthropic=2")

    assert told.exit_code == 2
    assert "Not enough data: 3 calls" in told.output
    assert "Take a longer period (--since, --until), or lower calls_min" in told.output


def test_a_model_that_came_later_is_asked_about_by_a_later_days_prices(
    book: PriceBook, tmp_path: Path
) -> None:
    """Where calls have no price, no longer period helps; those of another day do."""
    data = _imported(tmp_path, book, 40)
    later = ("--model", "*=claude-sonnet-5")

    refused = _ask(data, *later)
    told = _ask(data, *later, "--as-of", "2026-07-15")

    assert refused.exit_code == 2
    assert "--as-of DATE" in refused.output
    assert told.exit_code == 0, told.output


def test_a_period_without_use_is_told_where_there_is_some(book: PriceBook, tmp_path: Path) -> None:
    """Who names no period means last month, of which nothing may have been imported."""
    year = ("--since", "2019-01-01", "--until", "2020-01-01")

    told = _ask(_imported(tmp_path, book, 3), "--scale", "anthropic=2", *year)

    assert told.exit_code == 2
    assert "No imported call is of 2019-01-01 until 2020-01-01." in told.output
    assert "use goes from 2026-06-11 to 2026-06-11." in told.output


def test_no_calls_are_no_trouble(book: PriceBook) -> None:
    """A period without calls has no classes and costs nothing."""
    empty = run(calls_of([]), Scenario(book, book))

    assert (empty.would_nanos, empty.classes, empty.left_out) == (0, (), 0)
