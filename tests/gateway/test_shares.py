"""Classes, shares, deferral and the places they are about, over real HTTP."""

import select
import time
from contextlib import ExitStack, suppress
from functools import partial

import openai
import pytest

from headgate.gateway.cuts import cut
from headgate.simulator import Pace, Simulator
from headgate.units.instants import to_iso
from tests.gateway.calls import ALICE, BOB, ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Line, Provider
from tests.gateway.wire import ClosedError, Reply, Wire

HOUR_NS = 3_600 * 10**9
KEYS = {
    "red": "hg_red_0123456789abcdef0123456789abcdef",
    "blue": "hg_blue_0123456789abcdef01234567",
}


def team_of(team: str, share: int, secret: str) -> str:
    """Return a team with a share, and a principal and a key of its name."""
    return (
        f'[teams.{team}]\nshare = {share}\n[principals.{team}]\nteam = "{team}"\n'
        f'[keys.{team}]\nprincipal = "{team}"\nsecret = {{ value = "{secret}" }}'
    )


TEAMS = "\n".join(team_of(team, share, KEYS[team]) for team, share in (("red", 3), ("blue", 1)))
LIMITED = """
[teams.night]
priorities = ["batch"]
[principals.nora]
team = "night"
[keys.nora]
principal = "nora"
secret = { value = "hg_nora_0123456789abcdef0123456789abcdef" }
"""
NORA = "hg_nora_0123456789abcdef0123456789abcdef"


def wait_in_turn(
    gateway: Gateway, stack: ExitStack, calls: list[tuple[str, str]]
) -> list[tuple[str, Wire]]:
    """Send calls, each of a key and a class, when the one before has its place or waits."""
    wires = []
    for number, (key, priority) in enumerate(calls, 1):
        wire = stack.enter_context(Wire(gateway.port))
        wire.send(request(chat(), key=key, headers=[("x-headgate-priority", priority)]))
        gateway.until(partial(in_flight, gateway, number), f"call {number} is in flight")
        wires.append((f"{key[3:6]} {priority}", wire))
    return wires


def in_flight(gateway: Gateway, count: int) -> bool:
    """Tell whether so many calls have a place or wait for one."""
    places = gateway.pipeline.world.targets["mini"].places
    return places.taken + places.waiting == count


def order(gateway: Gateway, wires: list[tuple[str, Wire]]) -> list[str]:
    """Return who was served, in the order in which money was held for them."""
    called = [(who, call_of(wire.read())) for who, wire in wires]
    gateway.until_idle()
    held = {call: gateway.holds(call)[0].at_ns for _, call in called}
    return [who for who, call in sorted(called, key=lambda each: held[each[1]])]


def test_places_go_by_class_then_by_share(start: Start, simulator: Simulator) -> None:
    """With one place: the interactive calls first, those of both teams mixed, though all of blue's
    came before red's; the batch call, which came first, has its place last."""
    gateway = start(deployment="concurrency_max = 1", more=TEAMS)
    simulator.gate.close()
    red, blue = KEYS["red"], KEYS["blue"]
    waiting = [(blue, "batch")] + [(blue, "interactive")] * 2 + [(red, "interactive")] * 5
    with ExitStack() as stack:
        wires = wait_in_turn(gateway, stack, [(ALICE, "interactive"), *waiting])
        simulator.gate.release()
        served = order(gateway, wires)

    assert served[0] == "ali interactive"
    assert served[-1] == "blu batch"
    assert served[1:3] == ["blu interactive", "red interactive"]
    assert sorted(served[1:-1]) == ["blu interactive"] * 2 + ["red interactive"] * 5


