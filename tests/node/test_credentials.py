"""Credentials that expire: fetched by a command, exchanged while calls run."""

import asyncio
import json
import sys
import time
from pathlib import Path

import pytest

from headgate.node import credentials
from headgate.node.credentials import Keeper
from headgate.node.sources import CredentialError, Fetched, printed
from tests.gateway.provider import whole
from tests.gateway.recording import Recording
from tests.node.harness import running_node, until
from tests.node.wire import MESSAGES, message, post

REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 10, "output_tokens": 5},
}


def test_calls_carry_the_newest_credential(tmp_path: Path) -> None:
    """The first one is there when the node is ready; a later one is used without a restart."""
    tokens = tmp_path / "token.txt"
    tokens.write_text("first-token\n")
    with Recording() as provider:
        extra = (
            f'[providers.cloud]\nkind = "vertex"\nbase_url = "{provider.root}/v1/projects/p"\n'
            f'credential_command = ["cat", "{tokens}"]\ncredential_refresh_ms = 20\n'
            '[deployments.cloud]\nprovider = "cloud"\nmodel = "m"\n'
            'catalog = "anthropic/claude-haiku-4-5"\n'
        )
        with running_node(tmp_path, extra=extra) as node:

            def sent() -> str | None:
                provider.answers.append(whole(json.dumps(REPLY).encode()))
                body = {**json.loads(message("Hello")), "model": "cloud"}
                reply = post(node.gateway_url, MESSAGES, node.key(), json.dumps(body).encode())
                assert reply.status == 200
                return provider.header("authorization")

            assert sent() == "Bearer first-token"
            tokens.write_text("second-token")
            until(lambda: sent() == "Bearer second-token", "the new token is used")
            tokens.unlink()
            assert sent() == "Bearer second-token"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("import sys; sys.exit(3)", "exit code 3"),
        ("pass", "printed nothing"),
        ("print('x' * 20_000)", "too much"),
        ("print('xxx xxx')", "one word of visible ASCII"),
        ("print('xxx\\r\\nx-more: xxx')", "one word of visible ASCII"),
    ],
)
def test_a_command_that_fails_is_told_without_its_output(
    tmp_path: Path, script: str, problem: str
) -> None:
    """What went wrong is named; what was printed may be a secret, and is not."""
    with pytest.raises(CredentialError, match=problem) as error:
        asyncio.run(printed([sys.executable, "-c", script], tmp_path))

    assert "xxx" not in str(error.value)


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A mistyped program is named."""
    with pytest.raises(CredentialError, match="no-such-program cannot be started"):
        asyncio.run(printed(["no-such-program"], tmp_path))


def test_a_command_runs_in_its_folder_and_is_read_without_blanks(tmp_path: Path) -> None:
    """Relative paths of the configuration work, and the end of the line is no part of it."""
    (tmp_path / "token.txt").write_text("  abc:def \n")

    assert asyncio.run(printed(["cat", "token.txt"], tmp_path)) == "abc:def"


class Odd:
    """A source that fails in a way nobody has thought of, then gives a credential."""

    def __init__(self) -> None:
        self.asked = 0

    async def fetch(self) -> Fetched:
        """Fail once."""
        self.asked += 1
        if self.asked == 1:
            raise ProcessLookupError
        return Fetched("fresh", 3_600.0, 3_600.0)


def test_a_source_that_fails_oddly_ends_no_keeper(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls wait for what it fetches: it says what happened, and asks again."""
    monkeypatch.setattr(credentials, "AGAIN_S", 0.0)
    source = Odd()

    async def keep() -> None:
        keeper = Keeper("cloud", source, (), time.time_ns)
        keeping = asyncio.create_task(keeper.keep())
        await keeper.first.wait()
        keeping.cancel()

    asyncio.run(keep())

    assert source.asked == 2
    assert "providers.cloud: no credential" in caplog.text
    assert "ProcessLookupError" in caplog.text
