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
from headgate.cli.desk import AsJson, Html, InputsFile, checked, document, show
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

app = typer.Typer()


class Period(NamedTuple):
    """The calls that are asked about, and what is known of their prices.

    Attributes:
        snapshot: The configuration; None for imported calls beside none.
        notes: What else must be known.
    """

    snapshot: Snapshot | None
    book: PriceBook
    since_ns: int
    until_ns: int
    calls: Calls
    notes: tuple[str, ...]


@app.command()
def whatif(  # noqa: PLR0913 - a command has as many parameters as it has options
    change: Change = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD=NEW", help="Another model for one, or for all: '*=NEW'."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="CLASS", help="Change models of these classes.")
    ] = None,
    scale: Scale = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Prices in force on that day, in UTC.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Classes: side, seat, project, model; of the books team, tag:NAME."),
    ] = None,
    baseline: Annotated[
        str, typer.Option(metavar="MODEL", help="Savings are against all on that model.")
    ] = POSTED,
    promised: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="A saving to check, such as 60.")
    ] = None,
    since: Since = None,
    until: Until = None,
    imported: Annotated[
        bool, typer.Option("--imported", help="Of imported logs; needs no configuration.")
    ] = False,
    inputs: InputsFile = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Rate a past period again, line by line; last month when no period is named.

    Examples: `headgate whatif --imported --model claude-opus-4-8=claude-sonnet-5 --promised 60`,
    `headgate whatif --as-of 2026-03-01 --by tag:task`.
    """
    with checked():
        used = load_inputs("whatif").changed_by(changes_of(document(inputs)))
        period = _period(config, data_dir, (since, until), by, imported=imported)
        asked = _scenario(period, used, (change, scale or [], as_of), model or [], only or [])
        families = families_of(load_data("whatif"))
        base = None
        if baseline == POSTED:
            would = replay(period.calls, asked, used, families)
        else:
            other = everything_on(priced_model(baseline, period.book), period.book)
            would, base = beside(period.calls, asked, other, used, families)
        told = _told((change, model or [], only or [], scale or [], as_of))
        question = Question(
            period=f"{_day(period.since_ns)} until {_day(period.until_ns)}",
            scenario=told,
            baseline="As posted" if base is None else f"All on {baseline}",
            promised=_share(promised),
            notes=period.notes,
            content=(*_content(config, change, period), told, str(by), baseline, str(promised)),
        )
        report = whatif_report(question, would, used, base)
    show(report, html, as_json=as_json)


def _period(
    config: Path,
    data_dir: Path,
    days: tuple[str | None, str | None],
    by: str | None,
    *,
    imported: bool,
) -> Period:
    """Return the calls of a period; imported ones need no configuration."""
    snapshot = read_configuration(config) if config.exists() or not imported else None
    book = load_price_book() if snapshot is None else snapshot.price_book
    since_ns, until_ns = stretch(*days, UTC if snapshot is None else snapshot.zone)
    if snapshot is None or imported:
        with open_usage(data_dir) as store:
            calls = load_calls.imported(store, book, by or "side", since_ns, until_ns)
            unpriced, sums = load_calls.left_out(store, since_ns, until_ns)
        notes = [f"{unpriced} imported records have no price and are in no figure."] * (
            unpriced > 0
        )
        notes += [f"{sums} records are sums of several calls."] * (sums > 0)
        return Period(snapshot, book, since_ns, until_ns, calls, tuple(notes))
    with reading(data_dir) as connection:
        charged = charged_calls(connection, book, snapshot.deployments, since_ns, until_ns)
        calls = load_calls.of_books(charged, by or "team")
    notes = ["Of the books are measured attempts; estimated and unknown ones are in no figure."]
    return Period(snapshot, book, since_ns, until_ns, calls, tuple(notes))


def _scenario(
    period: Period,
    inputs: Inputs,
    prices: tuple[Path | None, list[str], str | None],
    models: Sequence[str],
    only: Sequence[str],
) -> Scenario:
    """Return what is asked; ends the command when it is nothing, or of unknown classes."""
    change, scale, as_of = prices
    if change is None and not (scale or as_of or models):
        fail("There is nothing to ask.", "Give --model, --as-of, --scale, or a FILE of prices.")
    unknown = [name for name in only if name not in period.calls.classes]
    if unknown:
        known = ", ".join(period.calls.classes[:10]) or "none"
        fail(f"There is no class {unknown[0]!r}.", f"The classes are: {known}.")
    if change is None:
        after = scaled(period.book, scale, impact)
    elif period.snapshot is None:
        fail("A FILE of prices belongs to a configuration.", "Name it: --config headgate.toml.")
    else:
        after = changed(period.snapshot, change, scale, impact, period.since_ns)
    return Scenario(
        before=period.book,
        after=after,
        on_ns=None if as_of is None else _midnight(as_of),
        models=read_models(models, after),
        only=frozenset(only),
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
    """Return what decides the result beside options: calls, and prices that are not built in."""
    files = (config if period.snapshot else None, change)
    hashes = (
        "-" if path is None else hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    )
    span = f"{period.since_ns}..{period.until_ns}"
    return period.calls.fingerprint(), span, *hashes


def _day(at_ns: int) -> str:
    return to_datetime(at_ns).strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")
