"""What a caller is told whose call does not fit because others run."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headgate.units.money import format_usd
from tests.node.harness import once_nanos, running_node
from tests.node.wire import CHAT, chat, post


def test_a_refusal_says_what_calls_that_run_hold(tmp_path: Path) -> None:
    """Most of a hold comes back when its call ends, so that a later try may be served.

    Once nothing runs, what is left is what is left.
    """
    with running_node(tmp_path / "quoting") as quoting:
        hold = quoting.hold_nanos(chat("Hello"), CHAT)
    budget = once_nanos("organisation", hold * 3 // 2)
    with running_node(tmp_path / "node", budgets=[budget]) as node:
        node.simulator.gate.close()
        with ThreadPoolExecutor() as pool:
            runs = pool.submit(post, node.gateway_url, CHAT, node.key(), chat("Hello"))
            assert node.simulator.gate.wait(1, 30)
            refused = post(node.gateway_url, CHAT, node.key(), chat("Hello"))
            node.simulator.gate.release()
            assert runs.result().status == 200
        node.await_nothing_held()
        later = post(node.gateway_url, CHAT, node.key(), chat("Hello", tokens=100_000))

    assert refused.status == later.status == 402
    held = f"Calls that run hold ${format_usd(hold)}; what they leave of it is free when they end."
    assert held in refused.document["error"]["message"]
    assert "Calls that run hold" not in later.document["error"]["message"]
