"""Files whose time is over: nobody gets them any more, and their bytes are deleted."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from sqlalchemy import Engine

from headgate.config.load import load
from headgate.ledger import store_batches
from headgate.ledger.keeper import Keeper
from headgate.node.batching import Batching
from headgate.node.control import files
from headgate.node.control.registry import Desk
from headgate.node.rules import Rules
from headgate.records.batch import FILES_KEPT_NS, StoredFile
from headgate.records.control import FILES, ControlReply, ControlRequest, Listing
from tests.node.harness import write_config
from tests.node.test_batch_troubles import Desk as Kept
from tests.node.test_batch_troubles import NoPages
from tests.stores import open_test_store

HOUR_NS = 3_600 * 1_000_000_000
MADE_NS = time.time_ns() - HOUR_NS
FILE = StoredFile(
    id="file-1",
    node="",
    principal="alice",
    filename="rows.jsonl",
    purpose="batch",
    size=2,
    created_ns=MADE_NS,
    kept_ns=HOUR_NS,
)
LATER = msgspec.structs.replace(FILE, id="file-2", kept_ns=2 * HOUR_NS)
LONGEST = msgspec.structs.replace(FILE, id="file-3", kept_ns=FILES_KEPT_NS)


class Files(NamedTuple):
    """A store with three files of alice's, and where they lie."""

    engine: Engine
    keeper: Keeper
    folder: Path

    def ask(self, method: str, name: str, now_ns: int) -> ControlReply:
        """Ask for one, as alice, at an instant."""
        body = msgspec.json.encode(Listing("", 9)).decode()
        request = ControlRequest(method, FILES, name, "alice", "t", "k", body=body)
        nothing: Any = None
        desk = Desk(
            snapshot=nothing,
            engine=self.engine,
            reading=self.engine,
            keeper=self.keeper,
            fold=nothing,
            changed=nothing,
            repeats=nothing,
            now_ns=lambda: now_ns,
            approving=nothing,
            lacking=[],
            unanswered=nothing,
        )
        return files.answer(request, desk)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Files]:
    """Three files: for an hour, for two, and for as long as there is."""
    folder = tmp_path / "data"
    (folder / "files").mkdir(parents=True)
    engine = open_test_store(folder)
    with engine.begin() as connection:
        for file in (FILE, LATER, LONGEST):
            store_batches.keep_file(connection, file)
            (folder / "files" / file.id).write_bytes(b"{}")
    yield Files(engine, Keeper(engine, folder / "journal", lambda _window: 0), folder)
    engine.dispose()


@pytest.mark.parametrize("method", ["GET", "LOCATE", "DELETE"])
def test_nobody_gets_a_file_whose_time_is_over(kept: Files, method: str) -> None:
    """To the nano-second, whether or not it was deleted by then."""
    over_ns = FILE.expires_ns

    assert kept.ask(method, FILE.id, over_ns).code == "file_unknown"
    assert kept.ask(method, FILE.id, over_ns - 1).code is None


def test_a_list_leaves_out_what_is_over(kept: Files) -> None:
    """What is not deleted yet is not told of either."""
    told = kept.ask("LIST", "", FILE.expires_ns).body

    listed = {each.id for each in msgspec.json.decode(told, type=list[StoredFile])}
    assert listed == {LATER.id, LONGEST.id}


def test_what_is_over_is_deleted(kept: Files) -> None:
    """The row and the bytes; what lasts longer stays."""
    config = kept.folder.parent / "headgate.toml"
    url = "http://127.0.0.1:1/v1"
    write_config(config, openai_url=url, anthropic_url=url, gemini_url=url)
    rules = Rules(lambda file: load(file, {}), config, NoPages())
    steward = Kept(kept.engine, kept.keeper, rules, kept.folder / "journal")

    Batching(steward).look()

    with kept.engine.connect() as connection:
        left = [
            file.id
            for file in (FILE, LATER, LONGEST)
            if store_batches.find_file(connection, file.id) is not None
        ]
    assert left == [LATER.id, LONGEST.id]
    assert sorted(each.name for each in (kept.folder / "files").iterdir()) == left


def test_a_file_that_says_nothing_is_kept_for_thirty_days() -> None:
    """So is one that was kept before files could say it."""
    told = {
        name: value for name, value in msgspec.structs.asdict(FILE).items() if name != "kept_ns"
    }

    file = msgspec.json.decode(msgspec.json.encode(told), type=StoredFile)

    assert file.expires_ns == MADE_NS + 720 * HOUR_NS
