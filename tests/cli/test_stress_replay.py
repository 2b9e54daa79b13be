"""A month of the books sent again: real nodes, simulated providers, books that balance."""

import json
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.cli.shaking.month import of_books, of_logs
from headgate.ledger.keeper import Keeper
from headgate.node.paths import journal_root
from headgate.records.charge import ChargeLine
from headgate.records.journal import (
    CallerRecord,
    DecisionRecord,
    HoldRecord,
    Record,
    RouteRecord,
    SettleRecord,
)
from headgate.store.journal_writer import JournalWriter
from tests import stores
from tests.economics.logs import claude, write_lines
from tests.lending import borrow

USD = 10**9
DAY_NS = 86_400 * 10**9
TEN_DAYS_AGO_NS = time.time_ns() - 10 * DAY_NS
BUDGET = "all@now"
CONFIG = """
[providers.openai]
kind = "openai"
base_url = "https://api.openai.com/v1"
credential = { env = "NOBODY_HAS_THIS" }
[providers.anthropic]
kind = "anthropic"
base_url = "https://api.anthropic.com"
credential = { env = "NOBODY_HAS_THIS" }
[deployments.mini]
provider = "openai"
model = "gpt-5.4-mini"
[deployments.gpt]
provider = "openai"
model = "gpt-5.5"
[deployments.haiku]
provider = "anthropic"
model = "claude-haiku-4-5"
[routes.fast]
deployments = ["mini", "haiku"]
[teams.research]
[principals.alice]
team = "research"
[keys.alice]
principal = "alice"
secret = { env = "NOBODY_HAS_THIS" }
[budgets.all]
node = "organisation"
limit_usd = "1.00"
"""
ROUTES = (
    RouteRecord(1, "fast", "mini", "openai_chat"),
    RouteRecord(2, "fast", "haiku", "anthropic_messages"),
    RouteRecord(3, "gpt", "gpt", "openai_responses"),
    RouteRecord(4, "vectors", "mini", "embeddings"),
)
PRICES = {"input_uncached": 750_000_000, "cache_read": 75_000_000, "output_text": 4_500_000_000}


