"""What is said of corrections and of comparing with providers' reports, as messages.

A file of its own beside `messages.py`, which has no room left.
"""

from msgspec import Struct

from headgate.records.adjustment import Adjusted, Adjustment
from headgate.records.reconciled import Cell


class Adjust(Struct, frozen=True, tag_field="type", tag="adjust"):
    """Makes corrections; answered by `Corrected`, or by `Failed` when there is no room."""

    adjustments: tuple[Adjustment, ...]
    by: str = "unknown"


class KeepCells(Struct, frozen=True, tag_field="type", tag="keepcells"):
    """Keeps what comparing with providers' reports found; answered by `Done`."""

    cells: tuple[Cell, ...]
    by: str = "unknown"


class Corrected(Struct, frozen=True, tag_field="type", tag="corrected"):
    """What became of corrections."""

    adjusted: Adjusted
