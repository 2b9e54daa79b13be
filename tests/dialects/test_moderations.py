"""Moderations: who may serve one, what it is billed by, and what its reply says."""

import json

import pytest

from headgate.dialects import moderations
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import Refusal

EDIT = Edit("other/model", 0, "max_tokens")


def demand_of(body: bytes) -> Demand:
    """Return what a body asks for."""
    demand = moderations.read(body)
    assert isinstance(demand, Demand)
    return demand


@pytest.mark.parametrize("body", [b'{"input":"a"}', b'{ "input" : [ "a" ] }'])
def test_without_a_model_the_usual_one_is_asked_for_by_its_name(body: bytes) -> None:
    """The provider is told which, whatever it takes by itself; every other byte stays."""
    demand = demand_of(body)

    new = moderations.edit(body, demand, EDIT)

    assert demand.model == "omni-moderation-latest"
    assert json.loads(new) == {"model": "other/model", **json.loads(body)}
    assert new.endswith(body[1:])


def test_an_image_counts_as_the_most_that_one_takes() -> None:
    """Its address does not say how large it is; an odd input is the provider's to judge."""
    text = {"type": "text", "text": "a"}
    image = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
    plain, seen, odd = (
        demand_of(json.dumps({"model": "m", "input": each}).encode())
        for each in ([text], [text, image], {"a": [image]})
    )

    assert plain.input_tokens_max is not None and seen.input_tokens_max is not None
    assert seen.input_tokens_max > plain.input_tokens_max + 10_000
    assert odd.input_tokens_max is not None and odd.input_tokens_max < 10_000
    assert not plain.images and not plain.free


def test_one_request_is_what_is_billed() -> None:
    """However many texts are in it, and nothing is generated."""
    demand = demand_of(b'{"model":"m","input":["a","b"]}')

    assert demand.pieces is not None
    assert (dict(demand.pieces.most), demand.pieces.exact) == ({"request": 1}, ("request",))
    assert demand.output_tokens_max == 0


@pytest.mark.parametrize("body", [b'{"model":7,"input":"a"}', b'{"input":"a","input":"b"}', b"["])
def test_what_decides_who_serves_it_is_checked(body: bytes) -> None:
    """A model that is no text, a field that stands there twice, and what is no JSON."""
    assert isinstance(moderations.read(body), Refusal)


@pytest.mark.parametrize("body", [b"{}", b'{"results":null}', b"<html>", b""])
def test_a_reply_without_results_is_none(body: bytes) -> None:
    """It is posted at its bound."""
    assert moderations.report(body) == Report()


def test_usage_is_read_where_there_is_any() -> None:
    """Other servers of this format bill by tokens and tell them."""
    reply = b'{"id":"modr-1","model":"m","results":[],"usage":{"input_tokens":3}}'

    report = moderations.report(reply)

    assert (report.complete, report.usage_json) == (True, b'{"input_tokens":3}')
