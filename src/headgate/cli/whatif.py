"""`headgate whatif`: say what a past period would have cost under other prices or models."""

import hashlib
from collections.abc import Sequence
from datetime import UTC
from fractions import Fraction
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.cli.desk import AsJson, Html, InputsFile, Png, checked, document, show
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.output import fail
from headgate.cli.pricing import asked as prices_asked
from headgate.cli.pricing.impact import Change, Scale, Since, Until, changed, scaled, stretch
from headgate.cli.reading import read_configuration, reading
from headgate.config.snapshot import Snapshot
from headgate.economics.inputs import Inputs
from headgate.economics.load import changes_of, load_data, load_inputs
from headgate.economics.prices import impact
from headgate.economics.prices.load_past import charged_calls, open_usage
from headgate.economics.whatif import load_calls
from headgate.economics.whatif.baseline import beside, everything_on
from headgate.economics.whatif.calls import Calls
from headgate.economics.whatif.replay import replay
from headgate.economics.whatif.report import HUNDRED, Question, whatif_report
from headgate.economics.whatif.scenario import Scenario, priced_model, read_models
from headgate.economics.whatif.tokenisers import families_of
from headgate.units.instants import to_datetime
from headgate.units.money import exact_fraction

POSTED = "posted"
CLASSES_NAMED = 10

Models = Annotated[
    list[str] | None,
    typer.Option(metavar="OLD=NEW", help="Another model for one, or for all: '*=NEW'."),
]
Only = Annotated[
    list[str] | None, typer.Option(metavar="CLASS", help="Change models of these classes.")
]
AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="Prices in force on that day, in UTC.")
]
By = Annotated[
    str | None,
    typer.Option(help="Classes: side, seat, project, model; of the books team, model, tag:NAME."),
]
Baseline = Annotated[
    str, typer.Option(metavar="MODEL", help="Savings are against all on that model.")
]
Promised = Annotated[
    str | None, typer.Option(metavar="PERCENT", help="A saving to check, such as 60.")
]
Imported = Annotated[
    bool, typer.Option("--imported", help="Of imported logs; needs no configuration.")
]

app = typer.Typer()


class Period(NamedTuple):
    """The stretch of time that is asked about, and its prices as they are.

    Attributes:
        snapshot: The configuration; None for imported calls beside none.
        imported: Whether it is of imported logs, not of the books.
    """

    snapshot: Snapshot | None
    book: PriceBook
    since_ns: int
    until_ns: int
    imported: bool


