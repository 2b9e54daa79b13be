"""Whether a session stays where it is or moves, and why; pure, integers.

It moves only when that is expected to gain something: what is left of the task, with what a
switch throws away and what failures cost, comes out cheaper elsewhere by more than a margin, and
by more than one standard error of the difference between the two. Up, to one that succeeds more
often, it may move when something speaks against who serves it. Back to the one it began with it
may move where a task ends, for half a task is worth more to who has done it, or where a pause has
cost it its cache. From one that its run cannot pay to the end it may move at any time to one that
it can, and never the other way. It goes nowhere else: a session is not handed down because it has
grown long.
"""

from collections.abc import Sequence
from math import isqrt
from typing import Literal, NamedTuple

from headgate.routing.sessions.offers import Offer, Progress, Weighed, weigh

Reason = Literal["start", "stays", "up", "down", "over", "gone", "side"]
"""`start`: nobody has served the session yet. `stays`: where it was. `up`: to one that succeeds
more often. `down`: back to one that succeeds less often. `over`: back to one that succeeds as
often.
`gone`: who served it cannot be asked now. `side`: a call beside the session's work."""

MARGIN_PERCENT = 10
"""Of what staying would come to: a gain that is less is not worth moving for."""


class Setting(NamedTuple):
    """What the configuration says of an alias's sessions.

    Attributes:
        stake_nanos: What a failed task costs beside being done again.
        margin_percent: How much of what staying would come to has to be gained by a switch.
    """

    stake_nanos: int = 0
    margin_percent: int = MARGIN_PERCENT


USUAL = Setting()


class Verdict(NamedTuple):
    """Who is to serve a session's next call.

    Attributes:
        weighed: Every offer in the order in which it is to be tried.
        reason: Why the first of them is the first.
        gain_nanos: By how much it comes out cheaper than staying; above 0 for every switch, None
            where nobody stays or leaves.
    """

    weighed: tuple[Weighed, ...]
    reason: Reason
    gain_nanos: int | None = None

    @property
    def chosen(self) -> str:
        """Who is to be tried first."""
        return self.weighed[0].name


def decide(offers: Sequence[Offer], progress: Progress, setting: Setting = USUAL) -> Verdict:
    """Return who serves the next call of a session's work.

    Args:
        offers: Whoever can serve it, at least one.
        progress: How far its task is.
        setting: What the configuration says.
    """
    weighed = weigh(offers, progress, setting.stake_nanos)
    staying = next((each for each in weighed if each.name == progress.incumbent), None)
    if staying is None:
        return Verdict(weighed, "start" if progress.incumbent is None else "gone")
    others = [each for each in weighed if each is not staying and _may(staying, each, progress)]
    if others:
        best = others[0]
        gain = staying.total_nanos - best.total_nanos
        if gain > 0 and gain > _least(staying, best, setting):
            return Verdict(_first(best, weighed), _direction(staying, best), gain)
    return Verdict(_first(staying, weighed), "stays")


def decide_side(offers: Sequence[Offer]) -> Verdict:
    """Return who serves a call beside a session's work: whoever does it for the least."""
    weighed = weigh(offers, Progress(None), 0)
    cheap = sorted(weighed, key=lambda each: (each.offer.now_nanos, each.name))
    return Verdict(tuple(cheap), "side")


def _may(staying: Weighed, other: Weighed, progress: Progress) -> bool:
    """Tell whether a session may move to another at this moment, if it pays."""
    pays, would = progress.can_pay(staying.cost_nanos), progress.can_pay(other.cost_nanos)
    if pays != would:
        return would
    if progress.fresh or progress.idle:
        return other.name == progress.home
    rises = other.offer.quality_milli > staying.offer.quality_milli
    return rises and progress.against_milli > 0


def _least(staying: Weighed, other: Weighed, setting: Setting) -> int:
    """Return what a switch has to gain more than: a margin, and what may be luck."""
    doubt = isqrt(staying.doubt_nanos**2 + other.doubt_nanos**2)
    return max(doubt, setting.margin_percent * staying.total_nanos // 100)


def _direction(staying: Weighed, other: Weighed) -> Reason:
    rise = other.offer.quality_milli - staying.offer.quality_milli
    return "up" if rise > 0 else "down" if rise < 0 else "over"


def _first(one: Weighed, weighed: Sequence[Weighed]) -> tuple[Weighed, ...]:
    return (one, *(each for each in weighed if each is not one))
