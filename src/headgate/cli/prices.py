"""`headgate prices`: show what models cost, explain what a call would cost, check the book."""

import json
from typing import Annotated

import typer

from headgate.catalog.charges import COUNTED_UNITS
from headgate.catalog.load import load_models
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import UnpricedMeterError
from headgate.cli import prices_text as text
from headgate.cli.output import fail, hand_on, print_table, say
from headgate.cli.pricing.as_of import OwnConfig, as_of, book_of
from headgate.cli.pricing.asked import At, instant
from headgate.cli.pricing.check import check
from headgate.cli.pricing.commitments import commitments
from headgate.cli.pricing.diff import diff
from headgate.cli.pricing.impact import impact
from headgate.cli.pricing.pieces import with_units
from headgate.cli.pricing.restate import restate
from headgate.records.demand import Terms
from headgate.units.usage import METERS, UNIT_METERS, Usage

app = typer.Typer(
    no_args_is_help=True, help="Show what models cost, explain a charge, check the price book."
)

Model = Annotated[str, typer.Argument(metavar="SELLER/MODEL", help="Such as openai/gpt-5.5.")]
Known = Annotated[str | None, typer.Option(help="Use only what was known then; default: now.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

_SHORT_METERS = {"input": "input_uncached", "output": "output_text"}
_METERS_FIX = (
    f"Meters: {', '.join(dict.fromkeys((*METERS, *UNIT_METERS, *COUNTED_UNITS)))}; "
    + ", ".join(f"{short} for {meter}" for short, meter in _SHORT_METERS.items())
    + "."
)


@app.command()
def show(
    model: Annotated[
        str | None, typer.Argument(metavar="SELLER/MODEL", help="Such as openai/gpt-5.5.")
    ] = None,
    at: At = None,
    known: Known = None,
    config: OwnConfig = None,
    as_json: AsJson = False,
) -> None:
    """List the prices in force, or one model's whole history.

    Without SELLER/MODEL: the standard tier of every model. With it: every row, those that ended
    or were cancelled too, unless --at asks for the rows of one instant.
    """
    book, at_ns = book_of(config).without_contracts(), instant(at)
    known_ns = instant(known) if known else None
    if model is None:
        listing = text.listing(book, at_ns, known_ns)
    else:
        seller, name = _split(model)
        _require_priced(book, seller, name)
        rows = book.rows_of(seller, name)
        listing = text.history(book, rows, at_ns if at else None, known_ns)
    if as_json:
        hand_on(json.dumps(listing.as_json(), indent=2))
    else:
        print_table(listing.as_table())
        for note in listing.notes():
            say(note)


@app.command()
def explain(  # noqa: PLR0913 - a command has as many parameters as it has options
    model: Model,
    usage: Annotated[str, typer.Option(help="Such as input=1000,cache_read=5000,output=200.")],
    at: At = None,
    tier: Annotated[str, typer.Option(help="standard, batch, flex, priority, fast ...")] = (
        "standard"
    ),
    region: Annotated[str, typer.Option(help="global, us ...")] = "global",
    node: Annotated[
        list[str] | None,
        typer.Option(metavar="NODE", help="Who has a contract, such as team:research; repeatable."),
    ] = None,
    config: OwnConfig = None,
    as_json: AsJson = False,
) -> None:
    """Print what a usage costs, line by line: quantity x price = amount, and from which row."""
    book, at_ns = book_of(config), instant(at)
    seller, name = _split(model)
    counts, units = _usage(usage)
    _require_priced(book, seller, name)
    terms = Terms(tier=tier, region=region, nodes=tuple(node or ()))
    card = book.rate_card(seller, name, terms, at_ns)
    if card is None:
        tiers = sorted({row.tier for row in book.rows_of(seller, name)})
        fail(
            f"{model} has no price in tier {tier!r}, region {region!r} at that time.",
            f"Its tiers are {', '.join(tiers)}; `headgate prices show {model}` lists every row.",
        )
    try:
        own = {unit: units.pop(unit) for unit in tuple(units) if card.sells(unit)}
        charge = with_units(book, card, card.rate_with(counts, own), units, at_ns)
    except UnpricedMeterError as error:
        fail(f"{error}.", "Such usage cannot be charged; add a row that prices this meter.")
    explanation = text.Explanation(book, card, charge, at_ns)
    if as_json:
        hand_on(json.dumps(explanation.as_json(), indent=2))
    else:
        print_table(explanation.as_table())
        for note in explanation.notes():
            say(note)


app.command()(check)
app.command("as-of")(as_of)
app.command()(impact)
app.command()(diff)
app.command()(restate)
app.command()(commitments)


def _split(model: str) -> tuple[str, str]:
    seller, slash, name = model.partition("/")
    if not (seller and slash and name):
        fail(f"{model!r} names no seller.", "Write SELLER/MODEL, such as openai/gpt-5.5.")
    return seller, name


def _usage(value: str) -> tuple[Usage, dict[str, int]]:
    """Return the usage of `meter=count,...`, and the counts of what is sold by the piece."""
    counts: dict[str, int] = {}
    for part in value.split(","):
        name, _, count = part.strip().partition("=")
        meter = _SHORT_METERS.get(name, name)
        known = meter in METERS or meter in UNIT_METERS or meter in COUNTED_UNITS
        if not known or meter in counts or not (count.isascii() and count.isdigit()):
            fail(f"{part!r} is not a meter and a count.", _METERS_FIX)
        counts[meter] = int(count)
    units = {name: counts.pop(name) for name in tuple(counts) if name not in METERS}
    return Usage(**counts), units


def _require_priced(book: PriceBook, seller: str, name: str) -> None:
    if book.priced_as(seller, name) is not None:
        return
    near = load_models().near(f"{seller}/{name}")
    hint = f"Did you mean {' or '.join(near)}?" if near else "`headgate prices show` lists all."
    fail(f"There is no price for {seller}/{name}.", hint)
