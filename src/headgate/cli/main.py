"""The command line's entry: finds the commands, runs one, and tells trouble without a traceback."""

import gc
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from headgate import __version__
from headgate.cli.discovery import command_of, discover
from headgate.cli.output import EXIT_CONFIGURATION, EXIT_UNREACHABLE, complain, fail
from headgate.cli.plain_values import check_plainly
from headgate.units.errors import ConfigurationError, HeadgateError

EXTRAS = {
    "anthropic": "demo",
    "duckdb": "query",
    "highspy": "desk",
    "jsonschema": "eval",
    "numpy": "desk",
    "pyarrow": "query",
    "referencing": "eval",
    "yaml": "from-litellm",
}
"""Packages that only some commands need, and the extra that brings them."""


class Commands(TyperGroup):
    """The commands of the folder, imported when they are run."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for found in discover().values():
            self.add_command(TyperCommand(found.name, help=found.help, short_help=found.help))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what stands before the command; only now typer's own options are all there."""
        check_plainly(self)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that the arguments name, imported."""
        name, command, rest = super().resolve_command(ctx, args)
        try:
            return name, command and command_of(discover()[str(command.name)]), rest
        except ModuleNotFoundError as error:
            if (extra := EXTRAS.get(error.name or "")) is None:
                raise
            fail(f"{name} needs {error.name}, which is missing.", f"Install headgate[{extra}].")
        finally:
            if not gc.isenabled():
                # What is imported stays: nobody has to look through it again.
                gc.freeze()
                gc.enable()

    def invoke(self, ctx: Any) -> Any:
        """Run a command; expected trouble becomes a message and an exit code."""
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            for problem in error.problems:
                complain(f"{problem.place}: {problem.problem}", problem.fix)
            raise typer.Exit(EXIT_CONFIGURATION) from error
        except HeadgateError as error:
            complain(str(error), error.fix or "See: headgate doctor")
            raise typer.Exit(EXIT_UNREACHABLE) from error
        except OSError as error:
            # Of a file that somebody named: what was typed, or the machine, is to be mended.
            if error.filename is None:
                raise
            complain(f"{error.filename} cannot be used: {error.strerror}.", "See: headgate doctor")
            raise typer.Exit(EXIT_UNREACHABLE) from error


app = typer.Typer(cls=Commands, rich_markup_mode=None, pretty_exceptions_show_locals=False)


@app.callback(invoke_without_command=True)
def headgate(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Headgate decides who may spend AI tokens, on what, how much, and why."""
    if version:
        typer.echo(f"headgate {__version__}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def main() -> None:
    """Run the command line."""
    # Until the command is there: importing drops nothing, and looking for it takes a while.
    gc.disable()
    try:
        app(prog_name="headgate")
    finally:
        # The process ends: nobody has to look through what is left.
        gc.freeze()


if __name__ == "__main__":
    main()