@app.command()
def whatif(  # noqa: PLR0913 - a command has as many parameters as it has options
    change: Change = None,
    model: Models = None,
    only: Only = None,
    scale: Scale = None,
    as_of: AsOf = None,
    by: By = None,
    baseline: Baseline = POSTED,
    promised: Promised = None,
    since: Since = None,
    until: Until = None,
    imported: Imported = False,
    inputs: InputsFile = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Rate a past period again, line by line; last month when no period is named.

    Examples: `headgate whatif --imported --model claude-opus-4-8=claude-sonnet-5 --promised 60`,
    `headgate whatif --as-of 2026-03-01 --by tag:task`.
    """
    with checked():
        used = load_inputs("whatif").changed_by(changes_of(document(inputs)))
        period = _period(config, (since, until), imported=imported)
        if change is None and not (scale or as_of or model):
            fail("There is nothing to ask.", "Give --model, --as-of, --scale, or a FILE of prices.")
        after = _after(period, change, scale or [])
        calls, notes = _calls(period, after, data_dir, by)
        asked = _scenario((period.book, after, as_of), used, model or [], _classes(calls, only))
        families = families_of(load_data("whatif"))
        base = None
        if baseline == POSTED:
            would = replay(calls, asked, used, families)
        else:
            other = everything_on(priced_model(baseline, period.book), period.book)
            would, base = beside(calls, asked, other, used, families)
        told = _told((change, model or [], only or [], scale or [], as_of))
        question = Question(
            period=f"{_day(period.since_ns)} until {_day(period.until_ns)}",
            scenario=told,
            baseline="As posted" if base is None else f"All on {baseline}",
            promised=_share(promised),
            notes=notes,
            content=(
                *calls.fingerprint(),
                *_content(config, change, period),
                told,
                str(by),
                baseline,
                str(promised),
            ),
        )
        report = whatif_report(question, would, used, base)
    show(report, html, png=png, as_json=as_json)


def _period(config: Path, days: tuple[str | None, str | None], *, imported: bool) -> Period:
    """Return the period; imported calls need no configuration."""
    snapshot = read_configuration(config) if config.exists() or not imported else None
    book = load_price_book() if snapshot is None else snapshot.price_book
    zone = UTC if snapshot is None else snapshot.zone
    return Period(snapshot, book, *stretch(*days, zone), imported)


def _after(period: Period, change: Path | None, scale: list[str]) -> PriceBook:
    """Return the prices as they would be."""
    if change is None:
        return scaled(period.book, scale, impact)
    if period.snapshot is None:
        fail("A FILE of prices belongs to a configuration.", "Name it: --config headgate.toml.")
    return changed(period.snapshot, change, scale, impact, period.since_ns)


def _calls(
    period: Period, after: PriceBook, data_dir: Path, by: str | None
) -> tuple[Calls, tuple[str, ...]]:
    """Return the calls of a period, and what must be known of them."""
    book, days = period.book, (period.since_ns, period.until_ns)
    if period.snapshot is None or period.imported:
        with open_usage(data_dir) as store:
            calls = load_calls.imported(store, book, by or "side", *days)
            unpriced, sums = load_calls.left_out(store, *days)
        told = ((unpriced, "have no price and are in no figure"), (sums, "sum several calls"))
        return calls, tuple(f"{many} imported records {what}." for many, what in told if many)
    with reading(data_dir) as connection:
        known = impact.with_contracts(book, after)
        charged = charged_calls(connection, known, period.snapshot.deployments, *days)
        calls = load_calls.of_books(charged, by or "team")
    return calls, ("Measured attempts count; estimated and unknown ones are in no figure.",)


def _classes(calls: Calls, only: Sequence[str] | None) -> frozenset[str]:
    """Return the classes that change their model; ends the command for an unknown one."""
    unknown = [name for name in only or () if name not in calls.classes]
    if unknown:
        known = ", ".join(calls.classes[:CLASSES_NAMED]) or "none"
        fail(f"There is no class {unknown[0]!r}.", f"The classes are: {known}.")
    return frozenset(only or ())


def _scenario(
    prices: tuple[PriceBook, PriceBook, str | None],
    inputs: Inputs,
    models: Sequence[str],
    only: frozenset[str],
) -> Scenario:
    """Return what is asked."""
    before, after, as_of = prices
    return Scenario(
        before=before,
        after=after,
        on_ns=None if as_of is None else _midnight(as_of),
        models=read_models(models, after),
        only=only,
        cache_loss=inputs["cache_loss"],
        retries=inputs["retries"],
        checks=inputs["checks"],
        check_cost=inputs["check_cost"],
    )


def _midnight(text: str) -> int:
    at_ns = prices_asked.instant(text)
    moment = to_datetime(at_ns)
    if moment.time() != moment.min.time():
        fail(f"{text!r} is no day.", "Write --as-of 2026-03-01: calls keep their time of day.")
    return at_ns


def _share(text: str | None) -> Fraction | None:
    if text is None:
        return None
    value = exact_fraction(text.removesuffix("%"))
    if value is None or not 0 < value <= HUNDRED:
        fail(f"{text!r} is no saving.", "Write percent, such as --promised 60.")
    return value / HUNDRED


def _told(
    asked: tuple[Path | None, list[str], list[str], list[str], str | None],
) -> str:
    """Return a scenario in words."""
    change, models, only, scale, as_of = asked
    parts = [f"the prices of {change.name}"] if change is not None else []
    parts += [f"list prices {', '.join(scale)}"] if scale else []
    parts += [f"the prices of {as_of}"] if as_of else []
    served = ", ".join(f"{one.partition('=')[2]} for {one.partition('=')[0]}" for one in models)
    where = f" in {', '.join(only)}" if only else ""
    parts += [f"{served}{where}"] if models else []
    return " and ".join(parts)


def _content(config: Path, change: Path | None, period: Period) -> tuple[str, ...]:
    """Return what decides the result beside calls and options: days, prices not built in."""
    files = (config if period.snapshot else None, change)
    hashes = (
        "-" if path is None else hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    )
    span = f"{period.since_ns}..{period.until_ns}"
    return span, *hashes


def _day(at_ns: int) -> str:
    return to_datetime(at_ns).strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")
