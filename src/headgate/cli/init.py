"""`headgate init`: write a configuration from what is found and asked, and prove that it works."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.demonstration.commands import program
from headgate.cli.keys import made_secret
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT
from headgate.cli.output import EXIT_NO, complain, say
from headgate.cli.reading import read_configuration
from headgate.cli.start.ask import Wishes, ask, missing_variables, take
from headgate.cli.start.prove import Proof, node, prove
from headgate.cli.start.write import check_new, write_new
from headgate.cli.use import clients
from headgate.config.template import FILE_NAME, Answers, render

app = typer.Typer()

PROOF = "Prove it with one short call to each provider (at most 16 tokens of its cheapest model)?"


@app.command()
def init(  # noqa: PLR0913 - a command has as many parameters as it has options
    folder: Annotated[Path, typer.Option("--dir", help="Where to write it.")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, but prove it.")] = False,
    provider: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only these; may be repeated.")
    ] = None,
    base_url: Annotated[
        list[str] | None, typer.Option(metavar="KIND=URL", help="Another address of a provider.")
    ] = None,
    server: Annotated[
        list[str] | None, typer.Option(metavar="URL", help="A model server of one's own.")
    ] = None,
    team: Annotated[str, typer.Option(help="Name of the team.")] = "research",
    person: Annotated[str, typer.Option("--name", help="Name of the first to call.")] = "me",
    budget: Annotated[str, typer.Option(metavar="USD", help="Limit of a month.")] = "100.00",
    call: Annotated[
        bool, typer.Option("--call/--no-call", help="Prove each provider with a cheap call.")
    ] = True,
) -> None:
    """Write a commented, working headgate.toml, prove it, and make the first key.

    On a terminal it asks; elsewhere, or with --yes, options and what is found decide.
    """
    path = folder / FILE_NAME
    check_new(path)
    asking = not yes and sys.stdin.isatty()
    wishes = Wishes(provider, tuple(base_url or ()), tuple(server or ()), team, person, budget)
    answers = ask(wishes, os.environ) if asking else take(wishes, os.environ)
    write_new(path, render(answers))
    say(f"Wrote {path}.")
    snapshot = read_configuration(path)
    data_dir = folder / DATA_DIR_DEFAULT
    key = made_secret(snapshot.keys[answers.person], data_dir)
    missing = missing_variables(answers, os.environ)
    provable = call and bool(snapshot.deployments) and not missing
    agreed = provable and (yes or (asking and typer.confirm(PROOF, default=True)))
    proofs = list(_prove(path, data_dir, key)) if agreed else []
    _tell(path, answers, key, missing)
    if any(proof.problem is not None for proof in proofs):
        raise typer.Exit(EXIT_NO)


def _prove(config: Path, data_dir: Path, key: str) -> Iterator[Proof]:
    snapshot = read_configuration(config)
    say("Asking each provider one short question ...")
    with node(config, data_dir) as url:
        for proof in prove(url, snapshot, key):
            what = f"  {proof.provider}: {proof.deployment}"
            if proof.problem is None:
                say(f"{what} answered for ${proof.cost_usd}.")
            else:
                fix = f"Look at [providers.{proof.provider}]: headgate doctor --online says more."
                complain(f"{what} failed: {proof.problem}", fix)
            yield proof


def _tell(path: Path, answers: Answers, key: str, missing: list[str]) -> None:
    at = "" if path == CONFIG_DEFAULT else f" --config {shlex.quote(str(path))}"
    started = program(sys.argv[0])
    say("Next:")
    for name in missing:
        say(f"  export {name}=...")
    say(f"  {started} serve{at}")
    say("and in another terminal:")
    say(f"  export HEADGATE_KEY={key}")
    say(f"  {started} use CLIENT{at}     # {', '.join(clients())}")
    say(f"The key is {answers.person}'s and is not shown again; headgate keys makes others.")
