"""The options that all commands share."""

from pathlib import Path
from typing import Annotated

import typer

CONFIG_DEFAULT = Path("headgate.toml")
DATA_DIR_DEFAULT = Path("headgate-data")

Config = Annotated[
    Path, typer.Option("--config", envvar="HEADGATE_CONFIG", help="The configuration file.")
]
DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="HEADGATE_DATA_DIR", help="Where store and journals are."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; amounts are exact dollars.")]
