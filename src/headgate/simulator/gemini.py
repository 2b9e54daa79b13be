"""Google's Gemini API, as far as generating content needs it: routes, keys, headers and errors."""

import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from headgate.simulator.bill import Usage
from headgate.simulator.caches import Prefixes
from headgate.simulator.dialect import ApiError, Dialect, Generation
from headgate.simulator.faults import Fault, FaultKind
from headgate.simulator.gemini_generation import GeminiGeneration
from headgate.simulator.gemini_request import check_body, decode_body, invalid
from headgate.simulator.models import MODELS, Finder, ModelFacts, ProviderName, find_model
from headgate.simulator.replies import Headers, Reply, json_reply
from headgate.simulator.server import Request

_CALL = re.compile(r"/v1(?:beta)?/models/([^/:]+):(\w+)")
_MODELS = re.compile(r"/v1(?:beta)?/models(?:/([^/:]+))?")


class Gemini(Dialect):
    """The Gemini API."""

    provider = ProviderName.GOOGLE
    bad_request = "INVALID_ARGUMENT"

    def __init__(self, clock: Callable[[], float], find: Finder = find_model) -> None:
        self._find = find
        self._prefixes = Prefixes(clock)

    def request_id(self) -> str:
        """Return a new request id, which this provider tells nobody."""
        return secrets.token_hex(16)

    def open(self, request: Request) -> Generation | dict[str, Any]:
        """Check a request; see `Dialect.open`."""
        query = parse_qs(request.target.partition("?")[2])
        key = _require_key(request, query)
        call = _CALL.fullmatch(request.path)
        if request.method == "POST" and call is not None:
            return self._open_call(request, key, (unquote(call[1]), call[2]), query)
        listed = _MODELS.fullmatch(request.path)
        if request.method == "GET" and listed is not None:
            if listed[1]:
                return _model_card(self._require(unquote(listed[1])))
            return {"models": [_model_card(facts) for facts in MODELS[ProviderName.GOOGLE]]}
        raise ApiError(404, "NOT_FOUND", "The requested URL was not found on this server.")

    def headers(self, request_id: str, usage: Usage | None) -> Headers:  # noqa: ARG002
        """Return the headers of every reply."""
        return (("server-timing", "gfet4t7; dur=12"), ("x-content-type-options", "nosniff"))

    def error_reply(self, error: ApiError, request_id: str) -> Reply:
        """Return a refusal in Google's words."""
        headers = self.headers(request_id, None) + error.headers
        return json_reply(error.status, headers, _error_document(error))

    def error_frame(self, request_id: str) -> bytes:  # noqa: ARG002 - it tells nobody
        """Return an error in the middle of a stream."""
        return b"data: %b\r\n\r\n" % msgspec.json.encode(_error_document(_overloaded()))

    def fault_error(self, fault: Fault, asked: str) -> ApiError | None:
        """Return the refusal that a fault stands for."""
        match fault.kind:
            case FaultKind.RATE_LIMIT:
                return ApiError(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.")
            case FaultKind.QUOTA:
                message = "You exceeded your current quota, please check your plan and billing."
                return ApiError(429, "RESOURCE_EXHAUSTED", message)
            case FaultKind.OVERLOADED:
                return _overloaded()
            case FaultKind.SERVER_ERROR:
                return ApiError(500, "INTERNAL", "An internal error has occurred.")
            case FaultKind.UNAUTHORIZED:
                return _wrong_key()
            case FaultKind.NOT_FOUND:
                return _unknown_model(asked)
        return None

    def _open_call(
        self, request: Request, key: str, call: tuple[str, str], query: dict[str, list[str]]
    ) -> Generation | dict[str, Any]:
        name, method = call
        if request.too_large:
            raise ApiError(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit.")
        facts = self._require(name)
        if method not in ("generateContent", "streamGenerateContent", "countTokens"):
            raise ApiError(404, "NOT_FOUND", "The requested URL was not found on this server.")
        stream = method == "streamGenerateContent"
        if stream and query.get("alt") != ["sse"]:
            raise invalid("Only alt=sse is simulated.")
        body = decode_body(request.body)
        check_body(body, facts)
        generation = GeminiGeneration(
            body,
            facts,
            asked=name,
            stream=stream,
            scope=f"{key}\0{facts.served}".encode(),
            prefixes=self._prefixes,
        )
        if method == "countTokens":
            return {"totalTokens": generation.prompt_tokens}
        if generation.prompt_tokens > facts.context_tokens:
            raise invalid(
                f"The input token count ({generation.prompt_tokens}) exceeds the maximum number of "
                f"tokens allowed ({facts.context_tokens})."
            )
        return generation

    def _require(self, name: str) -> ModelFacts:
        facts = self._find(self.provider, name)
        if facts is None:
            raise _unknown_model(name)
        return facts


def _require_key(request: Request, query: dict[str, list[str]]) -> str:
    key = request.header("x-goog-api-key") or query.get("key", [""])[0]
    if not key:
        message = (
            "Method doesn't allow unregistered callers (callers without established identity)."
        )
        raise ApiError(403, "PERMISSION_DENIED", message)
    if "invalid" in key:
        raise _wrong_key()
    return key


def _wrong_key() -> ApiError:
    message = "API key not valid. Please pass a valid API key."
    return ApiError(400, "INVALID_ARGUMENT", message, code="API_KEY_INVALID")


def _unknown_model(name: str) -> ApiError:
    message = f"models/{name} is not found for API version v1beta."
    return ApiError(404, "NOT_FOUND", message)


def _overloaded() -> ApiError:
    return ApiError(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


def _error_document(error: ApiError) -> dict[str, Any]:
    document: dict[str, Any] = {
        "code": error.status,
        "message": error.message,
        "status": error.kind,
    }
    if error.code is not None:
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": error.code}
        document["details"] = [{**reason, "domain": "googleapis.com"}]
    return {"error": document}


def _model_card(facts: ModelFacts) -> dict[str, Any]:
    return {
        "name": f"models/{facts.names[0]}",
        "version": "001",
        "displayName": facts.names[0],
        "inputTokenLimit": facts.context_tokens,
        "outputTokenLimit": facts.output_tokens_max,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }
