"""A data directory with a day of calls in it, written and folded by the real parts."""

import atexit
import gc
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from headgate.ledger.keeper import Keeper
from headgate.node.paths import journal_root
from headgate.records.charge import ChargeLine
from headgate.records.journal import (
    CallerRecord,
    CandidateRecord,
    DecisionRecord,
    HoldRecord,
    Record,
    RefusalRecord,
    RouteRecord,
    SettleRecord,
    VoidRecord,
)
from headgate.store.journal_writer import JournalWriter
from tests import stores
from tests.lending import borrow

# A machine that is busy is no bug, so no example has a deadline. `make test-all` is thorough.
settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("thorough", max_examples=1_000, deadline=None)
settings.load_profile("quick")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that runs the tests in its background has them ignore Ctrl-C, and so would the
    # programs that they start: some of those are ended by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

WAITING = frozenset({"contract", "demo", "guides", "node", "torture", "workflows"})
"""Folders whose tests wait for whole nodes: they come first, lest one waits alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that take longest first."""
    items.sort(key=lambda item: item.path.parent.name not in WAITING)


def pytest_collection_finish() -> None:
    """Spare the collector what was collected: it is there to the end, and takes it a second."""
    gc.freeze()
    # What libraries in C have made is given back at the end, or they tell of it as lost.
    atexit.register(gc.unfreeze)


USD = 1_000_000_000
NOON_NS = 1_762_776_000_000_000_000
"""2025-11-10T12:00:00Z."""

HOUR_NS = 3_600_000_000_000
LAUNCH = "launch@once"
RUN = "run-cap/alice/r42@once"

CONFIG = """\
[organisation]
id = "acme"
timezone = "America/Los_Angeles"

[providers.openai]
kind = "openai_compatible"
base_url = "https://api.openai.com/v1"
credential = { env = "OPENAI_API_KEY" }

[deployments.gpt]
provider = "openai"
model = "gpt-5.5"

[deployments.mini]
provider = "openai"
model = "gpt-5.4-mini"

[routes.fast]
deployments = ["gpt", "mini"]

[teams.research]

[principals.alice]
team = "research"

[principals.bob]

[keys.alice-laptop]
principal = "alice"
models = ["fast"]

[keys.bob-laptop]
principal = "bob"
secret = { value = "a-secret-of-bob" }

[budgets.run-cap]
node = "run:*"
period = "once"
limit_usd = "5.00"

[budgets.launch]
node = "organisation"
period = "once"
limit_usd = "100.00"
"""

DECISION = DecisionRecord(
    number=1,
    at_ns=NOON_NS,
    asked="fast",
    policy="cheapest",
    input_tokens=1_000,
    output_tokens=500,
    notes={"split": "cheapest"},
    candidates=(
        CandidateRecord("mini", expected_nanos=2_000_000),
        CandidateRecord("gpt", expected_nanos=20_000_000),
        CandidateRecord("tiny", excluded="context_exceeded"),
    ),
)

LINES = (
    ChargeLine("input_uncached", 1_000, 5_000_000_000, 5_000_000, "openai/gpt-5.5/standard/x"),
    ChargeLine("output_text", 200, 30_000_000_000, 6_000_000, "openai/gpt-5.5/standard/x"),
)


ALICE = CallerRecord(1, "alice", "research", "alice-laptop", (LAUNCH,))
ALICE_IN_A_RUN = CallerRecord(2, "alice", "research", "alice-laptop", (RUN, LAUNCH), "r42")
MINI = RouteRecord(1, "fast", "mini", "openai_chat")
GPT = RouteRecord(2, "fast", "gpt", "openai_chat")


def hold(
    attempt: str, at_ns: int, amount_nanos: int, *, caller: CallerRecord = ALICE
) -> HoldRecord:
    """Return a hold of alice's."""
    return HoldRecord(
        attempt=attempt,
        at_ns=at_ns,
        amount_nanos=amount_nanos,
        caller=caller.number,
        route=(MINI if attempt.endswith(".1") else GPT).number,
        decision=1,
        input_tokens_max=1_200,
        output_tokens_max=16_384,
    )


def records() -> list[Record]:
    """Return a day: measured, retried, estimated, still held, and refused."""
    return [
        DECISION,
        ALICE,
        ALICE_IN_A_RUN,
        MINI,
        GPT,
        hold("call_a.1", NOON_NS, 50_000_000, caller=ALICE_IN_A_RUN),
        SettleRecord(
            attempt="call_a.1",
            at_ns=NOON_NS + 1,
            amount_nanos=11_000_000,
            state="measured",
            lines=LINES,
            served_model="gpt-5.5-2026-04-23",
            upstream_id="chatcmpl-1",
            upstream_request_id="req_1",
            status=200,
            ttft_us=12_345,
            duration_us=67_890,
        ),
        hold("call_b.1", NOON_NS + HOUR_NS, 40_000_000),
        VoidRecord("call_b.1", NOON_NS + HOUR_NS + 1, "connect_failed", final=False),
        hold("call_b.2", NOON_NS + HOUR_NS + 2, 60_000_000),
        SettleRecord(
            attempt="call_b.2",
            at_ns=NOON_NS + HOUR_NS + 3,
            amount_nanos=60_000_000,
            state="estimated",
            reason="stream_cut",
            status=200,
        ),
        hold("call_c.1", NOON_NS + 20 * HOUR_NS, 70_000_000),
        RefusalRecord(
            call="call_d",
            at_ns=NOON_NS + 21 * HOUR_NS,
            principal="bob",
            team="default",
            key="bob-laptop",
            asked="gpt",
            code="budget_exceeded",
            message="The budget launch has 0.01 USD left.",
            budget=LAUNCH,
        ),
    ]


@pytest.fixture(scope="session", autouse=True)
def clusters() -> Iterator[None]:
    """Ends whatever PostgreSQL the tests started."""
    yield
    stores.stop_all()


@pytest.fixture(scope="session")
def books_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with `headgate.toml` and a data directory `data` whose journal is folded."""
    folder = tmp_path_factory.mktemp("books")
    (folder / "headgate.toml").write_text(CONFIG)
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    engine = stores.open_test_store(data_dir)
    keeper = Keeper(engine, journal_root(data_dir), lambda _window: 100 * USD)
    borrow(keeper, "w0-1", {LAUNCH: USD, RUN: USD})
    writer = JournalWriter(
        journal_root(data_dir) / "w0-1",
        worker="w0",
        epoch="1",
        at_ns=NOON_NS,
        segment_bytes=32 << 10,
    )
    for record in records():
        writer.append(record)
    keeper.discover()
    while keeper.fold():
        pass
    engine.dispose()
    yield folder
    writer.close(NOON_NS + 24 * HOUR_NS)


@pytest.fixture
def books(books_template: Path, tmp_path: Path) -> Path:
    """A copy of the folder that a test may change."""
    folder = tmp_path / "acme"
    shutil.copytree(books_template, folder)
    stores.copy_store(books_template / "data", folder / "data")
    return folder
