"""Every code of ours as each official client meets it: its class, its words, whether it retries.

What the clients are told is what the data plane would tell them, byte for byte; it comes from a
server on loopback that refuses everything, called directly and, in the slow tier, through each of
the shipped proxies. The model `body_invalid` is refused by that code, and
`body_invalid+1` is told besides that a second try makes sense in a second.
"""

import json
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types.thread_unsupported_request_error import ThreadUnsupportedRequestError
from google import genai
from google.genai import errors, types
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, SDKError

from headgate.dialects.registry import dialects
from headgate.gateway import replies
from headgate.gateway.client.http_bytes import date_line
from headgate.units.errors import CODES, Code, Refusal
from tests.clients.fronts import FRONTS, in_front

HELLO: Any = [{"role": "user", "content": "hello"}]
CODE = {code.code: code for code in CODES}
PARAM = "a.field"


def told(kind: str, code: Code, retry_after_s: int | None) -> bytes:
    """Return the data plane's own words for a refusal, in a dialect."""
    why = Refusal(code, code.sentence, PARAM, retry_after_s)
    return replies.refused(dialects()[kind], why, date_line(0), "call_1", close=True)


class Refusing(socketserver.ThreadingTCPServer):
    """Refuses every request as its model says, and counts the requests for each."""

    daemon_threads = True
    request_queue_size = 1_000

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        path = self.rfile.readline().decode().split()[1]
        if path == "/readyz":
            # A proxy asks before it passes calls on.
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            return
        length, agent = 0, ""
        while (line := self.rfile.readline().decode().strip()) != "":
            name, _, value = line.partition(": ")
            if name.lower() == "content-length":
                length = int(value)
            elif name.lower() == "user-agent":
                agent = value
        body = json.loads(self.rfile.read(length))
        kind = next((kind for kind, part in PATHS.items() if part in path), "gemini")
        model = body.get("model") or path.rpartition("/")[2].partition(":")[0]
        client = "mistral" if agent.startswith("mistral") else kind
        assert isinstance(self.server, Refusing)
        self.server.seen[client, model] += 1
        name, _, retry = model.partition("%2B" if "%2B" in model else "+")
        self.wfile.write(told(kind, CODE[name], int(retry) if retry else None))


PATHS = {
    "openai_responses": "/v1/responses",
    "openai_chat": "/v1/chat",
    "anthropic_messages": "/v1/messages",
}


@contextmanager
def calls(url: str) -> Iterator[dict[str, Callable[[str], Any]]]:
    """Give how each client asks a model; those that can repeat a call may do so once."""
    with (
        openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=1) as of_openai,
        anthropic.Anthropic(api_key="k", base_url=url, max_retries=1) as of_anthropic,
        closing(
            genai.Client(api_key="k", http_options=types.HttpOptions(base_url=url))
        ) as of_google,
        Mistral(api_key="k", server_url=url) as of_mistral,
    ):
        yield asking(of_openai, of_anthropic, of_google, of_mistral)


def asking(
    of_openai: openai.OpenAI,
    of_anthropic: anthropic.Anthropic,
    of_google: genai.Client,
    of_mistral: Mistral,
) -> dict[str, Callable[[str], Any]]:
    """Return how each client asks a model, by what it speaks."""
    return {
        "openai_chat": lambda model: of_openai.chat.completions.create(model=model, messages=HELLO),
        "openai_responses": lambda model: of_openai.responses.create(model=model, input="hello"),
        "anthropic_messages": lambda model: of_anthropic.messages.create(
            model=model, messages=HELLO, max_tokens=9
        ),
        "gemini": lambda model: of_google.models.generate_content(model=model, contents="hello"),
        "mistral": lambda model: of_mistral.chat.complete(model=model, messages=HELLO),
    }


