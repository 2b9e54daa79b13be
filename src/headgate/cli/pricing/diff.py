"""`headgate prices diff`: price lists of others beside the book, to review, never taken unseen."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from headgate.catalog.load import load_models
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow
from headgate.cli.output import fail, hand_on, print_table, say, table
from headgate.cli.pricing.as_of import OwnConfig, book_of
from headgate.cli.pricing.asked import instant
from headgate.cli.reading import read_configuration
from headgate.economics.prices.comparing import Difference, compare, unlisted
from headgate.economics.prices.load_lists import PriceListError, load_list
from headgate.economics.prices.rows_text import rows_text
from headgate.units.instants import to_datetime

ALL = "all"

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Price lists: of LiteLLM, models.dev or genai-prices."),
]
Accept = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SELLER/MODEL", help="Make rows of its changes; repeatable; all: of the undoubted."
    ),
]


def diff(  # noqa: PLR0913 - a command has as many parameters as it has options
    files: Files,
    seller: Annotated[
        list[str] | None, typer.Option(help="Those of a seller; default: all the book has.")
    ] = None,
    on: Annotated[str | None, typer.Option(help="The day to compare on; default: today.")] = None,
    accept: Accept = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write accepted rows there; default: print.")
    ] = None,
    config: OwnConfig = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare price lists with the book, and with each other, and say what looks wrong."""
    book, day = book_of(config), _day(on)
    wanted = set(seller or {name for name, _model in book.models()})
    try:
        listed = [each for file in files for each in load_list(file) if each.seller in wanted]
    except PriceListError as error:
        fail(f"{error}.", "Name a file as its project publishes it.")
    found = compare(book, load_models(), listed, day)
    rows = _accepted(found, accept or [])
    if as_json:
        hand_on(json.dumps(_json(book, found, day, rows), indent=2))
    else:
        _show(book, found, day)
    if rows:
        text = rows_text(rows, _providers(config))
        _hand_over(text, write, quiet=as_json)


def _day(on: str | None) -> date:
    return datetime.now(UTC).date() if on is None else to_datetime(instant(on)).date()


def _accepted(found: Sequence[Difference], names: list[str]) -> list[PriceRow]:
    """Return the rows that were asked for; of several lists the first counts."""
    rows: dict[str, PriceRow] = {}
    known = {f"{each.listed.seller}/{each.listed.model}" for each in found}
    for name in names:
        if name != ALL and name not in known:
            fail(f"No list has {name}.", "Write SELLER/MODEL as the table shows it, or all.")
    for each in found:
        name = f"{each.listed.seller}/{each.listed.model}"
        named = name in names or (ALL in names and not each.is_doubtful)
        if named and each.row is not None and each.status != "same":
            rows.setdefault(each.row.id, each.row)
    return list(rows.values())


def _providers(config: Path | None) -> Mapping[str, str]:
    """Return the provider of a configuration by its seller."""
    if config is None:
        return {}
    providers = read_configuration(config).providers.values()
    return {each.seller: each.id for each in reversed(tuple(providers))}


def _hand_over(text: str, write: Path | None, *, quiet: bool) -> None:
    if write is None:
        if not quiet:
            say("", *text.splitlines())
        return
    try:
        with write.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        fail(f"{write} is there already.", "Name a new file: nothing is written over.")
    except OSError as error:
        fail(f"{write} cannot be written: {error.strerror}.", "Name another file.")
    if not quiet:
        say(f"Wrote {write}. Review it, then put its rows into your configuration.")


def _show(book: PriceBook, found: Sequence[Difference], day: date) -> None:
    shown = table("list", "model", "tier", ">above", "meter", ">book", ">list", "status")
    for each in found:
        price = each.listed
        above = str(price.min_prompt_tokens_exclusive or "")
        for meter, known, told in each.changes:
            cells = (price.source, f"{price.seller}/{price.model}", price.tier, above, meter)
            shown.add_row(*cells, _usd(known) or "-", _usd(told), each.status)
    print_table(shown)
    for each in found:
        for finding in each.findings:
            say(f"{finding.severity}: {finding.rule}: {finding.row}: {finding.message}")
    absent = len(unlisted(book, [each.listed for each in found], day))
    if absent:
        say(f"no list has {absent} models of these sellers; --json names them")
    counts = Counter(each.status for each in found)
    doubtful = sum(each.is_doubtful for each in found)
    summary = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    say(f"{summary or 'nothing to compare'}; {doubtful} doubtful")


def _usd(price: Decimal | None) -> str | None:
    return None if price is None else f"{price.normalize():f}"


def _json(
    book: PriceBook, found: Sequence[Difference], day: date, rows: Sequence[PriceRow]
) -> dict[str, object]:
    return {
        "on": day.isoformat(),
        "differences": [_difference(each) for each in found],
        "not_listed": ["/".join(one) for one in unlisted(book, [e.listed for e in found], day)],
        "accepted": [row.id for row in rows],
    }


def _difference(each: Difference) -> dict[str, object]:
    price = each.listed
    return {
        "source": price.source,
        "seller": price.seller,
        "model": price.model,
        "tier": price.tier,
        "min_prompt_tokens_exclusive": price.min_prompt_tokens_exclusive,
        "valid_from": None if price.valid_from is None else price.valid_from.isoformat(),
        "status": each.status,
        "doubtful": each.is_doubtful,
        "book_row": each.known,
        "changes": [
            {"meter": meter, "book": _usd(known), "list": _usd(told)}
            for meter, known, told in each.changes
        ],
        "findings": [finding._asdict() for finding in each.findings],
    }
