"""What a caller is told of its budgets: the very windows that its calls are held on."""

from datetime import UTC
from itertools import combinations

from headgate.budgets.own import held_on, is_own
from headgate.budgets.periods import slots_before
from headgate.budgets.settings import AND, Budget, Calendar
from headgate.budgets.tree import Spender
from headgate.catalog.settings import Deployment
from headgate.gateway.money.paths import Paths
from headgate.identity.directory import Credential
from headgate.ledger.purse import Purse

NOW_NS = 1_764_000_000_000_000_000
ALICE = Credential("laptop", "alice", "search", None)
LINEAGES = {"search": ("search", "research")}
SPENDER = Spender("alice", LINEAGES["search"], "laptop", "r1", ("job=index",))
DEPLOYMENTS = [
    Deployment("mini", "openai", "gpt-5.4-mini", "openai", "gpt-5.4-mini", 1, 1, 1),
    Deployment("haiku", "anthropic", "claude-haiku-4-5", "anthropic", "claude-haiku-4-5", 1, 1, 1),
]
NODES = [
    *("run:*", "tag:job=*", "key:laptop", "key:*", "principal:alice", "principal:*"),
    *("team:search", "team:research", "organisation", "provider:*", "model:claude-*"),
    *("principal:bob", "team:sales", "deployment:gone"),
]


def windows(budgets: list[Budget]) -> set[str]:
    """Return what a caller is told of."""
    return {each.key for each in held_on(budgets, SPENDER, DEPLOYMENTS, NOW_NS, UTC)}


def held(budgets: list[Budget]) -> set[str]:
    """Return what its calls are held on, wherever they go."""
    paths = Paths(budgets, UTC, Purse(lambda _borrowing: True), LINEAGES)
    path = paths.find(ALICE, "r1", ("job=index",), NOW_NS)
    return {window for each in DEPLOYMENTS for window in path.toward(each).windows}


def test_what_is_told_is_what_calls_are_held_on() -> None:
    """For budgets on every kind of node, and on two of them at once."""
    nodes = [*NODES, *(AND.join(pair) for pair in combinations(NODES, 2))]
    budgets = [Budget(f"b{at}", node, "month", 1) for at, node in enumerate(nodes)]

    assert windows(budgets) == held(budgets)
    assert len(windows(budgets)) > len(NODES)


def test_a_budget_that_another_was_carved_from_is_not_told() -> None:
    """All of the carved one counts there already, so calls are not held on it."""
    above = Budget("team", "team:search", "once", 10)
    carved = Budget("hers", "principal:alice", "once", 5, carved_from=("team",))

    assert windows([above, carved]) == held([above, carved]) == {"hers~team@once"}


def test_a_budget_that_is_not_in_force_is_not_told() -> None:
    """One that begins later limits nothing yet."""
    later = Budget("b", "organisation", "once", 1, calendar=Calendar(starts_ns=NOW_NS + 1))

    assert windows([later]) == held([later]) == set()


def test_a_rolling_window_is_told_with_the_slots_it_looks_back_over() -> None:
    """What was used within its hours counts, not only in the slot that runs."""
    rolling = Budget("b", "key:*", "rolling", 1, calendar=Calendar(hours=24))

    (found,) = held_on([rolling], SPENDER, DEPLOYMENTS, NOW_NS, UTC)

    assert found.looked_at == (found.key, *slots_before(found.key))
    assert len(found.looked_at) == 25


def test_only_what_nobody_else_can_spend_is_ones_own() -> None:
    """A node of the principal's own is enough, whatever it is narrowed by."""
    own = {"run:*", "key:laptop", "key:*", "principal:alice", "principal:*"}
    budgets = [Budget("b", node, "once", 1) for node in NODES[:11]]

    assert {each.node for each in budgets if is_own(each)} == own
    assert is_own(Budget("b", AND.join(("team:search", "principal:*")), "once", 1))
