"""The kinds of trackers that lie in `kinds/`, and what each must offer."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import NamedTuple, Protocol, cast

import headgate.trackers.kinds
from headgate.trackers.naming import Naming, Subject


class Ending(NamedTuple):
    """How some work ended, as a message tells it.

    Attributes:
        subjects: What made it; none where the message names nothing.
        success: Whether it reached what it was made for.
        note: What happened to which thing of the tracker's, for people.
        delivery: What the tracker calls the message; the same when it is sent again.
        task: What kind of work it was, None when it does not say.
        human_seconds: How long people worked on it, likewise.
    """

    subjects: tuple[Subject, ...]
    success: bool
    note: str
    delivery: str | None
    task: str | None = None
    human_seconds: int | None = None


class Ignored(NamedTuple):
    """A message that tells no ending, and why; one sentence."""

    reason: str


Heard = Ending | Ignored


class Tracker(Protocol):
    """What every module of a kind offers.

    Attributes:
        KIND: Its name in the configuration.
        HEADERS: The headers it goes by, lower case; how they stand in `headers` of its functions.
    """

    KIND: str
    HEADERS: tuple[str, ...]

    def is_signed(self, secret: str, headers: Mapping[str, str], body: bytes, /) -> bool:
        """Tell whether a message is from whoever knows the secret."""

    def read(self, headers: Mapping[str, str], body: bytes, naming: Naming, /) -> Heard:
        """Read a message whose signature was right.

        Raises:
            msgspec.DecodeError: It is no JSON, or not of the kind's form (`ValidationError`).
        """


def trackers() -> dict[str, Tracker]:
    """Return every kind by its name."""
    package = headgate.trackers.kinds
    found = (
        cast(Tracker, importlib.import_module(f"{package.__name__}.{info.name}"))
        for info in pkgutil.iter_modules(package.__path__)
    )
    return {each.KIND: each for each in found}
