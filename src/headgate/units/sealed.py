"""Text that says what it is and whether it is whole: what is kept over a restart, or told.

The first line names the format, its version and the SHA-256 of what follows. Whatever does not
fit is refused whole: half of what was known is worse than nothing.
"""

import hashlib


class StateError(Exception):
    """What was kept cannot be used: another version, or damaged."""


def seal(form: str, body: str) -> str:
    """Return a text under its first line.

    Args:
        form: The format and its version, such as `headgate-learner 1`.
        body: What it says.
    """
    return f"{form} {hashlib.sha256(body.encode()).hexdigest()}\n{body}\n"


def unseal(form: str, text: str) -> str:
    """Return what a text says.

    Args:
        form: The format and version that are read.
        text: As `seal` made it; bytes that were no UTF-8 may stand in it as surrogates.

    Raises:
        StateError: Of another format or version, or damaged.
    """
    head, _, body = text.partition("\n")
    body = body.removesuffix("\n")
    named, _, digest = head.rpartition(" ")
    if named != form:
        raise StateError(f"it is {named[:64]!r}, and this release reads {form!r}")
    if digest != hashlib.sha256(body.encode(errors="surrogateescape")).hexdigest():
        raise StateError("it is damaged: its checksum is another")
    return body
