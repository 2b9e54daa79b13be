"""`cascade`: ask a cheap model, verify what it says, and ask a dearer one when that will not do.

Where no chain of models reaches the quality of the best one for less, the best one serves alone and
the decision says why; a few calls try a chain all the same, within a bound, so that it is noticed
when one begins to pay. The best one has the highest expected quality; of equals, it is listed last.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from headgate.routing.candidate import Quoted
from headgate.routing.cascades.beliefs import Verdicts, judged, rates_of
from headgate.routing.cascades.chain import CHAIN_MAX, Limits, Link, Worth, worth
from headgate.routing.cascades.worth import PPM, Rates, Step
from headgate.routing.policies.cheapest import plan
from headgate.routing.policies.registry import NO_NOTES, Inputs, Need, Notes, Settings
from headgate.routing.settings import Fault, Setting
from headgate.routing.verifiers.registry import KINDS, verifiers

__all__ = ["plan"]

KIND = "cascade"
STEPS_MAX: Final = 2
EXHAUSTED: Final = ("best", "refuse")
STREAMS: Final = ("held", "alone")
"""Streams are held back until they are verified, or go to the best one alone."""
SETTINGS: Final = (
    Setting("verifier", "choice", required=True, choices=KINDS),
    Setting("steps_max", "count", default=STEPS_MAX),
    Setting("loss", "share", default=0),
    Setting("accepts_good", "share"),
    Setting("accepts_bad", "share"),
    Setting("exhausted", "choice", default=0, choices=EXHAUSTED),
    Setting("probe_usd_per_day", "usd", default=0),
    Setting("streams", "choice", default=0, choices=STREAMS),
    Setting("judge", "deployment"),
    Setting("rubric", "text"),
)
NEEDS: Final[frozenset[Need]] = frozenset({"estimates"})

WHOLE: Final = "cascade.whole"
"""The input that says that the reply can be verified before its client sees it."""

SKIP: Final = "cascade.skip"
"""The input that says how many first steps are left out, for they have failed in this session."""

PROBE: Final = "cascade.probe"
"""The input that has a chain tried that does not pay."""

CHECK: Final = "cascade.check_nanos"
"""The input that says what verifying one answer costs."""

ACCEPTED: Final = "cascade.accepted."
REJECTED: Final = "cascade.rejected."
"""Inputs, before a deployment: how often its answers were accepted, and were not."""

VERDICTS: Final = (
    "cascade.good_accepted",
    "cascade.good_rejected",
    "cascade.bad_accepted",
    "cascade.bad_rejected",
)
"""Inputs: how often the verifier was right and wrong, in the order of `Verdicts`."""

CHAIN: Final = "cascade"
"""The note that has the chain which serves; the others say what was expected of it."""
ARROW: Final = " -> "
PROBE_NANOS: Final = "cascade.probe_nanos"


def faults(values: Mapping[str, int], texts: Mapping[str, str]) -> Iterator[Fault]:
    """Yield what is wrong with settings that are right each by itself."""
    kind = KINDS[values["verifier"]] if "verifier" in values else ""
    if not kind:
        return
    verifier, steps = verifiers()[kind], values.get("steps_max", STEPS_MAX)
    least = verifier.BLIND + 2
    if not least <= steps <= CHAIN_MAX:
        yield Fault("steps_max", f"{kind!r} takes {least} to {CHAIN_MAX}.", "Set one of these.")
    for key in ("judge", "rubric"):
        if key in texts and not verifier.ASKS:
            yield Fault(key, f"{kind!r} asks no model.", 'Take it out, or set verifier = "judge".')
    if verifier.ASKS and "judge" not in texts:
        yield Fault("judge", "Nobody is named who judges.", "Name a deployment.")


def holds_streams(settings: Settings) -> bool:
    """Tell whether streams are verified, as whole replies are."""
    return settings.value("streams") == STREAMS.index("held")


def rank(candidates: Sequence[Quoted], settings: Settings, inputs: Inputs) -> tuple[Quoted, ...]:
    """Return the chain that serves, then the others, those of most quality first."""
    others = sorted(candidates, key=_best_first)
    found = _found(others, settings, inputs)
    serves = found is not None and _serves(found, inputs)
    first = [others[number] for number in _left(found, inputs)] if found and serves else []
    return (*first, *(one for one in others if one not in first))


def notes(ranked: Sequence[Quoted], settings: Settings, inputs: Inputs) -> Notes:
    """Return the chain, whether it pays, and by which figures."""
    others = sorted(ranked, key=_best_first)
    if not inputs.get(WHOLE):
        return {CHAIN: "off: the reply is none that can be verified before it is seen"}
    found = _found(others, settings, inputs)
    if found is None:
        return NO_NOTES if not others else {CHAIN: "off: nobody is cheaper than the best one"}
    chain = ARROW.join(others[number].deployment.id for number in _left(found, inputs))
    rates = _rates(settings, inputs)
    told: dict[str, str | int] = {
        "cascade.verifier": KINDS[settings.value("verifier")],
        "cascade.accepts_good_ppm": rates.good_ppm,
        "cascade.accepts_bad_ppm": rates.bad_ppm,
        "cascade.quality_ppm": found.reached.quality_ppm,
        "cascade.cost_nanos": found.reached.cost_nanos,
        "cascade.alone_quality_ppm": found.alone.quality_ppm,
        "cascade.alone_cost_nanos": found.alone.cost_nanos,
    }
    if _serves(found, inputs):
        told[CHAIN] = chain
        if not found.pays:
            spent = [others[number] for number in found.chain[:-1]]
            check = inputs.get(CHECK, 0)
            told[PROBE_NANOS] = sum(one.likely_nanos + check for one in spent)
    else:
        dear = found.reached.cost_nanos >= found.alone.cost_nanos
        why = "costs no less than the best one alone" if dear else "is not good enough"
        told[CHAIN] = f"off: {chain} {why}"
    return told


def chain_of(notes: Notes) -> tuple[str, ...]:
    """Return the deployments of the chain that serves, in order, by a decision's notes."""
    said = notes.get(CHAIN)
    if not isinstance(said, str) or said.startswith("off:"):
        return ()
    return tuple(said.split(ARROW))


