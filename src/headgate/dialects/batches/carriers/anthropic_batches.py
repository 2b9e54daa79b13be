"""Anthropic's message batches: the lines go with the request, the results are one stream of JSON.

Wire format: https://docs.claude.com/en/api/creating-message-batches and the pages beside it.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from headgate.dialects.batches.lines import Outcome, number_of, one_line
from headgate.dialects.batches.steps import Asking, Look, PendingError, RejectedError, Steps, asked
from headgate.records.batch import Batch, Counts, Result

KIND = TAKES = "anthropic_batches"
PATH = "/v1/messages/batches"
HEADERS: Mapping[str, str] = {"anthropic-version": "2023-06-01"}

ENDED = "ended"
LIST_PAGES_MAX = 20
EARLIER_S = 60
"""Clocks may differ by so much."""


class _RequestCounts(Struct, frozen=True):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _Upstream(Struct):
    id: str
    processing_status: str
    request_counts: _RequestCounts = _RequestCounts()
    created_at: str = ""


class _Page(Struct):
    data: list[_Upstream] = []
    has_more: bool = False
    last_id: str | None = None


class _Named(Struct):
    custom_id: str


class _Result(Struct):
    type: str
    message: Raw = Raw(b"null")


class _ResultLine(Struct):
    custom_id: str
    result: _Result


_RESULTS: Mapping[str, Result] = {
    "succeeded": "succeeded",
    "errored": "errored",
    "canceled": "canceled",
    "expired": "expired",
}


def url(endpoint: str, _base: str) -> str:
    """An endpoint is called as clients call it."""
    return endpoint


def told_line(name: str, _url: str, body: bytes) -> bytes:
    """Return a line as it goes to a provider."""
    return msgspec.json.encode({"custom_id": name, "params": Raw(one_line(body))}) + b"\n"


def _path(base: str) -> str:
    return base.removesuffix("/v1") + PATH


def upload(_batch: Batch, _content: bytes, _base: str) -> Steps[tuple[str, ...]]:
    """The lines go with the request: there is no file."""
    yield from ()
    return ()


def ready(_batch: Batch, _base: str) -> Steps[None]:
    """Nothing has to be there before."""
    yield from ()


def create(_batch: Batch, content: bytes, base: str) -> Steps[str]:
    """Hand over a batch."""
    body = b'{"requests":[' + b",".join(content.splitlines()) + b"]}"
    made = yield from asked(Asking("POST", _path(base), body))
    return msgspec.json.decode(made, type=_Upstream).id


def find(batch: Batch, base: str) -> Steps[str | None]:
    """Find a batch by the names of its lines, which stand in the results alone.

    Raises:
        PendingError: One that may be it has no results yet.
    """
    assert batch.sending_ns is not None
    since_s = batch.sending_ns // 1_000_000_000 - EARLIER_S
    after, pending = "", False
    for _ in range(LIST_PAGES_MAX):
        body = yield from asked(Asking("GET", f"{_path(base)}?limit=100{after}"))
        page = msgspec.json.decode(body, type=_Page)
        recent = [each for each in page.data if _created_s(each) >= since_s]
        for each in recent:
            if each.processing_status != ENDED:
                pending = True
                continue
            found = yield from asked(Asking("GET", f"{_path(base)}/{each.id}/results"))
            first = msgspec.json.decode(
                found.partition(b"\n")[0] or b'{"custom_id":""}', type=_Named
            )
            if first.custom_id.startswith(f"{batch.call}-"):
                return each.id
        if not page.has_more or len(recent) < len(page.data):
            break
        after = f"&after_id={page.last_id}"
    if pending:
        raise PendingError
    return None


def _created_s(told: _Upstream) -> int:
    return int(datetime.fromisoformat(told.created_at).timestamp())


def look(batch: Batch, base: str) -> Steps[Look]:
    """Ask how a batch stands."""
    body = yield from asked(Asking("GET", f"{_path(base)}/{batch.upstream}"))
    told = msgspec.json.decode(body, type=_Upstream)
    counts = told.request_counts
    ended = ENDED if told.processing_status == ENDED else None
    done = Counts(counts.succeeded, counts.errored, counts.canceled, counts.expired)
    return Look(ended, done, ("results",), whole=True)


def cancel(batch: Batch, base: str) -> Steps[None]:
    """Cancel it; one that has ended meanwhile is none to cancel."""
    try:
        yield from asked(Asking("POST", f"{_path(base)}/{batch.upstream}/cancel"))
    except RejectedError as error:
        if not error.final:
            raise


def results(batch: Batch, _look: Look, base: str) -> Steps[list[bytes]]:
    """Return the results."""
    body = yield from asked(Asking("GET", f"{_path(base)}/{batch.upstream}/results"))
    return [body]


def forget(_batch: Batch, _base: str) -> Steps[None]:
    """Nothing is left that its provider does not delete itself."""
    yield from ()


def outcome(line: bytes, custom_ids: Mapping[int, str]) -> Outcome:
    """Read a line of the results; see `Carrier.outcome`."""
    found = msgspec.json.decode(line, type=_ResultLine)
    number = number_of(found.custom_id)
    result = _RESULTS.get(found.result.type, "errored")
    told = msgspec.json.decode(line, type=dict[str, Raw])
    told["custom_id"] = Raw(msgspec.json.encode(custom_ids.get(number or 0, found.custom_id)))
    succeeded = result == "succeeded"
    return Outcome(
        number,
        result,
        bytes(found.result.message) if succeeded else None,
        200 if succeeded else 0,
        msgspec.json.encode(told),
    )
