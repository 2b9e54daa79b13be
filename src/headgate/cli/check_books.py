"""`headgate check-books`: prove that store and journals agree."""

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, print_json, print_table, table
from headgate.cli.reading import reading_engine
from headgate.insights.books import Books, check_books
from headgate.insights.views import books_view
from headgate.node.paths import journal_root
from headgate.store.place import node_id
from headgate.units.money import format_usd

app = typer.Typer()


@app.command("check-books")
def check(
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Replay every journal and compare it with the store; works beside a running gateway."""
    with reading_engine(data_dir) as engine:
        books = check_books(engine, journal_root(data_dir), node_id(data_dir))
    if as_json:
        print_json(books_view(books))
    else:
        _show(books)
    if not books.equal:
        raise typer.Exit(EXIT_NO)


def _show(books: Books) -> None:
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
    typer.echo(f"{equal} of {len(books.windows)} windows are equal in store and journals")
    typer.echo(f"{books.journals} journals, {books.records} records replayed")
    for problem in books.problems:
        typer.echo(f"  {problem}")
    typer.echo("The books are equal." if books.equal else "The books DIFFER.")