OPENAI: dict[int, type[Exception]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    **dict.fromkeys((402, 405, 408, 410, 413, 415, 428, 431), openai.APIStatusError),
    **dict.fromkeys((500, 501, 502, 503, 504, 507), openai.InternalServerError),
}
ANTHROPIC: dict[int, type[Exception]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    409: anthropic.ConflictError,
    422: anthropic.UnprocessableEntityError,
    429: anthropic.RateLimitError,
    408: anthropic.RequestTimeoutError,
    413: anthropic.ContentTooLargeError,
    431: anthropic.RequestHeaderFieldsTooLargeError,
    501: anthropic.HTTPNotImplementedError,
    503: anthropic.ServiceUnavailableError,
    504: anthropic.GatewayTimeoutError,
    **dict.fromkeys((402, 405, 410, 415, 428), anthropic.APIStatusError),
    **dict.fromkeys((500, 502, 507), anthropic.InternalServerError),
}
RAISED: dict[str, dict[int, type[Exception]]] = {
    "openai_chat": OPENAI,
    "openai_responses": OPENAI,
    "anthropic_messages": ANTHROPIC,
    "gemini": {
        code.status: errors.ServerError if code.status >= 500 else errors.ClientError
        for code in CODES
    },
    "mistral": {code.status: SDKError for code in CODES} | {422: HTTPValidationError},
}
BY_CODE = {("anthropic_messages", "thread_unsupported_request"): ThreadUnsupportedRequestError}
"""Where a client has a class for a code."""

RETRIES = {"openai_chat", "openai_responses", "anthropic_messages"}
"""The others repeat nothing unless they are told to."""


HOURS_AWAY = {"deferred"}
"""Their time is too far away for a client to wait in a call."""


@dataclass(frozen=True)
class Outcome:
    """How a call ended, and how often it was tried."""

    error: BaseException | None
    tries: int


@pytest.fixture(scope="module", params=FRONTS)
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Outcome]:
    """All calls at once, for those that wait before they try again."""
    models = [model for name in CODE for model in (name, f"{name}+1")]
    with Refusing() as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        folder = tmp_path_factory.mktemp("front")
        with (
            in_front(request.param, server.url, folder) as url,
            calls(url) as ways,
            ThreadPoolExecutor(40) as pool,
        ):
            ended: dict[tuple[str, str], Future[Any]] = {
                (client, model): pool.submit(call, model)
                for client, call in ways.items()
                for model in models
            }
        server.shutdown()
        serving.join()

    def outcome(client: str, model: str) -> Outcome:
        return Outcome(ended[client, model].exception(), server.seen[client, model])

    return outcome


def shown_code(error: Any) -> str | None:
    """Return our code as a program finds it in a client's error."""
    match error:
        case openai.APIStatusError():
            return error.code
        case anthropic.APIStatusError():
            body: Any = error.body
            return str(body["error"]["details"]["error_code"])
        case errors.APIError():
            details: Any = error.details
            return str(details["error"]["details"][0]["reason"])
        case SDKError() | HTTPValidationError():
            return error.headers["x-headgate-code"]
        case _:
            return None


@pytest.mark.parametrize("name", CODE)
@pytest.mark.parametrize("client", RAISED)
def test_each_code_is_the_clients_own_error(
    outcomes: Callable[[str, str], Outcome], client: str, name: str
) -> None:
    """It has the class that the client has for the status, our code, and a sentence for people."""
    error = outcomes(client, name).error

    assert type(error) is BY_CODE.get((client, name), RAISED[client][CODE[name].status])
    assert shown_code(error) == name
    assert CODE[name].sentence.rstrip(".") in str(error)


@pytest.mark.parametrize("name", CODE)
@pytest.mark.parametrize("client", RAISED)
def test_a_client_tries_again_only_where_it_helps(
    outcomes: Callable[[str, str], Outcome], client: str, name: str
) -> None:
    """Without a time none repeats the call, whatever the status; with one those that can do."""
    assert outcomes(client, name).tries == 1
    again = client in RETRIES and name not in HOURS_AWAY
    assert outcomes(client, f"{name}+1").tries == (2 if again else 1)
