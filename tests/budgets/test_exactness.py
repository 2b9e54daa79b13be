"""Every limit is exact at every level, in every tree, over moves and periods."""

from collections import Counter
from datetime import UTC
from fnmatch import fnmatch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from headgate.budgets.periods import HOUR_NS, SLOTS
from headgate.budgets.settings import AND, Budget, Calendar
from headgate.catalog.settings import Deployment
from headgate.identity.directory import Credential
from headgate.identity.settings import Team, lineage_of
from headgate.units.instants import to_datetime
from tests.budgets.exactness import Bank, Open, Worker

TEAMS = ("t0", "t1", "t2", "t3", "t4")
PEOPLE = ("p0", "p1", "p2")
TAGS = ((), ("f=x",), ("f=y",), ("f=x", "g=z"))
DEPLOYMENTS = [
    Deployment("d0", "openai", "gpt-a", "openai", "gpt-a", 1, 1, 1),
    Deployment("d1", "openai", "gpt-b", "openai", "gpt-b", 1, 1, 1),
    Deployment("d2", "anthropic", "claude-a", "anthropic", "claude-a", 1, 1, 1),
]
DAY_NS = 24 * HOUR_NS
START_NS = 20_000 * DAY_NS

CALLERS = [
    *("organisation", "principal:*", "key:p1", "tag:f=x", "tag:f=*", "tag:g=z"),
    *(f"team:{team}" for team in TEAMS),
    *(f"principal:{person}" for person in PEOPLE),
]
ROUTES = ["model:gpt-*", "model:claude-a", "provider:openai", "provider:*", "deployment:d1"]
NODES = st.one_of(
    st.sampled_from(CALLERS),
    st.sampled_from(ROUTES),
    st.tuples(st.sampled_from(CALLERS), st.sampled_from(ROUTES)).map(AND.join),
)
CALENDARS = {"rolling": Calendar(hours=24)}


@st.composite
def forests(draw: st.DrawFn) -> dict[str, Team]:
    """Return teams below teams, to any depth."""
    found = {}
    for at, name in enumerate(TEAMS):
        parent = draw(st.sampled_from([None, *TEAMS[:at]]))
        found[name] = Team(name, parent=parent)
    return found


@st.composite
def budgets(draw: st.DrawFn) -> list[Budget]:
    """Return budgets on nodes of every kind, alone and together."""
    found = []
    for at in range(draw(st.integers(1, 8))):
        period = draw(st.sampled_from(["once", "day", "rolling"]))
        calendar = CALENDARS.get(period, Calendar())
        limit = draw(st.integers(0, 60))
        found.append(Budget(f"b{at}", draw(NODES), period, limit, calendar=calendar))  # type: ignore[arg-type]  # a word of three
    return found


