"""`/`: what is spent over time, and what somebody should look at."""

from collections.abc import Iterator
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate.config.unpriced import unpriced
from headgate.console import show
from headgate.console.desk import Desk
from headgate.console.export import Piece, exports
from headgate.console.pages.budgets import Stands, read_stands
from headgate.console.reader import Reader
from headgate.governance.keeper import pending
from headgate.insights import overview
from headgate.insights.attention import Attention, read_attention
from headgate.insights.frozen import read_frozen
from headgate.insights.quality import worse
from headgate.insights.search import Wanted, search
from headgate.routing.learning.watch import FAILURES, LATENCY, PACE
from headgate.units.instants import NANOS_PER_SECOND, to_iso
from headgate.units.money import format_usd

KIND = "overview"
TITLE = "Overview"
PATH = "/"
KEY = "o"
PLACE = 1

VOTES = ("answers worse", "good")
ATTEMPTS = {
    FAILURES: ("fails more often", "served"),
    LATENCY: ("begins later", "begun as soon as usual"),
    PACE: ("is slower", "as fast as usual"),
}
"""What a deployment does worse, and of which attempts, or votes, the share is told."""

MINUTES_DEFAULT = 15
LIVE_MINUTES_MAX = 60
KEEP_S = 10
SIDE_NAMES = {
    "deployment": "Deployment",
    "principal": "Principal",
    "team": "Team",
    "key": "Key",
    "asked": "Model asked for",
}
RECENT_ROWS = 15
BUDGETS_SHOWN = 4
NEAR_PERCENT = 80
NOTICES_MAX = 6
SPEND_COLUMNS = ("at", "name", "posted")


class Notice(NamedTuple):
    """Something to look at, and where."""

    level: Literal["bad", "warn"]
    title: str
    detail: str
    href: str


def routes(desk: Desk) -> list[Route]:
    """Return the page, and the data of its chart."""

    def page(request: Request) -> Response:
        minutes, side, reader = _minutes(request), _side(request), desk.reader(request)
        stands = read_stands(desk)
        with desk.read() as connection:
            summary, attention = _sums(desk, connection, minutes)
            notices = [*_notices(desk, connection, attention, stands, reader)]
            values = {
                "minutes": minutes,
                "side": side,
                "sides": SIDE_NAMES,
                "windows": tuple(overview.STEP_S_BY_MINUTES),
                "summary": summary,
                "notices": notices[:NOTICES_MAX],
                "more": len(notices[NOTICES_MAX:]),
                "budgets": stands.found[:BUDGETS_SHOWN],
                "rows": search(connection, Wanted(), RECENT_ROWS).rows,
            }
        return desk.render(request, "overview.html", values)

    def chart(request: Request) -> Response:
        return JSONResponse(_chart(_spend(desk, request)))

    def steps(request: Request) -> Piece:
        spend = _spend(desk, request)
        return Piece(
            [
                {
                    "at": to_iso(spend.lapse.since_ns + step * spend.lapse.step_ns),
                    "name": "all others" if series.name is None else series.name,
                    "posted": format_usd(amount),
                }
                for series in spend.series
                for step, amount in enumerate(series.amounts_nanos)
                if amount
            ]
        )

    return [
        Route(PATH, page),
        Route("/data/spend.json", chart),
        *exports("/spend", SPEND_COLUMNS, steps),
    ]


def _percent(ppm: int) -> str:
    return f"{(ppm + 5_000) // 10_000} %"


