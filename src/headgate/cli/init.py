"""`headgate init`: write a configuration to start from."""

from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.output import EXIT_NO, fail
from headgate.config.template import FILE_NAME, template

app = typer.Typer()


@app.command()
def init(
    folder: Annotated[Path, typer.Option("--dir", help="Where to write it.")] = Path(),
) -> None:
    """Write a commented, working headgate.toml; one that is there is left alone."""
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        fail(f"{path} is there already.", "Change it, or write elsewhere with --dir.", EXIT_NO)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}.", "Choose a folder of yours: --dir.")
    typer.echo(f"Wrote {path}. Next:")
    typer.echo("  export what its { env = ... } names   # the providers' credentials")
    typer.echo(f"  headgate keys create me --config {path}  # a key for yourself, shown once")
    typer.echo(f"  headgate serve --config {path}")
