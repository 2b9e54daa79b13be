"""A drill: where past calls would go without a provider, and what locks them in."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.app import planner
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.insights.drill import Drill, Fate, Past, drill
from headgate.units.usage import Usage

NOW_NS = 1_795_600_000_000_000_000
CONFIG = """
[providers.openai]
kind = "openai"
base_url = "https://api.openai.com/v1"
region = "us"
[providers.anthropic]
kind = "anthropic"
base_url = "https://api.anthropic.com"
region = "eu"
[providers.own]
kind = "openai_compatible"
base_url = "http://127.0.0.1:8000/v1"
[deployments.mini]
provider = "openai"
model = "gpt-5.4-mini"
[deployments.gpt]
provider = "openai"
model = "gpt-5.5"
[deployments.embed]
provider = "openai"
model = "text-embedding-3-small"
[deployments.haiku]
provider = "anthropic"
model = "claude-haiku-4-5"
[deployments.own]
provider = "own"
model = "unpriced-model"
[routes.fast]
deployments = ["mini", "haiku"]
[routes.cheap]
deployments = ["mini", "own"]
[routes.alone]
deployments = ["gpt"]
[routes.vectors]
deployments = ["embed", "haiku"]
"""
OPENAI = ("mini", "gpt", "embed")
USAGE = Usage(*(1_000, 0, 0, 0, 0, 0, 500, 0, 0), *(0 for _ in Usage._fields[9:]))


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A configuration with two sellers and a machine of one's own."""
    path = tmp_path_factory.mktemp("drill") / "headgate.toml"
    path.write_text(CONFIG)
    return load(path, {})


def past(asked: str, deployment: str = "mini", **more: object) -> Past:
    """Return a call in OpenAI's dialect under a budget."""
    common = Past(asked, deployment, "openai_chat", False, 3_000, USAGE, 1_000, 500, None, True)
    return common._replace(**more)  # type: ignore[arg-type]  # each by its name


Drilled = Callable[..., Drill]


@pytest.fixture
def drilled(snapshot: Snapshot) -> Drilled:
    """Drill without some deployments; everything costs seven nano-dollars elsewhere."""

    def run(calls: Sequence[Past], gone: Sequence[str] = OPENAI) -> Drill:
        return drill(calls, planner(snapshot, gone), gone, lambda _to, _usage: 7, NOW_NS)

    return run


@pytest.mark.parametrize(
    ("call", "fate"),
    [
        (past("fast"), Fate("haiku", "anthropic_messages")),
        (past("fast", bound="native"), Fate(None, rule="bound_state")),
        (past("cheap"), Fate(None, rule="unpriced")),
        (past("cheap", budgeted=False), Fate("own")),
        (past("alone", "gpt"), Fate(None, rule="no_other_candidate")),
        (past("vectors", "embed", dialect="embeddings"), Fate(None, rule="dialect")),
        (past("gpt", "gpt"), Fate(None, rule="pinned")),
        (past("once"), Fate(None, rule="alias_unknown")),
    ],
)
def test_each_call_has_its_fate(drilled: Drilled, call: Past, fate: Fate) -> None:
    """It goes where the router would send it, or the rule that breaks it is named."""
    (row,) = drilled([call]).rows

    assert row.fate == fate
    assert (row.calls, row.posted_nanos) == (1, 3_000)
    assert row.cost_nanos == (7 if fate.to else 0)


def test_what_others_served_is_left_alone(drilled: Drilled) -> None:
    """Calls that the missing did not serve are counted and no more."""
    found = drilled([past("fast", "haiku"), past("fast"), past("fast")])

    assert (found.calls, found.count()) == (3, 2)
    assert [row.calls for row in found.rows] == [2]


@given(st.lists(st.sampled_from(["mini", "gpt", "embed", "haiku", "own"]), unique=True))
def test_nobody_is_sent_to_who_is_gone(snapshot: Snapshot, gone: list[str]) -> None:
    """Whatever is missing, no call goes there, and each affected call has one fate."""
    served = {"fast": "haiku", "cheap": "own", "alone": "gpt", "mini": "mini"}
    calls = [past(asked, deployment) for asked, deployment in served.items()]

    found = drill(calls, planner(snapshot, gone), gone, lambda _to, _usage: 7, NOW_NS)

    assert found.count() == sum(call.deployment in gone for call in calls)
    assert all(row.fate.to not in gone for row in found.rows)
    assert all((row.fate.to is None) == (row.fate.rule is not None) for row in found.rows)
