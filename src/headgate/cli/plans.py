"""`headgate plans`: what subscriptions are worth to the seats whose logs were imported.

It reads what `headgate import` has kept, and changes nothing.
"""

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from headgate import __version__
from headgate.catalog.load_plans import load_plans
from headgate.catalog.plans import PlanCatalogue
from headgate.cli import plans_text as text
from headgate.cli.desk import Png, draw, write_file
from headgate.cli.options import DATA_DIR_DEFAULT, AsJson, DataDir
from headgate.cli.output import fail, print_json
from headgate.economics.pictures import Drawn
from headgate.economics.plans import load_use
from headgate.economics.plans.advice import API
from headgate.economics.plans.break_even import SERVING_COST
from headgate.economics.plans.desk import SeatReport, SeatUse, fingerprint, report
from headgate.economics.usage_logs.store import STORE_NAME, UsageStore

NAME = "plans"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(NAME)(plans)


def plans(
    have: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SEAT=]PLAN", help="A plan that a seat (or every seat) has; may be repeated."
        ),
    ] = None,
    serving_cost: Annotated[
        str, typer.Option(help="What serving costs the seller, as a share of list price.")
    ] = str(SERVING_COST),
    html: Annotated[
        Path | None, typer.Option(help="Write the report as a page with its chart.")
    ] = None,
    png: Png = None,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Say for each seat whether a subscription is worth it: keep, drop, buy or move, and why.

    Examples: `headgate plans --have claude-max-5x`, or for several people
    `headgate plans --have alice=claude-max-5x --have bob=chatgpt-plus --html plans.html`.
    """
    catalogue = load_plans()
    had = _had(have or [], catalogue)
    cost = _share(serving_cost)
    store = UsageStore(data_dir / STORE_NAME, readonly=True)
    try:
        _known(had, store)
        reports = _reports(store, catalogue, had, cost)
    finally:
        store.close()
    inputs = fingerprint(catalogue, sorted(had.items()), cost, *(one.use for one in reports))
    sheet = text.Sheet(tuple(reports), catalogue, cost, inputs)
    if html is not None:
        write_file(html, text.page(sheet).encode())
    if png is not None:
        said = f"headgate {__version__}, inputs {inputs}"
        drawn = Drawn(f"{text.CHART_TITLE}. {text.CHART_ABOUT}", text.chart(sheet))
        draw(png, "Headgate plans", [drawn], said)
    if as_json:
        print_json(text.view(sheet))
        return
    text.show(sheet)


def _reports(
    store: UsageStore, catalogue: PlanCatalogue, had: dict[tuple[str, str], str], cost: Fraction
) -> list[SeatReport]:
    """Return a report for every seat whose logs a plan could cover."""
    covered = {(plan.seller, log) for plan in catalogue.plans for log in plan.logs}

    def has(seat: str, seller: str) -> str:
        return had.get((seat, seller), had.get(("", seller), API))

    reports: list[SeatReport] = []
    for seat, source, seller in load_use.seats(store):
        used = load_use.uses(store, seat, source, seller)
        if (seller, source) in covered and used:
            use = SeatUse(
                seat,
                source,
                seller,
                used,
                load_use.readings(store, seat, source),
                load_use.unpriced(store, seat, source, seller),
            )
            reports.append(report(use, catalogue, has, cost))
    return reports


def _had(given: list[str], catalogue: PlanCatalogue) -> dict[tuple[str, str], str]:
    """Return (seat, seller) to the plan it has; seat "" stands for every other one."""
    had: dict[tuple[str, str], str] = {}
    for one in given:
        seat, _, name = one.rpartition("=")
        plan = catalogue.find(name)
        if plan is None:
            known = ", ".join(plan.id for plan in catalogue.plans)
            fail(f"There is no plan {name!r}.", f"The plans are {known}.")
        had[seat, plan.seller] = plan.id
    return had


def _known(had: dict[tuple[str, str], str], store: UsageStore) -> None:
    """Refuse a plan of a seat that no log is of: its name is likely mistyped."""
    seats = sorted({seat for seat, _, _ in load_use.seats(store)})
    for seat, _ in had:
        if seat and seat not in seats:
            fail(f"No imported log is of the seat {seat!r}.", f"The seats are {', '.join(seats)}.")


def _share(value: str) -> Fraction:
    try:
        # An exact power of ten may be too long to be written out.
        share = Fraction(0) if "e" in value.lower() else Fraction(value)
    except (ValueError, ZeroDivisionError):
        share = Fraction(0)
    if not 0 < share <= 1:
        fail(f"A serving cost of {value!r} makes no sense.", "Write 0.125 to 0.6, at most 1.")
    return share
