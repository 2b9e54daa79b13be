"""A real ledger under a console: journals that are written and folded as a node does it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypedDict, Unpack
from zoneinfo import ZoneInfo

from starlette.testclient import TestClient

from headgate.budgets.limits import Limits
from headgate.budgets.settings import ORGANISATION, RUN_ANY, Budget, RunLimits
from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.config.snapshot import ConsoleListen, Snapshot
from headgate.console.app import ConsoleWorld, build
from headgate.console.visits import Visits, new_visits
from headgate.console.workbench import Workbench
from headgate.dial.settings import Resolving
from headgate.exports.scraping import Scrape
from headgate.gateway.settings import Edge
from headgate.identity.settings import Key, Principal, Team
from headgate.insights.routes import Queued, Unwell
from headgate.ledger.keeper import Keeper
from headgate.ledger.settings import Expected, Idempotency
from headgate.reconcile.settings import Reconcile
from headgate.records.charge import ChargeLine
from headgate.records.journal import (
    CacheNote,
    CallerRecord,
    CandidateRecord,
    DecisionRecord,
    HoldRecord,
    RefusalRecord,
    RouteRecord,
    SettleRecord,
    VoidRecord,
)
from headgate.routing.settings import Route
from headgate.store.database import open_store_readonly
from headgate.store.journal_writer import JournalWriter
from headgate.store.migrate import open_store
from headgate.store.settings import Journal
from headgate.units.instants import NANOS_PER_SECOND
from headgate.units.money import line_nanos
from tests.lending import borrow

NOW_NS = 1_795_345_402_250_000_000  # 2026-11-22 08:23:22.25 UTC
HOST = "127.0.0.1:8081"
PRICE_FEMTO = {
    "input_uncached": 1_250_000_000,
    "cache_read": 125_000_000,
    "output_text": 10_000_000_000,
    "output_reasoning": 10_000_000_000,
}
BUDGETS = (
    Budget("acme-month", ORGANISATION, "month", 500_000_000_000),
    Budget("research-month", "team:research", "month", 2_000_000_000),
    Budget("run-cap", RUN_ANY, "once", 1_000_000_000),
)
CANDIDATES = (
    CandidateRecord("gpt-5-5", 12_400_000),
    CandidateRecord("claude-opus", 31_000_000),
    CandidateRecord("local-llama", excluded="context_tokens"),
)


def make_snapshot(budgets: Sequence[Budget] = BUDGETS, organisation: str = "acme") -> Snapshot:
    """Return a configuration with two teams, three deployments and an alias."""
    deployments = (
        Deployment("gpt-5-5", "openai", "gpt-5.5", "openai", "gpt-5.5", 400_000, 128_000, 4_096),
        Deployment(
            "claude-opus",
            "anthropic",
            "claude-opus-5",
            "anthropic",
            "claude-opus-5",
            200_000,
            64_000,
            4_096,
            region="eu",
        ),
        Deployment("local-llama", "local", "llama", "local", "llama", 32_768, 8_192, 1_024),
    )
    principals = (
        Principal("alice", "research"),
        Principal("bob", "research", "agent"),
        Principal("carol", "sales"),
    )
    return Snapshot(
        file="headgate.toml",
        organisation=organisation,
        zone=ZoneInfo("Europe/Berlin"),
        edge=Edge(),
        idempotency=Idempotency(),
        holds=Expected(),
        resolving=Resolving(),
        journal=Journal(),
        console=ConsoleListen(),
        store_url=None,
        providers={},
        deployments={one.id: one for one in deployments},
        routes={
            "fast": Route("fast", tuple(one.id for one in deployments)),
            "careful": Route("careful", ("claude-opus", "gpt-5-5"), "ordered", regions=("eu",)),
        },
        teams={name: Team(name) for name in ("research", "sales")},
        principals={one.id: one for one in principals},
        keys={f"{one.id}-laptop": Key(f"{one.id}-laptop", one.id) for one in principals},
        budgets={budget.id: budget for budget in budgets},
        reconcile=Reconcile({}),
        price_book=_price_book(),
        runs=RunLimits(),
        webhooks={},
        approvals={},
        requirements={},
        data_classes={},
    )


@cache
def _price_book() -> PriceBook:
    return load_price_book()


class Changes(TypedDict, total=False):
    """The fields of a console's world that a test may set."""

    snapshot: Snapshot
    unwell: Callable[[], Unwell]
    queued: Callable[[], Sequence[Queued]]
    now_ns: Callable[[], int]
    hosts: frozenset[str]
    token: str | None
    visits: Visits
    gateway_url: str
    scrape: Scrape
    workbench: Workbench


