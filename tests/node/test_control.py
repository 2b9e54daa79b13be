"""Control requests over a real node: who is let in, what bad input gets, what is answered."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Row, select
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.gateway.hooks import BODY_BYTES_MAX as HOOK_BYTES_MAX
from headgate.insights.contract_control import OutcomesToldView
from headgate.insights.outcomes import outcome
from headgate.node.control.registry import answers
from headgate.records.control import (
    BATCHES,
    BODY_BYTES_MAX,
    FILES,
    OUTCOME_HOOKS,
    REPEATS,
    RESOURCES,
    RESPONSES,
)
from headgate.store.database import open_store_readonly
from tests.node.harness import TestNode, running_node
from tests.node.wire import CHAT, Reply, chat, post
from tests.trackers import messages
from tests.trackers.messages import SECRET, Message

OUTCOMES = "/v1/outcomes"
HOOKS = f"""
[outcome_hooks.code]
kind = "github"
secret = {{ value = "{SECRET}" }}
team = "research"
branch = "agent/*"
task = "merge"

[outcome_hooks.builds]
kind = "generic"
secret = {{ value = "{SECRET}" }}
principal = "bob"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node with two principals, and hooks of trackers."""
    principals = {"alice": "research", "bob": "sales"}
    folder = tmp_path_factory.mktemp("control")
    with running_node(folder, principals=principals, extra=HOOKS) as running:
        yield running


def tell(node: TestNode, body: object, who: str = "alice") -> Reply:
    """Tell an outcome."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return post(node.gateway_url, OUTCOMES, node.key(who), sent)


def test_every_resource_has_somebody_who_answers() -> None:
    """A line in the records without its file, or a file without its line, is found."""
    assert sorted(answers()) == sorted(
        [*RESOURCES, REPEATS, RESPONSES, BATCHES, FILES, OUTCOME_HOOKS]
    )


def test_an_outcome_is_taken_as_soon_as_the_call_was_answered(node: TestNode) -> None:
    """Nothing has to be waited for, and only its own principal may tell it."""
    reply = post(node.gateway_url, CHAT, node.key(), chat("Hello"))
    call = reply.headers["x-headgate-call"]

    told = tell(node, {"call": call, "success": True})
    foreign = tell(node, {"call": call, "success": True}, "bob")

    assert (told.status, told.document) == (200, {"call": call, "success": True})
    assert (foreign.status, foreign.code) == (404, "call_unknown")


def test_an_outcome_of_a_session(node: TestNode) -> None:
    """A session is named by its calls; only names are written down."""
    for name in ("chat-7", "not a name"):
        headers = {"x-headgate-session": name}
        assert post(node.gateway_url, CHAT, node.key(), chat("Hi"), headers=headers).status == 200

    told = tell(node, {"session": "chat-7", "success": True})
    other = tell(node, {"session": "not a name", "success": True})
    foreign = tell(node, {"session": "chat-7", "success": True}, "bob")

    assert (told.status, told.document) == (200, {"session": "chat-7", "success": True})
    assert other.code == foreign.code == "call_unknown"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_malformed"),
        (b"{", "body_malformed"),
        (b"\xff", "body_malformed"),
        ({}, "body_invalid"),
        ({"success": True}, "body_invalid"),
        ({"success": True, "call": "a", "run": "b"}, "body_invalid"),
        ({"success": True, "session": "a", "run": "b"}, "body_invalid"),
        ({"success": "yes", "call": "a"}, "body_invalid"),
        ({"success": True, "call": "a", "unknown": 1}, "body_invalid"),
        ({"success": True, "call": "a", "value_usd": "much"}, "body_invalid"),
        ({"success": True, "call": "a", "human_minutes": -1}, "body_invalid"),
        ({"success": True, "call": "a"}, "call_unknown"),
        (b"x" * (BODY_BYTES_MAX + 1), "body_too_large"),
    ],
)
def test_bad_input_is_refused_by_its_code(node: TestNode, body: object, code: str) -> None:
    """And nothing is kept of it."""
    assert tell(node, body).code == code


def test_others_are_not_let_in(node: TestNode) -> None:
    """Without a key 401, with another method 405, and what does not exist 404."""
    body = b'{"run": "r", "success": true}'
    assert post(node.gateway_url, OUTCOMES, None, body).code == "key_invalid"
    assert post(node.gateway_url, OUTCOMES, node.key(), b"", method="GET").status == 405
    assert post(node.gateway_url, f"{OUTCOMES}/1", node.key(), body).code == "path_unknown"
    assert post(node.gateway_url, "/v1/outcome", node.key(), body).code == "path_unknown"


