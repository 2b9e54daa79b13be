"""Every route that can spend money has its hold in the journal before the upstream sees a byte."""

import ast
import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

import headgate.gateway
from headgate.dialects.registry import dialects
from headgate.gateway.endpoints import PATHS
from headgate.ledger.tables import allotment
from headgate.store.database import open_store_readonly
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import (
    CHAT,
    COUNT,
    EMBEDDINGS,
    GEMINI,
    GEMINI_COUNT,
    INPUT_TOKENS,
    MESSAGES,
    RESPONSES,
    chat,
    content,
    embedding,
    message,
    post,
    response,
)
from tests.torture.checker import check
from tests.torture.journal_files import read_all

FORM = {"content-type": "multipart/form-data; boundary=x"}


def form(file: str) -> bytes:
    """Return a form with a model and a file."""
    disposition = b"--x\r\ncontent-disposition: form-data; name="
    model = disposition + b'"model"\r\n\r\nmini\r\n'
    return b'%b%b"%b"; filename="a"\r\n\r\nHello\r\n--x--\r\n' % (
        model,
        disposition,
        file.encode(),
    )


BODIES = {
    CHAT: chat("Hello"),
    MESSAGES: message("Hello"),
    COUNT: message("Hello"),
    RESPONSES: response("Hello"),
    INPUT_TOKENS: response("Hello"),
    EMBEDDINGS: embedding("Hello"),
    GEMINI: content("Hello"),
    GEMINI_COUNT: content("Hello"),
    "/v1/images/generations": json.dumps({"model": "mini", "prompt": "Hello"}).encode(),
    "/v1/images/edits": form("image"),
    "/v1/images/variations": form("image"),
    "/v1/moderations": json.dumps({"model": "mini", "input": "Hello"}).encode(),
    "/v1/audio/speech": json.dumps({"model": "mini", "input": "Hello"}).encode(),
    "/v1/audio/transcriptions": form("file"),
    "/v1/audio/translations": form("file"),
}
"""A body for every route that spends money; a new route needs a line here."""

UNSUPPORTED = "endpoint_unsupported"
UNSERVED = (
    "/v1/assistants",
    "/v1/fine_tuning/jobs",
    "/v1/responses/compact",
    "/v1/threads/thread_1/runs",
    "/v1/vector_stores",
    "/v1/videos",
    "/v1beta/cachedContents",
    "/v1beta/models/flash:embedContent",
)
"""What providers have and we do not serve."""

ROUTE = """
[routes.both]
deployments = ["mini", "gpt-5-5"]
"""


@dataclass
class Witness:
    """A provider that looks at the journal when the first byte of a request comes.

    Attributes:
        open_holds: For each request, the attempts that were held and not ended at that moment.
        carved: For each request, what allotments were carved then and had not ended.
    """

    data_dir: Path
    open_holds: list[list[str]] = field(default_factory=list)
    carved: list[list[str]] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Look, then refuse in a way that lets another deployment be tried."""
        while await reader.read(1):
            self.open_holds.append(open_holds(self.data_dir))
            self.carved.append(carved(self.data_dir))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            body = b'{"error":{"message":"busy","type":"server_error"}}'
            writer.write(
                b"HTTP/1.1 503 Busy\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n%b" % (len(body), body)
            )
            await writer.drain()
        writer.close()


def open_holds(data_dir: Path) -> list[str]:
    """Return the attempts that the journals on disk have as held now."""
    found: dict[str, None] = {}
    for _, record in read_all(data_dir):
        if record["k"] == "hold":
            found[record["attempt"]] = None
        elif record["k"] in ("settle", "void"):
            found.pop(record["attempt"])
    return list(found)


def carved(data_dir: Path) -> list[str]:
    """Return the windows of allotments that last, as the store has them now."""
    engine = open_store_readonly(data_dir)
    try:
        with engine.connect() as connection:
            lasting = select(allotment.c.window).where(allotment.c.ended_ns.is_(None))
            return list(connection.scalars(lasting))
    finally:
        engine.dispose()


@contextmanager
def witness(data_dir: Path) -> Iterator[Witness]:
    """Run a witness in a thread."""
    found = Witness(data_dir)
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def run() -> None:
        server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        found.url = f"http://{host}:{port}"
        ready.set()
        async with server:
            await stopping.wait()

    stopping = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    assert ready.wait(10)
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
        loop.close()


def test_every_spending_route_is_listed() -> None:
    """The routes that spend are exactly the dialects', and this file has a body for each."""
    assert set(BODIES) == {dialect.PATH for dialect in dialects().values()}
    assert not set(PATHS) & {path.encode() for path in BODIES}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestNode, Witness]]:
    """A node whose every provider is a witness."""
    folder = tmp_path_factory.mktemp("watched")
    with (
        witness(folder / "data") as seen,
        running_node(
            folder,
            budgets=[once("organisation", "1")],
            openai_url=seen.url,
            anthropic_url=seen.url,
            gemini_url=seen.url,
        ) as node,
    ):
        yield node, seen
        assert node.stop() == 0
    assert not check(node.data_dir).problems