def test_a_wait_is_told_and_written_down(start: Start, simulator: Simulator) -> None:
    """In a header of the reply, and with the class in the hold; a call that did not wait is not
    told of."""
    gateway = start(deployment="concurrency_max = 1")
    simulator.gate.close()
    with ExitStack() as stack:
        wires = wait_in_turn(gateway, stack, [(ALICE, "interactive"), (ALICE, "batch")])
        simulator.gate.release()
        first, second = (wire.read() for _, wire in wires)

    assert first.header("x-headgate-waited-ms") is None
    (hold,) = gateway.holds(call_of(first))
    assert (hold.priority, hold.waited_us) == ("interactive", 0)
    (hold,) = gateway.holds(call_of(second))
    assert hold.priority == "batch"
    assert hold.waited_us > 0
    assert second.header("x-headgate-waited-ms") == str(hold.waited_us // 1_000)


def test_a_shed_call_is_told_its_eta(start: Start, simulator: Simulator) -> None:
    """In milliseconds and in seconds, by its own class and team; nothing is held."""
    gateway = start(deployment="concurrency_max = 1\nqueue_max = 1")
    simulator.gate.close()
    with ExitStack() as stack:
        wires = wait_in_turn(gateway, stack, [(ALICE, "interactive")] * 2)
        shed = ask(gateway, chat())
        simulator.gate.release()
        assert [wire.read().status for _, wire in wires] == [200, 200]

    eta_ms, seconds = shed.header("x-headgate-eta-ms"), shed.header("retry-after")
    assert (shed.status, shed.code) == (429, "capacity_exhausted")
    assert eta_ms is not None
    assert seconds == str(-(-int(eta_ms) // 1_000))
    assert "interactive calls of research" in shed.message
    assert not gateway.holds(call_of(shed))


def test_a_shed_call_is_told_what_would_be_served_now(start: Start, simulator: Simulator) -> None:
    """A route with a free deployment beside the full one, and its price; only to a key that may
    ask for it."""
    route = '[routes.either]\ndeployments = ["mini", "big"]'
    gateway = start(deployment="concurrency_max = 1\nqueue_max = 0", more=route)
    simulator.gate.close()
    with ExitStack() as stack:
        ((_, wire),) = wait_in_turn(gateway, stack, [(ALICE, "interactive")])
        offered, unoffered = ask(gateway, chat()), ask(gateway, chat(), key=BOB)
        simulator.gate.release()
        assert wire.read().status == 200

    usd = offered.header("x-headgate-elsewhere-usd")
    assert (offered.code, offered.header("x-headgate-elsewhere")) == (
        "capacity_exhausted",
        "either",
    )
    assert f"'either' would be served now, by big, at about ${usd}." in offered.message
    assert unoffered.code == "capacity_exhausted"
    assert unoffered.header("x-headgate-elsewhere") is None


@pytest.mark.parametrize(
    ("key", "header", "value", "status", "code"),
    [
        (ALICE, "x-headgate-priority", "soonest", 400, "priority_unknown"),
        (ALICE, "x-headgate-priority", "urgent", 403, "priority_not_permitted"),
        (NORA, "x-headgate-priority", "interactive", 403, "priority_not_permitted"),
        (ALICE, "x-headgate-deadline", "2020-01-01T00:00:00Z", 400, "deadline_invalid"),
        (ALICE, "x-headgate-deadline", "2099-01-01T00:00:00", 400, "deadline_invalid"),
        (ALICE, "x-headgate-deadline", "tomorrow", 400, "deadline_invalid"),
        (ALICE, "x-headgate-deadline", "9" * 5_000, 400, "deadline_invalid"),
    ],
)
def test_bad_input_is_refused(
    running_simulator: Simulator,
    limited: Gateway,
    key: str,
    header: str,
    value: str,
    status: int,
    code: str,
) -> None:
    """A class that is not there or not the key's, a deadline that is past or no instant."""
    refused = ask(limited, chat(), key=key, headers=[(header, value)])

    assert (refused.status, refused.code) == (status, code)
    assert not limited.holds(call_of(refused))


def test_a_key_has_its_teams_first_class(limited: Gateway) -> None:
    """Who names none has the first that is allowed, without a header."""
    served = ask(limited, chat(), key=NORA)

    (hold,) = limited.holds(call_of(served))
    assert (served.status, hold.priority) == (200, "batch")


@pytest.fixture
def limited(start: Start) -> Gateway:
    """A gateway with a team that may send batch calls only."""
    return start(more=LIMITED)


def cheap_from(hours: int) -> str:
    """Return a route, and prices of its model that fall to a tenth in so many hours."""
    now_ns = time.time_ns()
    change = to_iso(now_ns + hours * HOUR_NS)
    row = '[[prices]]\nprovider = "openai"\nmodel = "gpt-5.4-mini"\n'
    return (
        f"{row}valid_from = 2026-01-01T00:00:00Z\nvalid_to = {change}\nrecorded_at = 2026-01-01\n"
        'per_million_tokens = { input = "1.00", output = "10.00" }\n'
        f"{row}valid_from = {change}\nrecorded_at = 2026-01-01\n"
        'per_million_tokens = { input = "0.10", output = "1.00" }\n'
        '[routes.nightly]\ndeployments = ["mini"]\ndefer = "cheap_hours"\n'
    )


def deadline(hours: int) -> tuple[str, str]:
    """Return the header that says how long there is time."""
    return ("x-headgate-deadline", to_iso(time.time_ns() + hours * HOUR_NS))


BATCH = ("x-headgate-priority", "batch")


def test_a_batch_call_is_put_off_to_the_cheap_hour(start: Start) -> None:
    """With a deadline behind it, or on a route that defers: refused with the instant and the
    saving, nothing held. Otherwise, and in another class, it is served."""
    gateway = start(more=cheap_from(hours=2))
    nightly = chat(model="nightly")
    put_off = [
        ask(gateway, chat(), headers=[BATCH, deadline(6)]),
        ask(gateway, nightly, headers=[BATCH]),
    ]
    served = [
        ask(gateway, chat(), headers=[BATCH]),
        ask(gateway, chat(), headers=[deadline(6)]),
        ask(gateway, nightly, headers=[BATCH, deadline(1)]),
        ask(gateway, nightly),
    ]

    assert [reply.status for reply in served] == [200] * 4
    for reply in put_off:
        assert_deferred(reply, about_s=2 * 3_600)
        assert not gateway.holds(call_of(reply))


def assert_deferred(reply: Reply, about_s: int) -> None:
    """See that a call was told when to come again, and what it saves."""
    seconds, saved = reply.header("retry-after"), reply.header("x-headgate-saves-usd")
    assert (reply.status, reply.code) == (429, "deferred")
    assert seconds is not None
    assert about_s - 60 <= int(seconds) <= about_s
    assert saved is not None
    assert f"${saved} less than now" in reply.message
    # A hundred tokens of output at nine dollars a million less, and the prompt.
    assert 0.0009 <= float(saved) <= 0.00095
    assert reply.header("x-should-retry") == "false"


def test_the_official_client_is_told_once(start: Start) -> None:
    """It does not try a deferred call again by itself, and has the code to act on."""
    gateway = start(more=cheap_from(hours=2))
    with openai.OpenAI(
        base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key=ALICE, max_retries=3
    ) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(
                model="nightly",
                messages=[{"role": "user", "content": "hello"}],
                extra_headers=dict([BATCH]),
            )
        served = client.chat.completions.with_raw_response.create(
            model="nightly",
            messages=[{"role": "user", "content": "hello"}],
            max_completion_tokens=9,
        )

    assert caught.value.code == "deferred"
    assert served.status_code == 200
    assert len(gateway.refusals()) == 1


async def never(line: Line) -> None:
    """Read the requests and answer none."""
    while True:
        await line.request()


def test_a_thousand_hung_upstreams_leak_no_place(start: Start) -> None:
    """Whether they time out, their clients leave, or they are frozen: every place comes back, and
    nobody waits for ever."""
    with Provider(never) as provider, ExitStack() as stack:
        gateway = start(
            openai_url=provider.url,
            openai="first_byte_timeout_ms = 20",
            limits="client_drain_ms = 20\nretries_burst = 0",
            deployment="concurrency_max = 64",
        )
        wires = [stack.enter_context(Wire(gateway.port)) for _ in range(100)]
        for number, wire in enumerate(wires):
            batch = [BATCH] if number % 3 else []
            key = BOB if number % 2 else ALICE
            wire.send(request(chat(stream=number % 5 == 0), key=key, headers=batch) * 10)
        for wire in wires[:40]:
            assert [wire.read().status for _ in range(10)] == [504] * 10
        for wire in wires[40:70]:
            wire.close()
        gateway.run(lambda: freeze(gateway))
        for wire in wires[70:]:
            assert told(wire, 10) <= {403, 504}
        gateway.until_idle()

        places = gateway.pipeline.world.targets["mini"].places
        shares = [share for queue in places.queues for share in queue.shares()]
        assert (places.taken, places.waiting, shares) == (0, 0, [])


def told(wire: Wire, count: int) -> set[int]:
    """Return the statuses of replies, up to the one behind which a call that was cut closes."""
    statuses: set[int] = set()
    with suppress(ClosedError):
        for _ in range(count):
            statuses.add(wire.read().status)
    return statuses


def freeze(gateway: Gateway) -> None:
    """Freeze the deployment as the steward's word does."""
    gateway.pipeline.frozen = frozenset({"deployment:mini"})
    cut(gateway.pipeline)


def test_streams_that_wait_are_refused_with_those_that_run(
    start: Start, simulator: Simulator
) -> None:
    """A freeze cuts the running stream; the next, which gets its place, is refused once."""
    gateway = start(deployment="concurrency_max = 1")
    simulator.gate.close()
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(gateway.port)) for _ in range(4)]
        for wire in wires:
            wire.send(request(chat(stream=True)))
        gateway.until(partial(in_flight, gateway, 4), "one runs, three wait")
        gateway.run(lambda: freeze(gateway))
        assert [wire.read().code for wire in wires] == ["frozen"] * 4


def test_a_frozen_call_does_not_spoil_the_eta(start: Start, simulator: Simulator) -> None:
    """What was never sent says nothing of how long calls take."""
    gateway = start(deployment="concurrency_max = 1")
    places = gateway.pipeline.world.targets["mini"].places
    simulator.gate.close()
    with ExitStack() as stack:
        wires = wait_in_turn(gateway, stack, [(ALICE, "interactive")] * 2)
        gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset({"deployment:mini"})))
        simulator.gate.release()
        assert [wire.read().status for _, wire in wires] == [200, 403]

    assert gateway.run(lambda: places.service_us) <= 10_000_000


