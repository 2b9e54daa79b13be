"""The proof of a new configuration: a node is started on it, and each provider answers one call."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from headgate.config.snapshot import Snapshot
from headgate.dial.line import line_to
from headgate.units.errors import StoreError

QUESTIONS = Path(__file__).parent / "questions"
"""A cheap call in each dialect, by the dialect's name."""
TIMEOUT_S = 60.0
READY = "Gateway ready on "


class Proof(NamedTuple):
    """What came of a provider's call.

    Attributes:
        cost_usd: What it cost, as the reply's head says; None when it did not say.
        problem: Why it failed; None when it was answered.
    """

    provider: str
    deployment: str
    cost_usd: str | None = None
    problem: str | None = None


@contextmanager
def node(config: Path, data_dir: Path) -> Iterator[str]:
    """Run a node on a configuration; yields where it answers.

    Raises:
        StoreError: It does not start; carries what it said.
    """
    command = [sys.executable, "-m", "headgate", "serve"]
    command += ["--config", str(config), "--data-dir", str(data_dir)]
    with subprocess.Popen(  # noqa: S603 - our own
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        try:
            if not line.startswith(READY):
                raise StoreError(f"The node does not start: {process.stderr.read().strip()}")
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()


def prove(url: str, snapshot: Snapshot, key: str) -> Iterator[Proof]:
    """Ask each provider one short question, of its first deployment, and yield what came of it.

    Args:
        url: Where the node answers.
        snapshot: Its configuration.
        key: A key that may ask for every deployment.
    """
    asked = set[str]()
    for deployment in snapshot.deployments.values():
        provider = snapshot.providers[deployment.provider]
        question = _question(provider.dialects)
        if provider.id not in asked and question is not None:
            asked.add(provider.id)
            yield _ask(url, key, question, Proof(provider.id, deployment.id))


def _question(dialects: tuple[str, ...]) -> Path | None:
    known = (QUESTIONS / f"{dialect}.json" for dialect in dialects)
    return next((path for path in known if path.exists()), None)


def _ask(url: str, key: str, question: Path, proof: Proof) -> Proof:
    text = question.read_text("utf-8").replace("{model}", proof.deployment)
    asked = json.loads(text)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    connection = line_to(url, TIMEOUT_S)
    try:
        connection.request("POST", asked["path"], json.dumps(asked["body"]), headers)
        reply = connection.getresponse()
        body = reply.read()
    except (OSError, http.client.HTTPException) as error:
        return proof._replace(problem=f"no answer: {error}")
    finally:
        connection.close()
    if reply.status == http.HTTPStatus.OK:
        return proof._replace(cost_usd=reply.headers["x-headgate-cost-usd"])
    return proof._replace(problem=f"{reply.status}: {_message(body)}")


def _message(body: bytes) -> str:
    try:
        document: Any = json.loads(body)
        return str(document["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace")
