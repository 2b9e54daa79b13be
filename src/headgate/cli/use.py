"""`headgate use`: print what makes a client speak through Headgate."""

from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.completing import names_of
from headgate.cli.options import CONFIG_DEFAULT, Config
from headgate.cli.output import EXIT_CONFIGURATION, fail, hand_on, say
from headgate.cli.reading import read_configuration
from headgate.config.snapshot import Snapshot

app = typer.Typer()

FOLDER = Path(__file__).parent / "clients"


def clients() -> dict[str, Path]:
    """Return the text of each client that lies in the folder, by the client's name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.txt"))}


def _clients(incomplete: str) -> list[str]:
    return [client for client in clients() if client.startswith(incomplete)]


@app.command()
def use(
    client: Annotated[
        str, typer.Argument(help=f"One of: {', '.join(clients())}.", autocompletion=_clients)
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="An alias or deployment; the first alias when none is given.",
            autocompletion=names_of("routes", "deployments"),
        ),
    ] = None,
    config: Config = CONFIG_DEFAULT,
) -> None:
    """Print the exact lines for a client, with this configuration's address and a model of it."""
    known = clients()
    if client not in known:
        fail(f"Nothing is known of {client!r}.", f"Name one of: {', '.join(known)}.")
    snapshot = read_configuration(config)
    chosen = _model(snapshot, model)
    # Apart from the lines, which are a file or a program in whatever language the client wants.
    say("HEADGATE_KEY holds a key: headgate keys create KEY makes one", err=True)
    text = known[client].read_text(encoding="utf-8")
    hand_on(text.format(url=_url(snapshot), model=chosen).rstrip())


def _url(snapshot: Snapshot) -> str:
    """Return the data plane's address as a client on this machine reaches it."""
    edge = snapshot.edge
    if edge.host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        edge = edge._replace(host="127.0.0.1")
    return edge.url(edge.port)


def _model(snapshot: Snapshot, asked: str | None) -> str:
    names = [*snapshot.routes, *snapshot.deployments]
    if asked is None and names:
        return names[0]
    if asked not in names:
        fix = f"Name one of: {', '.join(names)}." if names else "Write [deployments.NAME] first."
        fail(f"There is no model {asked!r} in the configuration.", fix, EXIT_CONFIGURATION)
    return str(asked)
