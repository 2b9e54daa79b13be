"""OpenAI's stored responses: shown, deleted, cancelled (in vain), and what they were asked.

Wire format: https://platform.openai.com/docs/api-reference/responses and the official SDK's types.
"""

from collections import OrderedDict
from typing import Any
from urllib.parse import parse_qs

from headgate.simulator.dialect import ApiError
from headgate.simulator.openai_request import bad_request
from headgate.simulator.openai_response import ResponseGeneration
from headgate.simulator.server import Request

STORED_MAX = 1_000
PREFIX = "/v1/responses/"
PAGE_USUAL, PAGE_MAX = 20, 100


class StoredResponses:
    """The last responses, by id; bounded."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, ResponseGeneration] = OrderedDict()

    def add(self, response: ResponseGeneration) -> None:
        """Keep a response, and forget the oldest beyond the bound."""
        self._kept[response.reply_id] = response
        while len(self._kept) > STORED_MAX:
            self._kept.popitem(last=False)

    def prompt(self, reply_id: str | None) -> bytes:
        """Return the prompt of a stored response; nothing for no id.

        Raises:
            ApiError: There is none of that id.
        """
        if reply_id is None:
            return b""
        if reply_id not in self._kept:
            message = f"Previous response with id '{reply_id}' not found."
            raise bad_request(message, "previous_response_id", "previous_response_not_found")
        return self._kept[reply_id].prompt

    def handles(self, request: Request) -> bool:
        """Tell whether a request is about a stored response."""
        return request.path.startswith(f"{PREFIX}resp_")

    def answer(self, request: Request) -> dict[str, Any]:
        """Answer such a request.

        Raises:
            ApiError: There is no such response, or it cannot be done.
        """
        name, _, below = request.path.removeprefix(PREFIX).partition("/")
        kept = self._kept.get(name)
        if kept is None or kept.kept is None:
            message = f"Response with id '{name}' not found."
            raise ApiError(404, "invalid_request_error", message)
        match (request.method, below):
            case ("GET", ""):
                return kept.kept
            case ("GET", "input_items"):
                return _page(kept.inputs, parse_qs(request.target.partition("?")[2]))
            case ("DELETE", ""):
                del self._kept[name]
                return {"id": name, "object": "response", "deleted": True}
            case ("POST", "cancel"):
                message = "Cannot cancel a synchronous response."
                raise bad_request(message, None, None)
        message = f"Invalid URL ({request.method} {request.path})"
        raise ApiError(404, "invalid_request_error", message)


def _page(items: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    """Return a page of items, the last first unless asked otherwise."""
    limit = int(query.get("limit", [str(PAGE_USUAL)])[0])
    if not 1 <= limit <= PAGE_MAX:
        raise bad_request(f"Invalid 'limit': {limit}.", "limit", "integer_out_of_range")
    ordered = items if query.get("order") == ["asc"] else items[::-1]
    after = query.get("after", [None])[0]
    ids = [each["id"] for each in ordered]
    ordered = ordered[ids.index(after) + 1 :] if after in ids else ordered
    data = ordered[:limit]
    ends = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    page = {"object": "list", "data": data, "first_id": ends[0], "last_id": ends[1]}
    return {**page, "has_more": len(ordered) > limit}
