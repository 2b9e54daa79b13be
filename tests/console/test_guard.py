"""Who may look at the console, and what every answer carries."""

import asyncio
import re
from hashlib import sha256
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import Message

from headgate.config.snapshot import ConsoleListen
from headgate.console import app
from headgate.console.forms import read_form
from headgate.console.guard import CONTENT_POLICY
from headgate.console.workbench import Workbench
from tests.console.books import HOST, Books, make_snapshot

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "console.md"
TOKEN = "a-token-of-some-length"
HERE = {"origin": f"http://{HOST}"}
CALL = "call_w000000001"
ROUTES = {
    "/": "/",
    "/data/spend.json": "/data/spend.json?minutes=15",
    "/spend.csv": "/spend.csv?by=team",
    "/spend.json": "/spend.json",
    "/calls": "/calls?state=measured",
    "/calls.csv": "/calls.csv",
    "/calls.json": "/calls.json",
    "/calls/{call}": f"/calls/{CALL}",
    "/calls/{call}.csv": f"/calls/{CALL}.csv",
    "/calls/{call}.json": f"/calls/{CALL}.json",
    "/budgets": "/budgets",
    "/budgets.csv": "/budgets.csv",
    "/budgets.json": "/budgets.json",
    "/routes": "/routes",
    "/routes.csv": "/routes.csv",
    "/routes.json": "/routes.json",
    "/deployments.csv": "/deployments.csv",
    "/deployments.json": "/deployments.json",
    "/prices": "/prices?at=2026-08-01",
    "/prices.csv": "/prices.csv",
    "/prices.json": "/prices.json",
    "/keys": "/keys",
    "/keys.csv": "/keys.csv",
    "/keys.json": "/keys.json",
    "/approvals": "/approvals",
    "/approvals.csv": "/approvals.csv",
    "/approvals.json": "/approvals.json",
    "/reconcile": "/reconcile",
    "/reconcile.csv": "/reconcile.csv",
    "/reconcile.json": "/reconcile.json",
    "/runs": "/runs",
    "/runs.csv": "/runs.csv",
    "/runs.json": "/runs.json",
    "/desk": "/desk?report=claims",
    "/desk.json": "/desk.json?report=claims",
    "/login": "/login",
    "/logout": "/logout",
}


def test_every_route_is_listed_here(books: Books) -> None:
    """A route that is added is guarded by these tests, or this one fails."""
    routes = app.build(books.world()).routes

    assert {route.path for route in routes if isinstance(route, Route)} == set(ROUTES)
    (static,) = (route for route in routes if not isinstance(route, Route))
    assert isinstance(static, Mount)
    assert static.path == "/static"
    for path in ROUTES:
        assert f"| `{path}` |" in DOCS.read_text()


