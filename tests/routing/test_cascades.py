"""When a cascade pays, by one formula offline and live; and what the verifiers say of answers."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.settings import Deployment
from headgate.records.conversation import Call, Declined, Format, Text, Tool, ToolUse, Turn
from headgate.records.reply import Finish, Reply
from headgate.routing.candidate import Estimated, Quoted
from headgate.routing.cascades.beliefs import KEPT_MAX, Verdicts, judged, rates_of
from headgate.routing.cascades.worth import PPM, Rates, Step, accepted_ppm, expected
from headgate.routing.evaluation.cascades import Cascade, Verifier
from headgate.routing.evaluation.evidence import Evidence
from headgate.routing.policies import cascade
from headgate.routing.policies.registry import Settings, defaults_of
from headgate.routing.verifiers import agreement, judge
from headgate.routing.verifiers.conforming import SchemaTooDeepError, conforms
from headgate.routing.verifiers.form import fault_of
from headgate.routing.verifiers.registry import KINDS, verifiers

SHARES = st.integers(0, PPM)
COSTS = st.integers(0, 10**9)
CHAINS = st.lists(st.tuples(SHARES, COSTS), min_size=1, max_size=4)


@given(chain=CHAINS, good=SHARES, bad=SHARES)
def test_live_and_offline_have_one_formula(
    chain: Sequence[tuple[int, int]], good: int, bad: int
) -> None:
    """Whole numbers come to what the evaluation's floats come to, but for rounding."""
    rates = Rates(good, bad)
    steps = [Step(one, accepted_ppm(one, rates), cost) for one, cost in chain]

    live = expected(steps, rates)

    models = tuple(f"m{number}" for number in range(len(chain)))
    scores = np.array([[one / PPM for one, _ in chain]])
    costs = np.array([[float(cost) for _, cost in chain]])
    evidence = Evidence(models, ("one",), scores, costs, costs, costs, ())
    offline = Cascade(tuple(range(len(chain))), Verifier(good / PPM, bad / PPM)).expected(evidence)
    assert live.quality_ppm == pytest.approx(offline.scores[0] * PPM, abs=5)
    # Shares are whole millionths, so that many of each step's cost may be lost or won.
    rounding = 5 + 2 * sum(cost for _, cost in chain) / PPM
    assert live.cost_nanos == pytest.approx(offline.costs[0], rel=1e-5, abs=rounding)


