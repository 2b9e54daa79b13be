"""Forms with files: in constant memory, on the disk above a megabyte, gone when the call is."""

import errno
import http.client
import os
import resource
import socket
import threading
from collections.abc import Iterator

import openai
import pytest

from headgate.gateway.client.uploads import MEMORY_BYTES
from headgate.records.journal import HoldRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import ALICE, config
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.media import client_of, last, tables
from tests.gateway.provider import Line, Provider

LARGE = bytes(range(256)) * (12 << 10)
"""Three megabytes."""

ROUTE = """
[routes.either]
deployments = ["hear", "again"]
[deployments.again]
provider = "media"
model = "whisper-1"
"""


@pytest.fixture(scope="module")
def running(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with the usual limits."""
    url = running_simulator.openai_url
    text = config(url, running_simulator.anthropic_url, more=tables(url) + ROUTE)
    with Gateway(tmp_path_factory.mktemp("uploads"), text) as gateway:
        yield gateway


@pytest.fixture
def media(running: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway; afterwards no form lies anywhere."""
    yield running
    running.assert_settled()
    running.heal()
    assert spooled(running) == 0
    assert running.run(lambda: running.pipeline._buffered_bytes) == 0
    assert simulator.generating == 0


def spooled(gateway: Gateway) -> int:
    return gateway.run(lambda: gateway.pipeline.uploads.spooled_bytes)


def holds(gateway: Gateway) -> list[HoldRecord]:
    return [each for each in gateway.records() if isinstance(each, HoldRecord)]


def transcribe(gateway: Gateway, data: bytes, model: str = "hear") -> str:
    with client_of(gateway) as client:
        return client.audio.transcriptions.create(model=model, file=("a.bin", data)).text


def test_a_large_form_goes_through_the_disk_byte_for_byte(
    media: Gateway, simulator: Simulator
) -> None:
    """The provider gets what the client sent, with its own name of the model."""
    assert transcribe(media, LARGE)

    assert LARGE in simulator.received.last().body
    assert b"whisper-1" in simulator.received.last().body


def test_a_form_is_sent_again_elsewhere(media: Gateway, simulator: Simulator) -> None:
    """It is kept until the call is over, so a second deployment can have it whole."""
    simulator.faults.add(Fault(FaultKind.SERVER_ERROR, times=1))

    assert transcribe(media, LARGE, "either")

    first, second = simulator.received.all()[-2:]
    assert first.body == second.body


def test_a_form_beyond_its_limit_is_refused(start: Start, simulator: Simulator) -> None:
    """At once where its length is announced."""
    gateway = start(limits="upload_bytes_max = 2000000", more=tables(simulator.openai_url))

    with pytest.raises(openai.APIStatusError) as error:
        transcribe(gateway, LARGE)

    assert (error.value.status_code, error.value.code) == (413, "body_too_large")


def test_forms_beyond_what_all_may_have_are_refused(start: Start, simulator: Simulator) -> None:
    """Of those on the disk together; small ones never are."""
    gateway = start(limits="spooled_bytes_max = 2000000", more=tables(simulator.openai_url))

    with pytest.raises(openai.APIStatusError) as error:
        transcribe(gateway, LARGE)
    assert (error.value.status_code, error.value.code) == (503, "overloaded")

    assert transcribe(gateway, LARGE[: MEMORY_BYTES // 2])
    assert spooled(gateway) == 0


def test_small_forms_count_as_bodies_in_memory(start: Start, simulator: Simulator) -> None:
    """Beyond what all bodies may have there they are refused."""
    gateway = start(limits="buffered_bytes_max = 100000", more=tables(simulator.openai_url))

    with pytest.raises(openai.APIStatusError) as error:
        transcribe(gateway, LARGE[:200_000])

    assert error.value.code == "overloaded"
    assert gateway.run(lambda: gateway.pipeline._buffered_bytes) == 0


def test_a_full_disk_is_told_and_nothing_is_held(media: Gateway, simulator: Simulator) -> None:
    """The system lets no file of this process grow beyond two megabytes, as a quota would."""
    seen = simulator.gate.seen
    held = len(holds(media))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, hard))
    try:
        with pytest.raises(openai.APIStatusError) as error:
            transcribe(media, LARGE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert (error.value.status_code, error.value.code) == (507, "upload_unspooled")
    assert os.strerror(errno.EFBIG) in str(error.value)
    assert simulator.gate.seen == seen
    assert len(holds(media)) == held


def test_a_form_without_an_end_is_malformed(media: Gateway) -> None:
    """Nothing is held for it."""
    connection = http.client.HTTPConnection("127.0.0.1", media.port)
    headers = {"authorization": f"Bearer {ALICE}"}
    headers["content-type"] = "multipart/form-data; boundary=x"
    connection.request("POST", "/v1/audio/transcriptions", b"--x\r\n", headers)
    reply = connection.getresponse()

    assert (reply.status, reply.headers["x-headgate-code"]) == (400, "body_malformed")
    connection.close()


def test_a_client_that_leaves_in_the_middle_leaves_nothing(media: Gateway) -> None:
    """The half of a form that is on the disk goes with its connection."""
    head = (
        "POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\n"
        f"authorization: Bearer {ALICE}\r\ncontent-length: 5000000\r\n"
        "content-type: multipart/form-data; boundary=x\r\n\r\n"
    )
    part = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", media.port)) as line:
        line.sendall(head.encode() + part + LARGE)
        media.until(lambda: media.pipeline.uploads.spooled_bytes > MEMORY_BYTES, "it is there")

    media.until(lambda: media.pipeline.uploads.spooled_bytes == 0, "it is gone")


def test_a_stranger_fills_no_disk(media: Gateway) -> None:
    """Whoever is not known is refused whatever is sent."""
    url = f"http://127.0.0.1:{media.port}/v1"
    with (
        openai.OpenAI(api_key="hg_nobody", base_url=url, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.audio.transcriptions.create(model="hear", file=("a", LARGE))


def test_a_slow_provider_is_waited_for(start: Start) -> None:
    """No more of a form is read from the disk than the provider takes."""
    took = threading.Event()

    async def talk(line: Line) -> None:
        await go.wait()
        await line.request()
        body = b'{"text":"water","usage":{"type":"duration","seconds":3}}'
        await line.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(body), body)
        )
        took.set()

    with Provider(talk) as provider:
        go = provider.event()
        gateway = start(more=tables(provider.url))
        answers: list[str] = []
        data = LARGE * 5
        caller = threading.Thread(target=lambda: answers.append(transcribe(gateway, data)))
        caller.start()
        gateway.until(
            lambda: any(each.phase == "reply" for each in gateway.pipeline.exchanges), "it is sent"
        )
        waiting = gateway.run(
            lambda: [
                each.upstream.transport.get_write_buffer_size()
                for each in gateway.pipeline.exchanges
                if each.upstream is not None and each.upstream.transport is not None
            ]
        )
        go.set()
        caller.join(20)

    assert answers == ["water"]
    assert took.is_set()
    assert max(waiting) < 1 << 20


def test_a_provider_that_answers_early_is_not_sent_the_rest(start: Start) -> None:
    """Its refusal is passed on, and its connection is not used again."""

    async def talk(line: Line) -> None:
        await line.head()
        body = b'{"error":{"message":"too long","code":"x"}}'
        await line.send(b"HTTP/1.1 400 Bad\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await line.closed()

    with Provider(talk) as provider:
        gateway = start(more=tables(provider.url))
        with pytest.raises(openai.BadRequestError):
            transcribe(gateway, LARGE * 4)
        gateway.until_idle()

    assert last(gateway)[1].amount_nanos == 0
