"""The access log: one line per request, whose it was, and that nothing waits for it."""

import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from headgate.gateway.listener.access_log import ENTRIES_MAX, AccessLog, Entry
from headgate.gateway.settings import AccessLogFiles
from tests.gateway.calls import CHAT_PATH, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.test_listener_tls import put, trusting
from tests.gateway.wire import ClosedError, Wire

TABLE = '[access_log]\nfolder = "{folder}/log"\n[listen]\n{listen}\n{more}'
GET = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\nx-forwarded-for: 203.0.113.7\r\n\r\n"
V1 = b"PROXY TCP4 198.51.100.9 127.0.0.1 4711 8080\r\n"


@pytest.fixture
def logged(start: Start, tmp_path: Path) -> Callable[..., Gateway]:
    """Starts a gateway that logs; arguments are lines of `[listen]`, more tables, and limits."""

    def begin(listen: str = "", more: str = "", limits: str = "") -> Gateway:
        text = TABLE.format(folder=tmp_path, listen=listen, more=more)
        return start(more=text, limits=limits)

    return begin


def lines(folder: Path) -> list[dict[str, Any]]:
    """Return what the log says so far."""
    path = folder / "log" / "worker-0.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def await_lines(gateway: Gateway, folder: Path, count: int) -> list[dict[str, Any]]:
    """Wait for a number of lines and return them."""
    gateway.until(lambda: len(lines(folder)) >= count, f"{count} lines")
    found = lines(folder)
    assert len(found) == count
    return found


def test_each_request_is_a_line(logged: Callable[..., Gateway], tmp_path: Path) -> None:
    """Calls with who made them, whole and streamed; requests that are none; strangers; what was
    never a request. No line has a query, which may hold a key.
    """
    gateway = logged()
    with Wire(gateway.port) as wire:
        called = wire.send(request(chat(), CHAT_PATH + "?key=secret")).read()
        wire.send(request(chat(stream=True)) + GET)
        streamed, health = wire.read(), wire.read()
        stranger = wire.send(request(chat(), key="hg_wrong")).read()
        wire.send(b"\0\r\n\r\n").read()

    first, second, third, fourth, last = await_lines(gateway, tmp_path, 5)

    assert first.pop("at")[:2] == "20"
    assert first.pop("ms") >= 0
    assert first.pop("bytes") > len(called.payload)
    call = call_of(called)
    assert first == {
        "client": "127.0.0.1",
        "method": "POST",
        "path": CHAT_PATH,
        "status": 200,
        "call": call,
        "request_id": call,
        "principal": "alice",
        "key": "alice",
    }
    assert second["call"] == call_of(streamed)
    assert second["bytes"] > len(streamed.payload)
    assert (third["path"], third["status"]) == ("/healthz", health.status)
    assert "principal" not in third
    assert (fourth["status"], stranger.status) == (401, 401)
    assert not {"call", "principal"} & {*fourth}
    assert (last["status"], last.get("method")) == (400, None)


def test_a_client_that_goes_away_is_a_cut_line(
    logged: Callable[..., Gateway], tmp_path: Path
) -> None:
    """With what it was told until then: nothing, so the status is 0."""
    gateway = logged()
    with Wire(gateway.port) as wire:
        wire.send(request(chat("[sim:ttft_ms=200]")))
        gateway.until(lambda: bool(gateway.pipeline.exchanges), "the call runs")

    (line,) = await_lines(gateway, tmp_path, 1)

    assert (line["cut"], line["status"], line["bytes"]) == (True, 0, 0)
    assert line["principal"] == "alice"


def test_forwarded_addresses_are_believed_of_trusted_proxies_alone(
    logged: Callable[..., Gateway], tmp_path: Path
) -> None:
    """This machine is trusted in one gateway and not in the other."""
    trusting_it = logged('trusted_proxies = ["127.0.0.0/8"]')
    with Wire(trusting_it.port) as wire:
        wire.send(GET).read()
    (line,) = await_lines(trusting_it, tmp_path, 1)
    assert line["client"] == "203.0.113.7"

    not_trusting = logged('trusted_proxies = ["10.0.0.0/8"]')
    with Wire(not_trusting.port) as wire:
        wire.send(GET).read()
    assert await_lines(not_trusting, tmp_path, 2)[1]["client"] == "127.0.0.1"


PROXIED = 'trusted_proxies = ["127.0.0.1"]\nproxy_protocol = true'


