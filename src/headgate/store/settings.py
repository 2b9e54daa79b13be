"""What the configuration says of journals."""

from typing import NamedTuple

from headgate.records.journal import Durability


class Journal(NamedTuple):
    """How workers write their journals.

    Attributes:
        durability: What a hold survives once its first byte is sent: `process` for the death of
            every process, `power` for that of the machine too.
    """

    durability: Durability = "process"
