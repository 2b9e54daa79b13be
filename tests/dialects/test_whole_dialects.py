"""Embeddings and counts of tokens: nothing is generated, nothing is streamed."""

import json

import pytest

from headgate.dialects import anthropic_count_tokens, embeddings, gemini_count_tokens
from headgate.dialects.registry import CountDialect, Dialect, dialects
from headgate.dialects.translation.registry import translators
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import Refusal

EDIT = Edit("other/model", 0, "max_tokens")


@pytest.mark.parametrize(
    "kind", ["embeddings", "moderations", "anthropic_count_tokens", "openai_input_tokens"]
)
def test_only_the_model_is_changed(kind: str) -> None:
    """No limit is added, whatever the body lacks; every other byte stays."""
    dialect: Dialect = dialects()[kind]
    body = b'{ "model" : "m", "input":[[1 , 2]], "messages":[], "x":1.50}'
    demand = dialect.read(body)
    assert isinstance(demand, Demand)

    new = dialect.edit(body, demand, EDIT)

    assert new == body.replace(b'"m"', b'"other/model"', 1)
    assert demand.output_tokens_max == 0


def test_tokens_given_by_number_are_bounded_by_their_bytes() -> None:
    """Each takes a digit and a comma at least, so there are fewer than bytes."""
    numbers = list(range(0, 9_000, 9))
    demand = embeddings.read(json.dumps({"model": "m", "input": numbers}).encode())

    assert isinstance(demand, Demand)
    assert demand.input_tokens_max is not None and demand.input_tokens_max > len(numbers)
    assert not demand.free


def test_embeddings_come_whole() -> None:
    """A stream of them is refused by name."""
    refusal = embeddings.read(b'{"model":"m","stream":true}')

    assert isinstance(refusal, Refusal)
    assert (refusal.code.code, refusal.param) == ("feature_unsupported", "stream")


def test_a_count_is_free_and_reports_no_usage() -> None:
    """Nothing is used, and a reply without its number is none."""
    demand = anthropic_count_tokens.read(b'{"model":"m","messages":[]}')

    assert isinstance(demand, Demand)
    assert demand.free
    assert anthropic_count_tokens.report(b'{"input_tokens":5}') == Report(complete=True)
    assert anthropic_count_tokens.report(b"{}") == Report()


@pytest.mark.parametrize(
    "dialect", [each for each in dialects().values() if hasattr(each, "COUNTS")]
)
def test_a_count_that_is_rendered_is_a_reply(dialect: CountDialect) -> None:
    """What we say ourselves is read as what a provider says, and its requests are known."""
    assert dialect.report(dialect.render_count(5)) == Report(complete=True)
    assert dialect.COUNTS in translators()


def test_a_count_names_its_model_in_the_path() -> None:
    """The body goes as it is; one that names a model inside is refused by name."""
    body = b'{ "contents":[{"parts":[{"text":"hi"}]}]}'
    demand = gemini_count_tokens.read(body)
    refusal = gemini_count_tokens.read(b'{"generateContentRequest":{"model":"models/m"}}')

    assert gemini_count_tokens.locate("/v1/models/a%2Fb:countTokens", "x=1") == (
        "a/b",
        False,
        False,
    )
    assert gemini_count_tokens.locate("/v1/models/a:generateContent", "") is None
    assert isinstance(demand, Demand)
    assert gemini_count_tokens.edit(body, demand, EDIT) is body
    assert isinstance(refusal, Refusal)
    assert refusal.param == "generateContentRequest"
    assert gemini_count_tokens.report(b'{"totalTokens":5}') == Report(complete=True)
