"""Anthropic's API, as far as messages need it: routes, keys, headers and errors."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from headgate.simulator.anthropic_generation import MessageGeneration, sse_event
from headgate.simulator.anthropic_request import (
    MessageBody,
    bad_request,
    check_body,
    check_messages,
    decode_body,
)
from headgate.simulator.bill import Usage
from headgate.simulator.caches import Prefixes
from headgate.simulator.dialect import ApiError, Dialect, Generation
from headgate.simulator.faults import Fault, FaultKind
from headgate.simulator.models import MODELS, Finder, ModelFacts, ProviderName, find_model
from headgate.simulator.replies import Headers, Reply, json_reply
from headgate.simulator.server import Request

LIMITS = {
    "requests": 4_000,
    "input-tokens": 2_000_000,
    "output-tokens": 400_000,
    "tokens": 2_400_000,
}


class AnthropicMessages(Dialect):
    """The API of Anthropic, as far as messages need it."""

    provider = ProviderName.ANTHROPIC

    def __init__(self, clock: Callable[[], float], find: Finder = find_model) -> None:
        self._find = find
        self._prefixes = Prefixes(clock)

    def request_id(self) -> str:
        """Return a new request id."""
        return f"req_01{secrets.token_hex(11)}"

    def open(self, request: Request) -> Generation | dict[str, Any]:
        """Check a request; see `Dialect.open`."""
        key = _require_key(request)
        if request.header("anthropic-version") is None:
            raise bad_request("anthropic-version: header is required")
        match (request.method, request.path):
            case ("POST", "/v1/messages"):
                return self._open_message(request, key)
            case ("POST", "/v1/messages/count_tokens"):
                return self._count_tokens(request, key)
            case ("GET", "/v1/models"):
                return _model_list()
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            return _model_card(self._require(request.path.removeprefix("/v1/models/")))
        raise ApiError(404, "not_found_error", "Not Found")

    def headers(self, request_id: str, usage: Usage | None) -> Headers:
        """Return the headers of a reply."""
        headers: Headers = (
            ("request-id", request_id),
            ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000"),
        )
        if usage is None:
            return headers
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        used = {
            "requests": 1,
            "input-tokens": usage.prompt,
            "output-tokens": usage.output,
            "tokens": usage.prompt + usage.output,
        }
        for name, limit in LIMITS.items():
            prefix = f"anthropic-ratelimit-{name}"
            headers += (
                (f"{prefix}-limit", str(limit)),
                (f"{prefix}-remaining", str(max(0, limit - used[name]))),
                (f"{prefix}-reset", now),
            )
        return headers

    def error_reply(self, error: ApiError, request_id: str) -> Reply:
        """Return a refusal in Anthropic's words."""
        headers = self.headers(request_id, None) + error.headers
        return json_reply(error.status, headers, _error_document(error, request_id))

    def error_frame(self, request_id: str) -> bytes:
        """Return an error in the middle of a stream."""
        document = _error_document(_overloaded(()), request_id)
        return sse_event("error", document)

    def fault_error(self, fault: Fault, asked: str) -> ApiError | None:
        """Return the refusal that a fault stands for."""
        retry: Headers = ()
        if fault.retry_after_s is not None:
            retry = (("retry-after", str(fault.retry_after_s)),)
        match fault.kind:
            case FaultKind.RATE_LIMIT:
                message = "This request would exceed your organization's rate limit."
                return ApiError(429, "rate_limit_error", message, headers=retry)
            case FaultKind.QUOTA:
                return bad_request("Your credit balance is too low to access the Anthropic API.")
            case FaultKind.OVERLOADED:
                return _overloaded(retry)
            case FaultKind.SERVER_ERROR:
                return ApiError(500, "api_error", "Internal server error")
            case FaultKind.UNAUTHORIZED:
                return _wrong_key()
            case FaultKind.NOT_FOUND:
                return _unknown_model(asked)
        return None

    def _open_message(self, request: Request, key: str) -> Generation:
        body, facts = self._decode(request)
        check_body(body, facts)
        generation = MessageGeneration(body, facts, key=key, prefixes=self._prefixes)
        if generation.prompt_tokens > facts.context_tokens:
            raise bad_request(
                f"prompt is too long: {generation.prompt_tokens} tokens "
                f"> {facts.context_tokens} maximum"
            )
        return generation

    def _count_tokens(self, request: Request, key: str) -> dict[str, Any]:
        body, facts = self._decode(request)
        check_messages(body)
        generation = MessageGeneration(body, facts, key=key, prefixes=self._prefixes)
        return {"input_tokens": generation.prompt_tokens}

    def _decode(self, request: Request) -> tuple[MessageBody, ModelFacts]:
        if request.too_large:
            message = "Request exceeds the maximum size"
            raise ApiError(413, "request_too_large", message)
        body = decode_body(request.body)
        if body.model is None:
            raise bad_request("model: Field required")
        return body, self._require(body.model)

    def _require(self, name: str) -> ModelFacts:
        facts = self._find(self.provider, name)
        if facts is None:
            raise _unknown_model(name)
        return facts


def _require_key(request: Request) -> str:
    key = request.header("x-api-key")
    if key is None:
        scheme, _, bearer = (request.header("authorization") or "").partition(" ")
        key = bearer if scheme.lower() == "bearer" else None
    if not key:
        raise ApiError(401, "authentication_error", "x-api-key header is required")
    if "invalid" in key:
        raise _wrong_key()
    return key


def _wrong_key() -> ApiError:
    return ApiError(401, "authentication_error", "invalid x-api-key")


def _unknown_model(name: str) -> ApiError:
    return ApiError(404, "not_found_error", f"model: {name}")


def _overloaded(headers: Headers) -> ApiError:
    return ApiError(529, "overloaded_error", "Overloaded", headers=headers)


def _error_document(error: ApiError, request_id: str) -> dict[str, Any]:
    told: dict[str, Any] = {"type": error.kind, "message": error.message}
    if error.code is not None:
        told["details"] = {"error_code": error.code}
    return {"type": "error", "error": told, "request_id": request_id}


def _model_list() -> dict[str, Any]:
    cards = [_model_card(facts) for facts in reversed(MODELS[ProviderName.ANTHROPIC])]
    return {
        "data": cards,
        "has_more": False,
        "first_id": cards[0]["id"],
        "last_id": cards[-1]["id"],
    }


def _model_card(facts: ModelFacts) -> dict[str, Any]:
    family, *version = facts.names[0].removeprefix("claude-").split("-")
    return {
        "type": "model",
        "id": facts.served,
        "display_name": f"Claude {family.capitalize()} {'.'.join(version)}",
        "created_at": f"{facts.released}T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": facts.context_tokens,
        "max_tokens": facts.output_tokens_max,
    }
