"""`headgate init`: write a configuration to start from."""

import shlex
import tomllib
from collections.abc import Iterator
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
    for line in _next_lines(path):
        typer.echo(f"  {line}")


def _next_lines(path: Path) -> Iterator[str]:
    """Yield what to type after it, from the file's own words."""
    at = "" if path == Path(FILE_NAME) else f" --config {shlex.quote(str(path))}"
    document = tomllib.loads(template())
    for provider in document["providers"].values():
        if "env" in provider["credential"]:
            yield f"export {provider['credential']['env']}=..."
    for key in document["keys"]:
        yield f"headgate keys create {key}{at}"
    yield f"headgate doctor{at}"
    yield f"headgate serve{at}"
