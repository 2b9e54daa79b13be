"""Tags: a call has those of its key and what the key allows, one value of each name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.identity.tags import CHARS_MAX, TAGS_MAX, Tagging, TagRule, is_tag
from headgate.units.errors import Refusal

RULES = {
    "app": TagRule(("project=apollo",), frozenset({"feature=*", "stage=test"})),
    "plain": TagRule(),
}
PARTS = st.sampled_from(
    [
        "feature=a",
        "feature=b",
        "stage=test",
        "stage=live",
        "project=apollo",
        "x=y",
        "",
        "feature",
        "=",
    ]
)


@pytest.mark.parametrize(
    ("key", "told", "tags"),
    [
        ("app", None, ("project=apollo",)),
        ("app", b"feature=a", ("feature=a", "project=apollo")),
        ("app", b" stage=test ,feature=a", ("feature=a", "project=apollo", "stage=test")),
        ("app", b"project=apollo,project=apollo", ("project=apollo",)),
        ("plain", None, ()),
        ("stranger", None, ()),
    ],
)
def test_a_call_has_its_keys_tags_and_its_own(
    key: str, told: bytes | None, tags: tuple[str, ...]
) -> None:
    """In order, whatever the order they came in."""
    assert Tagging(RULES).tags_of(key, told) == tags


@given(st.sampled_from([*RULES, "stranger"]), st.lists(PARTS, min_size=1, max_size=6))
def test_what_is_not_allowed_never_gets_through(key: str, parts: list[str]) -> None:
    """A header is taken as a whole or refused; nothing of it is left out or added."""
    rule = RULES.get(key, TagRule())
    found = Tagging(RULES).tags_of(key, ",".join(parts).encode())
    wanted = {*rule.own, *parts}
    good = all(is_tag(tag) and rule.allows(tag) for tag in parts)
    one_each = len({tag.partition("=")[0] for tag in wanted}) == len(wanted)
    if good and one_each:
        assert found == tuple(sorted(wanted))
    else:
        assert isinstance(found, Refusal)


def test_tags_are_bounded_in_number_and_size() -> None:
    """What is too much is refused, and does not end up in the journal."""
    tagging = Tagging({"app": TagRule(allowed=frozenset(f"n{at}=*" for at in range(99)))})
    most = ",".join(f"n{at}=v" for at in range(TAGS_MAX)).encode()
    assert len(tagging.tags_of("app", most)) == TAGS_MAX
    assert isinstance(tagging.tags_of("app", most + b",n98=v"), Refusal)
    long = ",".join(f"n{at}={'v' * 64}" for at in range(TAGS_MAX)).encode()
    assert len(long) > CHARS_MAX
    assert isinstance(tagging.tags_of("app", long), Refusal)
