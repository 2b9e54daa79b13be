"""Searching calls piece by piece finds what one look at everything finds."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from headgate.insights import search as searching
from headgate.insights.search import Cursor, Wanted, list_calls, search
from headgate.store.database import open_store_readonly
from tests.conftest import HOUR_NS, NOON_NS

WANTED = st.builds(
    Wanted,
    run=st.sampled_from([None, None, "r42", "none"]),
    principal=st.sampled_from([None, "alice", "bob"]),
    state=st.sampled_from([None, None, "held", "refused", "estimated"]),
    code=st.sampled_from([None, None, "stream_cut", "budget_exceeded"]),
    deployment=st.sampled_from([None, None, "gpt", "mini"]),
    from_ns=st.sampled_from([None, NOON_NS + HOUR_NS, NOON_NS + 20 * HOUR_NS]),
    until_ns=st.sampled_from([None, NOON_NS + HOUR_NS + 2, NOON_NS + 30 * HOUR_NS]),
    text=st.sampled_from([None, None, "call", "CHATCMPL-1", "r42", "%", "mini"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(wanted=WANTED, limit=st.integers(1, 4), scanned=st.integers(1, 6))
def test_pieces_make_the_whole(
    books_template: Path, wanted: Wanted, limit: int, scanned: int
) -> None:
    """However short the look back and the page: nothing twice, nothing missing, newest first."""
    engine = open_store_readonly(books_template / "data")
    with pytest.MonkeyPatch.context() as patch, engine.connect() as connection:
        whole = [row.id for row in list_calls(connection, wanted, 100)]
        patch.setattr(searching, "SCAN_ROWS_MAX", scanned)
        found = _piece_by_piece(connection, wanted, limit)
    engine.dispose()

    assert found == whole
    assert len(set(found)) == len(found)


def _piece_by_piece(connection: Connection, wanted: Wanted, limit: int) -> list[str]:
    found: list[str] = []
    after: Cursor | None = None
    for _ in range(100):
        page = search(connection, wanted, limit, after)
        assert len(page.rows) <= limit
        assert not page.cut or page.following is not None
        found += [row.id for row in page.rows]
        after = page.following
        if after is None:
            return found
    raise AssertionError("the search does not end")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(text="chatcmpl-1"), ["call_a.1"]),
        (Wanted(text="REQ_1"), ["call_a.1"]),
        (Wanted(text="%"), []),
        (Wanted(code="stream_cut"), ["call_b.2"]),
        (Wanted(code="budget_exceeded"), ["call_d"]),
        (Wanted(deployment="mini"), ["call_c.1", "call_b.1", "call_a.1"]),
        (Wanted(from_ns=NOON_NS + 20 * HOUR_NS), ["call_d", "call_c.1"]),
        (Wanted(until_ns=NOON_NS + 1), ["call_a.1"]),
    ],
)
def test_each_side_narrows(books_template: Path, wanted: Wanted, expected: list[str]) -> None:
    """Text is found in ids and models whatever its case, and a percent sign is only that."""
    engine = open_store_readonly(books_template / "data")
    with engine.connect() as connection:
        found = [row.id for row in search(connection, wanted, 10).rows]
    engine.dispose()

    assert found == expected
