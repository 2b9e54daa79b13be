"""`headgate routing arena`: ratings of models, from choices between two answers."""

from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.cli.report import instant
from headgate.insights.contract_learning import RatingView
from headgate.insights.preferences import duels
from headgate.routing.learning.arena import ratings

Since = Annotated[
    str | None, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
]


def arena(
    since: Since = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Rate models by which of two answers people prefer; from one's own traffic alone."""
    since_ns = None if since is None else instant(since, read_configuration(config).zone)
    with reading_if_any(data_dir) as connection:
        found = ratings(duels(connection, since_ns))
    if as_json:
        print_json(
            [
                RatingView(
                    model=each.model,
                    rating=round(each.rating, 1),
                    low=round(each.low, 1),
                    high=round(each.high, 1),
                    games=each.games,
                    wins=each.wins,
                )
                for each in found
            ]
        )
    elif not found:
        say('Nobody has preferred an answer yet: POST /v1/feedback {"preferred", "over"}.')
    else:
        shown = table("model", ">rating", "95 %", ">games", ">wins")
        for each in found:
            interval = f"{each.low:.0f} to {each.high:.0f}"
            shown.add_row(
                each.model, f"{each.rating:.0f}", interval, str(each.games), str(each.wins)
            )
        print_table(shown)
