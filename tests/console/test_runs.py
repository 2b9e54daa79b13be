"""What the page of runs says."""

from headgate.budgets.runs import Run, keep_run
from headgate.identity.registry import FrozenNode, set_frozen
from tests.console.books import Books

MARKUP = "<script>alert(1)</script>"


def test_runs_stand_as_trees_with_what_each_spends(books: Books) -> None:
    """A run stands behind the one that started it, with its own calls' cost."""
    at_ns = books.hold(run="leaf", principal="alice").at_ns
    books.fold()
    with books.engine.begin() as connection:
        for name, parent, depth in (("root", None, 1), ("other", None, 1), ("leaf", "root", 2)):
            made_ns = at_ns - 10 + depth
            keep_run(
                connection,
                Run("alice", name, parent, MARKUP, depth, "running", 10**9, made_ns, made_ns),
            )
        set_frozen(connection, FrozenNode("run:alice/leaf", 1, ""))
    client = books.client()

    page, rows = client.get("/runs").text, client.get("/runs.json").json()

    assert [row["run"] for row in rows] == ["other", "root", "leaf"]
    assert rows[-1]["held"] != "0.000000000"
    assert rows[-1]["frozen"]
    assert "frozen" in page
    assert MARKUP not in page
