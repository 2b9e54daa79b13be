"""`headgate prices check`: what looks like a slip of the pen, in the book or in a file to take."""

import json
from pathlib import Path
from typing import Annotated

import typer

from headgate.catalog.check import Finding, check_book, refused
from headgate.catalog.load import load_models
from headgate.cli.options import CONFIG_DEFAULT
from headgate.cli.output import hand_on, say
from headgate.cli.pricing.as_of import OwnConfig, book_of
from headgate.cli.pricing.grown import book_with


def check(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Rows a configuration would get; default: none."),
    ] = None,
    config: OwnConfig = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look for what a slip of the pen looks like; exit with 1 when there is an error.

    A FILE of price tables is read as a part of the configuration and refused for more.
    """
    findings = _of_book(config) if file is None else _of_file(file, config or CONFIG_DEFAULT)
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        report = {"errors": errors, "findings": [finding._asdict() for finding in findings]}
        hand_on(json.dumps(report, indent=2))
    else:
        for finding in findings:
            say(f"{finding.severity}: {finding.rule}: {finding.row}: {finding.message}")
        say(f"{errors} errors, {len(findings) - errors} warnings")
    if errors:
        raise typer.Exit(1)


def _of_book(config: Path | None) -> tuple[Finding, ...]:
    return check_book(book_of(config), load_models())


def _of_file(file: Path, config: Path) -> tuple[Finding, ...]:
    """Return what a file is refused for.

    Raises:
        ConfigurationError: The file, or the configuration, cannot be used at all.
    """
    return refused(book_with(file, config), load_models(), book_of(config))
