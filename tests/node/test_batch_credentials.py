"""A credential that is rejected when a provider is asked about batches: renewed, once."""

import asyncio
from pathlib import Path

import pytest

from headgate.config.load import load
from headgate.dialects.batches.carriers.registry import carriers
from headgate.dialects.batches.steps import Answered, Asking, Steps
from headgate.node.batch_asking import Asker
from headgate.node.sources import CredentialError
from tests.gateway.provider import Line, Provider, whole
from tests.gateway.test_renewals import REJECTED, Tokens
from tests.node.harness import write_config

TABLES = """
[providers.cloud]
kind = "azure_openai"
base_url = "{url}"
[providers.cloud.issuer]
kind = "client_credentials"
client_id = "gate"
secret = {{ value = "s3cret" }}
endpoint = "{issuer}/token"
"""
GOOD = whole(b"{}")


class Cloud:
    """A provider whose credentials an issuer gives, and who asks it about batches.

    Attributes:
        shown: The numbers of the tokens that requests have shown.
    """

    def __init__(self, tokens: Tokens) -> None:
        self.shown: list[str] = []
        self.tokens = tokens
        self.server = Provider(self._talk)
        self._answers: list[bytes] = []
        self._asker: Asker

    async def _talk(self, line: Line) -> None:
        head = (await line.head()).decode()
        self.shown.append(head.partition("head.token-")[2].partition(".")[0])
        await line.send(self._answers.pop(0))

    def open(self, folder: Path) -> None:
        """Read the configuration that names it."""
        url, config = self.server.url, folder / "headgate.toml"
        extra = TABLES.format(url=url, issuer=self.tokens.server.url)
        write_config(config, openai_url=url, anthropic_url=url, gemini_url=url, extra=extra)
        snapshot = load(config, {})
        self._asker = Asker(lambda: snapshot)

    def ask(self, *answers: bytes) -> int:
        """Ask once, and answer requests so; returns the status that came of it."""

        def steps(base: str) -> Steps[Answered]:
            return (yield Asking("GET", f"{base}/batches/batch_1"))

        self._answers = list(answers)
        carrier = carriers()["azure_batches"]
        return asyncio.run(self._asker.run("cloud", carrier, steps)).status


def test_a_rejected_credential_is_renewed_and_what_was_asked_is_asked_again(tmp_path: Path) -> None:
    """A token that ended before its time stops no batch; the fresh one is used from then on."""
    cloud = Cloud(Tokens())
    with cloud.tokens.server, cloud.server:
        cloud.open(tmp_path)

        assert cloud.ask(REJECTED, GOOD) == 200
        assert cloud.ask(GOOD) == 200
        assert cloud.shown == ["1", "2", "2"]


def test_a_fresh_credential_that_is_rejected_too_is_not_renewed_again(tmp_path: Path) -> None:
    """It is not for its age: the rejection is told, and the issuer asked no more for a while."""
    cloud = Cloud(Tokens())
    with cloud.tokens.server, cloud.server:
        cloud.open(tmp_path)

        assert cloud.ask(REJECTED, REJECTED) == 401
        assert cloud.ask(REJECTED) == 401
        assert cloud.shown == ["1", "2", "2"]
        assert cloud.tokens.given == 2


def test_without_a_fresh_credential_there_is_none(tmp_path: Path) -> None:
    """An issuer that gives none any more is what a person has to look at."""
    cloud = Cloud(Tokens())
    with cloud.tokens.server, cloud.server:
        cloud.open(tmp_path)
        assert cloud.ask(GOOD) == 200
        cloud.tokens.refuses = True

        with pytest.raises(CredentialError):
            cloud.ask(REJECTED)
