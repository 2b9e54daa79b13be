"""`session`: stay where a session is, and move it only when a switch is expected to pay.

What finishing the session's task comes to at each candidate is weighed in whole nano-dollars:
calls left, the kept prefix, what a switch throws away, how often tasks succeed there and what a
failure costs (`routing.sessions.offers`). Up, when something speaks against who serves it; back,
where a task ends; to whom the run's budget can pay (`routing.sessions.switching`). A call that
belongs to no session goes where a task of its horizon would begin.
"""

from collections.abc import Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import Inputs, Need, Notes, Settings
from headgate.routing.sessions.horizon import CALLS
from headgate.routing.sessions.odds import milli_of
from headgate.routing.sessions.offers import Offer, Progress
from headgate.routing.sessions.signs import hard_milli
from headgate.routing.sessions.switching import Setting as Rules
from headgate.routing.sessions.switching import Verdict, decide, decide_side
from headgate.routing.settings import Setting

__all__ = ["plan"]

KIND = "session"
NEEDS: Final[frozenset[Need]] = frozenset({"session", "estimates"})
PERCENT_PPM: Final = 10_000
INTERVAL_ERRORS: Final = 4
"""An interval of 95 % is about so many standard errors wide."""

LEFT: Final = "left_nanos"
"""The input that says what the budget of the call's run has left."""

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("stake_usd", "usd", 0),
    Setting("margin", "share", 10 * PERCENT_PPM),
    Setting("success", "shares"),
)


def rank(candidates: Sequence[Quoted], settings: Settings, inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the candidates in the order in which the session's call tries them; unpriced last."""
    priced = [each for each in candidates if each.expected_nanos is not None]
    rest = sorted(
        (each for each in candidates if each.expected_nanos is None),
        key=lambda each: each.deployment.id,
    )
    if not priced:
        return tuple(rest)
    by_name = {each.deployment.id: each for each in priced}
    verdict = _verdict(priced, settings, inputs)
    return (*(by_name[each.name] for each in verdict.weighed), *rest)


def notes(ranked: Sequence[Quoted], settings: Settings, inputs: Inputs) -> Notes:
    """Return why the session's call goes where it goes: `switch`, `gain_nanos`, totals."""
    priced = [each for each in ranked if each.expected_nanos is not None]
    if not ranked or ranked[0].expected_nanos is None:
        return {}
    verdict, reason = _verdict_of_first(ranked[0], priced, settings, inputs)
    found: dict[str, str | int] = {"switch": reason}
    if verdict.gain_nanos is not None:
        found["gain_nanos"] = verdict.gain_nanos
    for each in verdict.weighed:
        found[f"total_nanos:{each.name}"] = each.total_nanos
        found[f"success_ppm:{each.name}"] = each.ppm
        if (left := inputs.get(LEFT)) is not None and each.cost_nanos > left:
            found[f"short_nanos:{each.name}"] = each.cost_nanos - left
    return found


def _verdict_of_first(
    first: Quoted, priced: Sequence[Quoted], settings: Settings, inputs: Inputs
) -> tuple[Verdict, str]:
    """Return the verdict that put one first, and why; `native`: it speaks the client's dialect.

    Where those that need a translation come last, each of the two classes is ranked by itself.
    """
    verdict = _verdict(priced, settings, inputs)
    if verdict.chosen == first.deployment.id:
        return verdict, verdict.reason
    serving = _named("serving:", inputs)
    left = serving in {each.deployment.id for each in priced}
    alike = [each for each in priced if (each.via is None) == (first.via is None)]
    verdict = _verdict(alike, settings, inputs)
    return verdict, "native" if left and verdict.reason == "gone" else verdict.reason


def _verdict(priced: Sequence[Quoted], settings: Settings, inputs: Inputs) -> Verdict:
    offers = [_offer(each, settings, inputs) for each in priced]
    if inputs.get("side"):
        return decide_side(offers)
    found = {name[5:]: milli for name, milli in inputs.items() if name.startswith("sign:")}
    progress = Progress(
        _named("serving:", inputs),
        _named("home:", inputs),
        inputs.get("done", 0),
        sum(found.values()),
        hard_milli(found),
        fresh=bool(inputs.get("fresh")),
        idle=bool(inputs.get("idle")),
        left_nanos=inputs.get(LEFT),
    )
    margin = settings.value("margin") // PERCENT_PPM
    return decide(offers, progress, Rules(settings.value("stake_usd"), margin))


def _named(kind: str, inputs: Inputs) -> str | None:
    return next((name.removeprefix(kind) for name in inputs if name.startswith(kind)), None)


def _offer(quoted: Quoted, settings: Settings, inputs: Inputs) -> Offer:
    """Return a candidate as an offer: configured rates of success are taken as certain."""
    name, estimate = quoted.deployment.id, quoted.expected
    told_ppm = settings.values.get(f"success.{name}")
    doubt_ppm = (estimate.high_ppm - estimate.low_ppm) // INTERVAL_ERRORS
    expected = quoted.expected_nanos
    assert expected is not None, name
    return Offer(
        name,
        max(0, quoted.net_nanos),
        max(0, expected - inputs.get(f"kept:{name}", 0)),
        inputs.get(f"enter:{name}", 0),
        milli_of(estimate.quality_ppm if told_ppm is None else told_ppm),
        inputs.get(f"calls:{name}") or CALLS["bounded"],
        max(0, doubt_ppm) if told_ppm is None else 0,
        f"alike:{name}" in inputs,
    )