def _notices(
    desk: Desk,
    connection: Connection,
    attention: Attention,
    stands: Stands,
    reader: Reader,
) -> Iterator[Notice]:
    for node in read_frozen(connection).nodes:
        why = f", reason: {node.reason}" if node.reason else ""
        since = f"since {reader.clock(node.at_ns)}{why}"
        yield Notice("bad", f"{node.node} is frozen", since, "/budgets")
    for deployment, passed in desk.console.unwell().items():
        until = f"until {reader.clock(passed.until_ns)}"
        yield Notice("bad", f"{deployment} is passed over", f"{passed.rule} {until}", "/routes")
    if asked := pending(connection):
        title = f"{show.count(asked)} request{'s' if asked > 1 else ''} for approval"
        yield Notice("warn", title, "calls or raises wait for a person", "/approvals")
    yield from _tight(stands, reader)
    for kind in attention.refused:
        by = f" by {kind.budget}" if kind.budget else ""
        count = f"{show.count(kind.calls)} call{'s' if kind.calls > 1 else ''} refused{by}"
        link = f"/calls?{urlencode({'state': 'refused', 'code': kind.code})}"
        yield Notice("warn", count, f"{kind.code}, last {reader.ago(kind.newest_ns)}", link)
    for sick in attention.failing:
        told = f"{show.count(sick.failures)} of {show.count(sick.attempts)} attempts failed"
        link = f"/calls?{urlencode({'deployment': sick.deployment})}"
        yield Notice("warn", f"{sick.deployment} fails", told, link)
    for each in worse(connection):
        does, word = ATTEMPTS.get(each.source, VOTES)
        told = f"{each.source}: {_percent(each.now_ppm)} {word}, {_percent(each.usual_ppm)} before"
        link = f"/calls?{urlencode({'deployment': each.deployment})}"
        yield Notice("warn", f"{each.deployment} {does}", told, link)
    if attention.unpriced:
        told = "nothing was posted for them: no price is known"
        title = f"{show.count(attention.unpriced)} unpriced attempts"
        yield Notice("warn", title, told, "/calls?state=unknown")
    for problem in unpriced(desk.snapshot, reader.now_ns):
        name = problem.key.partition(".")[2]
        yield Notice("warn", f"{name} has no price", problem.fix, "/prices")


def _tight(stands: Stands, reader: Reader) -> Iterator[Notice]:
    for one in stands.found:
        if one.mode == "shadow":
            continue
        used = one.limit_nanos - one.free_nanos
        end_ns = stands.burning.get(one.id)
        if end_ns is None and used * 100 < one.limit_nanos * NEAR_PERCENT:
            continue
        told = f"{show.short_usd(one.free_nanos)} free of {show.short_usd(one.limit_nanos)}"
        if end_ns is not None and one.free_nanos > 0:
            told = f"{told}, at its pace until {reader.clock(end_ns)}"
        title = f"{one.id} is {show.percent(used, one.limit_nanos)} used"
        bad = one.free_nanos <= 0 or end_ns is not None
        yield Notice("bad" if bad else "warn", title, told, "/budgets")


def _sums(desk: Desk, connection: Connection, minutes: int) -> tuple[overview.Summary, Attention]:
    now_ns = desk.console.now_ns()
    lapse = overview.lapse_of(minutes, now_ns)

    def read() -> tuple[overview.Summary, Attention]:
        return overview.read_summary(connection, lapse), read_attention(connection, lapse)

    return desk.memory.get(("sums", minutes), now_ns, _keep_s(minutes), read)


def _spend(desk: Desk, request: Request) -> overview.Spend:
    minutes, side, now_ns = _minutes(request), _side(request), desk.console.now_ns()

    def read() -> overview.Spend:
        with desk.read() as connection:
            return overview.read_spend(connection, overview.lapse_of(minutes, now_ns), side)

    return desk.memory.get(("spend", minutes, side), now_ns, _keep_s(minutes), read)


def _keep_s(minutes: int) -> int:
    """Return for how long the sums of a window are kept: a long one hardly moves."""
    return 0 if minutes <= LIVE_MINUTES_MAX else KEEP_S


def _chart(spend: overview.Spend) -> dict[str, object]:
    lapse, complete_ns = spend.lapse, spend.complete_from_ns
    return {
        "since_ns": str(lapse.since_ns),
        "since_s": lapse.since_ns // NANOS_PER_SECOND,
        "step_s": lapse.step_ns // NANOS_PER_SECOND,
        "steps": lapse.steps,
        "series": [one._asdict() for one in spend.series],
        "total_nanos": spend.total_nanos,
        "total": show.short_usd(spend.total_nanos),
        "complete_from_s": None if complete_ns is None else complete_ns // NANOS_PER_SECOND,
    }


def _minutes(request: Request) -> int:
    text = request.query_params.get("minutes", str(MINUTES_DEFAULT))
    for minutes in overview.STEP_S_BY_MINUTES:
        if text == str(minutes):
            return minutes
    choices = ", ".join(str(minutes) for minutes in overview.STEP_S_BY_MINUTES)
    raise HTTPException(400, f"minutes is one of {choices}.")


def _side(request: Request) -> overview.Side:
    text = request.query_params.get("by", overview.SIDES[0])
    for side in overview.SIDES:
        if text == side:
            return side
    raise HTTPException(400, f"by is one of {', '.join(overview.SIDES)}.")
