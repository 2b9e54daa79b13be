"""The shocks a month is sent again under, and what each changes: prices, or how a provider serves.

Names are those of the questions to a vendor in `data/stress.toml`.
"""

from fractions import Fraction
from typing import Literal, NamedTuple

from headgate.economics.inputs import Inputs

Scope = Literal["provider", "model"]
QUIET = "none"
"""The run without a shock, which the others are held against."""


class Shock(NamedTuple):
    """What happens at one provider for the whole month.

    Attributes:
        price_factor: What its prices are multiplied by.
        cache_discount: Whether cached input stays cheaper than fresh input.
        fault: What its replies are, by the simulated providers' name; None: as ever.
        share: Of its requests that meet the fault.
        scope: Whether all of the provider meets it, or its most used model.
        in_flight_max: What it serves at once per deployment; None: as configured.
        reachable: Whether anybody listens where it is.
    """

    name: str
    meaning: str
    price_factor: Fraction = Fraction(1)
    cache_discount: bool = True
    fault: str | None = None
    share: Fraction = Fraction(1)
    scope: Scope = "provider"
    in_flight_max: int | None = None
    reachable: bool = True


NO_SHOCK = Shock(QUIET, "nothing happens")
RATIONED_AT_ONCE = 2


def shocks_of(inputs: Inputs) -> dict[str, Shock]:
    """Return every shock by name, in the sizes of the inputs of `headgate stress`."""
    up, down = inputs["reprice_up_factor"], inputs["reprice_down_factor"]
    served = inputs["ration_served"]
    found = (
        Shock("rises", f"its prices are {_short(up)} times as high", price_factor=up),
        Shock("falls", f"its prices are {_short(down)} times as high", price_factor=down),
        Shock("cache", "cached input costs what fresh input does", cache_discount=False),
        Shock(
            "rationing",
            f"it answers 429 to {_short(100 * (1 - served))} % of requests and serves "
            f"{RATIONED_AT_ONCE} at once",
            fault="rate_limit",
            share=1 - served,
            in_flight_max=RATIONED_AT_ONCE,
        ),
        Shock("outage", "it answers 5xx to every request", fault="overloaded"),
        Shock("unreachable", "nobody listens where it is", reachable=False),
        Shock("broken", "it takes every request and breaks the connection", fault="reset"),
        Shock(
            "retirement",
            "its most used model answers 404",
            fault="not_found",
            scope="model",
        ),
    )
    return {shock.name: shock for shock in found}


def _short(value: Fraction) -> str:
    return f"{float(value):.4g}"
