"""Batches whose provider fails: what the log says of it."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.ledger import store_batches
from headgate.ledger.allotments import Allotment
from headgate.ledger.keeper import Keeper
from headgate.node.batching import Batching
from headgate.node.pages import Pages
from headgate.node.rules import Rules
from headgate.records.batch import Batch
from tests.gateway.provider import Line, Provider, whole
from tests.ledger.test_batches import BATCH, WINDOW
from tests.node.harness import write_config
from tests.stores import open_test_store

PARENT = "team@once"
AT_NS = 1_790_000_000_000_000_000
RUNS = b'{"id":"batch_1","status":"in_progress","request_counts":{"total":1}}'
FAILS = whole(b'{"error":{"message":"no"}}', status=500)
FAILS_ELSE = whole(b'{"error":{"message":"another"}}', status=502)


class NoPages(Pages):
    """A console that nobody looks at."""

    def __init__(self) -> None:
        pass

    def show(self, snapshot: Snapshot) -> None:
        """Show nothing."""


@dataclass
class Desk:
    """A steward, as far as batches need one."""

    engine: Engine
    keeper: Keeper
    rules: Rules
    root: Path


def fails(words: str, status: int = 500) -> bytes:
    """Return an answer that is an error."""
    return whole(b'{"error":{"message":"%b"}}' % words.encode(), status=status)


def answers_with(*answers: bytes) -> Provider:
    """Return a provider that answers requests so, in turn, however they come."""
    left = list(answers)

    async def talk(line: Line) -> None:
        await line.head()
        await line.send(left.pop(0))

    return Provider(talk)


@contextmanager
def one_batch(folder: Path, provider: Provider) -> Iterator[tuple[Batching, Batch]]:
    """Yield a batch that is at its provider, and whoever takes it on."""
    config = folder / "headgate.toml"
    url = provider.url
    write_config(config, openai_url=url, anthropic_url=url, gemini_url=url)
    (folder / "data").mkdir()
    engine = open_test_store(folder / "data")
    keeper = Keeper(engine, folder / "data" / "journal", lambda _window: 10_000_000)
    keeper.discover()
    assert not keeper.carve([Allotment(WINDOW, 9, (PARENT,), "", (), "batch:alice")], AT_NS)
    batch = msgspec.structs.replace(
        BATCH, wire="openai_batches", parents=(PARENT,), provider="openai", stage="sent"
    )
    batch = msgspec.structs.replace(batch, upstream="batch_1", created_ns=AT_NS)
    with engine.begin() as connection:
        store_batches.keep_batch(connection, batch)
    rules = Rules(lambda file: load(file, {}), config, NoPages())
    yield Batching(Desk(engine, keeper, rules, folder / "data" / "journal")), batch
    engine.dispose()


def test_the_words_of_a_provider_forge_no_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor do they steer the terminal of whoever reads it."""
    with (
        answers_with(fails(r"no\u001b]0;mine\u0007\ngoes on")) as provider,
        one_batch(tmp_path, provider) as (batching, batch),
        caplog.at_level(logging.WARNING),
    ):
        asyncio.run(batching._take_on(batch))

    (told,) = (each.getMessage() for each in caplog.records)
    assert told.endswith("RejectedError: HTTP 500: no?]0;mine??goes on")


def test_a_trouble_is_told_once_until_it_changes_or_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Rounds that fail alike say nothing new; another failure does, and so does the end of it."""
    answers = [FAILS, FAILS, FAILS_ELSE, FAILS_ELSE, whole(RUNS), whole(RUNS), FAILS]
    with (
        answers_with(*answers) as provider,
        one_batch(tmp_path, provider) as (batching, batch),
        caplog.at_level(logging.WARNING),
    ):
        for _ in answers:
            asyncio.run(batching._take_on(batch))

    told = [each.getMessage().partition(" at openai: ")[2] for each in caplog.records]
    assert told == [
        "RejectedError: HTTP 500: no",
        "RejectedError: HTTP 502: another",
        "goes on",
        "RejectedError: HTTP 500: no",
    ]


def test_a_trouble_is_the_same_whatever_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors that name a request or a time are others each round; the first one is told."""
    answers = [fails(f"request {number} failed") for number in range(3)]
    answers += [fails("try again in 3 s", 429), fails("try again in 2 s", 429)]
    answers += [whole(b"{%b1" % (b" " * number)) for number in range(2)]
    with (
        answers_with(*answers) as provider,
        one_batch(tmp_path, provider) as (batching, batch),
        caplog.at_level(logging.WARNING),
    ):
        for _ in answers:
            asyncio.run(batching._take_on(batch))

    told = [each.getMessage().partition(" at openai: ")[2] for each in caplog.records]
    assert told[:2] == [
        "RejectedError: HTTP 500: request 0 failed",
        "RejectedError: HTTP 429: try again in 3 s",
    ]
    assert [each.partition(":")[0] for each in told[2:]] == ["DecodeError"]