def test_a_proxy_says_whose_the_connection_is(
    logged: Callable[..., Gateway], tmp_path: Path
) -> None:
    """In one write with the request or in single bytes; a header of the client changes nothing."""
    gateway = logged(PROXIED)
    with Wire(gateway.port) as wire:
        assert wire.send(V1 + GET).read().status == 200
    with Wire(gateway.port) as wire:
        for byte in V1:
            wire.send(bytes([byte]))
        assert wire.send(request(chat())).read().status == 200
    with Wire(gateway.port) as wire:
        wire.send(b"PROXY UNKNOWN\r\n" + GET.replace(b"x-forwarded-for", b"x")).read()

    seen = [line["client"] for line in await_lines(gateway, tmp_path, 3)]
    assert seen == ["198.51.100.9", "198.51.100.9", "127.0.0.1"]


@pytest.mark.parametrize("raw", [GET, b"PROXY TCP4 x y 1 2\r\n" + GET, b"\r\n\r\n\0\r\nQUIT\n\x31"])
def test_without_a_greeting_nobody_gets_an_answer(
    logged: Callable[..., Gateway], raw: bytes
) -> None:
    """The connection is closed, and nothing of it is read as a request."""
    gateway = logged(PROXIED)

    with Wire(gateway.port) as wire, pytest.raises(ClosedError) as closed:
        wire.send(raw.ljust(16, b"\0")).read()
    assert closed.value.received == b""


def test_a_greeting_that_does_not_come_is_not_waited_for(logged: Callable[..., Gateway]) -> None:
    """Nor is the rest of one, as little as the rest of a head."""
    gateway = logged(PROXIED, limits="head_timeout_ms = 50")

    with Wire(gateway.port) as silent, Wire(gateway.port) as half:
        half.send(V1[:20])
        assert silent.is_closed()
        assert half.is_closed()


def test_a_greeting_from_anybody_else_is_no_greeting(logged: Callable[..., Gateway]) -> None:
    """Who is no trusted proxy is not let in at all."""
    gateway = logged('trusted_proxies = ["10.0.0.1"]\nproxy_protocol = true')

    with Wire(gateway.port) as wire, pytest.raises(ClosedError):
        wire.send(V1 + GET).read()


def test_a_greeting_stands_in_front_of_tls(logged: Callable[..., Gateway], tmp_path: Path) -> None:
    """It is read before the handshake, however the two come."""
    authority = trustme.CA()
    put(tmp_path, authority.issue_cert("localhost"))
    tls = f'[tls]\ncertificate = "{tmp_path}/tls.pem"\nkey = "{tmp_path}/tls.key"'
    gateway = logged(PROXIED, tls)

    with Wire(gateway.port, before=V1, tls=trusting(authority)) as wire:
        assert wire.send(request(chat())).read().status == 200
    with pytest.raises((ssl.SSLError, OSError)):
        Wire(gateway.port, tls=trusting(authority))

    (line,) = await_lines(gateway, tmp_path, 1)
    assert line["client"] == "198.51.100.9"


def test_files_are_put_aside_by_size_and_opened_anew_when_moved(tmp_path: Path) -> None:
    """The oldest goes; a file that another program moved away is not written on."""
    log = AccessLog(AccessLogFiles(str(tmp_path), 400, 3), "w")
    for number in range(13):
        log.add(Entry(number, "10.0.0.1", 200, took_ms=number, size=1, path="/" + "a" * 100))
        log.flush()
        # Only one batch is written at a time: whoever looks waits for it.
        log._thread.submit(int).result()
    (tmp_path / "w.jsonl").rename(tmp_path / "moved")
    log.add(Entry(99, None, 200, took_ms=99, size=1))
    log.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("moved", "w.jsonl", "w.jsonl.1", "w.jsonl.2"),
    ]
    assert json.loads((tmp_path / "w.jsonl").read_text())["ms"] == 99
    assert all(path.stat().st_size < 800 for path in tmp_path.iterdir())


def test_what_cannot_be_written_is_dropped_and_counted(tmp_path: Path) -> None:
    """A full queue and a folder that cannot be made cost lines, never a request; the next line
    says how many.
    """
    blocked = tmp_path / "blocked"
    blocked.write_text("no folder")
    log = AccessLog(AccessLogFiles(str(blocked)), "w")
    for _ in range(ENTRIES_MAX + 5):
        log.add(Entry(0, None, 200, took_ms=0, size=0))
    log.flush()
    log._thread.submit(int).result()
    blocked.unlink()
    log.add(Entry(7, None, 200, took_ms=7, size=0))
    log.flush()
    log.close()

    assert log.dropped == ENTRIES_MAX + 5
    said = [json.loads(line) for line in (blocked / "w.jsonl").read_text().splitlines()]
    assert said[0] == {"dropped": ENTRIES_MAX + 5}
    assert said[1]["ms"] == 7
