"""Reads `data/plans/*.toml` into the plan catalogue."""

import tomllib
from datetime import date
from importlib import resources

import msgspec
from msgspec import Struct

from headgate.catalog.plans import Capacity, Plan, PlanCatalogue
from headgate.units.money import parse_usd


class PlanDataError(ValueError):
    """A data file of plans cannot be used; the message names the file and the key."""


class _Source(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    address: str
    read_on: str


class _Capacity(Struct, frozen=True, forbid_unknown_fields=True):
    usd_per_month: str
    measured_on: date
    method: str
    source: str


class _Plan(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    title: str
    observed_on: date
    usd_per_month: str
    window_minutes: tuple[int, ...]
    sources: tuple[str, ...]
    capacity: tuple[_Capacity, ...] = ()
    credit_usd: str = "0"
    credit_from: date | None = None
    note: str = ""


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    seller: str
    logs: tuple[str, ...]
    sources: dict[str, _Source]
    plan: tuple[_Plan, ...]


def load_plans() -> PlanCatalogue:
    """Return the built-in plans; reads files, so call it once, at start.

    Raises:
        PlanDataError: A data file of the package is broken.
    """
    folder = resources.files("headgate.catalog") / "data" / "plans"
    plans: list[Plan] = []
    sources: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            document = parse_plans(file.name, file.read_text("utf-8"))
            plans += document.plans
            sources |= document.sources
    return PlanCatalogue(tuple(plans), sources)


def parse_plans(name: str, text: str) -> PlanCatalogue:
    """Return the plans of one data file.

    Raises:
        PlanDataError: A key is missing, unknown or of a wrong type, or a source is not listed.
    """
    try:
        document = msgspec.convert(tomllib.loads(text), _Document)
        plans = tuple(_plan(document, one) for one in document.plan)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise PlanDataError(f"{name}: {error}") from error
    for plan in plans:
        named = {*plan.sources, *(one.source for one in plan.capacities)}
        if not plan.sources or not named <= set(document.sources):
            raise PlanDataError(f"{name}: {plan.id}: every source must stand in [sources]")
    told = {
        key: f"{one.title}, {one.address}, read {one.read_on}"
        for key, one in document.sources.items()
    }
    return PlanCatalogue(plans, told)


def _plan(document: _Document, plan: _Plan) -> Plan:
    return Plan(
        id=plan.id,
        title=plan.title,
        seller=document.seller,
        logs=document.logs,
        observed_on=plan.observed_on,
        price_nanos=parse_usd(plan.usd_per_month),
        window_minutes=plan.window_minutes,
        capacities=tuple(
            Capacity(parse_usd(one.usd_per_month), one.measured_on, one.method, one.source)
            for one in plan.capacity
        ),
        credit_nanos=parse_usd(plan.credit_usd),
        credit_from=plan.credit_from,
        sources=plan.sources,
        note=plan.note,
    )
