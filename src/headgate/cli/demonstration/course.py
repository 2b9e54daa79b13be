"""The course of a demonstration: watch it while it runs, stop the traffic, check the books."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from headgate.budgets.standing import standings
from headgate.cli.demonstration.bill import Comparison, compare, exact_usd, fetch_bill
from headgate.cli.demonstration.result import Result, cache_share
from headgate.cli.demonstration.stage import Stage
from headgate.cli.reading import reading, reading_engine
from headgate.insights.books import check_books
from headgate.insights.calls import AttemptRow
from headgate.insights.report import report
from headgate.insights.search import Wanted, list_calls
from headgate.insights.totals import Totals
from headgate.node.paths import journal_root
from headgate.units.money import format_usd

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a polite kill, a terminal that is closed."""
REFRESH_S = 0.5
DRAIN_TIMEOUT_S = 20.0
DRAIN_PAUSE_S = 0.1
ROWS_MAX = 1_000_000
READING_SHARE_MIN = 10
"""Looking at the store may take at most one part in so many of the time."""


@contextmanager
def until_told() -> Iterator[threading.Event]:
    """Yield what is set by the first of `STOP_SIGNALS`; the second one raises.

    Raises:
        KeyboardInterrupt: At the second.
    """
    stopping = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    before = {each: signal.signal(each, on_signal) for each in STOP_SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watch(stage: Stage, stopping: threading.Event, look: Callable[[int], None]) -> None:
    """Call `look` with the seconds so far, over and over, until it is time.

    Raises:
        DemonstrationError: Something that is needed has ended.
    """
    started_s = stage.ready_s
    ends_s = None if stage.wanted.for_s is None else started_s + stage.wanted.for_s
    while not stopping.is_set():
        stage.require()
        began_s = time.monotonic()
        if ends_s is not None and began_s >= ends_s:
            return
        look(int(began_s - started_s))
        looked_s = time.monotonic() - began_s
        pause_s = max(REFRESH_S, READING_SHARE_MIN * looked_s)
        if ends_s is not None:
            pause_s = min(pause_s, max(0.0, ends_s - time.monotonic()))
        stopping.wait(pause_s)


def close(stage: Stage) -> tuple[Result, Comparison]:
    """Stop the traffic, let the node finish and end, and compare its books with the bill.

    Raises:
        DemonstrationError: The bill cannot be had whole.
        StoreError: The store cannot be read.
    """
    seconds = time.monotonic() - stage.ready_s
    for child in (stage.traffic, stage.probe):
        child.ask_to_stop()
    stage.traffic.stop()
    stage.probe.stop()
    _await_nothing_held(stage)
    stage.gateway.stop()
    bill = fetch_bill(stage.admin_url)
    stage.upstreams.stop()
    with reading_engine(stage.wanted.data_dir) as engine:
        books = check_books(engine, journal_root(stage.wanted.data_dir))
    attempts = _attempts(stage)
    compared = compare(attempts, bill.requests)
    added = stage.added
    totals = _totals(stage)
    result = Result(
        seconds=round(seconds, 1),
        calls=totals.calls,
        refused=totals.refused,
        spend_usd=format_usd(compared.measured_nanos),
        upstream_billed_usd=exact_usd(compared.measured_billed_nanos),
        estimated_calls=totals.estimated_calls,
        estimated_usd=format_usd(compared.estimated_nanos),
        estimated_billed_usd=exact_usd(compared.estimated_billed_nanos),
        held_usd_after=format_usd(books.held_total_nanos),
        budgets_over_limit=_over_limit(stage),
        journal_replayed_equal=books.equal,
        cache_share=cache_share([row for row in attempts if row.state == "measured"]),
        added_ttft_ms_p50=None if added.added_ms is None else round(added.added_ms, 3),
        probe_pairs=added.pairs,
    )
    return result, compared


def _await_nothing_held(stage: Stage) -> None:
    deadline_s = time.monotonic() + DRAIN_TIMEOUT_S
    while _totals(stage).held_nanos and time.monotonic() < deadline_s:
        time.sleep(DRAIN_PAUSE_S)


def _totals(stage: Stage) -> Totals:
    with reading(stage.wanted.data_dir) as connection:
        return report(connection, "principal", stage.started_ns, stage.snapshot.zone).total


def _attempts(stage: Stage) -> list[AttemptRow]:
    with reading(stage.wanted.data_dir) as connection:
        rows = list_calls(connection, Wanted(), ROWS_MAX)
    attempts = [row for row in rows if isinstance(row, AttemptRow)]
    return [row for row in attempts if row.at_ns >= stage.started_ns]


def _over_limit(stage: Stage) -> int:
    snapshot = stage.snapshot
    with reading(stage.wanted.data_dir) as connection:
        found = standings(connection, snapshot.budgets.values(), time.time_ns(), snapshot.zone)
    return sum(standing.free_nanos < 0 for standing in found)
