"""The tree: which budgets a call falls under, and whose window of each."""

from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from headgate.budgets.settings import AND, Budget, is_each
from headgate.budgets.tree import Bound, Spender, Tree, budget_id_of, spender_nodes_of
from headgate.catalog.settings import Deployment
from headgate.identity.settings import Team, lineage_of

SPENDER = Spender("alice", ("search", "research"), "laptop", "r1", ("feature=chat",), ("bot",))
SONNET = Deployment(
    "sonnet", "anthropic", "claude-sonnet-5", "anthropic", "claude-sonnet-5", 1, 1, 1
)
AZURE = Deployment("azure", "azure", "our-gpt", "openai", "gpt-5.5", 1, 1, 1)


def windows(node: str, spender: Spender = SPENDER, deployment: Deployment = SONNET) -> list[str]:
    """Return the windows that a call has of one budget."""
    found = [
        each.toward(deployment) for each in Tree([Budget("b", node, "once", 1)]).above(spender)
    ]
    return [each.window("once") for each in found if each is not None]


def test_every_kind_of_node_limits_the_calls_below_it() -> None:
    """Each by its name, and each thing of a kind on its own by `*`; nothing else's calls."""
    shared = {
        *("organisation", "team:search", "team:research", "principal:alice", "key:laptop"),
        *("agent:alice/bot", "tag:feature=chat", "model:claude-*", "model:claude-sonnet-5"),
        *("provider:anthropic", "deployment:sonnet", "run:alice/r1"),
    }
    own = {
        "run:*": "b/alice/r1@once",
        "agent:alice/*": "b/bot@once",
        "tag:feature=*": "b/chat@once",
        "key:*": "b/laptop@once",
        "principal:*": "b/alice@once",
        "provider:*": "b/anthropic@once",
        "deployment:*": "b/sonnet@once",
    }
    others = {
        *("team:sales", "principal:bob", "key:phone", "agent:alice/other", "agent:alice/bot/sub"),
        *("tag:feature=search", "model:gpt-*", "provider:openai"),
        *("deployment:gpt", "run:bob/r1", "agent:bob/*", "agent:alice/bot/*"),
    }

    assert [node for node in shared if windows(node) != ["b@once"]] == []
    assert {node: windows(node) for node in own} == {node: [key] for node, key in own.items()}
    assert [node for node in others if windows(node)] == []
    assert windows("tag:customer=*") == []
    each = {*own, "agent:bob/*", "agent:alice/bot/*"}
    assert all(is_each(node) == (node in each) for node in shared | set(own) | others)
    assert {budget_id_of(key) for key in own.values()} == {"b"}


def test_each_agent_of_a_generation_has_a_window_of_its_own() -> None:
    """Those below it count in it, as they do on its node; the next generation has windows, too."""
    helper = SPENDER._replace(agents=("bot", "helper"))
    other = SPENDER._replace(agents=("other",))

    assert windows("agent:alice/*", helper) == windows("agent:alice/*") == ["b/bot@once"]
    assert windows("agent:alice/*", other) == ["b/other@once"]
    assert windows("agent:alice/bot/*", helper) == ["b/helper@once"]
    assert windows("agent:alice/*", SPENDER._replace(agents=())) == []
    assert windows(AND.join(("agent:alice/*", "provider:*")), helper) == ["b/bot/anthropic@once"]


def test_a_pattern_of_models_is_one_window_however_it_is_written() -> None:
    """What it matches shares its limit, also where it ends as the nodes of each thing do."""
    assert windows("model:*") == ["b@once"]
    assert not any(is_each(node) for node in ("model:*", "model:ft:*", "model:our/*"))


def test_a_model_is_known_by_its_own_name_and_by_the_one_it_is_priced_as() -> None:
    """A deployment may be called anything at its provider."""
    assert windows("model:gpt-5.5", deployment=AZURE) == windows("model:our-*", deployment=AZURE)
    assert windows("model:gpt-5.5", deployment=AZURE) == ["b@once"]


def test_a_budget_on_several_nodes_is_about_calls_below_all_of_them() -> None:
    """With any one of them wrong, it does not limit the call."""
    right = ("tag:feature=chat", "team:research", "model:claude-*")
    wrong = ("tag:feature=search", "team:sales", "model:gpt-*")
    for nodes in product(*zip(right, wrong, strict=True)):
        assert windows(AND.join(nodes)) == (["b@once"] if nodes == right else [])
    assert windows("run:* & tag:feature=* & provider:*") == ["b/alice/r1/chat/anthropic@once"]


def test_a_call_falls_under_the_budgets_from_its_run_to_the_root() -> None:
    """The order is run, agents, tags, key, principal, teams, organisation."""
    nodes = [
        *("organisation", "team:research", "run:*", "principal:alice", "team:other", "key:laptop"),
        *("organisation", "team:search", "tag:feature=chat", "agent:alice/bot"),
    ]
    tree = Tree([Budget(f"b{n}", node, "month", 1) for n, node in enumerate(nodes)])
    found = [each.budget.id for each in tree.above(SPENDER)]
    assert found == ["b2", "b9", "b8", "b5", "b3", "b7", "b1", "b0", "b6"]
    plain = SPENDER._replace(run=None, tags=(), agents=())
    assert [each.budget.id for each in tree.above(plain)] == ["b5", "b3", "b7", "b1", "b0", "b6"]


def test_two_principals_with_a_run_of_the_same_name_have_different_windows() -> None:
    """A run's window is its principal's."""
    bound = Bound(Budget("cap", "run:*", "once", 5), "/alice/r1")
    assert bound.window("once") == "cap/alice/r1@once"
    other = SPENDER._replace(principal="bob")
    assert windows("run:*", other) == ["b/bob/r1@once"]


def test_what_can_be_frozen_above_a_call() -> None:
    """Every node by its name, none with a `*`."""
    nodes = spender_nodes_of(SPENDER)
    assert nodes[0] == "run:alice/r1"
    assert nodes[-1] == "organisation"
    assert {"team:search", "team:research", "tag:feature=chat", "key:laptop"} < set(nodes)
    assert not [node for node in nodes if "*" in node]


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([None, *"abcdefg"])))
def test_a_lineage_ends_whatever_the_file_says(parents: dict[str, str | None]) -> None:
    """Each team once, from the team up, and each the parent of the one before."""
    teams = {name: Team(name, parent=parent) for name, parent in parents.items()}
    for name in teams:
        line = lineage_of(name, teams)
        assert line[0] == name
        assert len(set(line)) == len(line)
        for below, above in pairwise(line):
            assert teams[below].parent == above
