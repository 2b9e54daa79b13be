"""Deployments that fail more often, or take longer, than they did: told once, and settled."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from headgate.config.load import load
from headgate.insights import quality
from headgate.ledger.tables import attempt, route
from headgate.node.watching import LASTS_NS, SETTLE_NS, Watching
from headgate.routing.learning.drift import BASELINE_MIN
from headgate.routing.learning.watch import Seen, Watch
from headgate.store import audit
from headgate.store.migrate import open_store
from headgate.units.instants import NANOS_PER_SECOND
from tests.conftest import NOON_NS
from tests.stores import copy_store

CONFIG = """
[organisation]
id = "acme"
[providers.openai]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"
credential = { value = "sk" }
"""
DEPLOYMENT = '[deployments.{name}]\nprovider = "openai"\nmodel = "gpt-5.4-mini"\n'
ROW: Mapping[str, object] = {
    "hold_nanos": 1,
    "caller": 1,
    "decision": 1,
    "input_tokens_max": 1,
    "output_tokens_max": 1,
    "choices": 1,
    "stream": True,
    "state": "measured",
    "status": 200,
    "reason": None,
    "posted_nanos": 1,
    "ttft_us": 300_000,
    "duration_us": 900_000,
    "usage": '{"output_text": 30}',
    "lines": "[]",
    "final": True,
    "closed_by": "worker",
}
WHOLE = {"stream": False, "ttft_us": 900_000}
NEUTRAL: tuple[Mapping[str, object], ...] = (
    {"status": 400, "reason": "body_invalid", "ttft_us": None},
    {"status": 402, "reason": "upstream_error", "ttft_us": None},
    {"status": 429, "reason": "upstream_rate_limited", "ttft_us": None},
    {"state": "estimated", "reason": "client_gone"},
    {"reason": "hedge_lost"},
    {"ttft_us": 400_000},
)
WORSE: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "failures": (
        {"status": 503, "reason": "upstream_overloaded", "ttft_us": None},
        {"state": "void", "status": 0, "reason": "connect: refused", "ttft_us": None},
        {"state": "estimated", "reason": "stream_cut"},
    ),
    "latency": ({"ttft_us": 700_000, "duration_us": 1_300_000},),
    "pace": ({**WHOLE, "duration_us": 3_000_000},),
    "calm": NEUTRAL,
}
"""By deployment, which is named as what is seen of it, what its attempts become."""


class Watched:
    """A store, who watches it, and the time."""

    def __init__(self, folder: Path) -> None:
        file = folder / "headgate.toml"
        file.write_text(CONFIG + "".join(DEPLOYMENT.format(name=name) for name in WORSE))
        snapshot = load(file, {})
        self.engine: Engine = open_store(folder)
        self.watching = Watching((self.engine, self.engine), lambda: snapshot)
        self.now_ns = NOON_NS
        self.watching.step(self.now_ns)
        named = {"asked": "any", "dialect": "openai_chat", "journal": "j"}
        rows = [
            {"id": id_, "number": id_, "deployment": name, **named}
            for id_, name in enumerate(WORSE)
        ]
        with self.engine.begin() as connection:
            connection.execute(insert(route), rows)

    def made(self, many: int, what: Mapping[str, tuple[Mapping[str, object], ...]]) -> None:
        """Have so many attempts be made at each deployment, and looked at once they are old."""
        rows = []
        for number in range(many):
            for id_, kinds in enumerate(what.values()):
                self.now_ns += NANOS_PER_SECOND // 1_000
                own = {"attempt": f"{self.now_ns}.1", "at_ns": self.now_ns, "route": id_}
                rows.append({**ROW, **own, **kinds[number % len(kinds)]})
        with self.engine.begin() as connection:
            connection.execute(insert(attempt), rows)
        self.watching.step(self.now_ns + SETTLE_NS + 1)

    def alarms(self) -> list[tuple[str, str]]:
        """Return what is told of as worse now."""
        with self.engine.connect() as connection:
            return sorted((each.deployment, each.source) for each in quality.worse(connection))


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store in which nothing is; making one takes a second."""
    folder = tmp_path_factory.mktemp("empty")
    open_store(folder).dispose()
    return folder


@pytest.fixture
def watched(empty_store: Path, tmp_path: Path) -> Iterator[Watched]:
    """A store that is watched."""
    folder = tmp_path / "data"
    shutil.copytree(empty_store, folder)
    copy_store(empty_store, folder)
    watched = Watched(folder)
    yield watched
    watched.engine.dispose()


def test_what_became_worse_is_told_once_and_settled(watched: Watched) -> None:
    """That it goes on is no news, and once it is usual it is settled, an hour later at least.

    Nothing is said of a deployment by calls that it rightly refuses, rate limits, and clients that
    leave; nor by its being somewhat slower.
    """
    watched.made(220, {name: (WHOLE if name == "pace" else {},) for name in WORSE})

    watched.made(40, WORSE)
    first = watched.alarms()
    watched.made(100, WORSE)
    still = watched.alarms()
    watched.made(240, WORSE)
    known = watched.alarms()
    watched.now_ns += LASTS_NS
    watched.made(1, WORSE)
    last = watched.alarms()

    with watched.engine.connect() as connection:
        told = [entry.action for entry in audit.entries(connection)]
    assert first == still == known == [(name, name) for name in ("failures", "latency", "pace")]
    assert last == []
    assert told == ["quality.worse"] * 3 + ["quality.settled"] * 3


