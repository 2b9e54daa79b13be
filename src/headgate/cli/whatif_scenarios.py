"""From what `headgate whatif` is asked to scenarios: prices, models, policies, plans, checked."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headgate.catalog.load_plans import load_plans
from headgate.catalog.plans import Plan
from headgate.catalog.prices import PriceBook
from headgate.cli.desk import hash_of
from headgate.cli.output import fail
from headgate.cli.policy_option import told_of
from headgate.cli.pricing import asked as prices_asked
from headgate.cli.pricing.impact import changed, scaled
from headgate.cli.whatif_period import Past, Period
from headgate.config.load_policy import policy_named, policy_of_table
from headgate.economics.inputs import Inputs
from headgate.economics.prices import impact
from headgate.economics.whatif.calls import Calls
from headgate.economics.whatif.load_scenarios import REFUSED, Wanted
from headgate.economics.whatif.moves import EVERY
from headgate.economics.whatif.scenario import Scenario, read_models
from headgate.economics.whatif.seats import Seats, check_plans
from headgate.routing.policies.registry import Chosen
from headgate.units.instants import to_datetime

CLASSES_NAMED = 10
INLINE = "routed"
"""What a policy in a table without a name is called."""


class Asked(NamedTuple):
    """A scenario that can be computed once there are calls.

    Attributes:
        after: Its prices.
        policy: Who chooses the models, None for nobody.
        plans: Who would have had which.
        content: What decides it beside the calls and the options.
    """

    wanted: Wanted
    after: PriceBook
    policy: Chosen | None
    plans: tuple[tuple[str, Plan], ...]
    content: tuple[str, ...]


def asked_of(wanted: Wanted, period: Period) -> Asked:
    """Return what is asked, with what it names looked up.

    Raises:
        ConfigurationError: A file of prices or a policy cannot be used.
        InputError: A plan cannot be used.
    """
    after = _after(wanted, period)
    policy = _policy(wanted, period)
    plans = _plans(wanted.plans)
    content = (
        hash_of(wanted.prices),
        "-" if policy is None else told_of(policy),
        *(f"{name}={plan}" for name, plan in plans),
        words(wanted),
    )
    return Asked(wanted, after, policy, plans, content)


def scenario_of(asked: Asked, period: Period, past: Past, inputs: Inputs) -> Scenario:
    """Return a scenario for the calls of a period.

    Raises:
        InputError: A model has no price, or a policy lacks what it goes by.
    """
    wanted, after = asked.wanted, asked.after
    on_ns = None if wanted.as_of is None else _midnight(wanted.as_of)
    routed = None
    if asked.policy is not None:
        routed = past.router(asked.policy, wanted.among, after, on_ns)
    refuses = wanted.beyond == REFUSED
    span = (period.since_ns, period.until_ns, period.zone)
    return Scenario(
        before=period.book,
        after=after,
        on_ns=on_ns,
        models=read_models(wanted.models, after),
        routed=routed,
        seats=Seats(asked.plans, *span, refuses=refuses) if asked.plans else None,
        only=_classes(past.calls, wanted.only),
        cache_loss=inputs["cache_loss"],
        retries=inputs["retries"],
        checks=inputs["checks"],
        check_cost=inputs["check_cost"],
    )


def words(wanted: Wanted) -> str:
    """Return a scenario in words."""
    parts = [f"the prices of {wanted.prices.name}"] if wanted.prices is not None else []
    parts += [f"list prices {', '.join(wanted.scale)}"] if wanted.scale else []
    parts += [f"the prices of {wanted.as_of}"] if wanted.as_of else []
    parts += [_seats(wanted)] if wanted.plans else []
    served = ", ".join(
        f"{one.partition('=')[2]} for {one.partition('=')[0]}" for one in wanted.models
    )
    if wanted.policy is not None:
        name = wanted.policy if isinstance(wanted.policy, str) else wanted.policy.get("kind", "?")
        among = f" among {', '.join(wanted.among)}" if wanted.among else ""
        served = f"routing by {name}{among}"
    where = f" in {', '.join(wanted.only)}" if wanted.only else ""
    parts += [f"{served}{where}"] if served else []
    return " and ".join(parts)


def _seats(wanted: Wanted) -> str:
    pairs = (one.rpartition("=") for one in wanted.plans)
    who = ", ".join(
        f"{plan} for {seat if seat not in ('', EVERY) else 'everybody'}" for seat, _, plan in pairs
    )
    return f"{who} (refused beyond)" if wanted.beyond == REFUSED else who


def _after(wanted: Wanted, period: Period) -> PriceBook:
    """Return the prices as they would be."""
    if wanted.prices is None:
        return scaled(period.book, list(wanted.scale), impact)
    if period.snapshot is None:
        fail("A FILE of prices belongs to a configuration.", "Name it: --config headgate.toml.")
    since_ns = period.since_ns
    return changed(period.snapshot, wanted.prices, list(wanted.scale), impact, since_ns)


def _policy(wanted: Wanted, period: Period) -> Chosen | None:
    if wanted.policy is None:
        return None
    if isinstance(wanted.policy, str):
        configured = {} if period.snapshot is None else period.snapshot.policies
        return policy_named(wanted.policy, configured, wanted.folder)
    return policy_of_table(wanted.name or INLINE, wanted.policy, f"scenario {wanted.name}")


def _plans(given: Iterable[str]) -> tuple[tuple[str, Plan], ...]:
    """Return who has which plan; a plan without a seat is everybody's.

    Raises:
        InputError: Nobody knows what it gives.
    """
    catalogue = load_plans()
    found: list[tuple[str, Plan]] = []
    for one in given:
        seat, _, name = one.rpartition("=")
        plan = catalogue.find(name)
        if plan is None:
            known = ", ".join(plan.id for plan in catalogue.plans)
            fail(f"There is no plan {name!r}.", f"The plans are {known}.")
        found.append((seat or EVERY, plan))
    check_plans(found)
    return tuple(found)


def _classes(calls: Calls, only: Sequence[str]) -> frozenset[str]:
    """Return the classes that change their model; ends the command for an unknown one."""
    unknown = [name for name in only if name not in calls.classes]
    if unknown:
        known = ", ".join(calls.classes[:CLASSES_NAMED]) or "none"
        fail(f"There is no class {unknown[0]!r}.", f"The classes are: {known}.")
    return frozenset(only)


def _midnight(text: str) -> int:
    at_ns = prices_asked.instant(text)
    moment = to_datetime(at_ns)
    if moment.time() != moment.min.time():
        fail(f"{text!r} is no day.", "Write --as-of 2026-03-01: calls keep their time of day.")
    return at_ns
