"""Which rule a call falls under, and what a decision binds."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headgate.governance.requests import why_altered
from headgate.governance.rules import rule_for
from headgate.governance.settings import Rule
from headgate.records.approval import Shown, digest_of
from tests.governance.shown import SHOWN

NODES = ("principal:alice", "team:research", "organisation")
FIELDS = Shown.__struct_fields__
OTHERS: dict[str, Any] = {
    "chain": ("helper~ab",),
    "run": "night",
    "quote_nanos": SHOWN.quote_nanos and SHOWN.quote_nanos + 1,
    "stream": True,
    "output_tokens_max": None,
    "tools": (),
    "body_bytes": 81,
}
"""Another value of each field that is no text."""


def found(rule: Rule, **call: Any) -> bool:
    """Tell whether a call falls under a rule."""
    usual = {"nodes": NODES, "model": "mini", "data_class": None, "quote_nanos": 10}
    return rule_for([rule], **{**usual, **call}) is rule


def test_each_condition_is_one_that_has_to_be_met() -> None:
    """Amount, class, model and node each keep a rule from asking when they are not met."""
    rule = Rule("r", "team:research", ("bob",), 10, frozenset({"secret"}), frozenset({"mini"}))
    met = {"quote_nanos": 11, "data_class": "secret"}

    assert found(rule, **met)
    assert not found(rule, **{**met, "quote_nanos": 10})
    assert not found(rule, **{**met, "data_class": "public"})
    assert not found(rule, **met, model="haiku")
    assert not found(rule, **met, nodes=("team:sales", "organisation"))


def test_a_call_without_a_price_is_above_any_amount_and_no_condition_asks_always() -> None:
    """What nobody can quote is not let through for being cheap."""
    assert found(Rule("r", "organisation", ("bob",), 10**18), quote_nanos=None)
    assert found(Rule("r", "organisation", ("bob",)), quote_nanos=0)


def test_the_first_rule_of_the_file_asks() -> None:
    """The order of the rules is that of their strictness."""
    first, second = (Rule(name, "organisation", ("bob",)) for name in "ab")

    chosen = rule_for([first, second], nodes=NODES, model="mini", data_class=None, quote_nanos=0)

    assert chosen is first


@given(st.sampled_from(FIELDS))
def test_whatever_is_shown_is_bound(field: str) -> None:
    """Another value of any field has another digest, and is another call unless it is cheaper."""
    changed = msgspec.structs.replace(SHOWN, **{field: OTHERS.get(field, "other")})

    assert digest_of(changed) != digest_of(SHOWN)
    assert why_altered(SHOWN, changed) is not None


@given(st.none() | st.integers(0, 10**12), st.none() | st.integers(0, 10**12))
def test_a_call_goes_on_at_what_was_shown_or_less(shown: int | None, now: int | None) -> None:
    """Never at more, and at an unknown price only where one was shown as unknown."""
    kept = msgspec.structs.replace(SHOWN, quote_nanos=shown)
    again = msgspec.structs.replace(SHOWN, quote_nanos=now)

    may = shown is None or (now is not None and now <= shown)

    assert (why_altered(kept, again) is None) == may
