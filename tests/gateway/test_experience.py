"""What one worker learns, the others go by: sessions, prefixes, verdicts, lengths, runs."""

from collections.abc import Iterator
from functools import partial

import msgspec
import pytest

from headgate.experience.pool import Pool
from headgate.experience.rows import Experience
from headgate.experience.text import experience_text, read_experience
from headgate.records.journal import DecisionRecord
from headgate.simulator import Simulator
from tests.gateway.calls import MESSAGES_PATH, ask, call_of, chat, config
from tests.gateway.cascades import MORE as CASCADES
from tests.gateway.inprocess import Gateway
from tests.gateway.sessions_agent import Agent
from tests.gateway.test_caching import ACCOUNTS, messages
from tests.gateway.test_sessions import POLICIES, by, decision, send

RUNS = """
[runs]
calls_max = 4
repeats_max = 3
"""


@pytest.fixture(scope="module")
def workers(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gateway, Gateway]]:
    """Two workers of one configuration, who learn of each other what `tell` carries over."""
    urls = running_simulator.openai_url, running_simulator.anthropic_url
    more = (ACCOUNTS + POLICIES).format(url=urls[1]) + CASCADES + RUNS
    text, folder = config(*urls, more=more), tmp_path_factory.mktemp("experience")
    with Gateway(folder / "a", text, epoch="a") as one, Gateway(folder / "b", text, epoch="b") as b:
        yield one, b
        for each in (one, b):
            each.assert_settled()


def news_of(worker: Gateway) -> list[Experience]:
    """Return what a worker has to tell, once what it does is done, as it goes over the socket."""
    worker.until_idle()
    told = worker.run(lambda: list(worker.pipeline.world.notebook.take()))
    return msgspec.json.decode(msgspec.json.encode(told), type=list[Experience])


def tell(worker: Gateway, *others: Gateway) -> None:
    """Have what a worker has learned heard by others."""
    hear(news_of(worker), *others)


def hear(news: list[Experience], *others: Gateway) -> None:
    """Have news heard."""
    for other in others:
        for each in news:
            other.run(partial(other.pipeline.world.notebook.hear, each))


def test_a_session_goes_on_at_another_worker(workers: tuple[Gateway, Gateway]) -> None:
    """It stays with the model that took it over, and goes home for its next task."""
    one, other = workers
    agent = Agent("shared", "agent").ask("Fix it.")
    send(one, agent.body())
    assert by(send(one, agent.work(6, failing=True).body())) == "sonnet"
    tell(one, other)

    goes_on = send(other, agent.work(1).body())
    tell(other, one)
    next_task = send(one, agent.answer("Done.").ask("And the other.").body())

    assert (by(goes_on), by(next_task)) == ("sonnet", "haiku")
    told = decision(other, goes_on)
    assert told.notes["switch"] == "stays"
    assert (told.inputs["serving:sonnet"], told.inputs["home:haiku"]) == (1, 1)
    assert decision(one, next_task).inputs["done"] == 2


def test_a_rejected_result_is_known_wherever_it_is_told(workers: tuple[Gateway, Gateway]) -> None:
    """The call was another worker's: it moves the session up all the same."""
    one, other = workers
    agent = Agent("elsewhere", "agent").ask("Fix it.")
    answered = send(one, agent.work(1).body())
    tell(one, other)
    agent.answer("Done.").ask("The tests still fail.")

    again = send(other, agent.body(), outcome=f"{call_of(answered)}=bad;source=tests")

    assert by(again) == "sonnet"
    assert decision(other, again).inputs["sign:rejected"] == 2_000


def test_a_session_that_was_with_a_deployment_that_is_gone_begins_anew(
    workers: tuple[Gateway, Gateway],
) -> None:
    """The configuration has changed since it was told: nobody looks for what is not there."""
    one, other = workers
    agent = Agent("orphan", "agent").ask("Fix it.")
    send(one, agent.body())
    news = msgspec.json.encode(news_of(one)).replace(b'"haiku","haiku"', b'"gone","gone"')
    hear(msgspec.json.decode(news, type=list[Experience]), other)

    reply = send(other, agent.work(1).body())

    assert b'"gone"' in news
    assert decision(other, reply).notes["switch"] == "start"


def test_another_worker_knows_where_a_prompt_is_warm(workers: tuple[Gateway, Gateway]) -> None:
    """Of two accounts, the one that holds it, also for a conversation that has grown."""
    one, other = workers
    cold = decision(other, send(other, messages("cold", 2, model="either", marked=True)))
    send(one, messages("warmed", 2, model="either", marked=True))
    tell(one, other)

    reply = send(other, messages("warmed", 3, model="either", marked=True))

    warm = {each.deployment: each.warm_nanos for each in decision(other, reply).candidates}
    assert all(not each.warm_nanos for each in cold.candidates)
    assert [nanos > 0 for _, nanos in sorted(warm.items())] == [True, False]


