"""What the shell completes: names that stand in the configuration file, read as it is.

A completion is asked for at each press of a key, so the file is only parsed, never checked, and
whatever is wrong with it completes nothing.
"""

import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from headgate.cli.options import CONFIG_DEFAULT

Complete = Callable[[typer.Context, str], list[str]]


def names_of(*tables: str) -> Complete:
    """Return what completes ids of tables of the file, such as `routes`."""
    return _complete(lambda document: (each for name in tables for each in _ids(document, name)))


def _nodes(document: dict[str, Any]) -> Iterator[str]:
    yield "organisation"
    for table in ("teams", "principals", "providers", "deployments"):
        yield from (f"{table.removesuffix('s')}:{each}" for each in _ids(document, table))
    yield from (f"model:{each}" for each in _ids(document, "routes"))


def _droppable(document: dict[str, Any]) -> Iterator[str]:
    yield from _ids(document, "providers")
    for name in _ids(document, "deployments"):
        yield name
        deployment = document["deployments"][name]
        for key in ("model", "region"):
            if isinstance(deployment, dict) and isinstance(deployment.get(key), str):
                yield deployment[key]


def _ids(document: dict[str, Any], table: str) -> tuple[str, ...]:
    found = document.get(table)
    return tuple(found) if isinstance(found, dict) else ()


def _complete(names: Callable[[dict[str, Any]], Iterator[str]]) -> Complete:
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        found = dict.fromkeys(names(_document(ctx)))
        return [name for name in found if name.startswith(incomplete)]

    return complete


def _document(ctx: typer.Context) -> dict[str, Any]:
    given = ctx.params.get("config") or ctx.params.get("_config")
    path = Path(given or os.environ.get("HEADGATE_CONFIG") or CONFIG_DEFAULT)
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


NODES = _complete(_nodes)
"""Completes what can be frozen, save runs, which nobody lists."""

MISSING = _complete(_droppable)
"""Completes what a drill can do without."""