class Oracle:
    """What every budget should count, found out by looking at each call and each budget."""

    def __init__(self, limits: list[Budget]) -> None:
        self.limits = limits
        self.counted: Counter[tuple[str, str, int]] = Counter()

    def marks(
        self, person: str, line: tuple[str, ...], tags: tuple[str, ...], there: Deployment, at: int
    ) -> list[tuple[str, str, int]]:
        """Return the sums that a call counts in: budget, whose, and which day or slot."""
        found = []
        for budget in self.limits:
            whose = [
                self._whose(each, person, line, tags, there) for each in budget.node.split(AND)
            ]
            if None not in whose:
                when = {"once": 0, "day": at // DAY_NS, "rolling": at * SLOTS // DAY_NS}
                found.append((budget.id, str(whose), when[budget.period]))
        return found

    def _whose(
        self, node: str, person: str, line: tuple[str, ...], tags: tuple[str, ...], to: Deployment
    ) -> str | None:
        kind, _, name = node.partition(":")
        if kind == "tag":
            return next((tag for tag in tags if fnmatch(tag, name)), None)
        names = {
            "organisation": [""],
            "team": line,
            "principal": [person],
            "key": [person],
            "model": [to.model],
            "provider": [to.provider],
            "deployment": [to.id],
        }[kind]
        found = next((each for each in names if fnmatch(each, name)), None)
        return name if found is not None and kind == "model" else found

    def room(self, mark: tuple[str, str, int]) -> int:
        """Return what is left of a limit for one more call."""
        name, whose, when = mark
        budget = next(each for each in self.limits if each.id == name)
        back = SLOTS if budget.period == "rolling" else 0
        return budget.limit_nanos - sum(
            self.counted[name, whose, slot] for slot in range(when - back, when + 1)
        )


@settings(max_examples=40, deadline=None)
@given(forests(), budgets(), st.data())
def test_a_call_is_admitted_if_and_only_if_every_limit_has_room(
    teams: dict[str, Team], limits: list[Budget], data: st.DataObject
) -> None:
    """Over random trees, tags, routes and periods, while people and teams are moved by reloads.

    A hold counts where its caller stood when it was made, until it ends there.
    """
    bank, oracle = Bank(limits), Oracle(limits)
    home = {person: data.draw(st.sampled_from(TEAMS)) for person in PEOPLE}
    now_ns, number = START_NS, 0
    lineages = {name: lineage_of(name, teams) for name in teams}
    worker = Worker(bank, "w0", lineages)
    opened: list[tuple[Worker, Open, list[tuple[str, str, int]]]] = []
    for step in range(data.draw(st.integers(1, 25))):
        now_ns += data.draw(st.sampled_from([0, 0, 1, HOUR_NS, 7 * HOUR_NS, DAY_NS]))
        what = data.draw(st.sampled_from(["call", "call", "call", "settle", "move"]))
        if what == "call":
            person, tags = data.draw(st.sampled_from(PEOPLE)), data.draw(st.sampled_from(TAGS))
            there, amount = data.draw(st.sampled_from(DEPLOYMENTS)), data.draw(st.integers(0, 25))
            marks = oracle.marks(person, lineages[home[person]], tags, there, now_ns)
            fits = all(oracle.room(mark) >= amount for mark in marks)
            credential = Credential(person, person, home[person], None)
            hold = worker.call(credential, tags, there, amount, now_ns)
            assert (hold is not None) == fits, (step, marks)
            if hold is not None:
                assert len(hold.path.windows) == len(marks)
                oracle.counted.update(dict.fromkeys(marks, amount))
                opened.append((worker, hold, marks))
        elif what == "settle" and opened:
            who, hold, marks = opened.pop(data.draw(st.integers(0, len(opened) - 1)))
            posted = data.draw(st.integers(0, hold.amount))
            who.settle(hold, posted)
            oracle.counted.subtract(dict.fromkeys(marks, hold.amount - posted))
        elif what == "move":
            number += 1
            home[data.draw(st.sampled_from(PEOPLE))] = data.draw(st.sampled_from(TEAMS))
            teams = data.draw(forests())
            lineages = {name: lineage_of(name, teams) for name in teams}
            worker = Worker(bank, f"w{number}", lineages)
    held = Counter[str]()
    for _who, hold, _marks in opened:
        held.update(dict.fromkeys(hold.path.windows, hold.amount))
    posted_and_held = sum(oracle.counted.values())
    posted = sum(
        lease.posted_nanos
        for account in bank.book.windows.values()
        for lease in account.leases.values()
    )
    assert posted + sum(held.values()) == posted_and_held


SLOT_NS = DAY_NS // SLOTS
STEPS = (0, 1, SLOT_NS - 1, SLOT_NS, 23 * SLOT_NS, DAY_NS - 1, DAY_NS, DAY_NS + SLOT_NS - 1)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(STEPS),
            st.sampled_from([1, 30, 60, 100]),
            st.integers(0, 1),
            st.sampled_from([0, 30, 100]),
            st.sampled_from([0, 0, 0, 1, SLOT_NS]),
        ),
        max_size=30,
    )
)
@example(steps=[(SLOT_NS, 60, 0, 100, 0), (0, 60, 1, 100, SLOT_NS)])
def test_no_stretch_of_a_rolling_budgets_hours_spends_more_than_its_limit(
    steps: list[tuple[int, int, int, int, int]],
) -> None:
    """Whatever two workers do at the edges of slots: any 24 hours are within the limit.

    A clock may be behind, and what is asked of a slot that is over counts beside the later ones.
    """
    budget = Budget("b", "organisation", "rolling", 100, calendar=CALENDARS["rolling"])
    bank = Bank([budget])
    workers = [Worker(bank, f"w{at}", {}) for at in range(2)]
    now_ns, spent = START_NS, list[tuple[int, int]]()
    for later_ns, amount, who, posted, behind_ns in steps:
        now_ns += later_ns
        for each in workers:
            each.allotments.sweep(now_ns)
        credential = Credential("k", "p", "t", None)
        at_ns = now_ns - behind_ns
        hold = workers[who].call(credential, (), DEPLOYMENTS[0], amount, at_ns)
        if hold is None:
            continue
        if posted < amount:
            workers[who].settle(hold, posted)
        spent.append((at_ns, min(posted, amount)))
    for from_ns, _amount in spent:
        within = sum(amount for at_ns, amount in spent if from_ns <= at_ns < from_ns + DAY_NS)
        assert within <= 100, to_datetime(from_ns).astimezone(UTC)


def test_what_lies_idle_in_the_slot_before_comes_back_at_once() -> None:
    """A worker has more than it needs when the slot ends; another may have all of it then."""
    budget = Budget("b", "organisation", "rolling", 1_000, calendar=CALENDARS["rolling"])
    bank = Bank([budget])
    first, second = (Worker(bank, f"w{at}", {}) for at in range(2))
    credential = Credential("k", "p", "t", None)
    assert first.call(credential, (), DEPLOYMENTS[0], 10, START_NS) is not None
    (lent,) = [each.used_nanos for each in bank.book.windows.values()]
    assert lent > 10

    assert second.call(credential, (), DEPLOYMENTS[0], 991, START_NS + SLOT_NS) is None
    assert second.call(credential, (), DEPLOYMENTS[0], 990, START_NS + SLOT_NS) is not None