@pytest.mark.slow
def test_three_teams_share_a_minute_by_weight(start: Start, simulator: Simulator) -> None:
    """Saturated for a minute over real HTTP, they are served 5:3:2, within 5 % of the whole."""
    weights = {"five": 5, "three": 3, "two": 2}
    keys = {team: f"hg_{team}_0123456789abcdef0123456789" for team in weights}
    teams = "\n".join(team_of(team, share, keys[team]) for team, share in weights.items())
    gateway = start(deployment="concurrency_max = 4", more=teams)
    simulator.pace = Pace(ttft_ms=100, delay_ms=0)
    served = dict.fromkeys(weights, 0)
    until_s = time.monotonic() + 60
    with ExitStack() as stack:
        senders = {}
        for team in [*weights] * 6:
            wire = stack.enter_context(Wire(gateway.port))
            # Pipelined, so that its connection has a call waiting at all times.
            wire.send(request(chat(), key=keys[team]) * 4)
            senders[wire.socket] = (team, wire)
        while time.monotonic() < until_s:
            readable, _, _ = select.select(list(senders), [], [], 1)
            for each in readable:
                team, wire = senders[each]
                assert wire.read().status == 200
                served[team] += 1
                wire.send(request(chat(), key=keys[team]))

    whole = sum(served.values())
    assert whole > 1_000
    for team, weight in weights.items():
        assert abs(10 * served[team] - weight * whole) <= whole // 2, served
