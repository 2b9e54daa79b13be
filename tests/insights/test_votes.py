"""Votes in the store: tied to what they judge, learned from, and told of when quality drifts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, update

from headgate.config.load import load
from headgate.insights import preferences, quality, votes
from headgate.insights.judging import judged_of
from headgate.insights.preferences import Choice
from headgate.insights.votes import PPM, Judged, Word
from headgate.ledger.tables import attempt
from headgate.node.learning import SET_ASIDE, LearningJob, learned_path
from headgate.records.charge import HEDGE_LOST
from headgate.routing.learning.settings import Learning
from headgate.store import audit
from headgate.store.migrate import open_store
from tests.conftest import NOON_NS

ANSWER = Judged("call_a.1", NOON_NS, "mini", "gpt-5.4-mini", "w0-1", 1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty store."""
    made = open_store(tmp_path)
    yield made
    made.dispose()


def word(number: int, score: float, source: str = "tests") -> Word:
    """Return a word of alice about her n-th call."""
    return Word("alice", "research", "call", f"call_{number}", source, round(score * PPM))


def about(number: int) -> Judged:
    """Return what the n-th call was answered by."""
    return ANSWER._replace(attempt=f"call_{number}.1", call_ns=NOON_NS + number)


def job(
    engine: Engine, folder: Path, tell: Callable[[bytes], None] = lambda _data: None
) -> LearningJob:
    """Return what learns from the store."""
    return LearningJob((engine, engine), folder, Learning, tell)


def cast_votes(connection: Connection, numbers: range, good_in_ten: int) -> None:
    """Have alice's tests judge calls, of which so many in ten are good."""
    for number in numbers:
        good = float(number * 7 % 10 < good_in_ten)
        assert votes.keep(connection, word(number, good), about(number), NOON_NS) == "new"


def test_a_silent_drop_is_told_once_and_survives_a_restart(engine: Engine, tmp_path: Path) -> None:
    """Learned alike in one go, in steps, and anew after the file was damaged."""
    with engine.begin() as connection:
        cast_votes(connection, range(250), 8)
    first = job(engine, tmp_path)
    before = first.step(NOON_NS).outcomes
    with engine.begin() as connection:
        cast_votes(connection, range(250, 450), 6)
    after = job(engine, tmp_path).step(NOON_NS)
    learned_path(tmp_path).write_text("headgate-learner 0 ab\n[]\n")

    anew = job(engine, tmp_path).step(NOON_NS).outcomes

    assert (before.version, after.heard, after.outcomes.version) == (250, 200, 450)
    assert after.outcomes.models["gpt-5.4-mini"].n < 150 < before.models["gpt-5.4-mini"].n
    assert anew.models["gpt-5.4-mini"] == pytest.approx(after.outcomes.models["gpt-5.4-mini"])
    with engine.connect() as connection:
        (alarm,) = quality.worse(connection)
        actions = [entry.action for entry in audit.entries(connection)]
    assert (alarm.deployment, alarm.source) == ("mini", "tests")
    assert alarm.now_ppm < alarm.usual_ppm
    assert actions == [quality.WORSE, SET_ASIDE]
    assert [path.name for path in tmp_path.glob("*.aside")]


def test_an_alarm_ends_when_the_new_rate_is_known(engine: Engine, tmp_path: Path) -> None:
    """Two hundred votes later what is usual now is known."""
    with engine.begin() as connection:
        cast_votes(connection, range(250), 9)
        cast_votes(connection, range(250, 530), 5)

    job(engine, tmp_path).step(NOON_NS)

    with engine.connect() as connection:
        raised = [entry.action for entry in audit.entries(connection)]
    with engine.begin() as connection:
        votes.keep(connection, word(900, 1.0), about(900), NOON_NS)
    job(engine, tmp_path).step(NOON_NS)
    with engine.connect() as connection:
        assert quality.worse(connection) == []
        actions = [entry.action for entry in audit.entries(connection)]
    assert (raised, actions) == ([quality.WORSE], [quality.WORSE, quality.SETTLED])


def test_what_workers_are_told_is_what_was_learned(engine: Engine, tmp_path: Path) -> None:
    """One word counts once, however often it is changed."""
    with engine.begin() as connection:
        for score in (0.0, 1.0, 1.0, 0.5):
            votes.keep(connection, word(1, score), about(1), NOON_NS)
    told = job(engine, tmp_path).step(NOON_NS).outcomes

    assert told.version == 3
    assert told.models["gpt-5.4-mini"].n == pytest.approx(0.81)


def test_who_is_believed_more_than_before_counts_for_earlier_calls_too(
    engine: Engine, tmp_path: Path
) -> None:
    """A reload that turns the order of sources has all votes learned anew by it."""
    usual = Learning()
    turned = usual._replace(reliability={**usual.reliability, "user": 0.97, "judge": 0.98})
    in_force = usual
    learning = LearningJob((engine, engine), tmp_path, lambda: in_force, lambda _data: None)
    with engine.begin() as connection:
        for source, score in (("user", 1.0), ("tests", 1.0), ("user", 0.0)):
            votes.keep(connection, word(1, score, source), about(1), NOON_NS)
    learning.step(NOON_NS)
    with engine.begin() as connection:
        votes.keep(connection, word(1, 0.0, "judge"), about(1), NOON_NS)

    in_force = turned
    found = learning.step(NOON_NS).outcomes

    counted = found.models["gpt-5.4-mini"]
    assert counted.n == pytest.approx((2 * 0.98 - 1) ** 2)
    assert counted.good == 0.0
    assert learning.step(NOON_NS).heard == 0
    restarted = LearningJob((engine, engine), tmp_path, lambda: turned, lambda _data: None)
    assert restarted.step(NOON_NS).heard == 0


