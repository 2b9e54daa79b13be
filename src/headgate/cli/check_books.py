"""`headgate check-books`: prove that store and journals agree."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import Engine

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, print_json, print_table, say, table
from headgate.cli.reading import reading_engine
from headgate.insights.books import Books, check_books
from headgate.insights.decisions_again import Again, decide_again
from headgate.insights.views import books_view
from headgate.node.paths import journal_root
from headgate.routing.policies.registry import policies
from headgate.store.place import node_id
from headgate.units.money import format_usd

app = typer.Typer()


@app.command("check-books")
def check(
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Also make each routing decision again.")
    ] = False,
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Replay every journal and compare it with the store; works beside a running gateway."""
    with reading_engine(data_dir) as engine:
        books = _check(engine, data_dir)
        again = None
        if decisions:
            with engine.connect() as connection:
                again = decide_again(connection, policies())
    if as_json:
        print_json(books_view(books, again))
    else:
        _show(books, again)
    if not books.equal or (again is not None and again.other):
        raise typer.Exit(EXIT_NO)


def _check(engine: Engine, data_dir: Path) -> Books:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        # Until the first journal, the store is read, and nobody knows how far that is.
        task = progress.add_task("checking the books", total=None)

        def watch(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        return check_books(engine, journal_root(data_dir), node_id(data_dir), watch)


def _show(books: Books, again: Again | None) -> None:
    unequal = [window for window in books.windows if not window.equal]
    if unequal:
        shown = table("window", ">posted", ">held", ">posted in journals", ">held in journals")
        for window in unequal:
            shown.add_row(
                window.window,
                format_usd(window.posted_store_nanos),
                format_usd(window.held_store_nanos),
                format_usd(window.posted_journal_nanos),
                format_usd(window.held_journal_nanos),
            )
        print_table(shown)
    equal = len(books.windows) - len(unequal)
    say(f"{equal} of {len(books.windows)} windows are equal in store and journals")
    say(f"{books.journals} journals, {books.records} records replayed")
    if again is not None:
        tried = again.same + again.other
        say(f"{again.same} of {tried} decisions came out again, {again.untried} untried")
        for name in again.named:
            say(f"  the decision {name} comes out otherwise from its record")
    for problem in books.problems:
        say(f"  {problem}")
    say("The books are equal." if books.equal else "The books DIFFER.")
