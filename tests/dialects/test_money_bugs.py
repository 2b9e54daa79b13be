"""Ways in which obvious code lets a call cost more than was held for it; each is closed."""

import json

import pytest

from headgate.dialects import anthropic_messages, openai_chat
from headgate.records.demand import Demand, Edit
from headgate.units.errors import BODY_INVALID, KEY_DUPLICATE, Refusal


def read(body: bytes) -> Demand:
    demand = openai_chat.read(body)
    assert isinstance(demand, Demand), demand
    return demand


def edited(
    body: bytes, limit: int, field: str = "max_tokens", *, needed: bool = False
) -> dict[str, object]:
    """Return a body as it goes upstream with an output limit; keys may stand there once only."""
    demand = read(body)
    edit = Edit(demand.model, limit, field, needed, ask_usage=False)

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    sent = json.loads(openai_chat.edit(body, demand, edit), object_pairs_hook=once)
    assert isinstance(sent, dict)
    return sent


def test_a_null_limit_is_replaced_not_doubled() -> None:
    """`"max_tokens": null` beside an inserted limit would win upstream, as the last one."""
    assert edited(b'{"model":"m","max_tokens":null}', 50) == {"model": "m", "max_tokens": 50}


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_every_limit_is_lowered(field: str) -> None:
    """A small `max_tokens` does not hide a huge `max_completion_tokens`."""
    body = b'{"model":"m","max_tokens":10,"max_completion_tokens":999999}'

    sent = edited(body, 50, field)

    assert read(body).output_tokens_max == 999_999
    assert (sent["max_tokens"], sent["max_completion_tokens"]) == (10, 50)


def test_an_escaped_key_is_the_limit() -> None:
    """`max_\\u0074okens` at the top is the limit; a plain nested `max_tokens` is not."""
    body = rb'{"model":"m","tools":[{"max_tokens":7}],"max_\u0074okens":90000}'

    sent = edited(body, 50)

    assert read(body).output_tokens_max == 90_000
    assert sent == {"model": "m", "tools": [{"max_tokens": 7}], "max_tokens": 50}


@pytest.mark.parametrize("n", [b"-1", b"0", b"129", b"1.5", b'"2"', b"true"])
def test_a_count_that_would_shrink_the_hold_is_refused(n: bytes) -> None:
    """`n: -1` would make a negative hold, and a huge one is no count."""
    refusal = openai_chat.read(b'{"model":"m","n":%b}' % n)

    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.param) == (BODY_INVALID, "n")


def test_the_count_multiplies() -> None:
    """`n` is told, as the hold must cover each choice."""
    assert read(b'{"model":"m","n":3}').choices == 3
    assert read(b'{"model":"m","n":null}').choices == 1


def test_a_shorter_number_leaves_no_digit_behind() -> None:
    """Replacing 256 in place by 128 must not give 1286, nor 1000000 by 7 a 7000000."""
    assert edited(b'{"model":"m","max_tokens":256}', 128)["max_tokens"] == 128
    assert edited(b'{"max_tokens":1000000,"model":"m"}', 7)["max_tokens"] == 7
    assert edited(b'{ "max_tokens" : 1000000 ,"model":"m"}', 99_999)["max_tokens"] == 99_999


def test_a_limit_in_a_tool_schema_is_not_the_limit() -> None:
    """A nested `max_tokens` neither bounds the call nor is changed."""
    schema = b'{"type":"object","max_tokens":5}'
    body = b'{"model":"m","tools":[{"type":"function","function":%b}]}' % schema

    sent = edited(body, 50)

    assert read(body).output_tokens_max is None
    assert sent["tools"] == [{"type": "function", "function": json.loads(schema)}]
    assert sent["max_tokens"] == 50


@pytest.mark.parametrize("first", [b"10", b"10000000"])
def test_two_limits_of_one_name_are_refused(first: bytes) -> None:
    """The first and the last of two equal keys each win somewhere."""
    for body in (
        b'{"model":"m","max_tokens":%b,"max_tokens":99}' % first,
        b'{"model":"m","max_tokens":%b,"max_\\u0074okens":99}' % first,
        b'{"model":"m","max_tokens":%b,"Max_Tokens":99}' % first,
        b'{"model":"m","stream":true,"stream_options":{"include_usage":true,"include_usage":false}}',
    ):
        refusal = openai_chat.read(body)
        assert isinstance(refusal, Refusal)
        assert refusal.code == KEY_DUPLICATE


def test_a_provider_that_knows_the_old_name_only_gets_it() -> None:
    """A limit under the new name alone is ignored by some; these get the old one as well."""
    body = b'{"model":"m","max_completion_tokens":30}'

    assert edited(body, 50, needed=True)["max_tokens"] == 30
    assert "max_tokens" not in edited(body, 50)
    assert "max_completion_tokens" not in edited(
        b'{"model":"m","max_tokens":30}', 50, "max_completion_tokens"
    )


def test_no_limit_means_ours_is_sent() -> None:
    """Without a limit of the client's the one that was held for goes upstream."""
    assert edited(b'{"model":"m"}', 50, "max_completion_tokens")["max_completion_tokens"] == 50


def test_bad_limits_are_refused() -> None:
    """A limit of zero or less bounds nothing; Anthropic's zero, which fills the cache, does."""
    for limit in (b"0", b"-5", b"1e3", b"99999999999999999999999.5"):
        refusal = openai_chat.read(b'{"model":"m","max_tokens":%b}' % limit)
        assert isinstance(refusal, Refusal)
        assert refusal.param == "max_tokens"
    zero = anthropic_messages.read(b'{"model":"m","max_tokens":0}')
    assert isinstance(zero, Demand)
    assert zero.output_tokens_max == 0


def test_a_limit_beyond_64_bits_is_lowered() -> None:
    """A number no machine word holds is still a limit above ours."""
    body = b'{"model":"m","max_tokens":99999999999999999999999999}'

    demand = openai_chat.read(body)

    if isinstance(demand, Demand):
        assert edited(body, 50)["max_tokens"] == 50
    else:
        assert demand.code == BODY_INVALID
