"""The page that takes decisions: what it shows, and which forms it believes."""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest

from headgate.governance.keeper import ask
from headgate.governance.settings import Rule
from tests.console.books import HOST, Books, make_snapshot
from tests.governance.shown import ASKING, SHOWN

HERE = {"origin": f"http://{HOST}"}
ATTACK = "<script>alert(1)</script>"


class Gateway(http.server.BaseHTTPRequestHandler):
    """Takes decisions with one key, and refuses all others."""

    heard: list[tuple[str, str, dict[str, str]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        key = self.headers["authorization"]
        type(self).heard.append((self.path, key, body))
        good = key == "Bearer hg_bob"
        answer = b"{}" if good else b'{"error": {"message": "It is your own."}}'
        self.send_response(200 if good else 403)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[str]:
    """Where decisions go."""
    Gateway.heard = []
    with http.server.HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def asked(books: Books) -> None:
    """Have a request in the books, whose body was hostile."""
    shown = msgspec.structs.replace(SHOWN, prompt=ATTACK, tools=(ATTACK,))
    with books.engine.begin() as connection:
        ask(connection, msgspec.structs.replace(ASKING, shown=shown), "worker-0-1", 1)


def form_of(page: str, **changes: str) -> dict[str, str]:
    """Return the fields of the page's form as a browser would send them."""
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    return {**fields, "key": "hg_bob", "reason": "fine", "decision": "approve", **changes}


def test_it_shows_what_a_decision_binds_and_passes_it_on(books: Books, gateway: str) -> None:
    """Who decides is whoever's key is in the form; the gateway judges, and its no is shown."""
    asked(books)
    rules = {"dear": Rule("dear", "organisation", ("bob", "carol"))}
    snapshot = replace(make_snapshot(), approvals=rules)
    client = books.client(gateway_url=gateway, snapshot=snapshot)
    page = client.get("/approvals").text
    form = form_of(page)

    good = client.post("/approvals", data=form, headers=HERE)
    bad = client.post("/approvals", data={**form, "key": "hg_alice"}, headers=HERE)

    assert "1 request for approval" in client.get("/").text
    assert "alice asks for mini, up to $0.050000000" in page
    assert "bob, carol may decide" in page
    assert ATTACK not in page
    assert (good.status_code, good.headers["location"]) == (303, "/approvals")
    assert bad.status_code == 403
    assert "It is your own." in bad.text
    path, key, said = Gateway.heard[0]
    assert (path, key) == ("/v1/approvals/apr_1", "Bearer hg_bob")
    assert said == {"decision": "approve", "digest": form["digest"], "reason": "fine"}


@pytest.mark.parametrize("field", ["mark", "digest", "approval", "decision"])
def test_a_form_that_was_not_made_here_goes_nowhere(books: Books, gateway: str, field: str) -> None:
    """What a form is about is marked, and nothing of it can be exchanged."""
    asked(books)
    client = books.client(gateway_url=gateway)
    form = form_of(client.get("/approvals").text, **{field: "other"})

    answer = client.post("/approvals", data=form, headers=HERE)

    assert answer.status_code == 403
    assert client.post("/approvals", data=form_of("")).status_code == 403
    assert not Gateway.heard


def test_a_gateway_that_does_not_answer_is_told(books: Books) -> None:
    """Nothing is decided, and the page says so."""
    asked(books)
    client = books.client(gateway_url="http://127.0.0.1:1")

    answer = client.post("/approvals", data=form_of(client.get("/approvals").text), headers=HERE)

    assert answer.status_code == 403
    assert "does not answer" in answer.text