@given(quality=SHARES, good=SHARES, bad=SHARES, counts=st.tuples(*[st.integers(0, 500)] * 2))
def test_what_was_judged_moves_towards_what_was_seen(
    quality: int, good: int, bad: int, counts: tuple[int, int]
) -> None:
    """Chances stay chances; with many verdicts the accepted share is nearly the one seen."""
    accepted, rejected = counts

    solved, share = judged(quality, Rates(good, bad), accepted, rejected)

    assert 0 <= solved <= PPM
    assert 0 <= share <= PPM
    total = accepted + rejected
    if total:
        assert abs(share - accepted * PPM // total) <= PPM * 10 // (10 + total) + 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=50))
def test_a_verifier_is_believed_what_became_known_of_it(told: list[tuple[bool, bool]]) -> None:
    """Each outcome is counted once, and rates lie between the prior and what was seen."""
    seen = Verdicts()
    for accepted, good in told:
        seen = seen.told(accepted=accepted, good=good)

    assert sum(seen) == len(told)
    rates = rates_of(Rates(900_000, 100_000), seen)
    hits, all_good = seen.good_accepted, seen.good_accepted + seen.good_rejected
    share = hits * PPM // all_good if all_good else 900_000
    assert min(share, 900_000) - 1 <= rates.good_ppm <= max(share, 900_000)


def test_what_is_long_past_is_forgotten() -> None:
    """The counts are halved when they are many."""
    seen = Verdicts(KEPT_MAX, 0, 0, 0).told(accepted=True, good=False)

    assert seen == Verdicts(KEPT_MAX // 2, 0, 1, 0)


def quoted(name: str, nanos: int, quality: int) -> Quoted:
    """Return a candidate."""
    deployment = Deployment(name, "", "", "", "", 0, 0, 0)
    return Quoted(deployment, nanos, estimate=Estimated(quality_ppm=quality))


def settings(**values: int) -> Settings:
    """Return those of a cascade with a verifier of the given rates."""
    rates = {"accepts_good": 950_000, "accepts_bad": 100_000}
    return Settings("c", defaults_of(cascade.SETTINGS) | rates | values)


PAIR = (quoted("cheap", 100, 600_000), quoted("dear", 1_000, 700_000))


@pytest.mark.parametrize(
    ("more", "chain"),
    [
        ({}, ("cheap", "dear")),
        ({"accepts_good": 800_000, "accepts_bad": 700_000}, ()),
        ({"accepts_good": 800_000, "accepts_bad": 700_000, "loss": 80_000}, ("cheap", "dear")),
    ],
)
def test_a_verifier_that_errs_too_much_switches_it_off(
    more: dict[str, int], chain: tuple[str, ...]
) -> None:
    """Then the best one serves alone, unless so much quality may be lost."""
    given, inputs = settings(**more), {cascade.WHOLE: 1}

    ranked = cascade.rank(PAIR, given, inputs)
    notes = cascade.notes(ranked, given, inputs)

    assert cascade.chain_of(notes) == chain
    assert ranked[0].deployment.id == (chain[0] if chain else "dear")
    if not chain:
        assert notes["cascade"] == "off: cheap -> dear is not good enough"


def test_a_judge_that_costs_too_much_switches_it_off_and_a_probe_says_what_it_costs() -> None:
    """What is tried all the same is noted with all that may be wasted."""
    inputs = {cascade.WHOLE: 1, cascade.CHECK: 900}
    off = cascade.notes(PAIR, settings(), inputs)
    probe = cascade.notes(PAIR, settings(), inputs | {cascade.PROBE: 1})

    assert off["cascade"] == "off: cheap -> dear costs no less than the best one alone"
    assert cascade.chain_of(probe) == ("cheap", "dear")
    assert probe["cascade.probe_nanos"] == 1_000


def test_all_verifiers_have_a_number_in_decisions() -> None:
    """A new one comes last, so that old decisions keep their meaning."""
    assert set(KINDS) == set(verifiers())


def reply(*parts: Text | ToolUse | Declined, finish: Finish = "stop") -> Reply:
    """Return an answer."""
    return Reply("id", "model", parts, finish)


def call(schema: str | None = None, tool: str | None = None) -> Call:
    """Return a call for JSON of a schema, or with a tool."""
    return Call(
        "m",
        stream=False,
        output_tokens_max=None,
        turns=(Turn("user", (Text("how many?"),)),),
        tools=() if tool is None else (Tool("f", None, msgspec.Raw(tool.encode())),),
        format=None if schema is None else Format(msgspec.Raw(schema.encode())),
    )


NUMBER = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'


@pytest.mark.parametrize(
    ("asked", "answer", "fault"),
    [
        (call(), reply(Text("yes")), None),
        (call(), reply(), "empty"),
        (call(), reply(Text(" \n")), "empty"),
        (call(), reply(Text("ye"), finish="length"), "length"),
        (call(), reply(Declined("no")), "refusal"),
        (call(NUMBER), reply(Text('{"n": 1}')), None),
        (call(NUMBER), reply(Text('{"n": 1.5}')), "schema"),
        (call(NUMBER), reply(Text("```json\n{}```")), "unreadable"),
        (call(None, NUMBER), reply(ToolUse("1", "f", '{"n": 1}')), None),
        (call(None, NUMBER), reply(ToolUse("1", "f", "{}")), "arguments_invalid"),
        (call(None, NUMBER), reply(ToolUse("1", "f", '{"n"')), "arguments_unreadable"),
        (call(None, NUMBER), reply(ToolUse("1", "g", "{}")), "tool_unknown"),
    ],
)
def test_the_form_of_an_answer(asked: Call, answer: Reply, fault: str | None) -> None:
    """What is missing, cut, refused, or not what the schema says has a name."""
    assert fault_of(asked, answer) == fault


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": ["string", "null"]}, [None, "a"], [1, True, []]),
        ({"type": "integer"}, [1, 1.0, -3], [1.5, True, "1"]),
        ({"enum": ["a", 1]}, ["a", 1], [True, "b"]),
        ({"const": False}, [False], [0, None]),
        ({"minimum": 1, "exclusiveMaximum": 3}, [1, 2.9, "any"], [0, 3]),
        ({"minLength": 2, "maxLength": 3}, ["ab", 7], ["a", "abcd"]),
        ({"items": {"type": "string"}, "minItems": 1}, [["a"]], [[], [1]]),
        ({"prefixItems": [{"const": 1}], "items": False}, [[1], []], [[1, 2], [2]]),
        ({"additionalProperties": False, "properties": {"a": {}}}, [{"a": 1}], [{"b": 1}]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["a", None], [1]),
        ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, [0, 6], [3]),
        ({"allOf": [{"minimum": 1}, {"maximum": 5}]}, [3], [0, 6]),
        ({"not": {"type": "null"}}, [1], [None]),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, [None], [1]),
        ({"$ref": "https://elsewhere.example/a"}, [None, 1], []),
        (True, [1], []),
        (False, [], [1]),
    ],
)
def test_a_value_is_what_its_schema_says(
    schema: object, good: list[object], bad: list[object]
) -> None:
    """Each keyword that is known, with what it lets pass and what it does not."""
    assert [conforms(value, schema) for value in good] == [True] * len(good)
    assert [conforms(value, schema) for value in bad] == [False] * len(bad)


def test_a_schema_without_an_end_is_given_up() -> None:
    """Whoever sends one does not keep the worker busy."""
    with pytest.raises(SchemaTooDeepError):
        conforms(1, {"$ref": "#"})
    wide = {"items": {"anyOf": [*[{"type": "null"}] * 300, {}]}}
    with pytest.raises(SchemaTooDeepError):
        conforms([1] * 300, wide)


def test_answers_agree_however_they_are_laid_out() -> None:
    """JSON by its values, words without case and blanks; tools by name and arguments."""
    one = reply(Text('{"b": 1, "a": 2}'))

    assert agreement.verify(call(), one, (reply(Text('{"a":2,"b":1}')),)).accepted
    assert agreement.verify(call(), one, ()).reason == "first"
    assert agreement.verify(call(), one, (reply(Text("{}")),)).reason == "disagreement"
    used = reply(ToolUse("1", "f", '{"n": 1}'))
    tool = call(None, NUMBER)
    assert agreement.verify(tool, used, (reply(ToolUse("9", "f", '{ "n":1 }')),)).accepted
    assert not agreement.verify(tool, used, (reply(ToolUse("9", "f", '{"n":2}')),)).accepted


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("PASS", True),
        ("Because it is right: **pass**.", True),
        ("FAIL", False),
        ("", False),
        ("Not PASS but FAIL", False),
        ("FAIL or PASS", False),
        ("It may pass, I think", False),
    ],
)
def test_only_a_clear_word_lets_pass(text: str, passed: bool) -> None:
    """A judge that hedges has not let it pass."""
    assert judge.passes(reply(Text(text))) is passed
