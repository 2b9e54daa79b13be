"""The guide to several nodes: what it shows is run, on the ports and with the commands it names."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from headgate.store.postgresql import make_server_engine
from headgate.units.money import format_usd, parse_usd
from tests import stores
from tests.guides.running import BLOCK, GUIDES, matches, read_guide
from tests.node.harness import ROOT, running_node, until
from tests.node.wire import CHAT, chat, post

TEXT = (GUIDES / "nodes.md").read_text(encoding="utf-8")
BLOCKS = dict(reversed(BLOCK.findall(TEXT)))
COMMAND = re.search(r"`\.venv/bin/(headgate budgets [^`]*)`", TEXT)
TOOLS = Path(sys.executable).parent
URLS = re.findall(r"ready on (http://\S+)", TEXT)


@contextmanager
def shown(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run what `make nodes` does; ended as by Ctrl-C in the terminal it was started in."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["scripts/nodes"], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.slow
@pytest.mark.skipif(
    TOOLS != ROOT / ".venv/bin" or stores.binaries() is None,
    reason="needs `make setup` and PostgreSQL",
)
def test_two_nodes_are_shown_with_one_budget(tmp_path: Path) -> None:
    """`make nodes` prints what is said; a call at either counts for both; all of it ends."""
    log = tmp_path / "printed"
    with shown(log) as process:
        until(lambda: process.poll() is not None or "KEY=" in log.read_text(), "both are ready", 90)
        printed = log.read_text()
        # The key is the last line, for someone to copy: nothing a node says comes between or after.
        *_, ready, export = printed.splitlines()
        assert ready == "nodes: both are ready", printed
        key = export.removeprefix("export HEADGATE_KEY=")
        body = chat("Count. [sim:tokens=40]", tokens=100)
        replies = [post(url, CHAT, key, body) for url in URLS]
        assert [reply.status for reply in replies] == [200, 200], printed
        spent = sum(parse_usd(reply.headers["x-headgate-cost-usd"]) for reply in replies)
        until(lambda: format_usd(spent) in budgets(), "both calls are in the books of one")
    assert process.returncode == 0
    assert not (ROOT / "build/nodes").exists()
    said = BLOCKS["console"].removeprefix("$ make nodes\n")
    for line in said.splitlines():
        assert any(matches(line, each) for each in printed.splitlines()), line


def budgets() -> str:
    """Return what the guide's command prints."""
    assert COMMAND is not None
    command = [str(TOOLS / "headgate"), *COMMAND[1].split()[1:]]
    environment = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.slow
def test_a_database_made_as_it_says_serves_a_node(tmp_path: Path) -> None:
    """By a role that owns the database and nothing else, configured by the guide's table."""
    cluster = stores.cluster()
    # The tests' own role has that name already.
    statements = BLOCKS["sql"].replace("headgate", "guided")
    engine = make_server_engine(cluster.url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for each in filter(str.strip, statements.split(";")):
            connection.execute(text(each))
    engine.dispose()
    url = f"postgresql://guided@/guided?host={cluster.folder}"
    with running_node(
        tmp_path,
        extra=read_guide("nodes").configuration,
        environment={"HEADGATE_STORE": url},
    ) as node:
        assert post(node.gateway_url, CHAT, node.key(), chat("Hi")).status == 200
        node.await_nothing_held()
        assert (node.data_dir / "store.url").read_text().strip() == url
