"""A month under shocks: what is drawn stands for all, prompts share what they shared."""

import json
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.cli.shaking.document import Caller, standing_of, stood_in
from headgate.cli.shaking.shaken import is_routable, locked, shaken
from headgate.cli.shaking.toml_text import toml_text
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.economics.load import load_data, load_inputs
from headgate.economics.shocks.bodies import Writer, sendable
from headgate.economics.shocks.report import Limit, Told, shocks_report
from headgate.economics.shocks.sampling import Sample, sample
from headgate.economics.shocks.shock import NO_SHOCK, Shock, shocks_of
from headgate.economics.shocks.tally import Answer, Ran, tally
from headgate.insights.drill import Past
from headgate.records.demand import STANDARD
from headgate.units.usage import Usage

INPUTS = load_inputs("stress")
SHOCKS = shocks_of(INPUTS)
USD = 10**9
CONFIG = """
[listen]
tls = { certificate = "nowhere.pem", key = "nowhere.key" }
[network]
proxy = "http://proxy.example:3128"
[providers.openai]
kind = "openai"
base_url = "https://api.openai.com/v1"
credential = { env = "A_REAL_SECRET" }
[providers.cloud]
kind = "bedrock"
base_url = "https://bedrock-runtime.eu-central-1.amazonaws.com"
credential = { env = "ANOTHER_SECRET" }
[deployments.mini]
provider = "openai"
model = "gpt-5.4-mini"
[deployments.gpt]
provider = "openai"
model = "gpt-5.5"
concurrency_max = 8
[deployments.claude]
provider = "cloud"
model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
[deployments.nova]
provider = "cloud"
model = "amazon.nova-lite-v1:0"
[routes.fast]
deployments = ["mini", "claude", "nova"]
[routes.alone]
deployments = ["gpt"]
[principals.alice]
[keys.alice]
principal = "alice"
secret = { env = "A_KEY" }
[webhooks.told]
url = "https://hooks.example/x"
secret = { env = "A_HOOK" }
[store]
url = "postgresql://db.example/headgate"
"""


def past(asked: str = "fast", number: int = 0, thread: str = "alice/", **given: Any) -> Past:
    """Return a served call; its cost tells it from others."""
    usage = given.pop("usage", Usage(1_000, output_text=100))
    usual = Past(asked, "mini", "openai_chat", False, 1_000 + number, usage, 0, 500, None, True)
    usual = usual._replace(at_ns=number, principal="alice", key="alice", thread=thread)
    return usual._replace(**given)


@st.composite
def months(draw: st.DrawFn) -> list[Past]:
    """Return a month of calls for up to three names in up to five threads."""
    said = draw(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from("vwxyz")), min_size=1, max_size=120
        )
    )
    return [past(asked, number, thread) for number, (asked, thread) in enumerate(said)]


@given(months(), st.integers(1, 60), st.integers(0, 9))
def test_what_is_drawn_stands_for_the_month(month: list[Past], most: int, seed: int) -> None:
    """Every name is there, weights add up to its calls, and money to what it cost."""
    drawn = sample(month, most, seed)

    assert {one.asked for one in drawn.strata} == {call.asked for call in month}
    assert len(drawn.calls) <= 2 * most + len(drawn.strata)
    assert len(set(drawn.calls)) == len(drawn.calls)
    for one in drawn.strata:
        mine = [call for call in drawn.calls if call.asked == one.asked]
        assert len(mine) == one.drawn > 0
        assert one.weight * one.drawn == one.calls
        assert one.scaled(sum(call.posted_nanos for call in mine)) == one.posted_nanos
    for piece in drawn.pieces:
        assert len({(call.asked, call.thread) for call in piece}) == 1
        assert list(piece) == sorted(piece, key=lambda call: call.at_ns)
    assert drawn == sample(list(reversed(month)), most, seed)


def _said(dialect: str, body: bytes) -> list[str]:
    """Return the texts of a body in the order a model reads them."""
    read = json.loads(body)
    if dialect == "gemini":
        system = read.get("systemInstruction", {}).get("parts", [])
        turns = [part for turn in read["contents"] for part in turn["parts"]]
        return [part["text"] for part in (*system, *turns)]
    found = []
    for turn in (*_blocks(read.get("system")), *read.get("messages", read.get("input", []))):
        found += [block["text"] for block in _blocks(turn.get("content", turn))]
    return ([read["instructions"]] if read.get("instructions") else []) + found


def _blocks(content: Any) -> list[Any]:
    if isinstance(content, dict):
        return [content]
    return [{"text": content}] if isinstance(content, str) else list(content or [])