def verdicts(worker: Gateway) -> dict[str, int]:
    """Return what the next cascade's decision goes by."""
    reply = ask(worker, chat(model="tried"))
    assert reply.status == 200
    records = [each for each in worker.records() if isinstance(each, DecisionRecord)]
    inputs = [each for each in records if each.asked == "tried"][-1].inputs
    return {name: n for name, n in inputs.items() if name.startswith("cascade.")}


def test_a_vote_teaches_the_verifier_of_the_worker_that_served(
    workers: tuple[Gateway, Gateway],
) -> None:
    """It is told to one that does not know the call; both know the verdict afterwards, once."""
    one, other = workers
    first = call_of(ask(one, chat(model="tried")))
    other.steward.calls = {first}
    before = [verdicts(each).get("cascade.bad_accepted", 0) for each in workers]

    for _ in range(2):
        outcome = ("x-headgate-outcome", f"{first}=bad;source=tests")
        assert ask(other, chat(model="tried"), headers=[outcome]).status == 200
        tell(other, one)
        tell(one, other)

    after = [verdicts(each)["cascade.bad_accepted"] for each in workers]
    assert after == [count + 1 for count in before]


def test_votes_on_calls_that_nobody_made_are_told_to_nobody(
    workers: tuple[Gateway, Gateway],
) -> None:
    """The steward does not know them; what is shared has room for what is of use."""
    one, other = workers
    made = call_of(ask(one, chat(model="tried")))
    other.steward.calls = {made}
    votes = ",".join(f"{call}=bad" for call in ("call_never", made, *map(str, range(14))))

    assert ask(other, chat(), headers=[("x-headgate-outcome", votes)]).status == 200

    told = [row.key for each in news_of(other) for row in each.latest]
    assert [key for key in told if key[0] == "vote"] == [("vote", "alice", made)]


def test_a_run_is_counted_over_workers_and_begins_anew_when_thawed(
    workers: tuple[Gateway, Gateway],
) -> None:
    """Four calls wherever they come; a person who thaws it gives it four more, everywhere."""
    one, other = workers

    def call(worker: Gateway, number: int) -> int:
        header = ("x-headgate-run", "wandering")
        status = ask(worker, chat(f"step {number}"), headers=[header]).status
        tell(worker, other if worker is one else one)
        return status

    first = [call(workers[number % 2], number) for number in range(5)]
    for each in workers:
        guards = each.pipeline.world.guards
        assert guards is not None
        each.run(partial(guards.thawed, {"run:alice/wandering"}))
        each.run(partial(guards.thawed, ()))
    tell(one, other)
    tell(other, one)
    second = [call(workers[number % 2], number) for number in range(5)]

    assert first == second == [200, 200, 200, 200, 403]


def test_a_loop_is_one_over_workers_too(workers: tuple[Gateway, Gateway]) -> None:
    """The same body again and again, each time at another worker."""
    one, other = workers
    statuses = []
    for number in range(4):
        worker = workers[number % 2]
        reply = ask(worker, chat("again"), headers=[("x-headgate-run", "parrot")])
        statuses.append(reply.status)
        tell(worker, other if worker is one else one)

    assert statuses == [200, 200, 200, 403]


def test_after_a_restart_a_worker_knows_what_was_kept(
    workers: tuple[Gateway, Gateway], simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It goes on where the session was, and counts the run's calls from where they were."""
    one, _ = workers
    agent = Agent("kept", "agent").ask("Fix it.")
    send(one, agent.body(), run="kept")
    assert by(send(one, agent.work(6, failing=True).body(), run="kept")) == "sonnet"
    pool = Pool()
    for each in news_of(one):
        pool.hear(each)
    kept = read_experience(experience_text(list(pool.whole())))
    urls = simulator.openai_url, simulator.anthropic_url
    text = config(*urls, more=(ACCOUNTS + POLICIES).format(url=urls[1]) + RUNS)

    with Gateway(tmp_path_factory.mktemp("restarted"), text, epoch="c") as restarted:
        hear(list(kept.whole()), restarted)
        calls = [
            ask(
                restarted, agent.work(1).body(), MESSAGES_PATH, headers=[("x-headgate-run", "kept")]
            )
            for _ in range(3)
        ]
        restarted.assert_settled()

    assert [by(each) for each in calls[:2]] == ["sonnet", "sonnet"]
    assert [each.status for each in calls] == [200, 200, 403]


def test_principals_learn_nothing_of_each_other(workers: tuple[Gateway, Gateway]) -> None:
    """What is told of a session or a run names its principal, and nothing that is told is text."""
    one, other = workers
    agent = Agent("private", "agent").ask("A secret word.")
    send(one, agent.work(2).body(), run="mine", task="a task")

    news = news_of(one)

    rows = [row for each in news for row in each.latest]
    owned = [row for row in rows if row.key[0] in {"session", "run", "tooled"}]
    assert {row.key[0] for row in owned} == {"session", "run", "tooled"}
    assert {row.key[1] for row in owned} == {"alice"}
    text = msgspec.json.encode(news)
    for word in (b"secret", b"private", b"a task", b"user-"):
        assert word not in text
    hear(news, other)
