"""The wires of batches, without a connection: what is asked, what is read, what is told."""

import json
from typing import Any

import msgspec
import pytest

from headgate.dialects.batches import openai_batches
from headgate.dialects.batches.carriers import anthropic_batches as messages
from headgate.dialects.batches.carriers import azure_batches as azure
from headgate.dialects.batches.carriers import openai_batches as completions
from headgate.dialects.batches.carriers.registry import Carrier, carriers
from headgate.dialects.batches.registry import BatchWire, wires
from headgate.dialects.batches.steps import (
    Answered,
    Asking,
    PendingError,
    RejectedError,
    Steps,
)
from headgate.records.batch import Batch
from headgate.units.errors import Refusal
from tests.ledger.test_batches import BATCH

SENT = msgspec.structs.replace(BATCH, upstream="up", sending_ns=10**18, stage="sent")
FILED = msgspec.structs.replace(SENT, upstream_files=("file-up",))
OLD, NEW = "2001-09-09T00:00:00Z", "2001-09-09T01:46:41Z"


def carried_out(steps: Steps[Any], *answers: object) -> tuple[list[Asking], Any]:
    """Answer each request of some steps with the next document; returns requests and result."""
    asked, given = [next(steps)], iter(answers)
    try:
        while True:
            answer = next(given)
            if not isinstance(answer, Answered):
                answer = Answered(200, json.dumps(answer).encode())
            asked.append(steps.send(answer))
    except StopIteration as done:
        return asked, done.value


@pytest.mark.parametrize("carrier", carriers().values(), ids=carriers())
def test_a_no_is_final_only_when_the_batch_is_at_fault(carrier: Carrier) -> None:
    """A provider that is full, or does not know our key, takes the batch later.

    Who only failed, or stands before one that did, may have taken it all the same.
    """
    full, failed = (401, 429, 503, 529), (408, 500, 502, 504)
    for status in (400, 413, *full, *failed):
        steps = carrier.create(FILED, b'{"custom_id":"x"}\n', "/v1")
        with pytest.raises(RejectedError) as refused:
            carried_out(steps, Answered(status, b'{"error":{"message":"No."}}'))

        assert refused.value.final is (status in (400, 413))
        assert refused.value.doubtful is (status in failed)
        assert "No." in str(refused.value)


@pytest.mark.parametrize("wire", wires().values(), ids=wires())
def test_every_state_can_be_told(wire: BatchWire) -> None:
    """Whatever a batch has come to, its client gets an object, and a list of it."""
    for change in ({}, {"cancel_ns": 5}, {"stage": "settled", "ending": "completed"}):
        told = msgspec.structs.replace(BATCH, **change)

        assert json.loads(wire.render(told))["id"] == BATCH.id
        assert len(json.loads(wire.render_list([told], has_more=False))["data"]) == 1


def test_a_batch_is_made_of_a_file_that_was_uploaded_before() -> None:
    """The batch bears a mark, by which it is found again."""
    (upload,), files = carried_out(completions.upload(SENT, b'{"a":1}\n', "/v1"), {"id": "file-up"})
    (create,), made = carried_out(completions.create(FILED, b"", "/v1"), {"id": "batch_up"})

    assert (upload.method, upload.path) == ("POST", "/v1/files")
    assert b'{"a":1}\n\r\n--' in upload.body
    assert files == ("file-up",)
    assert (create.method, create.path) == ("POST", "/v1/batches")
    assert json.loads(create.body)["input_file_id"] == "file-up"
    assert json.loads(create.body)["metadata"] == {"headgate_batch": "batch_1"}
    assert made == "batch_up"


def test_a_batch_that_is_not_there_is_certain_when_its_file_is_gone() -> None:
    """A request that is still on its way makes nothing any more: then it is looked for again."""
    none: dict[str, list[object]] = {"data": []}
    mine = {"data": [{"id": "up", "metadata": {"headgate_batch": "batch_1"}}]}
    gone = Answered(404, b"{}")

    asked, found = carried_out(completions.find(FILED, "/v1"), none, {}, none)
    assert [each.method for each in asked] == ["GET", "DELETE", "GET"]
    assert found is None
    _, found = carried_out(completions.find(FILED, "/v1"), none, gone, mine)
    assert found == "up"
    with pytest.raises(RejectedError):
        carried_out(completions.find(FILED, "/v1"), none, Answered(500, b"{}"))


def test_a_batch_is_found_by_its_mark_however_many_came_after() -> None:
    """Pages are read as far back as it can be."""
    newer = {"id": "other", "created_at": 10**9 + 5}
    mine = {"id": "batch_up", "metadata": {"headgate_batch": "batch_1"}}
    pages = {"data": [newer], "has_more": True}, {"data": [mine]}

    asked, found = carried_out(completions.find(SENT, "/v1"), *pages)

    assert found == "batch_up"
    assert asked[1].path.endswith("&after=other")


