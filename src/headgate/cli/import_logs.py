"""`headgate import`: read usage from other programs' logs and price it as of when it was used.

Claude Code, Codex and Gemini CLI are found where they keep their logs; reports of sellers, LiteLLM,
Langfuse, OpenRouter and a CSV of one's own are given as paths.
"""

import os
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.cli import imported_text as text
from headgate.cli.options import DATA_DIR_DEFAULT, AsJson, DataDir
from headgate.cli.output import EXIT_NO, fail, print_json
from headgate.economics.usage_logs.formats.registry import formats
from headgate.economics.usage_logs.importing import Done, Import
from headgate.economics.usage_logs.load_files import Survey, survey, survey_defaults
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.store import STORE_NAME, UsageStore, known_files
from headgate.economics.usage_logs.summary import records, summary

NAME = "import"
WATCH_SECONDS = 2

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH", help="Log files, or folders of them; without any, the default folders."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(NAME)(import_logs)


def import_logs(  # noqa: PLR0913 - one for each option
    paths: Paths = None,
    seat: Annotated[
        str, typer.Option(help="Whose usage it is, where a log does not say.")
    ] = "local",
    data_dir: DataDir = DATA_DIR_DEFAULT,
    watch: Annotated[bool, typer.Option("--watch", help="Go on: read what is added.")] = False,
    with_records: Annotated[
        bool, typer.Option("--records", help="With --json: print every record, too.")
    ] = False,
    reprice: Annotated[
        bool, typer.Option("--reprice", help="Price all records anew, by today's price book.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read usage from logs: counts and times only, never prompts; repeat it as often as you like.

    Examples: `headgate import` reads the default folders. `headgate import ~/logs/alice --seat
    alice` reads a folder for somebody. `headgate import costs.json usage.json` reads reports.
    """
    book, path = load_price_book(), data_dir / STORE_NAME
    found = _survey(paths, path)
    if not found.logs and not path.exists():
        _nothing(found, paths)
    done = _run(Import(path, book, seat, reprice), found, quiet=as_json)
    _print(path, book, found, done, as_json=as_json, with_records=with_records)
    while watch:
        time.sleep(WATCH_SECONDS)
        found = _survey(paths, path)
        done = _run(Import(path, book, seat), found, quiet=True)
        if done.files:
            _print(path, book, found, done, as_json=as_json, with_records=with_records)
    if found.missing:
        raise typer.Exit(EXIT_NO)


def _survey(paths: list[Path] | None, store: Path) -> Survey:
    known = known_files(store)
    if paths:
        return survey(paths, known)
    return survey_defaults(os.environ, Path.home(), known)


def _nothing(found: Survey, paths: list[Path] | None) -> NoReturn:
    if paths is None or not paths:
        places = [
            f"{form.TITLE}: {folder}"
            for form in formats().values()
            for folder in form.folders(os.environ, Path.home())
        ]
        fail(
            "There are no logs in the default folders (" + ", ".join(places) + ").",
            "Name a file or a folder: headgate import PATH.",
        )
    problem = "; ".join(found.missing) or f"No file of {', '.join(map(str, paths))} is a known log."
    fail(problem, "docs/reference/import.md lists the formats and how to make a CSV.")


def _run(job: Import, found: Survey, *, quiet: bool) -> Done:
    console = Console(stderr=True)
    columns = (
        TextColumn("reading logs"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("", total=sum(log.size for log in found.logs))
        return job.run(found, lambda done: progress.advance(task, done))


def _print(
    path: Path, book: PriceBook, found: Survey, done: Done, *, as_json: bool, with_records: bool
) -> None:
    store = UsageStore(path, readonly=True)
    try:
        sums = summary(store, Pricer(book))
        if as_json:
            print_json(text.view(found, done, sums, records(store) if with_records else ()))
        else:
            text.show(path, found, done, sums)
    finally:
        store.close()