def lines(**counts: int) -> tuple[ChargeLine, ...]:
    """Return the charge of a call; that the amount is made up does not matter here."""
    return tuple(
        ChargeLine(meter, count, PRICES[meter], count * PRICES[meter] // 10**6, "a/b/c/d")
        for meter, count in counts.items()
        if count
    )


def records() -> Iterator[Record]:
    """Yield two sessions whose prompts grow in the cache, some single calls, an embedding."""
    yield DecisionRecord(1, TEN_DAYS_AGO_NS, "fast", "cheapest", 1_000, 100, ())
    yield CallerRecord(1, "alice", "research", "alice", (BUDGET,), "r1")
    yield CallerRecord(2, "alice", "research", "alice", (BUDGET,))
    yield from ROUTES
    for number in range(34):
        route = 2 if number < 12 else 3 if number % 8 == 0 else 1 if number < 33 else 4
        step = number % 12
        charge = lines(
            input_uncached=2_000, cache_read=2_000 * step if route < 3 else 0, output_text=50
        )
        name, at_ns = f"call_{number:02}.1", TEN_DAYS_AGO_NS + number * USD
        yield HoldRecord(name, at_ns, 10**8, 1 if number < 24 else 2, route, 1, 30_000, 500)
        yield SettleRecord(
            attempt=name,
            at_ns=at_ns + 1,
            amount_nanos=sum(line.amount_nanos for line in charge),
            state="measured",
            lines=charge,
            status=200,
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with two sellers, and the books of 34 calls."""
    folder = tmp_path_factory.mktemp("month")
    (folder / "headgate.toml").write_text(CONFIG)
    data_dir = folder / "headgate-data"
    data_dir.mkdir(mode=0o700)
    engine = stores.open_test_store(data_dir)
    keeper = Keeper(engine, journal_root(data_dir), lambda _window: 100 * USD)
    borrow(keeper, "w0-1", {BUDGET: 10 * USD})
    writer = JournalWriter(
        journal_root(data_dir) / "w0-1",
        worker="w0",
        epoch="1",
        at_ns=TEN_DAYS_AGO_NS,
        segment_bytes=1 << 17,
    )
    for record in records():
        writer.append(record)
    keeper.discover()
    while keeper.fold():
        pass
    writer.close(TEN_DAYS_AGO_NS + 10**12)
    engine.dispose()
    return folder


def replay(folder: Path, *arguments: str) -> Result:
    """Run the command on the folder, without any of its secrets."""
    config = ["--config", str(folder / "headgate.toml"), "--days", "30"]
    return CliRunner().invoke(app, ["stress", "replay", *config, *arguments])


def rows_of(report: dict[str, Any], title: str) -> list[list[str]]:
    """Return the rows of the table whose title begins so."""
    return next(one["rows"] for one in report["tables"] if one["title"].startswith(title))


def test_a_thin_month_gives_no_number(folder: Path) -> None:
    """Too few calls are told as such, with how far to look."""
    result = replay(folder, "--days", "1")

    assert result.exit_code == 2
    assert "Not enough data: 0 calls" in result.output


def test_an_unknown_shock_or_provider_is_named(folder: Path) -> None:
    """With what there is."""
    assert "outage" in replay(folder, "--shock", "outrage").output
    assert "anthropic" in replay(folder, "--provider", "antropic").output


def test_more_than_is_read_shortens_the_month(folder: Path) -> None:
    """The newest calls are read: the month begins with their oldest, which is said."""
    books = partial(of_books, folder / "headgate.toml", folder / "headgate-data", 30)
    whole, all_of_it, cut = books(), books(limit=34), books(limit=10)

    assert (len(cut.calls), cut.other) == (9, {"calls in embeddings": 1})
    assert cut.since_ns == TEN_DAYS_AGO_NS + 24 * USD
    assert cut.days == Fraction(cut.until_ns - cut.since_ns, DAY_NS)
    assert cut.remarks[0].startswith("There are more than 10 calls since ")
    for one in (whole, all_of_it):
        assert one.days == 30
        assert not one.remarks
        assert len(one.calls) == 33


def test_more_logs_than_are_read_shorten_the_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with books: sums, days and limits are of the records that were read."""
    monkeypatch.chdir(tmp_path)
    used = [claude(f"m{n}", 1, at=f"2026-11-01T00:0{n}:00.000Z") for n in range(4)]
    write_lines(tmp_path / "s.jsonl", used)
    CliRunner().invoke(app, ["import", "s.jsonl"])
    logs = partial(of_logs, Path("headgate-data"), 30, ())
    whole, cut = logs(limit=4), logs(limit=3)

    assert (len(whole.calls), len(cut.calls)) == (4, 3)
    assert cut.days == Fraction(120 * USD + 1, DAY_NS)
    assert whole.days == 30
    assert len(cut.remarks) == len(whole.remarks) + 1


def test_logs_without_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing imported, too little of it, and models that nobody sells, are told as such."""
    monkeypatch.chdir(tmp_path)
    ask = partial(CliRunner().invoke, app)

    nothing = ask(["stress", "replay", "--imported"])
    write_lines(tmp_path / "s.jsonl", [claude("m1", 1)])
    ask(["import", "s.jsonl"])
    thin = ask(["stress", "replay", "--imported"])
    unsold = ask(["stress", "replay", "--imported", "--among", "gpt-0"])
    routed = ask(["stress", "replay", "--among", "gpt-5.5"])

    assert "Run `headgate import` first." in nothing.output
    assert "Not enough data: 1 calls since 2026-05-12" in thin.output
    assert "Nobody has a price for 'gpt-0'" in unsold.output
    assert "Leave out --among" in routed.output
    assert {each.exit_code for each in (thin, unsold, routed)} == {2}


@pytest.mark.slow
def test_imported_calls_move_where_they_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each model by its name through the pipeline: what it cost, and who takes over."""
    monkeypatch.chdir(tmp_path)
    lines = [
        claude(
            f"m{n}",
            40,
            at=f"2026-11-01T00:{n:02}:00.000Z",
            cache_creation_input_tokens=2_000,
            cache_read_input_tokens=9_000 + 2_000 * n,
        )
        for n in range(40)
    ]
    write_lines(tmp_path / "s.jsonl", lines)
    (tmp_path / "u.csv").write_text(
        "id,at,model,tier,input,output\n1,2026-11-01T00:00:00Z,gpt-5.5,batch,9,9\n"
        "2,2026-11-01T00:00:00Z,gpt-5.5,standard,900,90\n3,2026-11-01T00:00:00Z,nobodys,standard,9,9\n"
    )
    run = partial(CliRunner().invoke, app)
    run(["import", "s.jsonl", "u.csv"])

    result = run(
        ["stress", "replay", "--imported", "--shock", "outage", "--among", "gpt-5.5", "--json"]
    )

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    runs = {(row[0], row[1]): row[2:] for row in rows_of(report, "The month under each shock")}
    posted = sum(float(row[4]) for row in rows_of(report, "The sample")[:2])
    assert float(runs["none", "as configured"][4]) == pytest.approx(posted, rel=0.02)
    assert runs["outage", "as configured"][1:3] == ["0", "40"]
    assert runs["outage", "locked"][1:3] == ["40", "0"]
    left = {row[0]: row[1] for row in rows_of(report, "The sample")}
    assert left["left out: calls in the tier batch"] == "1"
    assert left["left out: records without a price"] == "1"


@pytest.mark.slow
def test_an_outage_moves_what_can_move_and_breaks_what_is_locked(folder: Path) -> None:
    """Aliases with another seller go there; who pinned a deployment, or is locked, is refused."""
    result = replay(
        folder, "--provider", "openai", "--shock", "outage", "--shock", "rises", "--json"
    )

    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    runs = {(row[0], row[1]): row[2:] for row in rows_of(report, "The month under each shock")}
    assert report["figures"]["books_unequal"] == "0"
    assert float(report["figures"]["none_configured_refused_share"]) == 0
    quiet, out = runs["none", "as configured"], runs["outage", "as configured"]
    assert int(out[1]) == 3
    assert int(out[2]) > 15
    locked = runs["outage", "locked"]
    assert int(locked[1]) > 15
    assert int(locked[2]) == 0
    dearer, saved = runs["rises", "locked"], runs["rises", "as configured"]
    assert float(quiet[4]) < float(saved[4]) <= float(dearer[4])
    assert rows_of(report, "What locks in")[0][0] == "gpt"
    assert "ask for a deployment itself" in rows_of(report, "What locks in")[0][3]
    assert ["left out: calls in embeddings", "1", "0", "", ""] in rows_of(report, "The sample")