class Books:
    """A data directory with one worker's journal and the keeper that folds it."""

    def __init__(self, data_dir: Path, budgets: tuple[Budget, ...] = BUDGETS) -> None:
        self.data_dir = data_dir
        self.budgets = budgets
        self.snapshot = make_snapshot(budgets)
        self.engine = open_store(data_dir)
        self.reading = open_store_readonly(data_dir)
        by_id = {budget.id: budget for budget in budgets}
        journals = data_dir / "journal"
        self.journal = "worker-0-1"
        self.writer = JournalWriter(
            journals / self.journal, worker="worker-0", epoch="1", at_ns=1, segment_bytes=4 << 20
        )
        self.keeper = Keeper(self.engine, journals, Limits(by_id))
        self.keeper.discover()
        self.number = 0
        self.decisions = self.named = 0

    def close(self) -> None:
        """Close what is open."""
        self.writer.holds_open = 0
        self.writer.close(1)
        self.engine.dispose()
        self.reading.dispose()

    def lend(self, window: str, nanos: int) -> None:
        """Lend to the worker, as the steward does."""
        borrow(self.keeper, self.journal, {window: 2 * nanos})

    def fold(self) -> None:
        """Fold all that was written."""
        while self.keeper.fold():
            pass

    def decide(self, at_ns: int, asked: str, candidates: tuple[CandidateRecord, ...]) -> int:
        """Write a decision and return its number."""
        self.decisions += 1
        self.writer.append(
            DecisionRecord(self.decisions, at_ns, asked, "cheapest", 4096, 512, candidates)
        )
        return self.decisions

    def hold(
        self,
        at_ns: int = NOW_NS - NANOS_PER_SECOND,
        *,
        call: str | None = None,
        attempt: int = 1,
        asked: str = "fast",
        deployment: str = "gpt-5-5",
        run: str | None = None,
        principal: str = "alice",
        team: str = "research",
        hold_nanos: int = 90_000_000,
        windows: tuple[str, ...] = ("research-month@2026-11", "acme-month@2026-11"),
        decision: int = 0,
        stream: bool = True,
        via: str | None = None,
        lost: tuple[str, ...] = (),
        tags: tuple[str, ...] = (),
        waived: tuple[str, ...] = (),
    ) -> HoldRecord:
        """Write the hold of an attempt."""
        if call is None:
            self.number += 1
            call = f"call_w0{self.number:08x}"
        if run is not None:
            windows = (f"run-cap/{principal}/{run}@once", *windows)
        self.named += 1
        key = f"{principal}-laptop"
        said = {"tags": tags, "waived": waived}
        self.writer.append(CallerRecord(self.named, principal, team, key, windows, run, **said))
        self.writer.append(RouteRecord(self.named, asked, deployment, "openai_chat", via))
        record = HoldRecord(
            attempt=f"{call}.{attempt}",
            at_ns=at_ns,
            amount_nanos=hold_nanos,
            caller=self.named,
            route=self.named,
            decision=decision,
            input_tokens_max=20_000,
            output_tokens_max=4_096,
            stream=stream,
            lost=lost,
        )
        self.writer.append(record)
        self.writer.holds_open += 1
        return record

    def settle(
        self,
        hold: HoldRecord,
        usage: dict[str, int],
        *,
        served_model: str = "gpt-5.5-2026-08",
        ttft_us: int = 310_000,
        duration_us: int = 1_240_000,
        cache: CacheNote | None = None,
        reason: str | None = None,
        final: bool = True,
    ) -> int:
        """Write a measured end; returns what it posts."""
        lines = tuple(
            ChargeLine(
                meter,
                quantity,
                PRICE_FEMTO[meter],
                line_nanos(quantity, PRICE_FEMTO[meter]),
                "openai/gpt-5.5@2026-08-01",
            )
            for meter, quantity in usage.items()
        )
        amount = sum(line.amount_nanos for line in lines)
        self.writer.append(
            SettleRecord(
                attempt=hold.attempt,
                at_ns=hold.at_ns + duration_us * 1000,
                amount_nanos=amount,
                state="measured",
                lines=lines,
                served_model=served_model,
                upstream_id="chatcmpl-123",
                upstream_request_id="req-456",
                status=200,
                ttft_us=ttft_us,
                duration_us=duration_us,
                cache=cache,
                reason=reason,
                final=final,
            )
        )
        self.writer.holds_open -= 1
        return amount

    def estimate(self, hold: HoldRecord, reason: str) -> None:
        """Write an end of unknown usage: the whole hold is posted."""
        self.writer.append(
            SettleRecord(
                attempt=hold.attempt,
                at_ns=hold.at_ns + 2_000_000_000,
                amount_nanos=hold.amount_nanos,
                state="estimated",
                reason=reason,
                duration_us=2_000_000,
                ttft_us=500_000,
                status=200,
            )
        )
        self.writer.holds_open -= 1

    def fail(self, hold: HoldRecord, reason: str) -> None:
        """Write the end of an attempt that the provider refused: measured at nothing."""
        self.writer.append(
            SettleRecord(
                attempt=hold.attempt,
                at_ns=hold.at_ns + 1_000_000,
                amount_nanos=0,
                state="measured",
                reason=reason,
                duration_us=1_000,
                ttft_us=800,
                status=429,
            )
        )
        self.writer.holds_open -= 1

    def void(self, hold: HoldRecord, reason: str) -> None:
        """Write an end before any byte was sent."""
        self.writer.append(VoidRecord(hold.attempt, hold.at_ns + 5_000_000, reason, final=False))
        self.writer.holds_open -= 1

    def refuse(self, at_ns: int = NOW_NS - NANOS_PER_SECOND, **fields: str) -> str:
        """Write a refusal; returns its call."""
        self.number += 1
        call = f"call_w0{self.number:08x}"
        values = {
            "principal": "bob",
            "team": "research",
            "key": "bob-agent",
            "asked": "fast",
            "code": "budget_exceeded",
            "message": "Budget research-month has $0.01 left; this call could cost $0.09.",
            "budget": "research-month",
            **fields,
        }
        self.writer.append(RefusalRecord(call=call, at_ns=at_ns, chain=(), **values))
        return call

    def world(self, **changes: Unpack[Changes]) -> ConsoleWorld:
        """Return a console's world on these books, with some fields changed."""
        usual = ConsoleWorld(
            engine=self.reading,
            snapshot=self.snapshot,
            unwell=dict,
            queued=tuple,
            now_ns=lambda: NOW_NS,
            hosts=frozenset({HOST}),
            token=None,
            visits=new_visits(b"a secret of this process"),
        )
        return replace(usual, **changes)

    def client(self, address: str = "127.0.0.1", **changes: Unpack[Changes]) -> TestClient:
        """Return a client at `address` (this machine) of a console on these books."""
        return TestClient(
            build(self.world(**changes)),
            base_url=f"http://{HOST}",
            client=(address, 50_000),
            raise_server_exceptions=False,
            follow_redirects=False,
        )
