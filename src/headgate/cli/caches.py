"""`headgate caches`: what prompt caches and kept replies save, and what breaks the former."""

from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading
from headgate.cli.report import instant
from headgate.insights.caches import CacheReport, CacheSide, CacheSums, cache_report
from headgate.insights.views_caches import caches_view
from headgate.units.money import format_usd

app = typer.Typer()

SHOWN_MAX = 20


@app.command()
def caches(
    by: Annotated[CacheSide, typer.Option(help="What to group by.")] = "route",
    since: Annotated[
        str | None, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show what prompt caches and kept replies save, and which blocks break prompt caches."""
    since_ns = 0 if since is None else instant(since, read_configuration(config).zone)
    with reading(data_dir) as connection:
        found = cache_report(connection, by, since_ns)
    if as_json:
        print_json(caches_view(found))
    else:
        _show(found, by)


def _show(found: CacheReport, by: CacheSide) -> None:
    shown = table(
        *(by, ">attempts", ">prompt tokens", ">read", ">hit rate"),
        *(">written", ">saved", ">misses", ">lost", ">given again", ">saved by that"),
    )
    for sums in found.by:
        shown.add_row(sums.name, *_cells(sums))
    shown.add_section()
    shown.add_row("all", *_cells(found.total))
    print_table(shown)
    if not found.misses:
        return
    say("")
    misses = table("route", "cause", "first changed block", ">times", ">lost", "what to do")
    for one in found.misses[:SHOWN_MAX]:
        cells = (one.route, one.cause, one.path or "-", str(one.times), format_usd(one.nanos))
        misses.add_row(*cells, one.advice)
    print_table(misses)


def _cells(sums: CacheSums) -> tuple[str, ...]:
    return (
        str(sums.attempts),
        str(sums.prompt_tokens),
        str(sums.read_tokens),
        f"{sums.hit_permille // 10}.{sums.hit_permille % 10} %",
        str(sums.written_tokens),
        format_usd(sums.saved_nanos),
        str(sums.misses),
        format_usd(sums.missed_nanos),
        str(sums.given),
        format_usd(sums.given_nanos),
    )
