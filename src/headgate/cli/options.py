"""The options that all commands share."""

from pathlib import Path
from typing import Annotated

import typer

CONFIG_DEFAULT = Path("headgate.toml")
DATA_DIR_DEFAULT = Path("headgate-data")
"""Stands for the folder of this name beside the configuration file."""


def _beside_the_configuration(ctx: typer.Context, data_dir: Path) -> Path:
    """Return the data directory; one that is not given lies beside the configuration file."""
    source = ctx.get_parameter_source("data_dir")
    if source is None or source.name != "DEFAULT":
        return data_dir
    config = ctx.params.get("config", ctx.params.get("_config", CONFIG_DEFAULT))
    return Path(config).parent / data_dir


Config = Annotated[
    Path, typer.Option("--config", envvar="HEADGATE_CONFIG", help="The configuration file.")
]
DataDir = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        envvar="HEADGATE_DATA_DIR",
        help="Where store and journals are.",
        show_default="headgate-data beside the configuration file",
        callback=_beside_the_configuration,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
