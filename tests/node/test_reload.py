"""A configuration is changed while calls run: none is lost, and the books stay right."""

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from openai import AsyncOpenAI
from sqlalchemy import select
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.insights.contract import ReloadView
from headgate.insights.contract_budgets import BudgetView
from headgate.node.outcome import last
from headgate.node.paths import run_dir
from headgate.store.audit import audit
from headgate.store.database import open_store_readonly
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Call, chat, post, send_all
from tests.torture.checker import check, render

LIMIT_NANOS = 10**10


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node that the tests of this file share; each leaves a good file behind."""
    folder = tmp_path_factory.mktemp("reload")
    with running_node(folder, budgets=[once("organisation", "10")]) as running:
        yield running
        running.await_nothing_held()
    report = check(running.data_dir, running.bill, {"organisation@once": LIMIT_NANOS})
    assert not report.problems, render(report)


def reload(node: TestNode) -> tuple[int, ReloadView]:
    """Reload as a person does; returns the exit code and what was printed."""
    done = run("--json", "--config", str(node.config), "--data-dir", str(node.data_dir))
    return done.exit_code, msgspec.json.decode(done.stdout, type=ReloadView)


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["reload", *arguments])


@contextlib.contextmanager
def changed(node: TestNode, *replacements: tuple[str, str], more: str = "") -> Iterator[None]:
    """Change the file for a while."""
    before = node.config.read_text()
    text = before
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    node.config.write_text(text + more)
    try:
        yield
    finally:
        node.config.write_text(before)


ALIAS = '\n[routes.lately]\ndeployments = ["mini"]\n'


def test_a_reload_is_obeyed_by_the_next_call(node: TestNode) -> None:
    """What it brings is there for the next call, a lowered limit too, and gone after the next.

    A limit that is lowered below what is spent is accepted, and the reload says what it means.
    """
    assert post(node.gateway_url, CHAT, node.key(), chat("Hello")).status == 200
    node.await_nothing_held()
    asking = chat("Hello", model="lately")
    assert post(node.gateway_url, CHAT, node.key(), asking).code == "model_unknown"
    lowered = ('limit_usd = "10.000000000"', 'limit_usd = "0.000000001"')
    with changed(node, lowered, more=ALIAS):
        code, printed = reload(node)
        assert (code, printed.ok, printed.problems) == (0, True, [])
        assert printed.overspent == ["organisation"]
        assert post(node.gateway_url, CHAT, node.key(), asking).code == "budget_exceeded"
    assert reload(node)[0] == 0
    assert post(node.gateway_url, CHAT, node.key(), asking).code == "model_unknown"
    assert post(node.gateway_url, CHAT, node.key(), chat("Hello")).status == 200


def test_a_deployment_without_a_price_is_warned_of(node: TestNode) -> None:
    """It is in force, and the reload says that its calls will be refused under a budget."""
    mystery = '\n[deployments.mystery]\nprovider = "openai"\nmodel = "gpt-mystery"\n'

    with changed(node, more=mystery):
        code, printed = reload(node)
        shown = run("--config", str(node.config), "--data-dir", str(node.data_dir))

    assert (code, printed.ok, printed.problems) == (0, True, [])
    assert [warning.key for warning in printed.warnings] == ["deployments.mystery"]
    assert shown.exit_code == 0
    assert "Warning: deployments.mystery: openai/gpt-mystery has no price" in shown.stderr
    assert reload(node)[1].warnings == []


TWO_TEAMS = """
[teams.other]
[budgets.old]
node = "team:research"
period = "once"
limit_usd = "5"
[budgets.new]
node = "team:other"
period = "once"
limit_usd = "5"
"""


def standing(node: TestNode, name: str) -> BudgetView:
    """Return a budget as the command line tells it."""
    folders = ("--config", str(node.config), "--data-dir", str(node.data_dir))
    printed = CliRunner().invoke(app, ["budgets", "list", "--json", *folders]).stdout
    return next(each for each in decode_budgets(printed) if each.id == name)


decode_budgets = msgspec.json.Decoder(list[BudgetView]).decode


async def moved_while_calling(node: TestNode) -> None:
    """Move alice to another team while a call of hers runs."""
    node.simulator.gate.close()
    calling = asyncio.create_task(
        send_all(node.gateway_url, [Call(CHAT, node.key(), chat("Hello", stream=True))])
    )
    assert await asyncio.to_thread(node.simulator.gate.wait, 1, 30)
    node.config.write_text(node.config.read_text().replace('team = "research"', 'team = "other"'))
    assert (await asyncio.to_thread(reload, node))[0] == 0
    assert standing(node, "old").held != ZERO
    assert standing(node, "new").held == standing(node, "new").posted == ZERO
    node.simulator.gate.release()
    (reply,) = await calling
    assert reply.whole


ZERO = "0.000000000"


@pytest.mark.slow
def test_who_is_moved_leaves_open_holds_where_they_were_made(node: TestNode) -> None:
    """A call ends on the team it began in; the next is the new team's; nothing is lost."""
    with changed(node, more=TWO_TEAMS):
        assert reload(node)[0] == 0
        asyncio.run(moved_while_calling(node))
        until(lambda: standing(node, "old").posted != ZERO, "the first is posted")
        old = standing(node, "old")
        assert (old.held, standing(node, "new").posted) == (ZERO, ZERO)
        assert post(node.gateway_url, CHAT, node.key(), chat("Hello")).status == 200
        until(lambda: standing(node, "new").posted != ZERO, "the second is posted")
        assert standing(node, "old").posted == old.posted
    assert reload(node)[0] == 0


