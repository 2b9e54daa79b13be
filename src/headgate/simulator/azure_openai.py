"""Azure OpenAI: OpenAI's chats below paths of its own, with deployments in place of models."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec

from headgate.simulator.bill import Usage
from headgate.simulator.dialect import ApiError, Generation
from headgate.simulator.models import Finder, ProviderName, find_model
from headgate.simulator.openai import OpenAI
from headgate.simulator.replies import Headers
from headgate.simulator.server import Request

BATCH = "-batch"
"""A model has two deployments: one of its name, and one for batches, whose name ends so."""
_V1, _DATED = "/openai/v1/", "/openai/"
_DEPLOYMENT = re.compile(r"deployments/([^/]+)/(.+)")


class AzureOpenAI(OpenAI):
    """The API of Azure OpenAI, as far as chats and batches need it."""

    provider = ProviderName.AZURE

    def __init__(self, clock: Callable[[], float], find: Finder = find_model) -> None:
        super().__init__(clock, lambda _, name: find(ProviderName.OPENAI, name))

    def request_id(self) -> str:
        """Return a new request id."""
        return secrets.token_hex(16)

    def open(self, request: Request) -> Generation | dict[str, Any]:
        """Check a request; see `Dialect.open`."""
        key = require_key(request)
        rest = below(request)
        body = request.body
        if (found := _DEPLOYMENT.fullmatch(rest)) is not None:
            if request.path.startswith(_V1):
                raise ApiError(404, "invalid_request_error", "Resource not found", code="404")
            rest, document = found[2], msgspec.json.decode(body, type=dict[str, Any])
            body = msgspec.json.encode({**document, "model": unquote(found[1])})
        elif not request.path.startswith(_V1) or rest != "chat/completions":
            raise ApiError(404, "invalid_request_error", "Resource not found", code="404")
        headers = (("authorization", f"Bearer {key}"), *request.headers)
        return super().open(replace(request, target=f"/v1/{rest}", headers=headers, body=body))

    def headers(self, request_id: str, usage: Usage | None) -> Headers:
        """Return the headers of a reply."""
        more = (("apim-request-id", request_id), ("x-ms-region", "Sweden Central"))
        return (*super().headers(request_id, usage), *more)


def below(request: Request) -> str:
    """Return what a path has below the API's, whose version is given as it has to be.

    Raises:
        ApiError: It is not, or nothing of the API's lies there.
    """
    versions = parse_qs(request.target.partition("?")[2]).get("api-version", [])
    if request.path.startswith(_V1):
        if not set(versions) <= {"v1", "preview"}:
            raise ApiError(400, "invalid_request_error", "API version not supported")
        return request.path.removeprefix(_V1)
    if not request.path.startswith(_DATED) or len(versions) != 1:
        raise ApiError(404, "invalid_request_error", "Resource not found", code="404")
    return request.path.removeprefix(_DATED)


def require_key(request: Request) -> str:
    """Return the key or the token that a request bears.

    Raises:
        ApiError: It bears none, or a wrong one.
    """
    scheme, _, token = (request.header("authorization") or "").partition(" ")
    key = request.header("api-key") or (token if scheme.lower() == "bearer" else "")
    if not key or "invalid" in key:
        message = "Access denied due to invalid subscription key or wrong API endpoint."
        raise ApiError(401, "invalid_request_error", message, code="401")
    return key
