"""OpenAI's API, as far as chat completions need it: routes, keys, headers and errors."""

import calendar
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec

from headgate.simulator.bill import Usage
from headgate.simulator.caches import Prefixes
from headgate.simulator.dialect import ApiError, Dialect, Generation
from headgate.simulator.faults import Fault, FaultKind
from headgate.simulator.models import MODELS, ModelFacts, ProviderName, find_model
from headgate.simulator.openai_generation import ChatGeneration, sse_event
from headgate.simulator.openai_request import bad_request, check_body, decode_body
from headgate.simulator.replies import Headers, Reply, json_reply
from headgate.simulator.server import Request

REQUESTS_PER_MINUTE = 30_000
TOKENS_PER_MINUTE = 150_000_000


class OpenAIChat(Dialect):
    """The API of OpenAI, as far as chat completions need it."""

    provider = ProviderName.OPENAI

    def __init__(self, clock: Callable[[], float]) -> None:
        self._prefixes = Prefixes(clock)

    def request_id(self) -> str:
        """Return a new request id."""
        return f"req_{secrets.token_hex(16)}"

    def open(self, request: Request) -> Generation | dict[str, Any]:
        """Check a request; see `Dialect.open`."""
        key = _require_key(request)
        route = (request.method, request.path)
        if route == ("POST", "/v1/chat/completions"):
            return self._open_chat(request, key)
        if route == ("GET", "/v1/models"):
            cards = [_model_card(name, facts) for name, facts in _model_names()]
            return {"object": "list", "data": cards}
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            name = request.path.removeprefix("/v1/models/")
            return _model_card(name, _require_model(name))
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
        if request.too_large:
            raise ApiError(413, "invalid_request_error", "The request body is too large.")
        body = decode_body(request.body)
        if not body.model:
            raise ApiError(400, "invalid_request_error", "you must provide a model parameter")
        facts = _require_model(body.model)
        check_body(body, facts)
        generation = ChatGeneration(body, facts, key=key, prefixes=self._prefixes)
        if generation.prompt_tokens > facts.context_tokens:
            message = (
                f"This model's maximum context length is {facts.context_tokens} tokens. However, "
                f"your messages resulted in {generation.prompt_tokens} tokens."
            )
            raise bad_request(message, "messages", "context_length_exceeded")
        return generation


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


def _require_model(name: str) -> ModelFacts:
    facts = find_model(ProviderName.OPENAI, name)
    if facts is None:
        raise _unknown_model(name)
    return facts


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
