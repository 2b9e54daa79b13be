"""`headgate usage`: what imported logs come to, by day, month, model, session and more."""

from datetime import tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from headgate.cli.csv_text import AsJsonOrCsv, print_csv
from headgate.cli.imported_text import dollars, plain_name
from headgate.cli.options import DATA_DIR_DEFAULT, DataDir
from headgate.cli.output import fail, print_json, print_table, say, table
from headgate.cli.report import instant
from headgate.economics.prices.load_past import open_usage
from headgate.economics.usage_logs.formats.registry import formats
from headgate.economics.usage_logs.grouped import SIDES, Group, Side, grouped, span
from headgate.insights.contract_desk import UsageGroupView, UsageView
from headgate.units.instants import to_iso
from headgate.units.money import format_usd
from headgate.units.usage import METERS

app = typer.Typer()

MODELS_SHOWN = 3
"""So many models of a group are named for people; `--json` names all."""


def _beginning(incomplete: str) -> list[str]:
    return [side for side in SIDES if side.startswith(incomplete)]


By = Annotated[
    list[str] | None,
    typer.Option(
        metavar="|".join(SIDES),
        help="What to group by (default: day); repeat it for groups in groups.",
        autocompletion=_beginning,
    ),
]


@app.command()
def usage(
    by: By = None,
    since: Annotated[str | None, typer.Option(help="A date, or a date-time; included.")] = None,
    until: Annotated[str | None, typer.Option(help="A date, or a date-time; excluded.")] = None,
    zone: Annotated[str, typer.Option(help="Whose days, such as Europe/Berlin.")] = "UTC",
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJsonOrCsv = None,
) -> None:
    """Sum up what was imported, at the list price of the day of use.

    Examples: `headgate usage` by day. `headgate usage --by month --by model`. `headgate usage --by
    session --since 2026-11-01`.
    """
    days, sides = _zone(zone), _sides(by or ["day"])
    stretch = (
        None if since is None else instant(since, days),
        None if until is None else instant(until, days),
    )
    with open_usage(data_dir) as store:
        groups, whole = grouped(store, sides, stretch, days), span(store)
    if as_json:
        print_json(_view(groups, sides, zone))
    elif as_json is False:
        columns = ("records", "calls", "models", *METERS, "cost", "cost_high", "unpriced")
        print_csv((*sides, *columns), map(_row, groups))
    elif groups:
        _show(groups, sides)
    elif whole is None:
        say("Nothing was imported yet: headgate import")
    else:
        first, last = (to_iso(at_ns)[:10] for at_ns in whole)
        say(f"Nothing that was imported is of that stretch. Use goes from {first} to {last}.")


def _sides(by: list[str]) -> tuple[Side, ...]:
    known = {str(side): side for side in SIDES}
    for name in by:
        if name not in known:
            fail(f"Imported use is not grouped by {name!r}.", f"Use one of {', '.join(known)}.")
    return tuple(dict.fromkeys(known[name] for name in by))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fail(f"There is no time zone {name!r}.", "Name one as IANA does, such as Europe/Berlin.")


def _total(groups: list[Group]) -> Group:
    total = Group(())
    for group in groups:
        total.add(group)
    return total


def _show(groups: list[Group], sides: tuple[Side, ...]) -> None:
    total = _total(groups)
    wide = total.cost_high_nanos != total.cost_nanos
    named = "model" not in sides
    columns = (">calls", ">input", ">cached", ">written", ">output", ">USD")
    shown = table(
        *(*sides, *columns, *((">at most",) if wide else ())),
        *((">not priced",) if total.unpriced else ()),
        *(("models",) if named else ()),
    )
    above: tuple[str, ...] = ()
    for group in (*groups, total):
        if group is total:
            shown.add_section()
        cells = [*_counts(group), dollars(group.cost_nanos, 4)]
        cells += [dollars(group.cost_high_nanos, 4)] * wide
        cells += [f"{group.unpriced:,}" if group.unpriced else ""] * bool(total.unpriced)
        cells += [_models(group) if group is not total else ""] * named
        shown.add_row(
            *(_names(group.names, above, sides) or ["all"] + [""] * (len(sides) - 1)), *cells
        )
        above = group.names
    print_table(shown)
    say("Tokens; USD by the price of the day of use, whoever paid for it.")
    if total.unpriced:
        say("What is not priced is in no sum: headgate import says why.")


def _counts(group: Group) -> list[str]:
    used = group.usage
    written = used.cache_write_5m + used.cache_write_1h + used.cache_write_24h
    counts = (
        *(group.calls, used.input_uncached + used.input_audio, used.cache_read),
        *(written, used.output_tokens),
    )
    return [f"{count:,}" for count in counts]


def _names(names: tuple[str, ...], above: tuple[str, ...], sides: tuple[Side, ...]) -> list[str]:
    """Return the cells that name a group; what it shares with the one above is not said again."""
    cells: list[str] = []
    for at, (side, name) in enumerate(zip(sides, names, strict=False)):
        told = formats()[name].TITLE if side == "log" and name in formats() else name
        same = above[: at + 1] == names[: at + 1] and at < len(names) - 1
        cells.append("" if same else plain_name(told) or "-")
    return cells


def _models(group: Group) -> str:
    names = sorted(group.models)
    more = f" and {len(names) - MODELS_SHOWN} more" if len(names) > MODELS_SHOWN else ""
    return ", ".join(plain_name(name) for name in names[:MODELS_SHOWN]) + more


def _view(groups: list[Group], sides: tuple[Side, ...], zone: str) -> UsageView:
    return UsageView(
        by=list(sides),
        zone=zone,
        total=_group_view(_total(groups)),
        groups=[_group_view(group) for group in groups],
    )


def _row(group: Group) -> list[object]:
    """Return a group as a row of CSV: the fields of JSON, each meter in a column of its own."""
    view = _group_view(group)
    usage = [view.usage.get(meter, 0) for meter in METERS]
    counts = (view.records, view.calls, view.models)
    return [*view.names, *counts, *usage, view.cost, view.cost_high, view.unpriced]


def _group_view(group: Group) -> UsageGroupView:
    return UsageGroupView(
        names=[name or None for name in group.names],
        records=group.records,
        calls=group.calls,
        models=sorted(group.models),
        usage=group.usage.quantities(),
        cost=format_usd(group.cost_nanos),
        cost_high=format_usd(group.cost_high_nanos),
        unpriced=group.unpriced,
    )