def steps(
    ranked: Sequence[Quoted], settings: Settings, inputs: Inputs
) -> tuple[tuple[str, int], ...]:
    """Return the deployments of the chain that serves, each with the chance that it is asked.

    Chances are in millionths, the first is certain; empty where one serves alone. It takes the
    steps' mistakes to be independent of each other, as the policy does.
    """
    others = sorted(ranked, key=_best_first)
    found = _found(others, settings, inputs)
    if found is None or not _serves(found, inputs):
        return ()
    rates = _rates(settings, inputs)
    blind = verifiers()[KINDS[settings.value("verifier")]].BLIND
    told: list[tuple[str, int]] = []
    chance = PPM
    for number in _left(found, inputs):
        told.append((others[number].deployment.id, chance))
        if found.chain.index(number) >= blind:
            accepted = _link(number, others[number], rates, inputs).verified.accepted_ppm
            chance = chance * (PPM - accepted) // PPM
    return tuple(told) if len(told) > 1 else ()


def _best_first(one: Quoted) -> tuple[bool, int, int, str]:
    """Return the order of quality: where nothing is known of it, the route's list says it."""
    unpriced = one.expected_nanos is None
    return (unpriced, -one.expected.quality_ppm, -one.position, one.deployment.id)


def _left(found: Worth, inputs: Inputs) -> tuple[int, ...]:
    """Return the chain without the steps that are left out; the last one always stays."""
    return found.chain[min(inputs.get(SKIP, 0), len(found.chain) - 1) :]


def _serves(found: Worth, inputs: Inputs) -> bool:
    return found.pays or bool(inputs.get(PROBE))


def _rates(settings: Settings, inputs: Inputs) -> Rates:
    """Return how the verifier is believed to err: as configured, and as was seen."""
    prior = verifiers()[KINDS[settings.value("verifier")]].PRIOR
    values = settings.values
    told = Rates(
        values.get("accepts_good", prior.good_ppm), values.get("accepts_bad", prior.bad_ppm)
    )
    return rates_of(told, Verdicts(*(inputs.get(name, 0) for name in VERDICTS)))


def _found(others: Sequence[Quoted], settings: Settings, inputs: Inputs) -> Worth | None:
    """Return the chain that does best; the numbers in it are places in `others`."""
    if not others or not inputs.get(WHOLE) or others[0].expected_nanos is None:
        return None
    rates = _rates(settings, inputs)
    links = [_link(number, one, rates, inputs) for number, one in enumerate(others)]
    last = links[0]
    cheaper = [
        link
        for link, one in zip(links, others, strict=True)
        if one.expected_nanos is not None and link.unseen.cost_nanos < last.unseen.cost_nanos
    ]
    cheaper.sort(key=_cheap_first)
    least_ppm = last.unseen.quality_ppm * (PPM - settings.value("loss")) // PPM
    blind = verifiers()[KINDS[settings.value("verifier")]].BLIND
    return worth(last, cheaper, rates, Limits(settings.value("steps_max"), blind, least_ppm))


def _cheap_first(link: Link) -> tuple[int, int]:
    return (link.verified.cost_nanos, link.number)


def _link(number: int, one: Quoted, rates: Rates, inputs: Inputs) -> Link:
    name, plain = one.deployment.id, one.expected.quality_ppm
    accepted, rejected = inputs.get(ACCEPTED + name, 0), inputs.get(REJECTED + name, 0)
    quality, share = judged(plain, rates, accepted, rejected)
    cost = one.likely_nanos
    verified = Step(quality, share, cost + inputs.get(CHECK, 0))
    return Link(number, verified, Step(plain, PPM, cost))