ASIDE = """
[budgets.aside]
node = "team:research"
period = "once"
limit_usd = "4.00"
carved_from = "organisation"
"""


@pytest.mark.slow
def test_what_is_set_aside_comes_and_goes_with_the_file(node: TestNode) -> None:
    """From the next call on; what was spent of it stays counted where it was carved from."""
    before = standing(node, "organisation").posted
    with changed(node, more=ASIDE):
        assert reload(node)[0] == 0
        until(lambda: standing(node, "aside").limit == "4.000000000", "it is set aside")
        assert standing(node, "organisation").carved == "4.000000000"
        assert post(node.gateway_url, CHAT, node.key(), chat("Hello")).status == 200
        until(lambda: standing(node, "aside").posted != ZERO, "the call is posted")
        spent = standing(node, "aside").posted
    assert reload(node)[0] == 0
    until(lambda: standing(node, "organisation").carved == spent, "the rest is free again")
    assert standing(node, "organisation").posted == before


def test_a_bad_file_changes_nothing_and_is_told_whole(node: TestNode) -> None:
    """All problems are told at once, and the node goes on, even when a worker dies meanwhile."""
    with changed(node, ('provider = "google"', 'provider = "goggle"'), more="[nonsense]\n"):
        worker = node.pid("worker-0")
        code, printed = reload(node)
        assert code == 2
        assert not printed.ok
        keys = {problem.key for problem in printed.problems}
        assert keys == {"nonsense", "deployments.flash.provider", "deployments.pro.provider"}
        assert node.pid("worker-0") == worker
        node.await_successor("worker-0", node.kill("worker-0"))
        assert post(node.gateway_url, CHAT, node.key(), chat("Hello")).status == 200


def test_an_address_that_changes_is_refused_by_name(node: TestNode) -> None:
    """Where the node listens changes at a start only, and the problem says so."""
    other = 'gateway = "127.0.0.1:1"\nconsole = "127.0.0.1:2"'
    with changed(node, ('gateway = "127.0.0.1:0"\nconsole = "127.0.0.1:0"', other)):
        code, printed = reload(node)
    assert code == 2
    assert [problem.key for problem in printed.problems] == ["listen.gateway", "listen.console"]


HI = "Hi [sim:tokens=2] [sim:delay_ms=20]"


async def steady(node: TestNode, done: asyncio.Event, calls: list[str]) -> None:
    """Call again and again over connections that are kept, and never twice for one answer."""
    async with AsyncOpenAI(
        base_url=f"{node.gateway_url}/v1", api_key=node.key(), max_retries=0
    ) as client:
        while not done.is_set():
            reply = await client.chat.completions.create(
                model="mini", messages=[{"role": "user", "content": HI}], max_completion_tokens=9
            )
            calls.append(reply.id)


async def reload_under_load(node: TestNode, reloads: int) -> tuple[int, list[bool]]:
    """Reload while streams and steady calls run; returns how many calls and which streams."""
    done, calls = asyncio.Event(), list[str]()
    began = asyncio.Event()
    slow = chat("Go on. [sim:tokens=80] [sim:delay_ms=20]", tokens=100, stream=True)
    streams = [Call(CHAT, node.key(), slow, on_payload=lambda _: began.set()) for _ in range(6)]
    streaming = asyncio.create_task(send_all(node.gateway_url, streams))
    callers = [asyncio.create_task(steady(node, done, calls)) for _ in range(4)]
    await began.wait()
    for _ in range(reloads):
        code, printed = await asyncio.to_thread(reload, node)
        assert code == 0, printed
    done.set()
    await asyncio.gather(*callers)
    return len(calls), [one.status == 200 and one.whole for one in await streaming]


def test_no_call_and_no_stream_notices_a_reload(node: TestNode) -> None:
    """Over several reloads no steady call fails and no stream is cut; money lent comes back."""
    calls, streams = asyncio.run(reload_under_load(node, 2))
    assert calls > 8
    assert all(streams)
    until(lambda: not list(run_dir(node.data_dir).glob("retiring-*")), "old workers have ended")
    (standing,) = node.await_nothing_held()
    assert standing.posted_nanos > 0


def test_a_hangup_signal_reloads_too(node: TestNode) -> None:
    """SIGHUP does what the command does: it is told, kept alone and privately, and audited."""
    before = last(node.data_dir)
    node.process.send_signal(signal.SIGHUP)
    until(lambda: last(node.data_dir) != before, "the reload is told")
    outcome = last(node.data_dir)
    assert outcome is not None
    assert outcome.problems == ()
    (copy,) = run_dir(node.data_dir).glob("in-force-*.toml")
    assert copy.stat().st_mode & 0o077 == 0, "it may hold secrets"
    assert copy.read_bytes() == node.config.read_bytes()
    assert hashlib.sha256(copy.read_bytes()).hexdigest() in newest_of_audit(node)


def newest_of_audit(node: TestNode) -> str:
    """Return the detail of the newest entry of a reload."""
    engine = open_store_readonly(node.data_dir)
    reloaded = audit.c.action == "configuration.reloaded"
    query = select(audit.c.detail).where(reloaded).order_by(audit.c.seq.desc()).limit(1)
    with engine.connect() as connection:
        newest = connection.execute(query).one()
    engine.dispose()
    return str(newest.detail)


def test_without_a_node_there_is_nothing_to_reload(tmp_path: Path, node: TestNode) -> None:
    """The command says so, and how to start one."""
    done = run("--config", str(node.config), "--data-dir", str(tmp_path / "none"))
    assert done.exit_code == 2
    assert "Fix: Start one with: headgate serve" in done.stderr
