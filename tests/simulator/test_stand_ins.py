"""A stand-in serves any model below any path; a fault can strike a part of the requests."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from headgate.simulator import INSTANT, Fault, FaultKind, Options, Simulator, SimulatorThread
from headgate.simulator.anywhere import placed
from headgate.simulator.faults import FaultBoard
from headgate.simulator.models import ProviderName
from tests.simulator.conftest import post_json

HELLO: Any = [{"role": "user", "content": "hello [sim:tokens=7]"}]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Simulator]:
    """A simulator that knows no names."""
    with SimulatorThread(options=Options(pace=INSTANT, any_model=True)) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/chat/completions", {"model": "deep-thought", "messages": HELLO}),
        ("/anthropic/v1/messages", {"model": "m", "max_tokens": 9, "messages": HELLO}),
        ("/v1/responses", {"model": "m", "input": HELLO}),
        (
            "/base/models/some-flash:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": "hello [sim:tokens=7]"}]}]},
        ),
    ],
)
def test_every_api_answers_below_any_path(
    stand_in: Simulator, path: str, body: dict[str, Any]
) -> None:
    """Whatever the model is called and whatever the credential; the bill counts, for nothing."""
    status, content = post_json(stand_in.any_url, path, body, {"authorization": "Bearer real"})

    last = stand_in.bill.entries[-1]
    assert status == 200
    assert json.loads(content)
    assert last.usage.output == 7
    assert not last.amount


def test_nobody_answers_elsewhere(stand_in: Simulator) -> None:
    """A path that no API has is not found."""
    status, _ = post_json(stand_in.any_url, "/v1/other", {}, {})

    assert status == 404
    assert placed("/v1/other") is None


def test_a_path_keeps_its_query() -> None:
    """What is asked for beside the model is not lost on the way."""
    found = placed("/x/models/m:streamGenerateContent?alt=sse")

    assert found == (ProviderName.GOOGLE, "/v1beta/models/m:streamGenerateContent?alt=sse")


def test_a_share_of_requests_is_struck_evenly() -> None:
    """Of every ten requests three, never all at once."""
    board = FaultBoard()
    board.add(Fault(FaultKind.RATE_LIMIT, share=0.3))

    struck = [board.take(ProviderName.OPENAI, "m") is not None for _ in range(100)]

    assert sum(struck) == pytest.approx(30, abs=1)
    assert not any(first and second for first, second in pairwise(struck))