@pytest.mark.parametrize("dialect", sorted(sendable()))
def test_a_prompt_begins_as_the_one_before_for_as_much_as_was_cached(dialect: str) -> None:
    """And is as long as it was recorded; what follows is in no other prompt."""
    writer, other = Writer("p1"), Writer("p2")
    first = past(dialect=dialect, usage=Usage(100, 0, 2_900, output_text=30))
    second = past(dialect=dialect, usage=Usage(100, 2_900, 1_000, output_text=30), stream=True)

    one, two = (writer.letter(call) for call in (first, second))
    strange = other.letter(second)

    texts = ["".join(_said(dialect, letter.body)) for letter in (one, two, strange)]
    shared = next(
        (at for at, (a, b) in enumerate(zip(*texts[:2], strict=False)) if a != b), len(texts[0])
    )
    assert [len(text) // 4 for text in texts] == pytest.approx([3_000, 4_000, 4_000], abs=10)
    assert shared // 4 == pytest.approx(2_900, abs=5)
    assert texts[1][:8] != texts[2][:8]
    assert "[sim:tokens=30]" in texts[0]


def test_a_marked_dialect_marks_what_was_kept() -> None:
    """The end of what was written or read has the mark, the fresh part stands behind it."""
    writer = Writer("p1")
    usage = Usage(100, 2_900, 1_000, output_text=30)

    read = json.loads(writer.letter(past(dialect="anthropic_messages", usage=usage)).body)

    assert "cache_control" in read["system"][-1]
    assert "cache_control" not in json.dumps(read["messages"])


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The configuration, understood without its secrets."""
    path = tmp_path_factory.mktemp("shocks") / "headgate.toml"
    path.write_text(
        CONFIG.replace('tls = { certificate = "nowhere.pem", key = "nowhere.key" }', "")
    )
    return load(path, {}, secrets_of=())


def made(snapshot: Snapshot) -> dict[str, Any]:
    """Return the configuration with stand-ins."""
    addresses = {"openai": "http://127.0.0.1:1", "cloud": "http://127.0.0.1:2"}
    callers = [Caller(name, name, f"hg_{name}_x" * 4, True) for name in ("alice", "new")]
    return stood_in(tomllib.loads(CONFIG), snapshot, addresses, callers)


def test_no_address_secret_or_file_of_the_configuration_is_left(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    """What runs calls loopback alone, with credentials that were made for it, and loads."""
    text = toml_text(made(snapshot))
    path = tmp_path / "headgate.toml"
    path.write_text(text)

    loaded = load(path, {})

    for word in ("https://", "SECRET", "A_KEY", "A_HOOK", "proxy", "postgresql", ".pem"):
        assert word not in text
    assert all(each.base_url.startswith("http://127.0.0.1:") for each in loaded.providers.values())
    assert {each.seller for each in loaded.providers.values()} == {"openai", "bedrock"}
    assert loaded.routes["fast"].deployments == ("mini", "claude")
    assert loaded.keys.keys() == {"alice", "new"}


def test_who_cannot_be_simulated_is_named(snapshot: Snapshot) -> None:
    """A kind without a stand-in gets another that speaks for most of it; the rest is left out."""
    standing = standing_of(snapshot, "cloud")

    assert (standing.kind, standing.unserved) == ("anthropic", ("nova",))
    assert standing_of(snapshot, "openai").kind == "openai"


def test_locking_leaves_each_route_what_it_used_most(snapshot: Snapshot) -> None:
    """One deployment a route; what was never used keeps its first."""
    calls = [past(deployment="claude", posted_nanos=5 * USD), past()]

    narrow = locked(made(snapshot), calls)

    assert {name: each["deployments"] for name, each in narrow["routes"].items()} == {
        "fast": ["claude"],
        "alone": ["gpt"],
    }
    assert is_routable(made(snapshot))
    assert not is_routable(narrow)


@pytest.mark.parametrize(
    ("shock", "fresh", "cached"),
    [("rises", "1.95", "0.195"), ("falls", "0.4125", "0.04125"), ("cache", "0.75", "0.75")],
)
def test_a_shock_of_prices_is_dated_rows(
    snapshot: Snapshot, tmp_path: Path, shock: str, fresh: str, cached: str
) -> None:
    """The provider's models cost what the shock makes of them, those of others what they did."""
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    path = tmp_path / "headgate.toml"
    path.write_text(toml_text(shaken(made(snapshot), snapshot, SHOCKS[shock], "openai", now)))

    book = load(path, {}).price_book

    at_ns = int(now.timestamp()) * 10**9 + 1
    card = book.rate_card("openai", "gpt-5.4-mini", STANDARD, at_ns)
    assert card is not None
    for usage, price in ((Usage(10**6), fresh), (Usage(0, 10**6), cached)):
        assert card.amount(usage)[0] == round(Decimal(price) * USD)
    other = ("anthropic", "claude-sonnet-5", STANDARD, at_ns)
    before, after = snapshot.price_book.rate_card(*other), book.rate_card(*other)
    assert before is not None
    assert after is not None
    assert after.amount(Usage(1_000)) == before.amount(Usage(1_000))


def test_rationing_narrows_what_is_served_at_once(snapshot: Snapshot) -> None:
    """Of the provider's deployments only."""
    now = datetime(2026, 11, 26, tzinfo=UTC)

    tables = shaken(made(snapshot), snapshot, SHOCKS["rationing"], "openai", now)["deployments"]

    assert [tables[name].get("concurrency_max") for name in ("mini", "gpt", "claude")] == [
        *(2, 2),
        None,
    ]


values = st.recursive(
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.text(max_size=20)
    | st.decimals(-1_000, 1_000, places=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=9), values, max_size=6))
