"""Moderations through the official client: held, measured at their price, refused without one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from headgate.records.journal import HoldRecord
from headgate.simulator import Simulator
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.media import PROVIDER, client_of, last

PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwA="
OWN = """
[providers.own]
kind = "openai_compatible"
base_url = "{url}"
dialects = ["moderations"]
credential = {{ value = "sk-upstream" }}

[deployments.own]
provider = "own"
model = "omni-moderation-2024-09-26"

[[prices]]
provider = "own"
model = "omni-moderation-2024-09-26"
valid_from = 2026-01-01
{price}
"""


def deployment(name: str, model: str = "omni-moderation-latest") -> str:
    """Return the table of a deployment."""
    return f'[deployments.{name}]\nprovider = "media"\nmodel = "{model}"\n'


@contextmanager
def guarded(
    start: Start, simulator: Simulator, *tables: str
) -> Iterator[tuple[Gateway, openai.OpenAI]]:
    """Yield a gateway that has such deployments, under a hard budget, and its client."""
    gateway = start(more="\n".join((PROVIDER.format(url=simulator.openai_url), *tables)))
    with client_of(gateway) as client:
        yield gateway, client


def test_texts_are_judged_at_no_cost(start: Start, simulator: Simulator) -> None:
    """A result for each; one request stands in the charge, measured at the price of nothing."""
    with guarded(start, simulator, deployment("guard")) as (gateway, client):
        raw = client.moderations.with_raw_response.create(model="guard", input=["hi", "flag me"])

        reply = raw.parse()
        hold, end = last(gateway)
        assert [each.flagged for each in reply.results] == [False, True]
        assert reply.results[1].categories.violence
        assert reply.model == "omni-moderation-2024-09-26"
        assert raw.headers["x-headgate-deployment"] == "guard"
        assert (end.state, end.amount_nanos, end.quantities) == ("measured", 0, {"request": 1})
        assert end.lines[0].price_femto == 0
        assert hold.amount_nanos < 100
        gateway.assert_settled()


def test_an_image_is_judged_with_its_text(start: Start, simulator: Simulator) -> None:
    """Parts are one input together, and one request."""
    parts: Any = [
        {"type": "text", "text": "hello"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    with guarded(start, simulator, deployment("guard")) as (gateway, client):
        (result,) = client.moderations.create(model="guard", input=parts).results

        assert result.category_applied_input_types.violence == ["text", "image"]
        assert last(gateway)[1].quantities == {"request": 1}


def test_without_a_model_the_usual_one_serves_where_it_is_there(
    start: Start, simulator: Simulator
) -> None:
    """It is asked for by its name, as a deployment or a route; else it is unknown."""
    named = deployment("guard")
    route = '[routes.omni-moderation-latest]\ndeployments = ["guard"]\n'
    with guarded(start, simulator, named, route) as (gateway, client):
        assert client.moderations.create(input="hello").results
        assert last(gateway)[1].state == "measured"
    with (
        guarded(start, simulator, named) as (_, client),
        pytest.raises(openai.NotFoundError, match="omni-moderation-latest"),
    ):
        client.moderations.create(input="hello")


def test_a_price_by_the_request_is_held_and_posted(start: Start, simulator: Simulator) -> None:
    """Whatever the text; it is known before anything is sent."""
    own = OWN.format(url=simulator.openai_url, price='per_unit = { request = "0.002" }')
    with guarded(start, simulator, own) as (gateway, client):
        client.moderations.create(model="own", input="hello")

        hold, end = last(gateway)
        assert (end.state, end.amount_nanos) == ("measured", 2_000_000)
        assert 2_000_000 <= hold.amount_nanos < 2_000_100


def test_a_price_by_tokens_that_nobody_tells_is_posted_at_its_bound(
    start: Start, simulator: Simulator
) -> None:
    """Absent usage is not zero."""
    price = 'per_million_tokens = { input = "0.10", output = "0" }'
    own = OWN.format(url=simulator.openai_url, price=price)
    with guarded(start, simulator, own) as (gateway, client):
        client.moderations.create(model="own", input="hello")

        hold, end = last(gateway)
        assert (end.state, end.reason) == ("estimated", "usage_unreadable")
        assert end.amount_nanos == hold.amount_nanos > 0


def test_what_has_no_price_is_refused(start: Start, simulator: Simulator) -> None:
    """As everything else under a hard budget: a missing price is never zero."""
    with guarded(start, simulator, deployment("guard", "strange-1")) as (gateway, client):
        with pytest.raises(openai.UnprocessableEntityError) as refused:
            client.moderations.create(model="guard", input="hello")

        assert refused.value.code == "unpriced"
        assert not [each for each in gateway.records() if isinstance(each, HoldRecord)]


def test_refusals_are_those_of_calls(start: Start, simulator: Simulator) -> None:
    """A model that does not classify, and an input that the provider does not take."""
    with guarded(start, simulator, deployment("guard")) as (gateway, client):
        with pytest.raises(openai.NotFoundError):
            client.moderations.create(model="haiku", input="hello")
        with pytest.raises(openai.BadRequestError) as odd:
            client.moderations.create(model="guard", input="")

        assert odd.value.param == "input"
        gateway.assert_settled()
