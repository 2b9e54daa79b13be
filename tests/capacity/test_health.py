"""The health of a deployment: the breaker as a state machine, by hand and by chance."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from headgate.capacity.health import (
    BREAKER_OPEN,
    CALLS_MIN,
    NOT_BEFORE_MAX_NS,
    OPEN_FACTOR_MAX,
    THROTTLED,
    WINDOW_NS,
    Breaker,
    Health,
)

PAUSE = 1_000
BREAKER = Breaker(failures=3, open_ns=PAUSE)


def opened(now_ns: int = 0) -> Health:
    """Return a health whose breaker has just opened."""
    health = Health(BREAKER)
    for _ in range(BREAKER.failures):
        health.failed(health.begin(now_ns), now_ns)
    assert health.rule(now_ns) == BREAKER_OPEN
    return health


def test_failures_in_a_row_open_the_breaker() -> None:
    """One success between them begins the count anew."""
    health = Health(BREAKER)
    for outcome in "ffsff":
        mark = health.begin(0)
        (health.failed if outcome == "f" else health.served)(mark, 0)
        assert health.rule(0) is None

    health.failed(health.begin(0), 0)

    assert health.rule(0) == BREAKER_OPEN
    assert health.next_change_ns(0) == PAUSE


def test_half_of_many_opens_it_too() -> None:
    """Failures that never come in a row are noticed by their rate."""
    health = Health(BREAKER)
    for number in range(CALLS_MIN - 1):
        mark = health.begin(0)
        (health.failed if number % 2 else health.served)(mark, 0)
        assert health.rule(0) is None

    health.failed(health.begin(0), 0)

    assert health.rule(0) == BREAKER_OPEN


def test_a_rate_is_of_its_own_span() -> None:
    """What failed long ago is not added to what fails now."""
    health = Health(Breaker(failures=1_000, open_ns=PAUSE))
    for number in range(10 * CALLS_MIN):
        health.failed(health.begin(0), number * WINDOW_NS)

    assert health.rule(10 * CALLS_MIN * WINDOW_NS) is None


def test_one_probe_goes_and_closes_it() -> None:
    """After the pause one call is let through; its success lets all through."""
    health = opened()

    assert health.rule(PAUSE) is None
    probe = health.begin(PAUSE)
    assert health.rule(PAUSE) == BREAKER_OPEN
    health.served(probe, PAUSE + 1)

    assert health.rule(PAUSE + 1) is None
    assert health.next_change_ns(PAUSE + 1) is None


def test_a_probe_that_fails_doubles_the_pause_up_to_a_bound() -> None:
    """The longer an outage lasts the rarer are the probes, but they never end."""
    health = opened()
    now_ns, pauses = 0, []
    for _ in range(8):
        change_ns = health.next_change_ns(now_ns)
        assert change_ns is not None
        pauses.append(change_ns - now_ns)
        now_ns = change_ns
        health.failed(health.begin(now_ns), now_ns)

    assert pauses == [PAUSE * min(2**power, OPEN_FACTOR_MAX) for power in range(8)]


def test_a_probe_that_never_ends_makes_room_for_another() -> None:
    """Its client may have gone: the next pause brings the next probe."""
    health = opened()
    health.begin(PAUSE)

    assert health.rule(2 * PAUSE - 1) == BREAKER_OPEN
    assert health.rule(2 * PAUSE) is None


def test_what_began_before_an_outage_says_nothing_of_it() -> None:
    """A long stream that ends well does not close the breaker, one that ends badly adds nothing."""
    health = Health(BREAKER)
    early = [health.begin(0), health.begin(0)]
    for _ in range(BREAKER.failures):
        health.failed(health.begin(0), 0)

    health.served(early[0], 1)
    health.failed(early[1], 1)

    assert health.rule(1) == BREAKER_OPEN
    assert health.next_change_ns(1) == PAUSE


def test_the_last_resort_may_close_it() -> None:
    """A call that is sent although the breaker is open counts when it is served."""
    health = opened()

    health.served(health.begin(1), 2)

    assert health.rule(2) is None


@given(times=st.lists(st.integers(-10, 2 * NOT_BEFORE_MAX_NS), min_size=1, max_size=5))
def test_the_latest_time_to_come_back_holds(times: list[int]) -> None:
    """Until then it is throttled, not a moment longer, and never longer than the bound."""
    health = Health(BREAKER)
    for at_ns in times:
        health.throttle(at_ns, 0)

    until_ns = min(max(times), NOT_BEFORE_MAX_NS)
    if until_ns > 0:
        assert health.rule(until_ns - 1) == THROTTLED
    assert health.rule(max(until_ns, 0)) is None


class Outages(RuleBasedStateMachine):
    """Calls begin and end in any order while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 0
        self.changes = 0
        self.health = Health(BREAKER, self._changed)
        self.running: list[tuple[int, bool]] = []
        self.told = self.health.rule(0)
        self.probes_ns: list[int] = []

    def _changed(self) -> None:
        self.changes += 1

    @rule(step_ns=st.integers(1, 2 * PAUSE))
    def time_passes(self, step_ns: int) -> None:
        self.now_ns += step_ns
        self.told = self.health.rule(self.now_ns)

    @rule()
    def begins(self) -> None:
        """A call is only sent where no rule speaks against it."""
        if self.health.rule(self.now_ns) is None:
            was_open = self.health.open_until_ns > 0
            self.running.append((self.health.begin(self.now_ns), was_open))
            if was_open:
                self.probes_ns.append(self.now_ns)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), served=st.booleans())
    def ends(self, data: st.DataObject, served: bool) -> None:
        mark, _ = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        (self.health.served if served else self.health.failed)(mark, self.now_ns)

    @rule(ahead_ns=st.integers(1, 3 * PAUSE))
    def throttles(self, ahead_ns: int) -> None:
        self.health.throttle(self.now_ns + ahead_ns, self.now_ns)
        assert self.health.rule(self.now_ns) == THROTTLED

    @invariant()
    def probes_are_a_pause_apart(self) -> None:
        assert all(b - a >= PAUSE for a, b in zip(self.probes_ns, self.probes_ns[1:], strict=False))

    @invariant()
    def a_change_is_told(self) -> None:
        """The rule changes by time as announced, and else only with a word."""
        rule_now = self.health.rule(self.now_ns)
        assert rule_now == self.told or self.changes, "a rule changed in silence"
        self.told, self.changes = rule_now, 0

    @invariant()
    def it_comes_back(self) -> None:
        """Whatever happened, there is an instant at which it may be asked again."""
        at_ns = self.now_ns
        for _ in range(2):
            at_ns = self.health.next_change_ns(at_ns) or at_ns
        assert self.health.rule(at_ns) is None


TestOutages = Outages.TestCase
TestOutages.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_what_others_find_is_heeded() -> None:
    """A breaker that opened elsewhere is open here until then; then a probe of our own is sent."""
    health = Health(Breaker())
    mark = health.begin(1)
    health.heed(BREAKER_OPEN, 10, 2)
    health.heed(THROTTLED, 5, 2)

    assert (health.rule(4), health.rule(9), health.rule(10)) == (THROTTLED, BREAKER_OPEN, None)
    health.served(mark, 4)
    assert health.rule(9) == BREAKER_OPEN, "a call from before the outage does not end it"
    health.served(health.begin(10), 11)
    assert health.rule(12) is None
    health.heed(BREAKER_OPEN, 10, 12)
    assert health.rule(12) is None
