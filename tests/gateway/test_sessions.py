"""Routing by sessions: who serves an agent's calls, when it moves, and what the record says."""

from collections.abc import Iterator
from typing import Any

import pytest

from headgate.gateway.learning.feedback import votes_of
from headgate.records.journal import DecisionRecord, SettleRecord
from headgate.routing.deciding import chosen_of, decided_again, placed
from headgate.routing.policies.registry import policies
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import MESSAGES_PATH, ask, call_of, config
from tests.gateway.inprocess import Gateway
from tests.gateway.sessions_agent import Agent
from tests.gateway.test_caching import ACCOUNTS, rate
from tests.gateway.wire import Reply

POLICIES = """
[policies.agent]
kind = "session"
stake_usd = "0.015"
margin = "0.03"
success = {{ haiku = "0.7", sonnet = "0.9", sonnet-2 = "0.9" }}
[routes.agent]
deployments = ["haiku", "sonnet"]
policy = "agent"
[routes.accounts]
deployments = ["sonnet", "sonnet-2"]
policy = "agent"
"""
RUNS = """
[budgets.run]
node = "run:*"
period = "once"
limit_usd = "0.10"
"""
RUN_NANOS = 100_000_000


@pytest.fixture(scope="module")
def running(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway whose routes go by sessions."""
    urls = running_simulator.openai_url, running_simulator.anthropic_url
    text = config(*urls, more=(ACCOUNTS + POLICIES).format(url=urls[1]) + RUNS)
    with Gateway(tmp_path_factory.mktemp("sessions"), text) as gateway:
        yield gateway


@pytest.fixture
def gateway(running: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway; afterwards everything is settled and everybody well."""
    yield running
    running.assert_settled()
    running.heal()


def send(gateway: Gateway, body: dict[str, Any], **headers: str) -> Reply:
    """Send a call, which must be served; wait until what it taught is known."""
    named = [(f"x-headgate-{name}", value) for name, value in headers.items()]
    reply = ask(gateway, body, MESSAGES_PATH, headers=named)
    assert reply.status == 200, reply
    gateway.until_idle()
    return reply


def by(reply: Reply) -> str | None:
    """Return who served a call."""
    return reply.header("x-headgate-deployment")


def decision(gateway: Gateway, reply: Reply) -> DecisionRecord:
    """Return the decision of a call, which has to come out the same from its record."""
    number = int(reply.header("x-headgate-decision") or 0)
    found = (each for each in gateway.records() if isinstance(each, DecisionRecord))
    record = next(each for each in found if each.number == number)
    chosen = chosen_of(record, policies())
    assert chosen is not None
    assert decided_again(record, chosen) == placed(record)
    return record


def test_a_session_rises_in_trouble_and_comes_down_at_the_next_task(gateway: Gateway) -> None:
    """The same command fails again and again: the dearer one takes over, until the task is done.

    Each switch says why, and what it was expected to gain.
    """
    agent = Agent("trouble", "agent").ask("Fix it.")

    begins = send(gateway, agent.body())
    works = send(gateway, agent.work(2).body())
    fails = send(gateway, agent.work(5, failing=True).body())
    goes_on = send(gateway, agent.work(1).body())
    next_task = send(gateway, agent.answer("Done.").ask("And the other.").body())

    switches = [
        decision(gateway, each).notes for each in (begins, works, fails, goes_on, next_task)
    ]
    assert [by(each) for each in (begins, works)] == ["haiku", "haiku"]
    assert [by(each) for each in (fails, goes_on)] == ["sonnet", "sonnet"]
    assert by(next_task) == "haiku"
    assert [each["switch"] for each in switches] == ["start", "stays", "up", "stays", "down"]
    gains = [each.get("gain_nanos") for each in switches]
    assert [gain is None for gain in gains] == [True, True, False, True, False]
    assert all(isinstance(gain, int) and gain > 0 for gain in gains if gain is not None)
    inputs = decision(gateway, fails).inputs
    assert {name for name in inputs if name.startswith("sign:")} == {
        "sign:tool_errors",
        "sign:loop",
    }
    assert inputs["serving:haiku"] == 1


def test_a_run_does_not_move_to_whom_its_budget_cannot_pay(gateway: Gateway) -> None:
    """The same trouble: what it would cost there to the end is more than the run has left."""
    agent = Agent("short", "agent").ask("Fix it.")

    first = send(gateway, agent.body(), run="short", horizon="long")
    fails = send(gateway, agent.work(6, failing=True).body(), run="short", horizon="long")

    told, cost = decision(gateway, fails), first.header("x-headgate-cost-usd")
    assert cost is not None
    assert told.inputs["left_nanos"] == RUN_NANOS - int(cost.replace(".", ""))
    assert (by(fails), told.notes["switch"]) == ("haiku", "stays")
    assert int(told.notes["short_nanos:sonnet"]) > 0
    assert "short_nanos:haiku" not in told.notes


def test_a_title_is_cheap_while_the_work_is_not(gateway: Gateway) -> None:
    """What has no tools and says little is beside the work, and goes where it costs least."""
    agent = Agent("titled", "agent").ask("Fix it.")
    send(gateway, agent.body())
    assert by(send(gateway, agent.work(6, failing=True).body())) == "sonnet"

    title = send(gateway, agent.title())
    work = send(gateway, agent.work(1).body())

    assert by(title) == "haiku"
    assert decision(gateway, title).notes["switch"] == "side"
    assert by(work) == "sonnet"


def test_a_rejected_result_keeps_its_task_open_and_moves_it_up(gateway: Gateway) -> None:
    """Somebody looked at the answer and it is wrong: the better one does it anew."""
    agent = Agent("rejected", "agent").ask("Fix it.")
    send(gateway, agent.body())
    answered = send(gateway, agent.work(2).body())
    agent.answer("Done.").ask("The tests still fail.")
    headers = {"outcome": f"{call_of(answered)}=bad;source=tests"}

    again = send(gateway, agent.body(), **headers)
    accepted = send(gateway, agent.answer("Done.").ask("Good; now this.").body())

    told = decision(gateway, again)
    assert (by(answered), by(again), by(accepted)) == ("haiku", "sonnet", "haiku")
    assert told.notes["switch"] == "up"
    assert told.inputs["sign:rejected"] == 2_000


def test_a_client_says_where_a_task_begins(gateway: Gateway) -> None:
    """Another name for the task is the end of the last one, whatever the conversation looks like.

    The header names the session as well: its first messages may be cut off.
    """
    agent = Agent("named", "agent").ask("Fix it.")
    named = {"session": "tasks", "horizon": "long"}
    send(gateway, agent.body(), task="one", **named)
    assert by(send(gateway, agent.work(6, failing=True).body(), task="one", **named)) == "sonnet"
    agent.said = agent.said[-1:]
    agent.said[0] = {"role": "user", "content": [{"type": "text", "text": "What was before."}]}

    same = send(gateway, agent.work(1).body(), task="one", **named)
    other = send(gateway, agent.work(1).body(), task="two", **named)

    assert by(same) == "sonnet"
    assert by(other) == "haiku"
    assert decision(gateway, other).inputs["horizon"] == 60


def test_an_outage_moves_a_session_and_the_return_does_not(
    gateway: Gateway, simulator: Simulator
) -> None:
    """Two accounts of a provider: throttled at one it goes on at the other, and stays there."""
    agent = Agent("moved", "accounts").ask("Fix it.")
    first = by(send(gateway, agent.body()))
    stays = by(send(gateway, agent.work(1).body()))
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, model="claude-sonnet-5", times=1))
    moved = send(gateway, agent.work(1).body())
    gone = send(gateway, agent.work(1).body())
    gateway.heal()

    back = send(gateway, agent.work(1).body())

    assert stays == first
    assert by(moved) != first
    assert by(gone) == by(back) == by(moved)
    assert decision(gateway, back).notes["switch"] == "stays"


