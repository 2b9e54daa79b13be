"""How long reports take over many calls: `python -m bench.reports [--calls 10000000]`.

A month of calls is put into a store of its own by SQL, as the fold leaves them, and rolled up by
what the steward uses. Each report is then made as `headgate report` makes it, and its best time of
several told: from the sums, and for one of them also from the rows.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, delete, insert

from headgate.insights.report import report
from headgate.insights.rollups import HOURS_AT_ONCE, roll_up
from headgate.insights.totals import SIDES
from headgate.ledger import tables
from headgate.ledger.rolled import HOUR_NS, rolled_hour
from headgate.store.migrate import open_store

HOURS = 30 * 24
START_NS = 1_762_000_000_000_000_000 // HOUR_NS * HOUR_NS
PRINCIPALS = 200
TEAMS = 20
DEPLOYMENTS = 12
BATCH = 500_000
REPEATS = 5
ZONE = ZoneInfo("America/Los_Angeles")

_FILL = """
WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :end)
INSERT INTO attempt (attempt, at_ns, hold_nanos, caller, route, decision, input_tokens_max,
  output_tokens_max, choices, stream, state, posted_nanos, final, served_model, status, duration_us,
  closed_by, usage, lines)
SELECT printf('call_w%08x.1', n), :start + n * :step, 9000000, n % :callers, n % :routes, 0, 900,
  256, 1, 0, CASE WHEN n % 997 THEN 'measured' ELSE 'estimated' END, 1000000 + n % 7919, 1,
  'model-' || (n % :routes), 200, 900000, 'worker', '{}', :lines FROM numbers
"""
_LINES = (
    '[{"meter":"input_uncached","quantity":700,"price_femto":2500000,"amount_nanos":1750,"row":"s/m"},'
    '{"meter":"output_text","quantity":200,"price_femto":15000000,"amount_nanos":3000,"row":"s/m"}]'
)


def fill(connection: Connection, calls: int) -> None:
    """Put calls into an empty store, spread evenly over a month."""
    for number in range(PRINCIPALS):
        who = {"principal": f"person-{number}", "team": f"team-{number % TEAMS}", "key": "k"}
        rest = {"journal": "j", "number": number, "windows": "[]", "chain": "[]"}
        connection.execute(insert(tables.caller).values(id=number, **who, **rest))
    for number in range(DEPLOYMENTS):
        where = {"asked": "m", "deployment": f"deployment-{number}", "dialect": "openai_chat"}
        connection.execute(
            insert(tables.route).values(id=number, journal="j", number=number, **where)
        )
    fixed = {"start": START_NS, "step": HOURS * HOUR_NS // calls, "lines": _LINES}
    sizes = {"callers": PRINCIPALS, "routes": DEPLOYMENTS}
    for first in range(0, calls, BATCH):
        bounds = {"first": first, "end": min(calls, first + BATCH)}
        connection.exec_driver_sql(_FILL, {**fixed, **sizes, **bounds})


def time_ms(engine: Engine, side: str) -> float:
    """Return the best time of a report by a side, in milliseconds."""
    best_s = float("inf")
    for _ in range(REPEATS):
        with engine.connect() as connection:
            begun_s = time.perf_counter()
            report(connection, side, None, ZONE)  # type: ignore[arg-type]  # one of SIDES
            best_s = min(best_s, time.perf_counter() - begun_s)
    return best_s * 1e3


def main() -> int:
    """Fill, roll up, and time; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(Path(folder))
        with engine.begin() as connection:
            fill(connection, calls)
        begun_s = time.process_time()
        while roll_up(engine, engine, START_NS + (HOURS + 4) * HOUR_NS, "bench") == HOURS_AT_ONCE:
            pass
        rolled_s = time.process_time() - begun_s
        sys.stdout.write(f"{calls} calls in {HOURS} hours; rolled up in {rolled_s:.1f} s of CPU\n")
        for side in SIDES:
            sys.stdout.write(f"by {side}: {time_ms(engine, side):.0f} ms\n")
        with engine.begin() as connection:
            connection.execute(delete(rolled_hour))
            begun_s = time.perf_counter()
            report(connection, "team", None, ZONE)
            rows_s = time.perf_counter() - begun_s
        sys.stdout.write(f"by team, from the rows: {rows_s * 1e3:.0f} ms\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