def flip(connection: Connection, seqs: range) -> None:
    """Have alice change her mind of her first call so often; the judge speaks first and last."""
    rows: list[dict[str, object]] = []
    for seq in seqs:
        source = "judge" if seq in {seqs[0], seqs[-1]} else "user"
        said = {**word(1, float(seq % 2), source)._asdict(), **about(1)._asdict()}
        rows.append({**said, "seq": seq, "at_ns": NOON_NS + seq, "replaces": None})
    connection.execute(insert(votes.vote), rows)


def work_of(engine: Engine, seq: int) -> int:
    """Return how many steps the store takes to read the votes behind a number."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        votes.votes_after(connection, seq, 1_000)
        driver.set_progress_handler(step, 1)
        votes.votes_after(connection, seq, 1_000)
        driver.set_progress_handler(None, 1)
    return steps


def test_who_changes_his_mind_all_day_makes_learning_no_slower(engine: Engine) -> None:
    """What was said long before is not read again with each word."""
    with engine.begin() as connection:
        flip(connection, range(1, 31))
    few = work_of(engine, 20)
    with engine.begin() as connection:
        flip(connection, range(31, 2_001))

    many = work_of(engine, 1_990)

    assert 0 < many < 1.3 * few


@pytest.mark.parametrize("at_once", [1, 3])
def test_what_others_said_before_is_the_same_in_steps_of_any_size(
    engine: Engine, at_once: int
) -> None:
    """The last word of each other source, and none that came later."""
    cast = [("user", 0.0), ("tests", 1.0), ("user", 1.0), ("judge", 0.5), ("tests", 0.0)]
    with engine.begin() as connection:
        votes.keep(connection, word(2, 0.25, "judge"), about(2), NOON_NS)
        for source, score in cast:
            votes.keep(connection, word(1, score, source), about(1), NOON_NS)

    with engine.connect() as connection:
        whole = votes.votes_after(connection, 0, 100)
        steps = [
            each
            for seq in range(0, 6, at_once)
            for each in votes.votes_after(connection, seq, at_once)
        ]
        none = votes.votes_after(connection, 6, 100)

    told = [sorted((each.source, each.score) for each in heard.others) for heard in whole]
    assert told == [
        *([], [], [("user", 0.0)], [("tests", 1.0)]),
        *([("tests", 1.0), ("user", 1.0)], [("judge", 0.5), ("user", 1.0)]),
    ]
    assert [sorted(heard.vote.beside) for heard in whole] == told
    assert [heard.vote.seq for heard in steps] == [heard.vote.seq for heard in whole]
    assert [{*heard.others} for heard in steps] == [{*heard.others} for heard in whole]
    assert none == []


def test_one_choice_counts_per_pair_and_principal(engine: Engine) -> None:
    """In whichever order the two are named; the last word counts."""
    other = ANSWER._replace(attempt="call_b.1", model="claude-haiku-4-5")
    one = Choice("alice", "research", "call_a", "call_b")
    turned = one._replace(preferred="call_b", over="call_a")
    with engine.begin() as connection:
        said = [
            preferences.keep(connection, one, (ANSWER, other), NOON_NS),
            preferences.keep(connection, one, (ANSWER, other), NOON_NS),
            preferences.keep(connection, turned, (other, ANSWER), NOON_NS),
            preferences.keep(connection, one._replace(principal="bob"), (ANSWER, other), NOON_NS),
        ]
        duels = preferences.duels(connection)

    assert said == ["new", "same", "changed", "new"]
    assert duels == [("claude-haiku-4-5", "gpt-5.4-mini"), ("gpt-5.4-mini", "claude-haiku-4-5")]


def test_a_vote_is_of_no_attempt_that_lost_to_another(books: Path) -> None:
    """It was answered with all that belongs to an answer, and nobody has read that."""
    made = open_store(books / "data")
    own = votes.own_attempts("alice", "call", "call_a")
    with made.begin() as connection:
        connection.execute(update(attempt).values(reason=HEDGE_LOST))
        found = votes.judged(connection, own)
    made.dispose()

    assert found is None


def test_a_vote_is_tied_to_the_attempt_that_answered(books: Path) -> None:
    """With its deployment, the model as prices name it, and the decision."""
    snapshot = load(books / "headgate.toml", {}, secrets_of=())
    made = open_store(books / "data")
    with made.connect() as connection:
        found = votes.judged(connection, votes.own_attempts("alice", "call", "call_a"))
        foreign = votes.judged(connection, votes.own_attempts("bob", "call", "call_a"))
        assert found
        judged = judged_of(connection, found, snapshot.deployments)
        of_run = votes.judged(connection, votes.own_attempts("alice", "run", "r42"))
        no_run = votes.judged(connection, votes.own_attempts("bob", "run", "r42"))
    made.dispose()

    assert foreign is no_run is False
    assert of_run
    assert of_run["run"] == "r42"
    assert judged.attempt.startswith("call_a.")
    assert judged.model == snapshot.deployments[judged.deployment].priced_as
    assert (judged.expected_ppm, judged.propensity_ppm, judged.clusters) == (None, None, "[]")
