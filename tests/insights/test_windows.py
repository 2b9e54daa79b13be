"""Windows for people: whether what one is of is frozen, or stands below what is."""

from typing import Any

import pytest

from headgate.budgets.standing import Standing
from headgate.identity.settings import Principal, Team
from headgate.insights.windows import People, is_frozen

PEOPLE = People({"alice": Principal("alice", "search")}, {"search": Team("search", parent="all")})
ZERO: Any = (None, *[0] * 6)


@pytest.mark.parametrize(
    ("name", "node", "frozen", "beside"),
    [
        ("b", "team:search", "team:all", "team:sales"),
        ("b/alice", "principal:*", "team:search", "principal:bob"),
        ("b/alice/r1", "run:*", "run:alice/r1", "run:alice/r2"),
        ("b/bot", "agent:alice/*", "agent:alice/bot", "agent:alice/other"),
        ("b/bot", "agent:alice/*", "principal:alice", "agent:alice/bot/kid"),
        ("b/kid", "agent:alice/bot/*", "agent:alice/bot", "agent:alice/kid"),
        ("agent:alice/bot~0123", "agent:alice/bot", "agent:alice/bot", "agent:alice/bot/kid"),
        ("b/index", "tag:job=*", "tag:job=index", "tag:job=chat"),
        ("b/openai", "provider:*", "provider:openai", "provider:google"),
        ("b", "model:gpt-*", "organisation", "model:gpt-5.5"),
        ("b/bot/index", "agent:alice/* & tag:job=*", "agent:alice/bot", "agent:alice/index"),
        ("b/bot/index", "agent:alice/* & tag:job=*", "tag:job=index", "tag:job=bot"),
        ("b/alice/r1/openai", "provider:* & run:*", "provider:openai", "provider:alice"),
        ("b/alice/r1/openai", "provider:* & run:*", "run:alice/r1", "run:r1/openai"),
    ],
)
def test_a_window_is_frozen_with_what_it_is_of_and_what_is_above(
    name: str, node: str, frozen: str, beside: str
) -> None:
    """By the names in its id where its budget leaves them open, in the order of a call's path."""
    window = Standing(name, node, "once", *ZERO)

    assert is_frozen(window, {frozen}, PEOPLE)
    assert not is_frozen(window, {beside}, PEOPLE)
    assert not is_frozen(window, set(), PEOPLE)
