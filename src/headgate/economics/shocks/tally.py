"""What became of the calls of a run, in calls and dollars of the whole month."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from headgate.economics.shocks.sampling import Sample, Stratum
from headgate.economics.shocks.shock import Shock
from headgate.insights.drill import Past


class Answer(NamedTuple):
    """What became of one call that was sent again.

    Attributes:
        deployment: Who served it, None when nobody did.
        code: Why nobody did, as the gateway says; empty when it was served.
        prompt_tokens: Of the attempt that served it, as `cache_read` of them.
        estimated_nanos: The part of what was posted that no provider has confirmed.
        attempts: How often the gateway asked a provider.
        asked: How often the client asked, as clients do that are told to come back.
        waited: Whether it stood in a queue for a place.
    """

    deployment: str | None
    code: str
    posted_nanos: int
    estimated_nanos: int
    prompt_tokens: int
    cache_read: int
    attempts: int
    asked: int
    waited: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of the sample.

    Attributes:
        locked: Whether each route had one deployment only.
        answers: In the order of the sample's calls.
        problems: What the check of its books found; empty when they balance.
    """

    shock: Shock
    locked: bool
    answers: tuple[Answer, ...]
    problems: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """A run beside the one without a shock; counts are calls of the month.

    Attributes:
        moved: Served by another deployment than without the shock.
        delayed: Served, but only after another try or in a queue.
        estimated_nanos: The part of the spend that is an estimate: the bound of what a provider
            may charge for a request it took and never answered.
        cached: Prompt tokens read from caches.
        codes: Why calls were not served, by code.
        broken: Calls that were not served, by the name that was asked for.
        spent: Nano-dollars by principal; they add up to `spend_nanos`.
    """

    ran: Ran
    calls: Fraction = Fraction(0)
    refused: Fraction = Fraction(0)
    moved: Fraction = Fraction(0)
    delayed: Fraction = Fraction(0)
    spend_nanos: Fraction = Fraction(0)
    estimated_nanos: Fraction = Fraction(0)
    prompt: Fraction = Fraction(0)
    cached: Fraction = Fraction(0)
    codes: Counter[str] = field(default_factory=Counter)
    broken: dict[str, Fraction] = field(default_factory=dict)
    spent: dict[str, Fraction] = field(default_factory=dict)

    @property
    def refused_share(self) -> Fraction:
        """Of the month's calls, those that nobody served."""
        return self.refused / self.calls if self.calls else Fraction(0)

    @property
    def cached_share(self) -> Fraction:
        """Of the prompt tokens that were served, those read from a cache."""
        return self.cached / self.prompt if self.prompt else Fraction(0)


def tally(sample: Sample, ran: Ran, quiet: Ran) -> Tally:
    """Add a run up, weighted to the month."""
    found = Tally(ran)
    for stratum, rows in _by_stratum(sample, ran, quiet):
        weight = stratum.weight
        found.calls += stratum.calls
        for call, answer, before in rows:
            paid = stratum.scaled(answer.posted_nanos)
            found.spend_nanos += paid
            found.estimated_nanos += stratum.scaled(answer.estimated_nanos)
            found.spent[call.principal] = found.spent.get(call.principal, Fraction(0)) + paid
            if answer.deployment is None:
                found.refused += weight
                found.codes[answer.code] += 1
                broken = found.broken.get(stratum.asked, Fraction(0))
                found.broken[stratum.asked] = broken + weight
                continue
            moved = before.deployment is not None and answer.deployment != before.deployment
            found.moved += weight * moved
            again = answer.attempts > before.attempts or answer.asked > before.asked
            found.delayed += weight * (again or answer.waited)
            found.prompt += weight * answer.prompt_tokens
            found.cached += weight * answer.cache_read
    return found


def _by_stratum(
    sample: Sample, ran: Ran, quiet: Ran
) -> Iterator[tuple[Stratum, list[tuple[Past, Answer, Answer]]]]:
    rows: dict[str, list[tuple[Past, Answer, Answer]]] = {}
    for call, answer, before in zip(sample.calls, ran.answers, quiet.answers, strict=True):
        rows.setdefault(call.asked, []).append((call, answer, before))
    for stratum in sample.strata:
        yield stratum, rows.get(stratum.asked, [])
