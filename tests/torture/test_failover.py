"""Providers die, stall, throttle and come back under a crowd: no error, and exact books."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.simulator import Fault, FaultKind
from headgate.units.money import parse_usd
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, MESSAGES, Call, chat, message, post, send_all
from tests.torture.checker import check, render

LIMIT = "500"
ROUTES = """
[routes.gpt]
deployments = ["mini", "gpt-5-5"]
policy = "ordered"
[routes.claude]
deployments = ["haiku", "opus"]
policy = "ordered"
"""
QUICK = "breaker_failures = 5\nbreaker_open_ms = 50\nretries_burst = 10000"
SHORT = "first_byte_timeout_ms = 1500\nidle_timeout_ms = 1500"
"""Long enough for who is well on a machine that is busy, short for who waits for a stall."""
KINDS = [
    FaultKind.OVERLOADED,
    FaultKind.SERVER_ERROR,
    FaultKind.BAD_GATEWAY,
    FaultKind.UNAUTHORIZED,
    FaultKind.QUOTA,
    FaultKind.RATE_LIMIT,
    FaultKind.RESET,
    FaultKind.STALL,
]
FIRST_CHOICES = ("gpt-5.4-mini", "claude-haiku-4-5")
STRUCK = 9
"""How many calls of each first choice a fault strikes: enough to open its breaker, and to probe."""


def crowd(key: str, number: int, *, stream: bool) -> list[Call]:
    """Return calls, half of them in each dialect."""
    return [
        Call(CHAT, key, chat(f"Call {count}. [sim:tokens=20]", model="gpt", stream=stream))
        if count % 2
        else Call(MESSAGES, key, message(f"Call {count}.", model="claude", stream=stream))
        for count in range(number)
    ]


def rules(node: TestNode) -> dict[str, str | None]:
    """Return by deployment what `headgate routes --json` says it is passed over by."""
    where = ["--config", str(node.config), "--data-dir", str(node.data_dir)]
    result = CliRunner().invoke(app, ["routes", "--json", *where])
    assert result.exit_code == 0, result.output
    return {
        each["deployment"]: each["rule"]
        for route in json.loads(result.stdout)
        for each in route["candidates"]
    }


@pytest.mark.parametrize("stream", [False, True])
def test_no_client_sees_an_error_that_another_deployment_could_avoid(
    tmp_path: Path, stream: bool
) -> None:
    """Every kind of outage in turn, under a crowd: all are served, and bill and books agree."""
    ends = {CHAT: b"[DONE]", MESSAGES: b"message_stop"}
    with running_node(
        tmp_path,
        budgets=[once("organisation", LIMIT)],
        limits=QUICK,
        provider=SHORT,
        extra=ROUTES,
    ) as node:
        for kind in KINDS:
            for model in FIRST_CHOICES:
                fault = Fault(kind, times=STRUCK, model=model, retry_after_s=1)
                node.simulator.faults.add(fault)
            calls = crowd(node.key(), 40, stream=stream)

            replies = asyncio.run(send_all(node.gateway_url, calls))

            failed = [reply for reply in replies if reply.status != 200 or not reply.whole]
            assert not failed, (kind, failed[0])
            if stream:
                whole = [ends[c.path] in r.body for c, r in zip(calls, replies, strict=True)]
                assert all(whole), kind
            node.simulator.faults.clear()
        assert node.stop() == 0
        report = check(node.data_dir, node.bill, {"organisation@once": parse_usd(LIMIT)})
        assert not report.problems, render(report)


def test_the_commands_tell_who_is_passed_over(tmp_path: Path) -> None:
    """`routes` names the rule while it holds, and `explain` the one a call's decision went by."""
    with running_node(tmp_path, limits="breaker_failures = 1", extra=ROUTES) as node:
        assert rules(node) == dict.fromkeys(("mini", "gpt-5-5", "haiku", "opus"))
        node.simulator.faults.add(Fault(FaultKind.SERVER_ERROR, model=FIRST_CHOICES[0]))
        node.simulator.faults.add(
            Fault(FaultKind.RATE_LIMIT, model=FIRST_CHOICES[1], retry_after_s=300)
        )
        for path, body in (
            (CHAT, chat("Hi", model="gpt")),
            (MESSAGES, message("Hi", model="claude")),
        ):
            assert post(node.gateway_url, path, node.key(), body).status == 200
        wanted = {"mini": "breaker_open", "gpt-5-5": None, "haiku": "throttled", "opus": None}
        until(lambda: rules(node) == wanted, "the command line knows")

        call = post(node.gateway_url, MESSAGES, node.key(), message("Hi", model="claude"))
        node.await_nothing_held()

        where = ["--config", str(node.config), "--data-dir", str(node.data_dir)]
        command = ["explain", call.headers["x-headgate-call"], "--json", *where]
        # The call is told once its records are folded, a moment after its answer.
        until(lambda: CliRunner().invoke(app, command).exit_code == 0, "the call is known")
        (decision,) = json.loads(CliRunner().invoke(app, command).stdout)["decisions"]
        told = {each["deployment"]: each["excluded"] for each in decision["candidates"]}
        assert told == {"opus": None, "haiku": "throttled"}
