"""`headgate doctor`: what it asks providers, and what it says of the machine."""

import socket
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from headgate.cli.doctor_checks import check_provider
from headgate.cli.doctor_machine import check_in_force, check_open_files, check_prices
from headgate.cli.doctor_online import check_online
from headgate.config.load import load
from headgate.insights.contract import CheckView
from headgate.node.paths import in_force_path, run_dir, socket_path
from headgate.providers.settings import Provider
from tests.cli.test_main import checks
from tests.gateway.proxy import HttpProxy

DAY_NS = 86_400 * 10**9


class Asked(BaseHTTPRequestHandler):
    """Knows one key, and says when it is by a clock that may be set."""

    offset_s = 0

    def do_GET(self) -> None:
        known = self.headers["authorization"] == "Bearer good" and self.path == "/v1/models"
        self.send_response_only(200 if known else 401)
        self.send_header("date", formatdate(time.time() + type(self).offset_s, usegmt=True))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A provider that can be asked."""
    with HTTPServer(("127.0.0.1", 0), Asked) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield listener.server_port
        listener.shutdown()


def asked(folder: Path, port: int, credential: str) -> dict[str, CheckView]:
    """Return the checks of a provider, by name."""
    file = folder / "headgate.toml"
    file.write_text(
        f'[providers.there]\nkind = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\n{credential}\n'
    )
    provider = load(file, {}).providers["there"]
    return {check.name: check for check in check_online(provider, folder, time.time_ns())}


@pytest.mark.parametrize(
    ("credential", "status"),
    [
        ('credential = { value = "good" }', "ok"),
        ('credential = { value = "bad" }', "error"),
        ('credential_command = ["echo", "good"]', "ok"),
        ('credential_command = ["false"]', "error"),
    ],
)
def test_a_credential_is_tried(tmp_path: Path, port: int, credential: str, status: str) -> None:
    """One that is good is accepted, one that is not is an error, however it is got."""
    check = asked(tmp_path, port, credential)["credential of there"]

    assert check.status == status
    assert bool(check.fix) == (status != "ok")


def test_a_provider_is_asked_through_its_proxy(tmp_path: Path, port: int) -> None:
    """As calls are, with the proxy's credential."""
    proxy = HttpProxy()
    with proxy.server:
        lines = f'credential = {{ value = "good" }}\nproxy = "{proxy.url}"\n'
        lines += 'proxy_credential = { value = "me:word" }'
        check = asked(tmp_path, port, lines)["credential of there"]

    assert check.status == "ok"
    (head,) = proxy.heads
    assert head.startswith(b"GET http://127.0.0.1:%d/" % port)
    assert b"proxy-authorization: Basic" in head


def test_behind_a_proxy_it_is_the_proxy_that_has_to_take_connections(tmp_path: Path) -> None:
    """The provider's own name need not lead anywhere from this machine."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        port = proxy.getsockname()[1]
        reached = check_provider(behind(tmp_path, port))
    refused = check_provider(behind(tmp_path, port))

    assert (reached.status, refused.status) == ("ok", "warning")
    assert f"proxy 127.0.0.1:{port}" in refused.message
    assert refused.fix is not None
    assert "proxy" in refused.fix


def behind(folder: Path, port: int) -> Provider:
    """Return a provider without an address, behind a proxy on this machine."""
    file = folder / "headgate.toml"
    file.write_text(
        '[providers.there]\nkind = "openai"\nbase_url = "https://there.invalid/v1"\n'
        f'proxy = "http://127.0.0.1:{port}"\n'
    )
    return load(file, {}).providers["there"]


@pytest.mark.parametrize(("offset_s", "says"), [(0, "agree"), (90, "behind"), (-90, "ahead of")])
def test_a_clock_that_differs_is_told(
    tmp_path: Path, port: int, offset_s: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The date of a provider's reply tells on which side ours is."""
    monkeypatch.setattr(Asked, "offset_s", offset_s)

    check = asked(tmp_path, port, 'credential = { value = "good" }')["clock against there"]

    assert says in check.message
    assert check.status == ("ok" if offset_s == 0 else "warning")


def test_nothing_is_asked_without_being_told_to(headgate: Any) -> None:
    """Credentials go to providers with `--online` alone; the machine is looked at always."""
    found = checks(headgate("doctor", "--json", env={"OPENAI_API_KEY": "k"}))

    assert not [name for name in found if name.startswith("credential of ")]
    assert {"disk", "fsync", "durability", "open files", "versions", "price book"} <= set(found)
    assert " ms (median of 5)." in found["fsync"]["message"]


def test_too_few_open_files_are_told(books: Path) -> None:
    """The fix names how many connections there can be."""
    check = check_open_files(2**40)

    assert check.status in ("warning", "ok")
    assert check.status == "ok" or "limits.connections_max = " in check.fix
    assert check_open_files(1).status == "ok"


def test_an_old_price_book_is_told(tmp_path: Path) -> None:
    """After two months without a new price, a newer release is asked for."""
    (tmp_path / "headgate.toml").write_text("")
    book = load(tmp_path / "headgate.toml", {}).price_book
    newest_ns = max(row.recorded_at_ns for row in book.rows)

    assert check_prices(book, newest_ns + 60 * DAY_NS).status == "ok"
    assert check_prices(book, newest_ns + 61 * DAY_NS).status == "warning"


def test_a_file_that_was_edited_since_is_told(tmp_path: Path) -> None:
    """A node goes by a copy; when the file differs, a reload is what is missing."""
    config = tmp_path / "headgate.toml"
    config.write_text("# one\n")
    assert list(check_in_force(config, tmp_path)) == []
    in_force_path(tmp_path, 3).write_text("# one\n")
    assert [check.status for check in check_in_force(config, tmp_path)] == ["ok"]
    config.write_text("# another\n")
    (changed,) = check_in_force(config, tmp_path)

    assert changed.fix == "Run: headgate reload"


def test_a_variable_of_another_shell_is_no_error(headgate: Any, books: Path) -> None:
    """While a node runs, what is missing in this shell alone is a warning."""
    with socket.socket(socket.AF_UNIX) as steward:
        run_dir(books / "data")
        steward.bind(str(socket_path(books / "data")))
        steward.listen()
        found = checks(headgate("doctor", "--json", env={"OPENAI_API_KEY": None}))

    assert found["configuration"]["status"] == "warning"
    assert "has its own environment" in found["configuration"]["message"]
