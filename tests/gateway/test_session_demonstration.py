"""A coding agent's hundred turns under `session`, on a real gateway and simulated providers.

The simulators answer alike whatever they are named, so here the world says what a model can do:
on a hard task the cheap model's commands fail, and the dear one's do not. An agent gives a task up
after eight failures. Everything else is real: calls, caches, prices, the books.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from headgate.simulator import INSTANT, Fault, FaultKind, Options, Simulator, SimulatorThread
from tests.gateway.calls import config
from tests.gateway.inprocess import Gateway
from tests.gateway.sessions_agent import Agent
from tests.gateway.test_sessions import by, decision, posted_nanos, send
from tests.gateway.wire import Reply

MORE = """
[providers.second]
kind = "anthropic"
base_url = "{second}"
seller = "anthropic"
credential = {{ value = "sk-ant-second" }}
[deployments.haiku-2]
provider = "second"
model = "claude-haiku-4-5"
[deployments.sonnet-2]
provider = "second"
model = "claude-sonnet-5"
[policies.agent]
kind = "session"
stake_usd = "0.03"
success = {{ haiku = "0.8", haiku-2 = "0.8", sonnet = "0.98", sonnet-2 = "0.98" }}
[routes.agent]
deployments = ["haiku", "sonnet", "haiku-2", "sonnet-2"]
policy = "agent"
[routes.cheap]
deployments = ["haiku", "haiku-2"]
[routes.dear]
deployments = ["sonnet", "sonnet-2"]
"""
TASKS = 10
HARD = frozenset({3, 7})
ROUNDS = 8
FAILURES_MAX = 8


@pytest.fixture(scope="module")
def second() -> Iterator[Simulator]:
    """The provider's other account."""
    with SimulatorThread(seed=8, options=Options(pace=INSTANT)) as simulator:
        yield simulator


@pytest.fixture
def gateway(
    simulator: Simulator, second: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway over both accounts."""
    text = config(
        simulator.openai_url,
        simulator.anthropic_url,
        more=MORE.format(second=second.anthropic_url),
    )
    with Gateway(tmp_path_factory.mktemp("demonstration"), text) as gateway:
        yield gateway
        gateway.assert_settled()


class Ran(NamedTuple):
    """What became of a session."""

    solved: int
    nanos: int
    replies: list[Reply]


def run(gateway: Gateway, model: str, name: str, *, fails_at: int = -1, heals_at: int = -1) -> Ran:
    """Work through the tasks; the first account fails from one task on, until another.

    A task is eight commands that went well, and an answer.
    """
    agent, replies, solved = Agent(name, model), list[Reply](), 0
    for number in range(TASKS):
        agent.ask(f"Task {number}.")
        went_well = failed = 0
        while went_well < ROUNDS and failed < FAILURES_MAX:
            replies.append(send(gateway, agent.body()))
            fails = number in HARD and str(by(replies[-1])).startswith("haiku")
            agent.work(1, failing=fails)
            went_well, failed = went_well + (not fails), failed + fails
        replies.append(send(gateway, agent.body()))
        agent.answer("Done." if failed < FAILURES_MAX else "I cannot.")
        solved += failed < FAILURES_MAX
    gateway.until_idle()
    return Ran(solved, sum(posted_nanos(gateway, each) for each in replies), replies)


@pytest.mark.slow
def test_a_session_costs_no_more_than_the_best_model_that_solves_as_much(gateway: Gateway) -> None:
    """It solves all that the dear model solves, for less, and each switch says why."""
    cheap, dear, session = (run(gateway, model, model) for model in ("cheap", "dear", "agent"))

    assert (cheap.solved, dear.solved, session.solved) == (TASKS - len(HARD), TASKS, TASKS)
    assert session.nanos <= dear.nanos, (session.nanos, dear.nanos)
    assert len(session.replies) >= 90
    told = [decision(gateway, each).notes for each in session.replies]
    moved = [each for each in told if each["switch"] != "stays"]
    assert [each["switch"] for each in moved] == ["start", *["up", "down"] * len(HARD)]
    assert all(int(each["gain_nanos"]) > 0 for each in moved[1:])


@pytest.mark.slow
def test_a_session_survives_an_outage(gateway: Gateway, simulator: Simulator) -> None:
    """While its provider's first account answers nothing, it goes on at the other, and stays."""
    agent = Agent("outage", "agent").ask("Fix it.")
    before = [send(gateway, agent.work(1).body()) for _ in range(40)]
    simulator.faults.add(Fault(FaultKind.SERVER_ERROR))
    during = [send(gateway, agent.work(1).body()) for _ in range(20)]
    simulator.faults.clear()
    after = [send(gateway, agent.work(1).body()) for _ in range(40)]

    assert {by(each) for each in before} == {"haiku"}
    assert {by(each) for each in during} == {by(each) for each in after} == {"haiku-2"}
    switches = {str(decision(gateway, each).notes["switch"]) for each in after}
    assert switches == {"stays"}