def test_a_history_tells_what_became_of_runs(
    node: TestNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Merged runs of the key's own are told; others are refused, and said to be."""
    headers = {"x-headgate-run": "ticket-9"}
    assert post(node.gateway_url, CHAT, node.key(), chat("Hi"), headers=headers).status == 200
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.invalid"]
    message = "Fix\n\nHeadgate-Run: ticket-9\nHeadgate-Run: somebody-elses"
    subprocess.run([*git, "init"], check=True, capture_output=True)
    commit = [*git, "-c", "commit.gpgsign=false", "commit", "--allow-empty", "-m", message]
    subprocess.run(commit, check=True, capture_output=True)
    monkeypatch.setenv("HEADGATE_KEY", node.key())

    arguments = ["outcomes", "import", "--git", str(tmp_path), "--url", node.gateway_url, "--json"]
    result = CliRunner().invoke(app, arguments)

    printed = msgspec.json.decode(result.stdout, type=OutcomesToldView)
    assert (printed.commits, printed.told, printed.reverted) == (1, 1, 0)
    assert printed.refused == ["This key has made no run 'somebody-elses'."]


def hook(node: TestNode, name: str, message: Message, **headers: str) -> Reply:
    """Post a tracker's message, without a key."""
    sent = {**message.headers, **headers}
    return post(node.gateway_url, f"{OUTCOMES}/hooks/{name}", None, message.body, headers=sent)


def run(node: TestNode, name: str, who: str = "alice") -> None:
    """Make a call of a run."""
    headers = {"x-headgate-run": name}
    reply = post(node.gateway_url, CHAT, node.key(who), chat("Hi"), headers=headers)
    assert reply.status == 200


def outcomes(node: TestNode, run: str) -> list[Row[Any]]:
    """Return what is kept of a run."""
    engine = open_store_readonly(node.data_dir)
    with engine.connect() as connection:
        found = connection.execute(select(outcome).where(outcome.c.subject == run)).all()
    engine.dispose()
    return list(found)


def test_a_tracker_tells_what_became_of_a_run(node: TestNode) -> None:
    """Of its own team's alone, and once: what comes again, by whatever name, changes nothing.

    What a principal has told beside stays, and a reopened request was no success after all.
    """
    for who in ("alice", "bob"):
        run(node, "ticket-7", who)
    told = {"run": "ticket-7", "success": False, "human_minutes": 3, "task": "fix"}
    assert tell(node, told).status == 200
    merged = messages.github_pull_request("closed", merged=True)

    first = hook(node, "code", merged)
    again = hook(node, "code", merged)
    renamed = hook(node, "code", merged, **{"x-github-delivery": "another"})
    kept = outcomes(node, "ticket-7")
    reopened = messages.github_pull_request("reopened")
    later = hook(node, "code", reopened, **{"x-github-delivery": "one more"})

    success = {"run": "ticket-7", "principal": "alice", "success": True}
    assert (first.status, first.document) == (200, {"told": [success]})
    assert again.status == renamed.status == 202
    assert again.document == renamed.document == {"ignored": "It was told before."}
    (row,) = kept
    assert (row.principal, row.success, row.human_seconds) == ("alice", True, 180)
    assert (row.task, row.note) == ("merge", "hook code: acme/app#12 merged")
    assert later.document == {"told": [{**success, "success": False}]}
    assert [row.success for row in outcomes(node, "ticket-7")] == [False]


def test_a_tracker_tells_of_nobody_elses_work(node: TestNode) -> None:
    """Neither of other principals' runs nor of such as never were; it may tell of those later."""
    run(node, "nightly-1")
    foreign = messages.generic(run="nightly-1")

    unknown = hook(node, "builds", foreign)
    run(node, "nightly-1", "bob")
    known = hook(node, "builds", foreign)

    nobody = "Nobody of principal:bob has made run 'nightly-1'."
    assert (unknown.status, unknown.document) == (202, {"ignored": nobody})
    assert known.document["told"] == [{"run": "nightly-1", "principal": "bob", "success": True}]


def test_what_no_tracker_would_send_is_refused_by_its_code(node: TestNode) -> None:
    """A key opens no hook, unsigned messages tell nothing, and large ones are not kept."""
    good = messages.generic(run="r")
    unsigned = Message(good.body, {})
    key = {"authorization": f"Bearer {node.key('bob')}"}
    large = messages.generic(run="r", note="x" * HOOK_BYTES_MAX)
    bad = messages.signed_generic(b'{"id": "1"}')
    mangled = messages.signed_generic(b"{")

    codes = [
        hook(node, "builds", unsigned).code,
        hook(node, "builds", unsigned, **key).code,
        hook(node, "nowhere", good).code,
        hook(node, "builds", large).code,
        hook(node, "builds", large, **key).code,
        hook(node, "builds", bad).code,
        hook(node, "builds", mangled).code,
        post(node.gateway_url, f"{OUTCOMES}/hooks/builds", None, b"", method="GET").code,
    ]

    assert codes == [
        *("signature_invalid", "signature_invalid", "path_unknown"),
        *("body_too_large", "body_too_large", "body_invalid", "body_malformed"),
        "method_not_allowed",
    ]
    refused = hook(node, "builds", unsigned)
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == 'Signature realm="headgate"'