def test_every_answer_carries_the_security_headers(books: Books) -> None:
    """Pages, fragments, data, files and errors: the policy holds on all of them."""
    books.settle(books.hold(), {"input_uncached": 10})
    books.fold()

    client = books.client()

    for path in (*ROUTES.values(), "/static/console.css", "/nothing", "/?minutes=7"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == CONTENT_POLICY, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_every_route_only_reads(books: Books, tmp_path: Path) -> None:
    """Nothing but GET and HEAD is understood, save by the three that take a form."""
    books.settle(books.hold(), {"input_uncached": 10})
    books.fold()
    client = books.client(workbench=Workbench(tmp_path / "headgate.toml", tmp_path))

    for path in ROUTES.values():
        if path in ("/login", "/logout", "/approvals"):
            continue
        assert client.get(path).status_code == 200, path
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert client.request(method, path, headers=HERE).status_code == 405, path


def test_a_foreign_host_name_is_refused(books: Books) -> None:
    """A name that was rebound to this machine reads nothing; no name at all is no request."""
    client = books.client()

    assert client.get("/", headers={"host": "evil.example:8081"}).status_code == 421
    assert client.get("/", headers={"host": "127.0.0.1"}).status_code == 421
    assert client.get("/static/console.css", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/", headers=[("host", "127.0.0.1:8081"), ("host", "a")]).status_code == 400


def test_pages_of_other_sites_may_not_ask(books: Books) -> None:
    """A request that names another origin is refused, whatever it asks for."""
    client = books.client()

    assert client.get("/", headers={"origin": "https://evil.example"}).status_code == 403
    assert client.get("/", headers={"origin": "null"}).status_code == 403
    assert client.get("/", headers={"origin": "http://127.0.0.1:8081"}).status_code == 200


def test_a_proxy_that_keeps_the_host_is_answered_by_name(books: Books) -> None:
    """The browser's own address is that of the proxy, in the form that it sends as well."""
    hosts = ConsoleListen(names=("console.example",)).hosts(8081)
    client = books.client(hosts=hosts, token=TOKEN)
    headers = {"host": "console.example", "x-forwarded-proto": "https"}
    form = {**headers, "origin": "https://console.example"}

    assert client.get("/", headers=headers).status_code == 401
    assert client.post("/login", data={"token": TOKEN}, headers=form).status_code == 303
    assert client.get("/", headers={"host": "console.example:8081"}).status_code == 421


def test_without_a_token_only_this_machine_is_served(books: Books) -> None:
    """Another machine is refused although it names the right host."""
    assert books.client("192.0.2.7").get("/").status_code == 403


def test_with_a_token_nothing_is_told_before_it_is_shown(books: Books) -> None:
    """Every route answers with the form, which says nothing of the organisation."""
    client = _secretive(books)

    for path in ROUTES.values():
        if path == "/login":
            continue
        answer = client.get(path)
        assert answer.status_code == 401, path
        assert "Sign in" in answer.text
        assert "secretive" not in answer.text


@pytest.mark.parametrize("path", ["/static/nothing", "/login/nothing"])
def test_errors_tell_nothing_either(books: Books, path: str) -> None:
    """What is not there is told to anybody who may ask, without a word of what is."""
    answer = _secretive(books).get(path)

    assert answer.status_code in (401, 404)
    assert "secretive" not in answer.text


def _secretive(books: Books) -> TestClient:
    snapshot = make_snapshot(organisation="secretive")
    return books.client(token=TOKEN, snapshot=snapshot)


def test_the_form_begins_a_session(books: Books) -> None:
    """The right token gives a cookie that scripts and other sites cannot use."""
    client = books.client(token=TOKEN)

    refused = client.post("/login", data={"token": "wrong"}, headers=HERE)
    answer = client.post("/login", data={"token": TOKEN}, headers=HERE)

    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert client.get("/").status_code == 200


def test_a_link_with_the_token_begins_a_session_and_forgets_it(books: Books) -> None:
    """The token leaves the address at once, also when a session exists already."""
    client = books.client(token=TOKEN)

    assert client.get("/?token=wrong").status_code == 401
    for _ in range(2):
        answer = client.get(f"/?token={TOKEN}")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
    assert client.get("/").status_code == 200


def test_a_link_with_the_token_leads_nowhere_else(books: Books) -> None:
    """A path that looks like another host stays a path."""
    answer = books.client(token=TOKEN).get(f"http://127.0.0.1:8081//evil.example/?token={TOKEN}")

    assert answer.headers["location"] == "/evil.example/"


def test_the_form_is_bounded(books: Books) -> None:
    """A body larger than any token is not read to its end."""
    answer = books.client(token=TOKEN).post(
        "/login", content=b"token=" + b"a" * 100_000, headers=HERE
    )

    assert answer.status_code == 413


def test_a_form_must_come_from_a_page_of_the_console(books: Books) -> None:
    """What is sent names the console as its origin; no name and another's are both refused."""
    client = books.client(token=TOKEN)
    origins: list[dict[str, str]] = [{}, {"origin": "null"}, {"origin": "http://evil.example"}]

    for headers in origins:
        answer = client.post("/login", data={"token": TOKEN}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_an_empty_token_is_no_token(books: Books) -> None:
    """A configuration mistake does not open the console."""
    with pytest.raises(ValueError, match="may not be empty"):
        books.world(token="")
    with pytest.raises(ValueError, match="host name"):
        books.world(hosts=frozenset())


def test_vendored_files_are_what_they_are_said_to_be() -> None:
    """Their sums are those in `VENDORED.md`, and each has its licence beside it."""
    listed = re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", _vendored(), re.MULTILINE)
    vendor = app.STATIC / "vendor"

    assert {name for name, _ in listed} == {
        path.name for path in vendor.iterdir() if not path.name.endswith(".LICENSE.txt")
    }
    for name, digest in listed:
        assert sha256((vendor / name).read_bytes()).hexdigest() == digest
        assert (vendor / f"{name.partition('.')[0]}.LICENSE.txt").exists()


def _vendored() -> str:
    return (app.STATIC / "VENDORED.md").read_text()


def test_a_form_that_does_not_come_is_waited_for_no_longer() -> None:
    """Whoever has not signed in yet can send one, byte by byte."""

    async def nothing() -> Message:
        await asyncio.get_running_loop().create_future()
        return {}

    request = Request({"type": "http", "method": "POST", "headers": []}, nothing)

    with pytest.raises(HTTPException) as found:
        asyncio.run(read_form(request, 0.01))

    assert found.value.status_code == 408
