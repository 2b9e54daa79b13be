"""OpenAI's API: chat completions, responses, embeddings and more; routes, keys and errors."""

import calendar
import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from headgate.simulator.bill import Usage
from headgate.simulator.caches import Prefixes
from headgate.simulator.dialect import ApiError, Dialect, Generation
from headgate.simulator.faults import Fault, FaultKind
from headgate.simulator.models import MODELS, Finder, ModelFacts, ProviderName, find_model
from headgate.simulator.openai_embeddings import EmbeddingGeneration, decode_embedding
from headgate.simulator.openai_forms import Asked, read_asked
from headgate.simulator.openai_generation import ChatGeneration, sse_event
from headgate.simulator.openai_media import (
    ImageGeneration,
    SpeechGeneration,
    TranscriptGeneration,
)
from headgate.simulator.openai_moderations import USUAL, ModerationGeneration, decode_moderation
from headgate.simulator.openai_request import bad_request, check_body, decode_body
from headgate.simulator.openai_response import ResponseGeneration
from headgate.simulator.openai_response_request import (
    check_response,
    decode_response,
)
from headgate.simulator.openai_stored import StoredResponses
from headgate.simulator.replies import Headers, Reply, json_reply
from headgate.simulator.server import Request

REQUESTS_PER_MINUTE = 30_000
TOKENS_PER_MINUTE = 150_000_000


class OpenAI(Dialect):
    """The API of OpenAI, as far as these three need it."""

    provider = ProviderName.OPENAI

    def __init__(self, clock: Callable[[], float], find: Finder = find_model) -> None:
        self._find = find
        self._prefixes = Prefixes(clock)
        self._stored = StoredResponses()

    def request_id(self) -> str:
        """Return a new request id."""
        return f"req_{secrets.token_hex(16)}"

    def open(self, request: Request) -> Generation | dict[str, Any]:
        """Check a request; see `Dialect.open`."""
        key = _require_key(request)
        route = (request.method, request.path)
        if route == ("POST", "/v1/chat/completions"):
            return self._open_chat(request, key)
        if route == ("POST", "/v1/responses"):
            return self._open_response(request, key)
        if route == ("POST", "/v1/responses/input_tokens"):
            counted = self._open_response(request, key).prompt_tokens
            return {"object": "response.input_tokens", "input_tokens": counted}
        if self._stored.handles(request):
            return self._stored.answer(request)
        if route == ("POST", "/v1/embeddings"):
            return self._open_embedding(request)
        if route == ("POST", "/v1/moderations"):
            return self._open_moderation(request)
        if request.method == "POST" and request.path in _MEDIA:
            return self._open_media(request)
        if route == ("GET", "/v1/models"):
            cards = [_model_card(name, facts) for name, facts in _model_names()]
            return {"object": "list", "data": cards}
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            name = request.path.removeprefix("/v1/models/")
            return _model_card(name, self._require(name))
        message = f"Invalid URL ({request.method} {request.path})"
        raise ApiError(404, "invalid_request_error", message)

    def headers(self, request_id: str, usage: Usage | None) -> Headers:
        """Return the headers of a reply."""
        headers = (
            ("x-request-id", request_id),
            ("openai-organization", "org-simulated"),
            ("openai-version", "2020-10-01"),
            ("openai-processing-ms", "12"),
        )
        if usage is None:
            return headers
        return (
            *headers,
            ("x-ratelimit-limit-requests", str(REQUESTS_PER_MINUTE)),
            ("x-ratelimit-limit-tokens", str(TOKENS_PER_MINUTE)),
            ("x-ratelimit-remaining-requests", str(REQUESTS_PER_MINUTE - 1)),
            ("x-ratelimit-remaining-tokens", str(max(0, TOKENS_PER_MINUTE - usage.prompt))),
            ("x-ratelimit-reset-requests", "2ms"),
            ("x-ratelimit-reset-tokens", "1ms"),
        )

    def error_reply(self, error: ApiError, request_id: str) -> Reply:
        """Return a refusal in OpenAI's words."""
        headers = self.headers(request_id, None) + error.headers
        return json_reply(error.status, headers, _error_document(error))

    def error_frame(self, request_id: str) -> bytes:
        """Return an error in the middle of a stream."""
        return sse_event(msgspec.json.encode(_error_document(_server_error(request_id))))

    def fault_error(self, fault: Fault, asked: str) -> ApiError | None:
        """Return the refusal that a fault stands for."""
        retry: Headers = ()
        if fault.retry_after_s is not None:
            seconds = fault.retry_after_s
            retry = (("retry-after", str(seconds)), ("retry-after-ms", str(seconds * 1000)))
        match fault.kind:
            case FaultKind.RATE_LIMIT:
                message = f"Rate limit reached for {asked} on requests per min. Please try again."
                return ApiError(429, "requests", message, code="rate_limit_exceeded", headers=retry)
            case FaultKind.QUOTA:
                message = "You exceeded your current quota, please check your plan and billing."
                return ApiError(429, "insufficient_quota", message, code="insufficient_quota")
            case FaultKind.OVERLOADED:
                message = "The engine is currently overloaded, please try again later."
                return ApiError(503, "server_error", message, headers=retry)
            case FaultKind.SERVER_ERROR:
                return _server_error(None)
            case FaultKind.UNAUTHORIZED:
                return _wrong_key()
            case FaultKind.NOT_FOUND:
                return _unknown_model(asked)
        return None

    def _open_chat(self, request: Request, key: str) -> Generation:
        _check_size(request)
        body = decode_body(request.body)
        facts = self._require(body.model, generates=True)
        check_body(body, facts)
        generation = ChatGeneration(body, facts, key=key, prefixes=self._prefixes)
        _check_context(generation.prompt_tokens, facts, "messages")
        return generation

    def _open_response(self, request: Request, key: str) -> ResponseGeneration:
        _check_size(request)
        body = decode_response(request.body)
        facts = self._require(body.model, generates=True)
        check_response(body, facts)
        before = self._stored.prompt(body.previous_response_id)
        generation = ResponseGeneration(
            body,
            facts,
            scope=f"{key}\0{facts.served}".encode(),
            prefixes=self._prefixes,
            before=before,
        )
        _check_context(generation.prompt_tokens, facts, "input")
        if body.store is not False:
            self._stored.add(generation)
        return generation

    def _open_embedding(self, request: Request) -> Generation:
        _check_size(request)
        body = decode_embedding(request.body)
        return EmbeddingGeneration(body, self._require(body.model, generates=False))

    def _open_moderation(self, request: Request) -> Generation:
        _check_size(request)
        body = decode_moderation(request.body)
        facts = self._require(body.model or USUAL)
        if facts.mode != "moderation":
            raise _unknown_model(facts.served)
        return ModerationGeneration(body, facts)

    def _open_media(self, request: Request) -> Generation:
        _check_size(request)
        asked = read_asked(request)
        mode, make = _MEDIA[request.path]
        facts = self._require(asked.text("model"))
        if facts.mode != mode:
            raise _unknown_model(facts.served)
        return make(asked, facts)

    def _require(self, name: str | None, *, generates: bool | None = None) -> ModelFacts:
        """Return a model's facts; `generates` is what it has to be able to do, None: nothing."""
        if not name:
            raise ApiError(400, "invalid_request_error", "you must provide a model parameter")
        facts = self._find(self.provider, name)
        if facts is None or (generates is not None and generates == bool(facts.dimensions)):
            raise _unknown_model(name)
        return facts


