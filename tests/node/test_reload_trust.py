"""Certificates are changed while a node runs: a reload takes up what the files have."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import trustme
from typer.testing import CliRunner

from headgate.cli.main import app
from tests.gateway.provider import Line, Provider
from tests.gateway.test_tls import tls
from tests.node.harness import TestNode, running_node
from tests.node.wire import CHAT, chat, post


def reload(node: TestNode) -> int:
    """Reload as a person does; returns the exit code."""
    folders = ("--config", str(node.config), "--data-dir", str(node.data_dir))
    return CliRunner().invoke(app, ["reload", *folders]).exit_code


def test_a_reload_takes_up_another_authority(tmp_path: Path) -> None:
    """The file has the same name and the configuration the same text; a file that is no
    certificate is told, and changes nothing."""
    authority, trusted = trustme.CA(), tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(trusted)
    ports: list[int] = []

    async def front(line: Line) -> None:
        await line.join(*await asyncio.open_connection("127.0.0.1", ports[0]))

    with Provider(front, tls(authority.issue_cert("localhost"))) as provider:
        extra = (
            f'[providers.private]\nkind = "openai_compatible"\nbase_url = "{provider.url}"\n'
            'credential = { value = "sk-test-credential" }\n'
            f'seller = "openai"\nca_file = "{trusted}"\n'
            'output_limit_field = "max_completion_tokens"\n'
            '[deployments.private]\nprovider = "private"\nmodel = "gpt-5.4-mini"\n'
        )
        with running_node(tmp_path, extra=extra) as node:
            ports.append(urlsplit(node.simulator.openai_url).port or 0)

            def code() -> str | None:
                asking = chat("Hello", model="private")
                return post(node.gateway_url, CHAT, node.key(), asking).code

            assert code() == "upstream_unreachable"
            authority.cert_pem.write_to_path(trusted)
            assert reload(node) == 0
            assert code() is None
            trusted.write_text("nothing")
            assert reload(node) != 0
            assert code() is None
