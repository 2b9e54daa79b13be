"""`headgate backup`: copy the books beside the running node, as they are at one instant."""

import time
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail, print_json, say
from headgate.insights.contract_exports import BackupView
from headgate.node.store_backup import back_up
from headgate.units.instants import to_iso

app = typer.Typer()


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="The copy; not there yet.")],
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Copy the data directory, beside a running node or without one; no call waits for it.

    The copy is a data directory: `headgate check-books --data-dir DIR` proves it, and a node
    starts on it; one of books in PostgreSQL is put back by `headgate restore`. The configuration,
    its secrets and the environment are not in it.
    """
    if target.exists():
        fail(f"{target} is there already.", "Name a folder that is not there yet.", EXIT_NO)
    if target.resolve().is_relative_to(data_dir.resolve()):
        fail(f"{target} lies in the data directory.", "Write it to another disk.")
    at_ns = time.time_ns()
    try:
        made = back_up(data_dir, target)
    except OSError as error:
        fail(
            f"{error.filename or target} cannot be used: {error.strerror}.",
            "Name a folder below one that is there, on a disk with room.",
            EXIT_UNREACHABLE,
        )
    if as_json:
        print_json(
            BackupView(
                directory=str(target),
                at=to_iso(at_ns),
                files=made.files,
                bytes=made.bytes,
                running=made.running,
                other_nodes=made.other_nodes,
            )
        )
        return
    runs = f"; {made.running:,} attempts had not ended" if made.running else ""
    say(f"{target}: {made.files:,} files, {made.bytes / 1e6:,.1f} MB{runs}")
    say(f"Prove it: headgate check-books --data-dir {target}")
    if made.other_nodes:
        say(f"The journals of {made.other_nodes} other nodes are not in it: copy those there, too.")
