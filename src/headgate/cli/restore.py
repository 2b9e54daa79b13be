"""`headgate restore`: put a copy of books in PostgreSQL back, into an empty database."""

import os
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail, print_json, say
from headgate.config.load import load
from headgate.insights.contract_exports import RestoreView
from headgate.node.store_restore import restore as put_back

app = typer.Typer()


@app.command()
def restore(
    copy: Annotated[Path, typer.Argument(metavar="COPY", help="What headgate backup made.")],
    joining: Annotated[
        bool,
        typer.Option(
            "--join", help="The store is restored already; this node shares it and comes back, too."
        ),
    ] = False,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Fill the database that [store] names from a copy, and make the data directory beside it.

    The database has to be empty and the directory new. Of several nodes, restore the store from
    the oldest of their copies; the others then join it, each from its own.
    """
    if data_dir.exists():
        fail(f"{data_dir} is there already.", "Move it away, and keep it.", EXIT_NO)
    url = load(config, os.environ, secrets_of=("store",)).store_url
    if url is None:
        fail(
            f"{config} names no database to put the store into.",
            "Name it in [store] url. A copy of a directory with SQLite is put back by cp -a.",
        )
    try:
        journals = put_back(copy, data_dir, url, joining=joining)
    except OSError as error:
        fail(
            f"{error.filename or data_dir} cannot be used: {error.strerror}.",
            "Name a folder below one that is there, on a disk with room.",
            EXIT_UNREACHABLE,
        )
    if as_json:
        print_json(RestoreView(directory=str(data_dir), journals=journals, joined=joining))
        return
    say(f"{data_dir}: {journals:,} journals, and the store in PostgreSQL")
    say(f"Prove it: headgate check-books --data-dir {data_dir}")
