"""OpenAI's batches, each found again by a mark in its metadata."""

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec import Struct

from headgate.dialects.batches.carriers import openai_files
from headgate.dialects.batches.carriers.openai_files import made, sought, uploaded
from headgate.dialects.batches.steps import Asking, PendingError, Steps, asked
from headgate.records.batch import Batch

KIND = TAKES = "openai_batches"
HEADERS: Mapping[str, str] = {}

LIST_PAGES_MAX = 20
DAY_S = 86_400
_MARK = "headgate_batch"


class _Listed(Struct):
    id: str
    created_at: int = 0
    metadata: dict[str, str] | None = None


class _Page(Struct):
    data: list[_Listed] = []
    has_more: bool = False


told_line = openai_files.line
look = openai_files.look
cancel = openai_files.cancel
results = openai_files.results
forget = openai_files.forget
outcome = openai_files.outcome


def url(endpoint: str, _base: str) -> str:
    """An endpoint is called as clients call it."""
    return endpoint


def upload(batch: Batch, content: bytes, base: str) -> Steps[tuple[str, ...]]:
    """Upload the lines."""
    file = yield from uploaded(f"{batch.id}.jsonl", content, base)
    return (file,)


def ready(_batch: Batch, _base: str) -> Steps[None]:
    """A batch may be made of a file at once."""
    yield from ()


def create(batch: Batch, _content: bytes, base: str) -> Steps[str]:
    """Make a batch of the file, with a mark."""
    metadata = msgspec.json.decode(batch.metadata) | {_MARK: batch.id}
    upstream = yield from made(batch.upstream_files[0], batch.endpoint, metadata, base)
    return upstream


def find(batch: Batch, base: str) -> Steps[str | None]:
    """Find a batch by the mark that it was made with."""
    found = yield from sought(partial(_marked, batch, base), batch, base)
    return found


def _marked(batch: Batch, base: str) -> Steps[str | None]:
    assert batch.sending_ns is not None
    since_s = batch.sending_ns // 1_000_000_000 - DAY_S
    after = ""
    for _ in range(LIST_PAGES_MAX):
        body = yield from asked(Asking("GET", f"{base}/batches?limit=100{after}"))
        page = msgspec.json.decode(body, type=_Page)
        for each in page.data:
            if (each.metadata or {}).get(_MARK) == batch.id:
                return each.id
        if not page.has_more or not page.data or page.data[-1].created_at < since_s:
            return None
        after = f"&after={page.data[-1].id}"
    raise PendingError