@pytest.mark.parametrize("path", sorted(dialect.PATH for dialect in dialects().values()))
def test_the_hold_is_in_the_journal_before_the_first_byte(
    watched: tuple[TestNode, Witness], path: str
) -> None:
    """When the first byte reaches the provider, the attempt's hold is on disk, and only it."""
    node, seen = watched
    seen.open_holds.clear()
    for number in range(1, 4):
        body = BODIES[path]
        headers = FORM if body.startswith(b"--x") else None
        reply = post(
            node.gateway_url, path.replace("{model}", "flash"), node.key(), body, headers=headers
        )
        assert reply.code == "upstream_overloaded", reply
        assert seen.open_holds[-1] == [f"{reply.headers['x-headgate-call']}.1"]
        assert len(seen.open_holds) == number


def test_all_of_a_batch_is_held_before_the_first_byte(watched: tuple[TestNode, Witness]) -> None:
    """When the first byte reaches the provider its money is carved, and stays so while it fails."""
    node, seen = watched
    seen.carved.clear()
    line = {"custom_id": "one", "params": json.loads(message("Hello"))}
    body = json.dumps({"requests": [line]}).encode()

    made = post(node.gateway_url, "/v1/messages/batches", node.key(), body).document["id"]
    until(lambda: len(seen.carved) == 2, "the provider was asked twice")

    assert seen.carved == [[f"batch:alice/{made}@once"]] * 2
    path = f"/v1/messages/batches/{made}"
    post(node.gateway_url, f"{path}/cancel", node.key(), b"")
    until(lambda: not carved(node.data_dir), "the batch is settled")

    def ended() -> bool:
        told = post(node.gateway_url, path, node.key(), b"", method="GET").document
        return bool(told["processing_status"] == "ended")

    until(ended, "its client hears of it")


def test_each_attempt_has_a_hold_of_its_own_before_it_is_sent(tmp_path: Path) -> None:
    """A call that is tried at a second deployment is held a second time, before the second send."""
    with (
        witness(tmp_path / "data") as seen,
        running_node(
            tmp_path, budgets=[once("organisation", "1")], openai_url=seen.url, extra=ROUTE
        ) as node,
    ):
        reply = post(node.gateway_url, CHAT, node.key(), chat("Hello", model="both"))
        call = reply.headers["x-headgate-call"]
        assert seen.open_holds == [[f"{call}.1"], [f"{call}.2"]]
        assert node.stop() == 0
    report = check(node.data_dir)
    assert not report.problems
    assert [a.end and a.end.get("final", True) for a in report.attempts.values()] == [False, True]


def test_routes_that_spend_nothing_reach_no_provider(watched: tuple[TestNode, Witness]) -> None:
    """Nothing but the dialects' routes, and batches that are held, ever opens one upstream."""
    node, seen = watched
    seen.open_holds.clear()
    body = json.dumps({"model": "mini"}).encode()
    for path in [*(each.decode() for each in PATHS), *UNSERVED, "/v1/nothing"]:
        for method in ("GET", "POST", "DELETE"):
            reply = post(node.gateway_url, path, node.key(), body, method=method)
            if path in UNSERVED and method == "POST":
                assert (reply.status, reply.code) == (501, UNSUPPORTED)
                assert "docs/reference/http.md#not-served" in reply.body.decode()
    assert seen.open_holds == []


def test_nothing_but_the_pipeline_sends_to_a_provider() -> None:
    """A connection to a provider is taken where the hold was just written down, and nowhere else.

    What takes or opens one, and what writes to it, is called in these functions alone.
    """
    gateway = Path(headgate.gateway.__file__).parent
    senders = {"take", "connect", "send", "send_pieces", "form_head"}
    found = {
        (source.stem, function.name, call.func.attr)
        for source in gateway.rglob("*.py")
        for function in ast.walk(ast.parse(source.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if call.func.attr in senders and _is_of_provider(call.func)
    }

    assert found == {
        ("pipeline", "dispatch", "take"),
        ("pipeline", "dispatch", "connect"),
        ("pipeline", "dispatch", "send"),
        ("pipeline", "send", "send"),
        ("exchange", "connected", "send"),
        ("forms", "send_form", "send_pieces"),
        ("forms", "send_form", "form_head"),
    }


def _is_of_provider(function: ast.Attribute) -> bool:
    """Tell whether a method is called on a pool, a pipeline, an upstream or a target."""
    owner = ast.unparse(function.value).rpartition(".")[2]
    return owner in ("pool", "upstream", "target", "self", "_pipeline")
