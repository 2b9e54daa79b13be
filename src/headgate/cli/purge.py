"""`headgate purge`: have every worker forget the replies that it keeps to give them again."""

from typing import Annotated

import typer

from headgate.cli.changing import change
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.output import say
from headgate.node.purging import Purge

app = typer.Typer()


@app.command()
def purge(
    reason: Annotated[str, typer.Option(help="Why; kept in the audit chain.")] = "",
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """Forget all replies in the response cache, at every worker, at once."""
    change(data_dir, Purge(reason), "Try again.")
    say("Purged: no kept reply is given again.")