def test_a_message_batch_is_found_by_the_names_of_its_lines() -> None:
    """One without results yet may be it: that is told apart from there being none."""
    running = {"id": "a", "processing_status": "in_progress", "created_at": NEW}
    ended = {"id": "b", "processing_status": "ended", "created_at": NEW}
    older = {"id": "c", "processing_status": "ended", "created_at": OLD}
    mine, other = {"custom_id": "call_1-1"}, {"custom_id": "call_2-1"}
    find = messages.find

    _, found = carried_out(find(SENT, ""), {"data": [running, ended, older]}, mine)
    assert found == "b"
    _, found = carried_out(find(SENT, ""), {"data": [ended, older]}, other)
    assert found is None
    with pytest.raises(PendingError):
        carried_out(find(SENT, ""), {"data": [running, ended, older]}, other)


class Late:
    """A provider with files and batches, at which the first batch is made late.

    Args:
        carrier: Asks it.
        others: So many requests are answered before that which makes the batch is carried out.
    """

    def __init__(self, carrier: Carrier, others: int) -> None:
        self._carrier, self._others = carrier, others
        self.files: list[str] = []
        self._uploaded = 0
        self.batches: list[dict[str, Any]] = []
        self._under_way: dict[str, Any] | None = None

    def lose(self, batch: Batch) -> None:
        """Be sent the request that makes a batch; its answer is lost."""
        asking = next(self._carrier.create(batch, b"", "/v1"))
        self._under_way = json.loads(asking.body)

    def run(self, steps: Steps[Any]) -> Any:
        """Carry steps out."""
        try:
            asking = next(steps)
            while True:
                told = self._answer(asking)
                self._arrive()
                asking = steps.send(told)
        except StopIteration as done:
            return done.value

    def _arrive(self) -> None:
        self._others -= 1
        if self._under_way is not None and self._others < 0:
            self._make(self._under_way)
            self._under_way = None

    def _make(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        if wanted["input_file_id"] not in self.files:
            return None
        self.batches.append({**wanted, "id": f"up-{len(self.batches)}", "created_at": 10**9})
        return self.batches[-1]

    def _answer(self, asking: Asking) -> Answered:
        match (asking.method, asking.path.partition("?")[0].split("/")[2:]):
            case ("POST", ["files"]):
                self._uploaded += 1
                self.files.append(f"file-{self._uploaded}")
                told: Any = {"id": self.files[-1]}
            case ("DELETE", ["files", name]):
                self.files.remove(name)
                told = {}
            case ("GET", ["files"]):
                told = {"data": []}
            case ("GET", ["batches"]):
                told = {"data": self.batches}
            case _:
                told = self._make(json.loads(asking.body))
        return Answered(404 if told is None else 200, json.dumps(told).encode())


@pytest.mark.parametrize("others", range(6))
@pytest.mark.parametrize("carrier", [completions, azure], ids=["openai", "azure"])
def test_whenever_a_lost_request_arrives_one_batch_is_made(carrier: Carrier, others: int) -> None:
    """Before, between or after the looks for it, and while the next one is being made."""
    provider = Late(carrier, others)
    batch = msgspec.structs.replace(
        SENT, upstream_files=provider.run(carrier.upload(SENT, b"", "/v1"))
    )
    provider.lose(batch)

    found = provider.run(carrier.find(batch, "/v1"))
    if found is None:
        files = provider.run(carrier.upload(batch, b"", "/v1"))
        batch = msgspec.structs.replace(batch, upstream_files=files)
        found = provider.run(carrier.create(batch, b"", "/v1"))
    for _ in range(others):
        assert provider.run(carrier.find(batch, "/v1")) == found

    assert [each["id"] for each in provider.batches] == [found]


def test_azure_calls_an_endpoint_as_its_version_does() -> None:
    """Dated versions have no `v1` in any path."""
    endpoint = "/v1/chat/completions"

    for base, url in (("/openai/v1", endpoint), ("/openai", "/chat/completions")):
        (create,), _ = carried_out(azure.create(in_chats(FILED), b"", base), {"id": "up"})

        assert azure.url(endpoint, base) == url
        assert json.loads(create.body)["endpoint"] == url


def in_chats(batch: Batch) -> Batch:
    """Return a batch of chats."""
    return msgspec.structs.replace(batch, endpoint="/v1/chat/completions")


def test_azure_makes_a_batch_of_a_processed_file_alone() -> None:
    """One that is not is waited for, one that is spoilt is no batch."""
    for status in ("processed", "Processed", "succeeded"):
        carried_out(azure.ready(FILED, "/v1"), {"id": "file-up", "status": status})
    for status in ("pending", "running", "uploaded", ""):
        with pytest.raises(PendingError):
            carried_out(azure.ready(FILED, "/v1"), {"id": "file-up", "status": status})
    spoilt = {"id": "file-up", "status": "error", "status_details": "Bad line."}
    with pytest.raises(RejectedError, match="'error': Bad line") as refused:
        carried_out(azure.ready(FILED, "/v1"), spoilt)
    assert refused.value.final


def test_azure_finds_a_batch_by_its_file_in_any_order() -> None:
    """Published replies have no metadata, and some write times as text."""
    other = {"id": "other", "input_file_id": "file-x", "created_at": "2001-09-09T01:46:41Z"}
    mine = {"id": "up", "input_file_id": "file-up", "metadata": None}

    asked, found = carried_out(
        azure.find(FILED, "/v1"), {"data": [other], "has_more": True}, {"data": [mine]}
    )

    assert found == "up"
    assert asked[1].path.endswith("&after=other")


def test_azure_finds_a_file_by_its_name_once_it_may_be_there() -> None:
    """A first upload asks nothing before; of a spoilt one nothing is made."""
    spoilt = {"id": "bad", "filename": "batch_1.jsonl", "status": "deleting"}
    mine = {"id": "file-up", "filename": "batch_1.jsonl", "status": "pending"}
    first = msgspec.structs.replace(SENT, sending_ns=None)
    upload = azure.upload

    asked, files = carried_out(upload(SENT, b"", "/v1"), {"data": [spoilt, mine]})
    assert (len(asked), files) == (1, ("file-up",))
    asked, files = carried_out(upload(SENT, b"", "/v1"), {"data": [spoilt]}, {"id": "new"})
    assert ([each.method for each in asked], files) == (["GET", "POST"], ("new",))
    asked, _ = carried_out(upload(first, b"", "/v1"), {"id": "new"})
    assert [each.method for each in asked] == ["POST"]


def test_azure_tells_of_a_batch_in_words_of_its_own() -> None:
    """Counts may be nothing, times text, words begin with a capital."""
    counts = {"total": None, "completed": None, "failed": None}
    told = {"id": "up", "status": "Validating", "created_at": OLD, "request_counts": counts}

    _, look = carried_out(azure.look(FILED, "/v1"), told)
    assert (look.ended, look.counts.succeeded) == (None, 0)
    _, look = carried_out(azure.look(FILED, "/v1"), {**told, "status": "Completed"})
    assert (look.ended, look.whole) == ("completed", True)


def test_azure_is_left_no_file() -> None:
    """Neither lines, nor results where it was made, nor lines of which nothing was heard."""
    told = {"id": "up", "output_file_id": "out", "error_file_id": "err"}
    never = msgspec.structs.replace(FILED, upstream=None)

    asked, _ = carried_out(azure.forget(FILED, "/v1"), {}, told, {}, {})
    assert [each.path for each in asked if each.method == "DELETE"] == [
        "/v1/files/file-up",
        "/v1/files/out",
        "/v1/files/err",
    ]
    asked, _ = carried_out(azure.forget(never, "/v1"), {})
    assert len(asked) == 1
    unheard = msgspec.structs.replace(never, upstream_files=())
    lines = {"id": "file-lost", "filename": "batch_1.jsonl", "status": "processed"}
    asked, _ = carried_out(azure.forget(unheard, "/v1"), {"data": [lines]}, {})
    assert asked[-1][:2] == ("DELETE", "/v1/files/file-lost")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "at least one line"),
        (b"{", "Line 1"),
        (b'{"custom_id":"a","url":"/v1/embeddings","body":{}}', "POST to /v1/responses"),
        (b'{"custom_id":"","url":"/v1/responses","body":{}}', "1 to 64 plain"),
    ],
)
def test_what_is_no_file_of_lines_is_refused(text: bytes, why: str) -> None:
    """The line is named."""
    refused = openai_batches.read_lines(text, "/v1/responses")

    assert isinstance(refused, Refusal)
    assert why in refused.message


