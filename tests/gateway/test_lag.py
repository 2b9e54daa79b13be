"""Load that cannot be carried: new calls are refused while the loop is behind, and those alone."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.gateway.lag import LOOKS, Lag
from headgate.simulator import Simulator
from tests.gateway.calls import ask, chat, message, request
from tests.gateway.conftest import Start
from tests.gateway.wire import Wire

EVERY_MS = 250


def lag_after(*waits_ms: int, max_ms: int = 100) -> Lag:
    """Return what is known after sweeps that came so long after each other."""
    lag, now_ms = Lag(max_ms, EVERY_MS), 1_000
    lag.look(now_ms)
    for wait_ms in waits_ms:
        now_ms += wait_ms
        lag.look(now_ms)
    return lag


LATE, LATER, IN_TIME = 351, 9_000, 350


def test_three_late_sweeps_in_a_row_shed_and_three_in_time_end_it() -> None:
    """One long pause, however long, is none; nor is one good moment a recovery."""
    assert not lag_after().sheds
    assert not lag_after(LATER).sheds
    assert not lag_after(LATE, LATER, IN_TIME, LATE, LATER).sheds
    assert lag_after(LATE, LATER, LATE).sheds
    assert lag_after(LATE, LATE, LATE, IN_TIME, IN_TIME, LATE, IN_TIME, IN_TIME).sheds
    assert not lag_after(LATE, LATE, LATE, IN_TIME, IN_TIME, IN_TIME).sheds
    assert not lag_after(LATER, LATER, LATER, LATER, max_ms=0).sheds


@given(st.lists(st.integers(min_value=0, max_value=1_000), max_size=30))
def test_it_always_recovers(waits_ms: list[int]) -> None:
    """Whatever came before, so many sweeps in time end it."""
    assert not lag_after(*waits_ms, *[EVERY_MS] * LOOKS).sheds


def test_calls_that_run_go_on_while_new_ones_are_refused(
    start: Start, simulator: Simulator
) -> None:
    """In the dialect, with a time to come back, and readiness is off; then all is as before."""
    gateway = start(limits="lag_max_ms = 100")
    simulator.gate.close()
    with Wire(gateway.port) as running:
        running.send(request(chat(stream=True)))
        assert simulator.gate.wait(1, 5)
        gateway.late_ms = EVERY_MS + 200
        gateway.until(lambda: gateway.pipeline.lag.sheds, "it sheds")

        refused = ask(gateway, chat())
        assert (refused.status, refused.code) == (503, "overloaded")
        assert refused.header("retry-after") == "2"
        other = ask(gateway, message(), "/v1/messages")
        assert (other.code, other.json["error"]["type"]) == ("overloaded", "overloaded_error")
        assert ask(gateway, path="/readyz", method="GET").status == 503
        assert ask(gateway, path="/healthz", method="GET").status == 200
        simulator.gate.release()
        assert running.read().payload.endswith(b"[DONE]\n\n")

    gateway.late_ms = 0
    gateway.until(lambda: not gateway.pipeline.lag.sheds, "it has recovered")
    assert ask(gateway, path="/readyz", method="GET").status == 200
    assert ask(gateway, chat()).status == 200
