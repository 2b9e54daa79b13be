"""Priority classes of calls, by name and by rank."""

from typing import Final, Literal, get_args

Priority = Literal["urgent", "interactive", "batch"]
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)
"""The highest first; a call's rank is its place here."""
USUAL: Final[tuple[Priority, ...]] = ("interactive", "batch")
"""The classes of a key where neither it nor its team says anything."""
PRIORITY_USUAL: Final[Priority] = "interactive"
INTERACTIVE: Final = 1
"""The rank of a call that says nothing, where its team or key says nothing else."""
BATCH: Final = 2
