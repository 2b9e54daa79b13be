"""Credentials of an issuer: carried by calls, replaced in time, and missed when none comes."""

import asyncio
import json
from pathlib import Path

import pytest

from headgate.dial.resolver import Resolver
from headgate.node.credentials import keep_fresh
from headgate.node.sources import CredentialError, IssuerSource
from headgate.providers.issuers.settings import IssuerSettings
from headgate.providers.settings import Provider as Configured
from tests.gateway.calls import ask, chat
from tests.gateway.conftest import Start
from tests.gateway.provider import Line, Provider, completion, whole
from tests.gateway.recording import Recording
from tests.node.harness import until


class Tokens:
    """An endpoint that gives a new token each time, valid for a moment.

    Attributes:
        given: How many so far.
        sign: What each ends with.
        refuses: Whether it gives none any more.
    """

    def __init__(self) -> None:
        self.given = 0
        self.sign = ".sign"
        self.refuses = False
        self.server = Provider(self._talk)

    async def _talk(self, line: Line) -> None:
        form = await line.request()
        assert b"client_secret=s3cret" in form
        if self.refuses:
            refusal = b'{"error":"invalid_client","error_description":"s3cret"}'
            await line.send(whole(refusal, status=401))
            return
        self.given += 1
        token = {"access_token": f"head.token-{self.given}{self.sign}", "expires_in": 1}
        await line.send(whole(json.dumps(token).encode()))


def test_a_token_is_got_replaced_and_missed(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls carry the newest one; when it has expired and no other comes, nobody is asked
    without, the client is told so, and no log shows a secret."""
    tokens = Tokens()
    with Recording() as provider, tokens.server:
        lines = (
            f'[providers.cloud]\nkind = "azure_openai"\nbase_url = "{provider.root}/openai/v1"\n'
            '[providers.cloud.issuer]\nkind = "client_credentials"\nclient_id = "gate"\n'
            f'secret = {{ value = "s3cret" }}\nendpoint = "{tokens.server.url}/token"\n'
            '[deployments.cloud]\nprovider = "cloud"\nmodel = "m"\n'
            'catalog = "openai/gpt-5.4-mini"\n'
        )
        gateway = start(more=lines)
        keeping = gateway.start(keep_fresh(gateway.pipeline.world, tmp_path))

        def sent() -> str:
            provider.answers.append(whole(completion()))
            reply = ask(gateway, chat(model="cloud"))
            header = provider.header("authorization")
            assert reply.status == 200
            assert header is not None
            assert header.startswith("Bearer head.token-")
            return header

        first = sent()
        until(lambda: sent() != first, "the next token is used")
        tokens.refuses = True
        health = gateway.pipeline.world.targets["cloud"].health
        gateway.until(lambda: health.barred is not None, "the last token has expired")
        reply = ask(gateway, chat(model="cloud"))
        gateway.run(lambda: [task.cancel() for task in keeping])

    assert (reply.status, reply.code) == (503, "credential_unavailable")
    assert "invalid_client" in caplog.text
    assert "s3cret" not in caplog.text
    assert "token-" not in caplog.text


def test_a_token_that_no_header_can_carry_is_none() -> None:
    """Whoever asks with it, a batch or `headgate doctor`, is told so and told nothing of it."""
    tokens = Tokens()
    tokens.sign = "\r\nx-more: s3cret"
    with tokens.server:
        issuer = IssuerSettings(
            "client_credentials",
            endpoint=f"{tokens.server.url}/token",
            client_id="gate",
            secret="s3cret",
        )
        cloud = Configured("cloud", "azure_openai", "https://a.example", "", (), "cloud")
        source = IssuerSource(issuer, cloud, Resolver())
        with pytest.raises(CredentialError, match="one word of visible ASCII") as refused:
            asyncio.run(source.fetch())

    assert "s3cret" not in str(refused.value)
