"""How long something lasts, as people write it: `--for 8h`."""

from decimal import Decimal

from headgate.cli.output import fail
from headgate.units.instants import NANOS_PER_SECOND

LIVES = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
LIFE_MAX_DAYS = 36_500
LIFE_MAX_NS = LIFE_MAX_DAYS * LIVES["d"] * NANOS_PER_SECOND


def life_ns(life: str) -> int:
    """Return how long a life is, in whole seconds as a token has them; ends the command if none."""
    number, unit = life[:-1], life[-1:]
    if unit not in LIVES or not number.isdigit() or not number.isascii():
        fail(f"{life!r} is no length of time.", "Write 90s, 30m, 8h or 7d.")
    seconds = Decimal(number) * LIVES[unit]
    if not 0 < seconds <= LIFE_MAX_DAYS * LIVES["d"]:
        fail(f"{life!r} is no life.", f"From 1s to {LIFE_MAX_DAYS}d.")
    return int(seconds) * NANOS_PER_SECOND
