"""`headgate reconcile`: compare the books with providers' reports, and correct estimates."""

import time
from collections import Counter
from datetime import UTC
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from headgate.cli.changing import whoami
from headgate.cli.completing import names_of
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading, reading_if_any
from headgate.cli.report import instant
from headgate.config.problems import near
from headgate.config.snapshot import Snapshot
from headgate.insights.contract_reconcile import CorrectionsView, ReconcileView
from headgate.insights.drift import drifts, kept_cells
from headgate.insights.views_reconcile import cell_view, drift_view
from headgate.node.adjusting import make_adjustments
from headgate.node.reconciling import keep, rules_of
from headgate.reconcile.load_compared import compare
from headgate.reconcile.load_reports import ReportError, read_reports
from headgate.reconcile.reports import Reports
from headgate.records.adjustment import Adjusted, Adjustment
from headgate.records.reconciled import Cell
from headgate.units.money import format_usd

app = typer.Typer()


class Found(NamedTuple):
    """What comparing files found."""

    cells: tuple[Cell, ...]
    wanted: tuple[Adjustment, ...]


@app.command()
def reconcile(  # noqa: PLR0913 - one for each option
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Reports, or folders of them; none: the status."),
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(
            help="The provider they are of; none: all of the seller that they name.",
            autocompletion=names_of("providers"),
        ),
    ] = None,
    fetched: Annotated[
        str | None,
        typer.Option(help="When they were made, in UTC; none: the time of each file."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Correct estimated attempts by them.")
    ] = False,
    all_cells: Annotated[bool, typer.Option("--all", help="Show what agrees, too.")] = False,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Compare the books with providers' reports; without files, show what was found last."""
    snapshot = read_configuration(config)
    if not files:
        with reading_if_any(data_dir) as connection:
            cells = tuple(kept_cells(connection))
        _show(data_dir, cells, None, (), as_json=as_json, all_cells=all_cells)
        return
    reports = _read(snapshot, files, provider, fetched)
    found = _compare(snapshot, data_dir, reports, provider)
    made = None
    if apply:
        made = make_adjustments(data_dir, found.wanted, whoami())
        found = Found(_compare(snapshot, data_dir, reports, provider).cells, found.wanted)
    keep(data_dir, found.cells, snapshot.reconcile.alert_nanos, whoami())
    trouble = tuple(line for each in reports.values() for line in each.trouble)
    corrections = _corrections(found.wanted, made or Adjusted())
    _show(data_dir, found.cells, corrections, trouble, as_json=as_json, all_cells=all_cells)
    if not apply and found.wanted and not as_json:
        say("Nothing was corrected: --apply makes these corrections.")


def _read(
    snapshot: Snapshot, files: list[Path], provider: str | None, fetched: str | None
) -> dict[str, Reports]:
    """Read reports; ends the command where they cannot be compared."""
    seller = None
    if provider is not None:
        if provider not in snapshot.providers:
            fix = near(provider, snapshot.providers, "provider")
            fail(f"There is no provider {provider!r}.", fix)
        seller = snapshot.providers[provider].seller
    fetched_ns = None if fetched is None else instant(fetched, UTC)
    try:
        found = read_reports(files, seller=seller, fetched_ns=fetched_ns)
    except ReportError as error:
        fail(f"{error}.", "Name reports as they were fetched; see docs/reference/reconcile.md.")
    for name in found:
        if not any(one.seller == name for one in snapshot.providers.values()):
            fail(
                f"No provider of the configuration sells what {name or 'nobody'!r} sells.",
                "Name the provider that the reports are of: --provider ID",
            )
    return found


def _compare(
    snapshot: Snapshot, data_dir: Path, reports: dict[str, Reports], provider: str | None
) -> Found:
    cells: list[Cell] = []
    wanted: list[Adjustment] = []
    now_ns = time.time_ns()
    with reading(data_dir) as connection:
        for seller, each in sorted(reports.items()):
            name = provider or seller
            rules = rules_of(snapshot, seller, provider)
            found = compare(connection, each, rules, f"reports of {name}")
            cells += found.cells(name, now_ns)
            wanted += found.adjustments
    return Found(tuple(cells), tuple(wanted))


def _corrections(wanted: tuple[Adjustment, ...], made: Adjusted) -> CorrectionsView:
    return CorrectionsView(
        wanted=len(wanted),
        wanted_amount=format_usd(sum(one.amount_nanos for one in wanted)),
        made=made.made,
        made_amount=format_usd(made.amount_nanos),
        known=made.known,
        refused=[f"{each.id}: {each.message}" for each in made.refused],
    )


def _show(
    data_dir: Path,
    cells: tuple[Cell, ...],
    corrections: CorrectionsView | None,
    trouble: tuple[str, ...],
    *,
    as_json: bool,
    all_cells: bool,
) -> None:
    with reading_if_any(data_dir) as connection:
        found = [drift_view(each) for each in drifts(connection)]
    view = ReconcileView(
        cells=[cell_view(cell) for cell in cells],
        drift=found,
        corrections=corrections,
        trouble=list(trouble),
    )
    if as_json:
        print_json(view)
        return
    if not cells:
        say("Nothing was compared yet: headgate reconcile FILE..., or [reports.PROVIDER].")
    else:
        _show_cells(view, all_cells=all_cells)
    for line in trouble:
        say(f"Could not be read: {line}")
    if corrections is not None and corrections.wanted:
        say(
            f"Corrections of estimated attempts: {corrections.wanted}, "
            f"{corrections.wanted_amount} USD; made now {corrections.made}, "
            f"{corrections.made_amount} USD"
        )
        for line in corrections.refused:
            say(f"Refused: {line}")


def _show_cells(view: ReconcileView, *, all_cells: bool) -> None:
    shown = table(
        *("provider", "day", "model", "reason", ">calls", ">told calls"),
        *(">booked", ">told", ">difference"),
    )
    counts: Counter[str] = Counter()
    for cell in view.cells:
        counts[cell.reason] += 1
        if cell.reason != "agreed" or all_cells:
            calls = "-" if cell.told_calls is None else str(cell.told_calls)
            facts = (cell.provider, cell.day, cell.model or "-", cell.reason, str(cell.calls))
            shown.add_row(*facts, calls, cell.booked, cell.told or "-", cell.difference)
    if shown.row_count:
        print_table(shown)
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    say(f"{len(view.cells)} cells of a provider, model and day: {told}")
    for each in view.drift:
        say(
            f"Drift of {each.provider}: {each.drift} USD over {each.days} days, "
            f"{each.unknown} of it unknown; {each.late} cells may still change"
        )
