"""Feedback over a real node: whose calls, how often it counts, by body and by header."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.insights.contract_learning import VoteView
from headgate.insights.votes import vote, votes_after
from headgate.ledger.tables import decision
from headgate.store import audit
from headgate.store.database import open_store_readonly
from tests.node.harness import TestNode, running_node, until
from tests.node.wire import CHAT, Reply, chat, post

FEEDBACK = "/v1/feedback"


EXTRA = """
[learning]
votes_per_minute_max = 10
[policies.best]
kind = "quality_floor"
floor = "0.9"
[policies.curious]
kind = "explore"
serve = "best"
usd_per_day = "1.00"
[routes.smart]
deployments = ["mini", "gpt-5-5"]
policy = "curious"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with two principals that has taken few votes yet."""
    principals = {"alice": "research", "bob": "sales"}
    with running_node(
        tmp_path_factory.mktemp("feedback"),
        principals=principals,
        extra=EXTRA,
    ) as running:
        yield running


def called(node: TestNode, headers: dict[str, str] | None = None) -> str:
    """Make a call; returns its id."""
    reply = post(node.gateway_url, CHAT, node.key(), chat("Hello"), headers=headers or {})
    assert reply.status == 200, reply
    return reply.headers["x-headgate-call"]


def tell(node: TestNode, who: str = "alice", **body: Any) -> Reply:
    """Send feedback."""
    return post(node.gateway_url, FEEDBACK, node.key(who), json.dumps(body).encode())


def test_a_call_is_voted_on_once_by_whoever_made_it(node: TestNode) -> None:
    """A repeat counts once, another word takes its place and is in the audit chain.

    Foreign calls are as unknown as those that never were, and a header is as good as a body.
    """
    call = called(node)

    new = tell(node, call=call, verdict="good", source="tests")
    same = tell(node, call=call, score=1.0, source="tests")
    changed = tell(node, call=call, score=0.25, source="tests")
    foreign = tell(node, "bob", call=call, verdict="bad")
    unknown = tell(node, "bob", call="call_x", verdict="bad")
    later = called(node, {"x-headgate-outcome": f"{call}=bad, call_unknown=0.5;source=judge"})
    by_header = tell(node, call=call, verdict="bad")

    assert new.status == 200, new
    assert new.document["kept"] == "new"
    assert same.document["kept"] == "same"
    assert (changed.document["kept"], changed.document["score"]) == ("changed", 0.25)
    assert foreign.code == unknown.code == "call_unknown"
    assert foreign.status == unknown.status == 404
    assert by_header.document["kept"] == "same"
    assert later != call
    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        first, second, third = votes_after(connection, 0, 9)
        actions = [entry.action for entry in audit.newest(connection, 9)]
    engine.dispose()
    assert (first.vote.score, first.replaced) == (1.0, None)
    assert second.replaced is not None
    assert (second.vote.score, second.replaced.score) == (0.25, 1.0)
    assert (third.vote.source, third.vote.beside[-1]) == ("user", ("tests", 0.25))
    assert [(each.source, each.score) for each in third.others] == [("tests", 0.25)]
    assert first.others == second.others == ()
    assert actions.count("feedback.changed") == 1


def test_workers_estimate_by_what_was_learned(node: TestNode) -> None:
    """A vote is in the next decisions of a policy that goes by quality, with its n."""
    tell(node, call=called(node), verdict="good", source="command")

    def learned() -> bool:
        post(node.gateway_url, CHAT, node.key(), chat("Hello", model="smart"))
        engine = open_store_readonly(node.data_dir)
        query = select(decision.c.record).order_by(decision.c.at_ns.desc()).limit(1)
        with engine.connect() as connection:
            newest = msgspec.json.decode(connection.scalar(query) or "{}")
        engine.dispose()
        estimates = [each.get("estimate") for each in newest.get("candidates", ())]
        return any(each and each.get("n_milli") for each in estimates)

    until(learned, "votes in decisions")


def test_a_vote_knows_the_decision_that_it_is_about(node: TestNode) -> None:
    """What was expected, with what chance it was chosen, and of which clusters the text is."""
    reply = post(node.gateway_url, CHAT, node.key(), chat("Add 2 and 3", model="smart"))
    assert tell(node, call=reply.headers["x-headgate-call"], verdict="good").status == 200

    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        row = connection.execute(select(vote).order_by(vote.c.seq.desc()).limit(1)).one()
    engine.dispose()

    assert 0 < row.propensity_ppm <= 1_000_000
    assert 0 < row.expected_ppm < 1_000_000
    shares = [share for _, share in msgspec.json.decode(row.clusters)]
    assert len(shares) == 4
    assert 0 < sum(shares) <= 1_000_001


def test_the_command_line_tells_it_too(node: TestNode) -> None:
    """As the principal of the key, and says what became of it."""
    call = called(node)
    environment = {"HEADGATE_KEY": node.key(), "HEADGATE_URL": node.gateway_url}
    runner = CliRunner(env={**environment, "HEADGATE_CONFIG": str(node.config)})

    told = runner.invoke(app, ["feedback", call, "0.5", "--source", "tests", "--json"])
    refused = runner.invoke(app, ["feedback", "call_x", "bad"])
    senseless = runner.invoke(app, ["feedback", call, "fine"])

    view = msgspec.json.decode(told.stdout, type=VoteView)
    assert (view.kept, view.source, view.score) == ("new", "tests", 0.5)
    assert (refused.exit_code, senseless.exit_code) == (1, 2)


def test_of_two_calls_one_may_be_preferred_once(node: TestNode) -> None:
    """Answered by the same model there is nothing to choose."""
    one, other = called(node), called(node)

    reply = tell(node, preferred=one, over=other)
    foreign = tell(node, "bob", preferred=one, over=other)

    assert (reply.status, reply.code) == (400, "body_invalid")
    assert foreign.code == "call_unknown"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "body_invalid"),
        ({"call": "a"}, "body_invalid"),
        ({"call": "a", "score": 1.5}, "body_invalid"),
        ({"call": "a", "score": 0.5, "verdict": "good"}, "body_invalid"),
        ({"call": "a", "run": "b", "verdict": "good"}, "body_invalid"),
        ({"call": "a", "verdict": "good", "source": "nobody"}, "body_invalid"),
        ({"call": "a", "verdict": "good", "other": 1}, "body_invalid"),
        ({"preferred": "a", "over": "a"}, "body_invalid"),
        ({"preferred": "a"}, "body_invalid"),
        ({"preferred": "a", "over": "b", "verdict": "good"}, "body_invalid"),
        ({"session": "s", "verdict": "good"}, "call_unknown"),
    ],
)
def test_bad_feedback_is_refused_by_its_code(
    node: TestNode, body: dict[str, Any], code: str
) -> None:
    """And nothing is kept of it."""
    assert tell(node, **body).code == code


@pytest.mark.parametrize(
    "header", ["", "call_a", "call_a=fine", "a=good;source=me", "a=2", "a=good," * 17]
)
def test_a_header_that_cannot_be_read_refuses_the_call(node: TestNode, header: str) -> None:
    """Before anything is spent."""
    reply = post(
        node.gateway_url, CHAT, node.key(), chat("Hi"), headers={"x-headgate-outcome": header}
    )

    assert (reply.status, reply.code) == (400, "feedback_invalid")


def test_votes_of_a_principal_are_bounded(node: TestNode) -> None:
    """Beyond so many a minute they are refused; others may go on."""
    call = called(node)
    scores = [tell(node, call=call, score=number / 100) for number in range(11)]

    codes = [reply.code if reply.status != 200 else None for reply in scores]
    assert codes[0] is None
    assert codes[-1] == "feedback_limited"
    assert tell(node, "bob", call=call, verdict="good").code == "call_unknown"