_MEDIA: dict[str, tuple[str, Callable[[Asked, ModelFacts], Generation]]] = {
    "/v1/images/generations": ("image", partial(ImageGeneration, edits=False)),
    "/v1/images/edits": ("image", partial(ImageGeneration, edits=True)),
    "/v1/images/variations": ("image", partial(ImageGeneration, edits=True)),
    "/v1/audio/speech": ("speech", SpeechGeneration),
    "/v1/audio/transcriptions": ("transcript", TranscriptGeneration),
    "/v1/audio/translations": ("transcript", TranscriptGeneration),
}


def _check_size(request: Request) -> None:
    if request.too_large:
        raise ApiError(413, "invalid_request_error", "The request body is too large.")


def _check_context(prompt_tokens: int, facts: ModelFacts, param: str) -> None:
    if prompt_tokens > facts.context_tokens:
        message = (
            f"This model's maximum context length is {facts.context_tokens} tokens. However, "
            f"your messages resulted in {prompt_tokens} tokens."
        )
        raise bad_request(message, param, "context_length_exceeded")


def _require_key(request: Request) -> str:
    scheme, _, key = (request.header("authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        message = "You didn't provide an API key. Use an Authorization header with a Bearer key."
        raise ApiError(401, "invalid_request_error", message)
    if "invalid" in key:
        raise _wrong_key()
    return key


def _wrong_key() -> ApiError:
    message = "Incorrect API key provided."
    return ApiError(401, "invalid_request_error", message, code="invalid_api_key")


def _unknown_model(name: str) -> ApiError:
    message = f"The model `{name}` does not exist or you do not have access to it."
    return ApiError(404, "invalid_request_error", message, code="model_not_found")


def _server_error(request_id: str | None) -> ApiError:
    suffix = f" (request ID {request_id})" if request_id else ""
    message = f"The server had an error while processing your request.{suffix}"
    return ApiError(500, "server_error", message)


def _error_document(error: ApiError) -> dict[str, Any]:
    return {
        "error": {
            "message": error.message,
            "type": error.kind,
            "param": error.param,
            "code": error.code,
        }
    }


def _model_names() -> list[tuple[str, ModelFacts]]:
    return [(name, facts) for facts in MODELS[ProviderName.OPENAI] for name in facts.names]


def _model_card(name: str, facts: ModelFacts) -> dict[str, Any]:
    day = time.strptime(f"{facts.released} UTC", "%Y-%m-%d %Z")
    return {
        "id": name,
        "object": "model",
        "created": calendar.timegm(day),
        "owned_by": "system",
    }
