"""A credential that its provider rejects before its time: a fresh one is fetched, once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headgate.gateway.upstream.renewals import WAIT_MS
from headgate.node.credentials import keep_fresh
from headgate.records.journal import SettleRecord
from tests.gateway.calls import ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Line, Provider, completion, whole
from tests.gateway.recording import Recording
from tests.gateway.wire import Reply, Wire

REJECTED = whole(b'{"error":{"message":"Expired.","code":"token_expired"}}', status=401)


class Tokens:
    """An endpoint that gives a new token each time, valid for an hour.

    Attributes:
        given: How many so far.
        refuses: Whether it gives none any more.
        silent: Whether it says nothing at all.
        life_s: For how long it says that they hold.
    """

    def __init__(self) -> None:
        self.given = 0
        self.refuses = self.silent = False
        self.life_s = 3600
        self.server = Provider(self._talk)

    async def _talk(self, line: Line) -> None:
        await line.request()
        if self.silent:
            await line.closed()
        elif self.refuses:
            await line.send(whole(b'{"error":"invalid_client"}', status=401))
        else:
            self.given += 1
            token = {"access_token": f"head.token-{self.given}.sign", "expires_in": self.life_s}
            await line.send(whole(json.dumps(token).encode()))


class Cloud:
    """A gateway in front of a provider whose credentials an issuer gives."""

    def __init__(self, gateway: Gateway, provider: Recording, tokens: Tokens) -> None:
        self.gateway, self.provider, self.tokens = gateway, provider, tokens

    def call(self, *answers: bytes) -> Reply:
        """Make a call whose attempts are answered so."""
        self.provider.answers = list(answers)
        return ask(self.gateway, chat(model="cloud"))

    @property
    def shown(self) -> list[str]:
        """The numbers of the tokens that requests have shown."""
        heads = (head.decode() for head in self.provider.heads)
        return [head.partition("head.token-")[2].partition(".")[0] for head in heads]


@pytest.fixture
def cloud(start: Start, tmp_path: Path) -> Iterator[Cloud]:
    """All of it, with the first token at hand."""
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
        yield Cloud(gateway, provider, tokens)
        gateway.run(lambda: [task.cancel() for task in keeping])


def test_a_rejected_call_is_sent_again_with_a_fresh_credential(cloud: Cloud) -> None:
    """The client notices nothing, the attempt that was rejected costs nothing, and the
    deployment is none the worse for it."""
    reply = cloud.call(REJECTED, whole(completion()))

    assert reply.status == 200
    assert cloud.shown == ["1", "2"]
    rejected, served = cloud.gateway.ends(call_of(reply))
    assert isinstance(rejected, SettleRecord)
    assert isinstance(served, SettleRecord)
    assert (rejected.amount_nanos, rejected.reason) == (0, "credential_renewed")
    assert (rejected.final, served.final, served.state) == (False, True, "measured")


def test_a_fresh_credential_that_is_rejected_too_is_told(cloud: Cloud) -> None:
    """It is not for its age, so none is fetched again for a while: nobody is asked in a loop."""
    first = cloud.call(REJECTED, REJECTED)
    second = cloud.call(REJECTED)

    assert (first.status, first.code) == (502, "upstream_credential")
    assert (second.status, second.code) == (502, "upstream_credential")
    assert cloud.shown == ["1", "2", "2"]
    assert cloud.tokens.given == 2


def test_without_a_fresh_credential_the_rejection_is_told(cloud: Cloud) -> None:
    """The issuer gives none: the call has had its one attempt, which cost nothing."""
    cloud.tokens.refuses = True
    reply = cloud.call(REJECTED)

    assert (reply.status, reply.code) == (502, "upstream_credential")
    assert cloud.shown == ["1"]
    cloud.gateway.assert_settled()


def test_a_life_beyond_all_reason_keeps_nobody_waiting(cloud: Cloud) -> None:
    """It is taken for the longest that any credential has."""
    cloud.tokens.life_s = 10**400

    assert cloud.call(REJECTED, whole(completion())).status == 200


@contextmanager
def rejected(cloud: Cloud) -> Iterator[Wire]:
    """A client whose call was rejected, and waits for an issuer that says nothing."""
    cloud.tokens.silent = True
    cloud.provider.answers = [REJECTED]
    gateway = cloud.gateway
    with Wire(gateway.port) as wire:
        wire.send(request(chat(model="cloud")))
        gateway.until(
            lambda: any(each.phase == "renew" for each in gateway.pipeline.exchanges), "it waits"
        )
        yield wire
    gateway.until_idle()
    gateway.assert_settled()


def test_nobody_waits_for_ever(cloud: Cloud) -> None:
    """An issuer that says nothing is given up on by the call, whoever still asks it."""
    with rejected(cloud) as wire:
        (exchange,) = cloud.gateway.pipeline.exchanges
        cloud.gateway.run(lambda: setattr(exchange, "since_ms", exchange.since_ms - 2 * WAIT_MS))
        reply = wire.read()

    assert (reply.status, reply.code) == (502, "upstream_credential")


def test_who_leaves_while_it_waits_is_not_sent_again(cloud: Cloud) -> None:
    """The wait is no attempt: nothing is held, and nothing is sent when it is over."""
    with rejected(cloud):
        pass

    assert cloud.shown == ["1"]
