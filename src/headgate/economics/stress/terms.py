"""The inputs of a stress test as the simulation uses them."""

import math
from dataclasses import dataclass

from headgate.economics.inputs import Inputs

MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True)
class Terms:
    """Floats, because they scale random numbers; docs/reference/economics.md explains each.

    Attributes:
        decay: How fast the market falls, a continuous rate per month; below 0 it rises.
        chance: Shock to its chance in a month.
        value: Every other input by name.
    """

    decay: float
    chance: dict[str, float]
    value: dict[str, float]


_YEARLY = {
    "follow": "follow",
    "up": "reprice_up",
    "down": "reprice_down",
    "cache": "cache_gone",
    "ration": "ration_begin",
    "outage": "outage",
    "retired": "retired",
    "vendor": "vendor_event",
}


def terms_of(inputs: Inputs) -> Terms:
    """Return the terms of a set of inputs."""
    value = {name: float(inputs[name]) for name in inputs.items}
    full = math.log(value["decay_factor"]) / value["decay_months"]
    chance = {shock: value[name] / MONTHS_PER_YEAR for shock, name in _YEARLY.items()}
    return Terms(full * value["decay_share"], chance | {"ration_end": value["ration_end"]}, value)
