"""By what key a node's workers hash texts: the same one, so that they know each other's hashes.

What a worker remembers of a prompt or a session it finds by Python's keyed hashes. Their key comes
from the node's pepper, so it stays the same over a restart, and nobody without the pepper can aim
at a collision. The interpreter takes 32 bits of it. Long parts of prompts are hashed by XXH3, whose
seed comes from the same key; it is no hash that was made to withstand who looks for collisions.
"""

from collections.abc import MutableMapping
from hashlib import blake2b
from pathlib import Path

from headgate.identity.keys import load_pepper

VARIABLE = "PYTHONHASHSEED"
"""The interpreter's own: read once, when a process starts."""

BY_CHANCE = ("", "random")
"""What says what the interpreter does anyway. Then each process would hash by a key of its own, and
nobody would know what the others count of a run."""

PURPOSE = b"headgate hashes"


def share_hashes(environment: MutableMapping[str, str], data_dir: Path) -> None:
    """Have the processes that are started from here on hash alike.

    A key that somebody has set stays.
    """
    if environment.get(VARIABLE, "") not in BY_CHANCE:
        return
    digest = blake2b(load_pepper(data_dir), digest_size=4, person=PURPOSE).digest()
    environment[VARIABLE] = str(int.from_bytes(digest, "big"))
