"""Which rows are chosen: one per threshold, of all that are known and in force at an instant."""

from collections.abc import Iterable

from headgate.catalog.rows import PriceRow

END_OF_TIME_NS = 2**63 - 1
"""`valid_until_ns` of a card that nothing known will change."""


def in_force(rows: Iterable[PriceRow], at_ns: int) -> list[PriceRow]:
    """Return, per key, the row that started last, unless it has ended."""
    latest: dict[tuple[str, str, str, int, str, str], PriceRow] = {}
    for row in rows:
        other = latest.get(row.key)
        if row.valid_from_ns <= at_ns and (
            other is None
            or (row.valid_from_ns, row.recorded_at_ns)
            >= (other.valid_from_ns, other.recorded_at_ns)
        ):
            latest[row.key] = row
    return [row for row in latest.values() if row.valid_to_ns is None or at_ns < row.valid_to_ns]


def one_list(rows: list[PriceRow]) -> list[PriceRow]:
    """Keep the configured rows alone when they have an ordinary one, otherwise all."""
    configured = [row for row in rows if row.origin == "configuration"]
    if any(row.band is None and row.min_prompt_tokens_exclusive is None for row in configured):
        return configured
    return rows


def by_threshold(rows: list[PriceRow], at_ns: int) -> list[PriceRow]:
    """Return one row per threshold, rising.

    A row whose band covers the instant wins over one without, then a configured over a built-in.
    """
    chosen: dict[int, PriceRow] = {}
    for row in sorted(rows, key=_rank):
        if row.band is None or row.band.covers(at_ns):
            chosen[row.min_prompt_tokens_exclusive or 0] = row
    return [chosen[threshold] for threshold in sorted(chosen)]


def _rank(row: PriceRow) -> tuple[bool, bool, int]:
    return (row.band is not None, row.origin == "configuration", row.valid_from_ns)


def valid_until(known: list[PriceRow], in_force: list[PriceRow], at_ns: int) -> int:
    """Return the first instant after `at_ns` at which another row can be chosen."""
    dates = [edge for row in known for edge in (row.valid_from_ns, row.valid_to_ns or 0)]
    edges = [row.band.next_edge_ns(at_ns) for row in in_force if row.band is not None]
    return min((edge for edge in dates + edges if edge > at_ns), default=END_OF_TIME_NS)
