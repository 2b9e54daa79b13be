"""`headgate from-litellm`: write a configuration from LiteLLM's, and say what is not in it."""

import os
import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.demonstration.commands import program
from headgate.cli.keys import made_secret
from headgate.cli.moving.drafts import Draft
from headgate.cli.moving.litellm import Moved, Wishes, moved
from headgate.cli.moving.load_yaml import load_yaml
from headgate.cli.moving.written import written
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT
from headgate.cli.output import fail, say
from headgate.cli.reading import read_configuration
from headgate.cli.start.ask import CONSOLE_PORT, GATEWAY_PORT, NAMES
from headgate.cli.start.detect import free_port
from headgate.cli.start.write import check_new, write_new
from headgate.config.snapshot import Snapshot
from headgate.config.template import FILE_NAME
from headgate.config.unpriced import unpriced
from headgate.units.ids import is_name

app = typer.Typer()


@app.command()
def from_litellm(
    file: Annotated[Path, typer.Argument(metavar="CONFIG.YAML", help="LiteLLM's file.")],
    folder: Annotated[Path, typer.Option("--dir", help="Where to write headgate.toml.")] = Path(),
    team: Annotated[str, typer.Option(help="Name of the team of who calls.")] = "research",
    person: Annotated[str, typer.Option("--name", help="Name of who calls.")] = "me",
) -> None:
    """Write a commented headgate.toml that does what a configuration of LiteLLM's proxy does.

    What cannot be carried over is told, and stands in the file: each with why, and what to do
    instead. Nothing of the file is run, and no secret in it is copied. Values that it takes from
    the environment and that are no secrets are looked up there now, so export them first.
    """
    path = folder / FILE_NAME
    check_new(path)
    for name, what in ((team, "team"), (person, "person")):
        if not is_name(name):
            fail(f"{name!r} cannot name a {what}.", NAMES)
    today = datetime.now(UTC).date()
    found = moved(load_yaml(file), Wishes(team, person, today), os.environ)
    if not found.draft.deployments:
        _tell_notes(found)
        fail(f"Nothing that can be called is in {file}.", "Name LiteLLM's file; see what is above.")
    gateway = free_port(GATEWAY_PORT)
    ports = gateway, free_port(CONSOLE_PORT, (gateway,))
    write_new(path, written(found.draft, found.notes, ports, today))
    snapshot = read_configuration(path)
    say(f"Wrote {path}: {_counted(snapshot)}.")
    _tell_notes(found)
    _tell_unpriced(snapshot)
    _tell_next(path, folder / DATA_DIR_DEFAULT, found.draft, snapshot)


def _counted(snapshot: Snapshot) -> str:
    counts = {
        "providers": len(snapshot.providers),
        "deployments": len(snapshot.deployments),
        "routes": len(snapshot.routes),
        "budgets": len(snapshot.budgets),
    }
    named = (
        f"{count:,} {name.removesuffix('s') if count == 1 else name}"
        for name, count in counts.items()
    )
    return ", ".join(named)


def _tell_notes(found: Moved) -> None:
    if found.notes:
        say("", "Not carried over, or not as it was:")
    for note in found.notes:
        say(f"- {note.where}: {note.why}", f"  Instead: {note.instead}")


def _tell_unpriced(snapshot: Snapshot) -> None:
    for problem in unpriced(snapshot, time.time_ns()):
        say(f"- {problem.key}: {problem.problem}", f"  Instead: {problem.fix}")


def _tell_next(path: Path, data_dir: Path, draft: Draft, snapshot: Snapshot) -> None:
    at = "" if path == CONFIG_DEFAULT else f" --config {shlex.quote(str(path))}"
    started = program(sys.argv[0])
    wanted = [one.variable for one in draft.providers if one.variable is not None]
    wanted += [draft.caller.variable] if draft.caller.variable is not None else []
    say("", "Next:")
    for name in dict.fromkeys(wanted):
        if not os.environ.get(name, "").strip():
            say(f"  export {name}=...")
    say(f"  {started} doctor{at}", f"  {started} serve{at}")
    if draft.caller.variable is not None:
        say(f"Clients go on with the key in {draft.caller.variable}; headgate keys makes others.")
        return
    key = made_secret(snapshot.keys[draft.caller.person], data_dir)
    say("and in another terminal:", f"  export HEADGATE_KEY={key}")
    say("The key is not shown again; headgate keys makes others.")
