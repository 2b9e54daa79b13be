"""The page of budgets, for those of every kind."""

from dataclasses import replace
from pathlib import Path

from headgate.budgets.settings import Budget
from headgate.identity.settings import Team
from tests.console.books import Books

TEAMS = {"platform": Team("platform"), "search": Team("search", parent="platform")}


def test_budgets_of_other_kinds_have_their_place(tmp_path: Path) -> None:
    """Nested teams stand below each other; tags and combinations behind; shadows say so."""
    limits = (
        Budget("search", "team:search", "month", 10**9),
        Budget("claude", "team:search & model:claude-*", "week", 10**9),
        Budget("each", "tag:feature=*", "once", 10**9),
        Budget("trial", "organisation", "once", 10**9, mode="shadow"),
    )
    books = Books(tmp_path, limits)
    windows = ("each/chat@once", "search@2026-11")
    call = books.hold(windows=windows, tags=("feature=chat",), waived=("trial@once",)).attempt
    books.fold()
    snapshot = replace(books.snapshot, teams={**books.snapshot.teams, **TEAMS})
    client = books.client(snapshot=snapshot)

    page = client.get("/budgets").text
    opened = client.get(f"/calls/{call.partition('.')[0]}").text
    books.close()

    order = [page.index(f'id="budget-{name}"') for name in ("trial", "search", "claude")]
    assert order == sorted(order)
    assert "platform" in page
    assert "shadow: would have refused 1" in page
    assert "each/chat" in page
    assert "<code>feature=chat</code>" in opened
    assert "<code>trial@once</code>" in opened