def sent(watched: Watched, many: int, what: Mapping[str, object]) -> list[str]:
    """Have so many attempts be made at one deployment that are looked at when they are old."""
    rows = []
    for _ in range(many):
        watched.now_ns += NANOS_PER_SECOND // 1_000
        own = {"attempt": f"{watched.now_ns}.1", "at_ns": watched.now_ns, "route": 0}
        rows.append({**ROW, **own, **what})
    with watched.engine.begin() as connection:
        connection.execute(insert(attempt), rows)
    return [str(row["attempt"]) for row in rows]


HELD = {"state": "held", "ttft_us": None, "posted_nanos": 0, "final": False, "usage": "{}"}
LEFT = {"state": "estimated", "reason": "client_gone", "ttft_us": None, "usage": "{}"}
CUT = {"state": "estimated", "reason": "first_byte_timeout", "ttft_us": None}


def test_a_deployment_that_hangs_is_told_of_before_its_attempts_end(watched: Watched) -> None:
    """A minute after the first of them; that they end as failures then is nothing more."""
    sent(watched, 210, {})
    watched.watching.step(watched.now_ns + SETTLE_NS + 1)

    hanging = sent(watched, 8, HELD)
    watched.watching.step(watched.now_ns + SETTLE_NS // 2)
    early = watched.alarms()
    watched.watching.step(watched.now_ns + SETTLE_NS + 1)
    told = watched.alarms()
    sent(watched, 199, {})
    with watched.engine.begin() as connection:
        connection.execute(update(attempt).where(attempt.c.attempt.in_(hanging)).values(CUT))
    watched.now_ns += LASTS_NS
    sent(watched, 1, {})
    watched.watching.step(watched.now_ns + SETTLE_NS + 1)
    settled = watched.alarms()
    watched.watching.step(watched.now_ns + LASTS_NS)

    assert early == []
    assert told == [("failures", "failures")]
    assert settled == watched.alarms() == []


def test_what_takes_more_than_a_minute_is_seen_once_it_has_ended(watched: Watched) -> None:
    """Its first byte may have come in good time, so that it runs says nothing of that."""
    sent(watched, 210, {"duration_us": 100_000_000})
    watched.watching.step(watched.now_ns + SETTLE_NS + 1)
    slow = sent(watched, 30, HELD)
    watched.watching.step(watched.now_ns + SETTLE_NS + 1)
    running = watched.alarms()
    ended = {**ROW, "ttft_us": 70_000_000, "duration_us": 90_000_000}
    ended = {name: ended[name] for name in ("state", "ttft_us", "duration_us", "usage", "final")}
    with watched.engine.begin() as connection:
        connection.execute(update(attempt).where(attempt.c.attempt.in_(slow)).values(ended))

    watched.watching.step(watched.now_ns + SETTLE_NS + 2)

    assert running == []
    assert watched.alarms() == [("failures", "latency")]


@pytest.mark.parametrize(
    ("left", "alarms"),
    [
        ({**LEFT, "duration_us": 400_000}, []),
        ({**LEFT, "duration_us": 600_000}, ["latency"]),
        ({**LEFT, "duration_us": 3_000_000}, ["failures", "latency"]),
        ({**LEFT, "duration_us": 3_000_000, "stream": False}, ["failures"]),
        ({**LEFT, "duration_us": 3_000_000, "ttft_us": 300_000}, []),
        ({**LEFT, "duration_us": 3_000_000, "state": "void"}, []),
    ],
)
def test_clients_that_leave_without_a_first_byte_waited_for_something(
    watched: Watched, left: Mapping[str, object], alarms: list[str]
) -> None:
    """They tell of a late stream, and of one that hangs, only if they waited for too long.

    Usual are 0.3 s for the first byte and 0.9 s for all: what is later than 0.45 s is slow, what
    takes more than 2.7 s hangs.
    """
    sent(watched, 210, {})
    sent(watched, 30, left)

    watched.watching.step(watched.now_ns + SETTLE_NS + 1)

    assert watched.alarms() == [("failures", each) for each in alarms]


def test_what_was_served_since_shows_how_long_an_attempt_may_take() -> None:
    """One long answer is enough, and it counts until as many more were served as make it usual."""
    watch = Watch()
    short = Seen("mini", "m", served=True, took_us=1_000_000)
    for _ in range(BASELINE_MIN):
        watch.hear(short)
    before = watch.hangs("mini", 4_000_000)

    watch.hear(short._replace(took_us=2_000_000))

    assert before
    assert not watch.hangs("mini", 6_000_000)
    assert watch.hangs("mini", 6_000_001)
    for _ in range(2 * BASELINE_MIN):
        watch.hear(short)
    assert watch.hangs("mini", 4_000_000)


def test_a_single_failure_is_no_alarm_and_a_row_of_them_is() -> None:
    """Three among good ones pass; what was usual and what is now are told with the alarm."""
    watch = Watch()
    good, bad = Seen("mini", "m", served=True), Seen("mini", "m", served=False)

    some = [watch.hear(bad if number % 100 == 99 else good) for number in range(400)]
    (drift,) = next(found for _ in range(12) if (found := watch.hear(bad)))

    assert not any(some)
    assert (drift.deployment, drift.source) == ("mini", "failures")
    assert drift.now < drift.usual - 0.1
    assert watch.settled() == set()
