"""The clients of JavaScript at every provider's deployment, as those of Python in the matrix.

They too call the gateway itself, and through each proxy of `deploy/`.
"""

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from tests.clients.fronts import FRONTS, in_front
from tests.clients.speakers.cells import DEPLOYMENTS, FEATURES, THINKERS, served
from tests.clients.speakers.javascript import FOLDER, INSTALLED, SCRIPT, WHY_NOT
from tests.clients.speakers.speaker import ANSWER, ASK, CITIES, PIXEL, WITH_TOOLS
from tests.node.harness import TestNode

CLIENTS = {
    "openai_chat": "openai_chat",
    "openai_responses": "openai_responses",
    "anthropic_messages": "anthropic_messages",
    "ai_openai": "openai_responses",
    "ai_anthropic": "anthropic_messages",
    "ai_openai_compatible": "openai_chat",
}
"""Each client of `clients.mjs`, and the dialect it speaks."""

CELLS = [
    (client, model, feature)
    for client, dialect in CLIENTS.items()
    for model in DEPLOYMENTS
    if served(dialect, model)
    for feature in FEATURES
]

pytestmark = [
    pytest.mark.slow,  # starts node, and needs what `make test-all` installs
    pytest.mark.skipif(not INSTALLED, reason=WHY_NOT),
]


@pytest.fixture(scope="module", params=FRONTS)
def said(
    request: pytest.FixtureRequest, running: TestNode, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str, str], Any]:
    """What each client brought back from each cell, all in one process."""
    with in_front(request.param, running.gateway_url, tmp_path_factory.mktemp("front")) as url:
        return brought_back(url, running.key())


def brought_back(url: str, key: str) -> dict[tuple[str, str, str], Any]:
    """Have every client make the call of each of its cells."""
    texts = {"ask": ASK, "tools": WITH_TOOLS, "pixel": PIXEL}
    cells = [
        {"client": client, "feature": feature, "model": asked(model, feature)}
        for client, model, feature in CELLS
    ]
    given = {"url": url, "key": key, "cells": cells, "texts": texts}
    trust = os.environ.get("SSL_CERT_FILE")
    shutil.copy(SCRIPT, FOLDER)
    done = subprocess.run(
        ["node", "clients.mjs"],
        cwd=FOLDER,
        env={**os.environ, **({"NODE_EXTRA_CA_CERTS": trust} if trust else {})},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {(line["client"], line["model"], line["feature"]): line for line in lines}


def asked(model: str, feature: str) -> str:
    """Return who is asked in a cell of a model."""
    return THINKERS.get(model, model) if feature == "thinking" else model


@pytest.mark.parametrize(("client", "model", "feature"), CELLS)
def test_cell(said: dict[tuple[str, str, str], Any], client: str, model: str, feature: str) -> None:
    """The client brings back what the feature promises."""
    line = said[client, asked(model, feature), feature]

    assert "error" not in line
    match feature:
        case "stream":
            assert len(list(filter(None, line["said"]))) > 2
        case "tools" | "streamed_tools":
            assert sorted(line["said"]["cities"]) == CITIES
            assert line["said"]["text"].endswith(ANSWER)
        case "structured":
            assert line["said"]["days"] == 7
        case "thinking":
            assert line["said"] > 0
        case _:
            assert line["said"]
