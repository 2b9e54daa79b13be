"""Azure OpenAI's batches: of OpenAI's shape, but their file has to be processed before.

Wire formats: https://learn.microsoft.com/azure/ai-services/openai/how-to/batch,
https://learn.microsoft.com/azure/foundry/reference/rest/batches-create-batch, and of dated versions
https://learn.microsoft.com/rest/api/azureopenai/batch. Published replies have no metadata: there a
batch is known by its file alone, and that by its name, which is ours.
"""

from collections.abc import Mapping
from functools import partial

import msgspec
from msgspec import Struct

from headgate.dialects.batches.carriers import openai_files
from headgate.dialects.batches.carriers.openai_files import Upstream, made, sought, uploaded
from headgate.dialects.batches.steps import Asking, PendingError, RejectedError, Steps, asked
from headgate.records.batch import Batch

KIND = "azure_batches"
TAKES = "openai_batches"
HEADERS: Mapping[str, str] = {}

PAGES_MAX = 100
PROCESSED = frozenset({"processed", "succeeded"})
SPOILT = frozenset({"error", "failed", "canceled", "deleting", "deleted"})

told_line = openai_files.line
look = openai_files.look
cancel = openai_files.cancel
results = openai_files.results
outcome = openai_files.outcome


class _File(Struct):
    id: str
    filename: str = ""
    status: str = ""
    status_details: object = None


class _Files(Struct):
    data: list[_File] = []
    has_more: bool = False


class _Listed(Struct):
    id: str
    input_file_id: str | None = None


class _Page(Struct):
    data: list[_Listed] = []
    has_more: bool = False


def url(endpoint: str, base: str) -> str:
    """Return the endpoint as the `v1` paths call it, or dated versions, which have no `/v1`."""
    return endpoint if base.endswith("/v1") else endpoint.removeprefix("/v1")


def upload(batch: Batch, content: bytes, base: str) -> Steps[tuple[str, ...]]:
    """Upload the lines, unless they were uploaded before and the answer was lost."""
    name = _name_of(batch)
    file = None
    if batch.sending_ns is not None:
        file = yield from _called(name, base)
    if file is None:
        file = yield from uploaded(name, content, base)
    return (file,)


def _name_of(batch: Batch) -> str:
    return f"{batch.id}.jsonl"


def _called(name: str, base: str) -> Steps[str | None]:
    """Find a file by its name."""
    after = ""
    for _ in range(PAGES_MAX):
        body = yield from asked(Asking("GET", f"{base}/files?purpose=batch{after}"))
        page = msgspec.json.decode(body, type=_Files)
        for each in page.data:
            if each.filename == name and each.status.lower() not in SPOILT:
                return each.id
        if not page.has_more or not page.data:
            break
        after = f"&after={page.data[-1].id}"
    return None


def ready(batch: Batch, base: str) -> Steps[None]:
    """Tell whether the file is processed; see `Carrier.ready`."""
    body = yield from asked(Asking("GET", f"{base}/files/{batch.upstream_files[0]}"))
    file = msgspec.json.decode(body, type=_File)
    status = file.status.lower()
    if status in SPOILT:
        why = f": {file.status_details}" if isinstance(file.status_details, str) else ""
        raise RejectedError(f"The file of its lines is of status {status!r}{why}", final=True)
    if status not in PROCESSED:
        raise PendingError


def create(batch: Batch, _content: bytes, base: str) -> Steps[str]:
    """Make a batch of the file."""
    metadata = msgspec.json.decode(batch.metadata)
    endpoint = url(batch.endpoint, base)
    upstream = yield from made(batch.upstream_files[0], endpoint, metadata, base)
    return upstream


def find(batch: Batch, base: str) -> Steps[str | None]:
    """Find a batch by the file that it is made of."""
    found = yield from sought(partial(_made_of, batch, base), batch, base)
    return found


def _made_of(batch: Batch, base: str) -> Steps[str | None]:
    """Look through all batches: nothing says in which order they are listed."""
    after = ""
    for _ in range(PAGES_MAX):
        body = yield from asked(Asking("GET", f"{base}/batches?limit=100{after}"))
        page = msgspec.json.decode(body, type=_Page)
        for each in page.data:
            if each.input_file_id in batch.upstream_files:
                return each.id
        if not page.has_more or not page.data:
            return None
        after = f"&after={page.data[-1].id}"
    raise PendingError


def forget(batch: Batch, base: str) -> Steps[None]:
    """Delete its lines and its results: a resource keeps 500 files, and deletes none itself."""
    yield from openai_files.forget(batch, base)
    if batch.upstream is None:
        file = None if batch.upstream_files else (yield from _called(_name_of(batch), base))
        if file is not None:
            yield Asking("DELETE", f"{base}/files/{file}")
        return
    body = yield from asked(Asking("GET", f"{base}/batches/{batch.upstream}"))
    for file in msgspec.json.decode(body, type=Upstream).files:
        yield Asking("DELETE", f"{base}/files/{file}")