def test_results_bear_the_names_that_clients_gave() -> None:
    """Ours are for the way alone."""
    reply = {"status_code": 200, "request_id": "r", "body": {"id": "x"}}
    told = {"id": "i", "custom_id": "call_1-2", "response": reply, "error": None}

    outcome = completions.outcome(json.dumps(told).encode(), {2: "my row"})

    assert (outcome.number, outcome.result, outcome.reply_id) == (2, "succeeded", "r")
    assert json.loads(outcome.told)["custom_id"] == "my row"
    assert outcome.reply is not None
    assert json.loads(outcome.reply) == {"id": "x"}


@pytest.mark.parametrize("carrier", carriers().values(), ids=carriers())
def test_a_body_that_is_spread_over_lines_is_one_line_of_the_batch(carrier: Carrier) -> None:
    """A provider reads a line to its end."""
    told = carrier.told_line("call_1-1", "/v1/x", b'{"model": "m",\n "messages":\r\n []}')

    assert told.count(b"\n") == 1
    assert json.loads(told)["custom_id"] == "call_1-1"
    assert {"model": "m", "messages": []} in json.loads(told).values()


def test_a_batch_is_kept_as_it_is() -> None:
    """What is written to the store is read back the same."""
    assert msgspec.json.decode(msgspec.json.encode(SENT), type=Batch) == SENT
