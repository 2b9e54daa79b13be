"""What is asked: prices, who serves, which plans are had, and what a change of model adds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from headgate.catalog.prices import PriceBook
from headgate.economics.inputs import InputError
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.whatif.calls import Calls
from headgate.economics.whatif.moves import EVERY, Moves, by_models
from headgate.economics.whatif.seats import Seats


@dataclass(frozen=True, slots=True)
class Scenario:
    """How a period would have been.

    Attributes:
        before: The prices as they are.
        after: The prices as they would be.
        on_ns: The day whose prices hold for every call (its beginning in UTC; each call keeps its
            time of day); None for the prices of the call's own instant.
        models: Who serves instead of a model, as seller and model; `*` is every other one.
        routed: Who serves by a policy, instead of `models`; None without one.
        seats: Plans that are had; None for none.
        only: The classes of tasks that change their model; empty for all.
        cache_loss: Share of what was read from the cache that the new model has to read afresh.
        retries: Share of the calls that changed whose cost is paid again.
        checks: Share of the calls that changed whose result is checked.
        check_cost: What a check costs, as a share of what the call was posted at.
    """

    before: PriceBook
    after: PriceBook
    on_ns: int | None = None
    models: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    routed: Moves | None = None
    seats: Seats | None = None
    only: frozenset[str] = frozenset()
    cache_loss: Fraction = Fraction(0)
    retries: Fraction = Fraction(0)
    checks: Fraction = Fraction(0)
    check_cost: Fraction = Fraction(0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What else must be known of it."""
        return () if self.routed is None else self.routed.notes

    def moves(self, calls: Calls) -> Moves:
        """Return who would have served the calls."""
        return by_models(calls, self.models) if self.routed is None else self.routed


def everything_on(model: tuple[str, str], book: PriceBook) -> Scenario:
    """Return the baseline of one model for all calls, at the prices as they are, at its kindest.

    Nothing is added for caches, retries and checks: who has always had one model did not move.
    """
    return Scenario(book, book, models={EVERY: model})


def read_models(given: Sequence[str], book: PriceBook) -> dict[str, tuple[str, str]]:
    """Return who serves instead of whom, of texts such as `claude-opus-4-8=claude-sonnet-5`.

    Raises:
        InputError: A text is no such pair, or nobody has a price for what it names.
    """
    pricer = Pricer(book)
    found: dict[str, tuple[str, str]] = {}
    for text in given:
        old, _, new = text.partition("=")
        if not old or not new:
            raise InputError(f"{text!r} names no two models.", "Write --model OLD=NEW or '*=NEW'.")
        found[old] = priced_model(new, book, pricer)
    return found


def read_among(given: Sequence[str], book: PriceBook) -> tuple[tuple[str, str], ...]:
    """Return the models that a policy chooses among, as seller and model, each once.

    Raises:
        InputError: Nobody has a price for what a text names.
    """
    pricer = Pricer(book)
    return tuple(dict.fromkeys(priced_model(name, book, pricer) for name in given))


def priced_model(name: str, book: PriceBook, pricer: Pricer | None = None) -> tuple[str, str]:
    """Return the seller and model of a name, `model` or `seller/model`.

    Raises:
        InputError: It has no price, or several sellers have it.
    """
    pricer = pricer or Pricer(book)
    seller, slash, model = name.partition("/")
    if slash and book.priced_as(seller, model) is not None:
        return seller, model
    sold = pricer.sold_as(None, name)
    if sold is not None:
        return sold
    holders = [one for one in _sellers(book) if book.priced_as(one, name) is not None]
    if holders:
        raise InputError(f"{name} is sold by several.", f"Write {holders[0]}/{name}.")
    near = pricer.near(name)
    fix = "See: headgate prices as-of" if near is None else f"Did you mean {near}?"
    raise InputError(f"Nobody has a price for {name!r}.", fix)


def _sellers(book: PriceBook) -> Iterable[str]:
    return dict.fromkeys(seller for seller, _model in book.models())