def test_a_session_without_a_name_has_one_in_the_books(gateway: Gateway) -> None:
    """Its calls share it, those of another have another; a name of the client's own stands."""
    one, other = Agent("first", "agent").ask("One."), Agent("second", "agent").ask("Two.")

    replies = [
        send(gateway, one.body()),
        send(gateway, one.work(1).body()),
        send(gateway, other.body()),
        send(gateway, other.work(1).body(), session="mine"),
    ]

    names = [gateway.holds(call_of(reply))[0].session for reply in replies]
    assert names[0] == names[1] != names[2]
    assert str(names[0]).startswith("~")
    assert names[3] == "mine"


@pytest.mark.slow
def test_a_hundred_turns_over_two_accounts_read_as_much_as_over_one(
    gateway: Gateway, simulator: Simulator
) -> None:
    """At least 95 of a hundred of what one account reads; from a throttled one the load moves."""

    def run(model: str, turns: int, agent: Agent) -> list[Reply]:
        return [send(gateway, agent.work(1).body()) for _ in range(turns)]

    alone = run("sonnet", 100, Agent("alone", "sonnet").ask("Fix it."))
    agent = Agent("over-two", "accounts").ask("Fix it.")
    both = run("accounts", 100, agent)
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, model="claude-sonnet-5", times=1))
    moved = run("accounts", 3, agent)

    reached, single = (rate(_usages(gateway, each)) for each in (both, alone))
    assert reached >= 0.95 * single, (reached, single)
    assert {by(each) for each in moved}.isdisjoint({by(each) for each in both})


def posted_nanos(gateway: Gateway, reply: Reply) -> int:
    """Return what a call cost, all its attempts together."""
    ends = gateway.ends(call_of(reply))
    return sum(end.amount_nanos for end in ends if isinstance(end, SettleRecord))


def _usages(gateway: Gateway, replies: list[Reply]) -> list[dict[str, int]]:
    found = []
    for reply in replies:
        end = gateway.ends(call_of(reply))[-1]
        assert isinstance(end, SettleRecord)
        found.append(end.quantities)
    return found


def test_votes_in_a_header_are_read_and_nonsense_is_left_out() -> None:
    """Good, bad or a score of at least a half, whatever the source."""
    votes = votes_of(b"call_a=good, call_b=0.4;source=tests,call_c=0.5, call_d=maybe")

    assert votes == [("call_a", True), ("call_b", False), ("call_c", True)]