@settings(max_examples=30)
def test_toml_reads_as_what_was_written(document: dict[str, Any]) -> None:
    """Whatever a configuration can hold."""
    assert tomllib.loads(toml_text(document), parse_float=Decimal) == document


def ran(shock: Shock, answers: Sequence[Answer], *, lock: bool = False) -> Ran:
    """Return a run whose books balance."""
    return Ran(shock, lock, tuple(answers), ())


LIMIT = Limit("all", 100_000, frozenset({"alice"}))
SERVED = Answer("mini", "", 1_000, 0, 1_000, 400, 1, 1, False)
REFUSED = Answer(None, "upstream_overloaded", 0, 0, 0, 0, 1, 3, False)


def test_a_tally_counts_calls_of_the_month() -> None:
    """Two calls stand for four each: one is refused, the other moves after a second try."""
    drawn = Sample(
        ((past(number=1), past(number=2)),),
        sample([past(number=n) for n in range(8)], 2, 1).strata,
    )
    quiet = ran(NO_SHOCK, [SERVED, SERVED])
    moved = SERVED._replace(deployment="claude", attempts=2, cache_read=0, posted_nanos=3_000)

    found = tally(drawn, ran(SHOCKS["outage"], [REFUSED, moved]), quiet)

    counts = [int(each) for each in (found.calls, found.refused, found.moved, found.delayed)]
    assert counts == [8, 4, 4, 4]
    assert [found.refused_share, found.cached_share] == [Fraction(1, 2), Fraction(0)]
    assert found.spend_nanos == drawn.strata[0].scaled(3_000)
    assert dict(found.codes) == {"upstream_overloaded": 1}
    assert found.broken == {"fast": Fraction(4)}


def test_the_report_says_what_locks_in_and_what_to_ask() -> None:
    """The name that breaks with its reason, the question of the shock that hurts most first."""
    drawn = sample([past(number=n) for n in range(30)], 30, 1)
    quiet = ran(NO_SHOCK, [SERVED] * 30)
    dear = ran(SHOCKS["rises"], [SERVED._replace(posted_nanos=2_600)] * 30)
    out = ran(SHOCKS["outage"], [REFUSED] * 30)
    questions = load_data("stress")["questions"]
    told = Told(
        *("a to b", Fraction(30), "openai", "m"),
        other={"calls in x": 3},
        posted_nanos=0,
        has="the books have",
        locks={"fast": "why"},
        limits=[LIMIT],
        stands=[],
        questions=questions,
        content="",
        seed=1,
    )

    report = shocks_report(drawn, [quiet, dear, out], INPUTS, told)

    spent = [tally(drawn, one, quiet) for one in (quiet, dear, out)]
    tables = {one.title: one.rows for one in report.tables}
    assert tables["What locks in to openai, as configured"] == [
        ["fast", "100.0 %", "outage", "why"]
    ]
    asked = tables["Questions for openai, what hurts most first"]
    assert [row[0] for row in asked] == ["outage", "rises"]
    [limits] = [rows for title, rows in tables.items() if title.startswith("Monthly limits")]
    assert [float(share.removesuffix(" %")) for share in limits[0][2:]] == pytest.approx(
        [100 * one.spend_nanos / 100_000 * Fraction("30.4375") / 30 for one in spent], abs=0.1
    )
    assert "all 3 runs balance" in report.answer[-1]
    assert report.figures["outage_configured_refused_share"] == "1.0000"
    assert ["left out: calls in x", "3", "0", "", ""] in tables["The sample"]


def test_books_that_do_not_balance_are_told_first() -> None:
    """In so many words, with the first difference."""
    drawn = sample([past(number=n) for n in range(3)], 3, 1)
    wrong = Ran(NO_SHOCK, False, (SERVED,) * 3, ("call_a.1: booked 2 tokens",))
    told = Told(
        "a to b", Fraction(30), "openai", "m", {}, 0, "the books have", {}, [], [], {}, "", 1
    )

    report = shocks_report(drawn, [wrong], INPUTS, told)

    assert "do NOT balance: call_a.1" in report.answer[-1]
    assert report.figures["books_unequal"] == "1"
