"""What a kind of provider may ask for beside a fixed path and fixed headers; most ask for nothing.

Paths that depend on the model or on streaming are made at load, one for each case. Only a kind
that has an `ENVELOPE` costs a call more: members of the body that go or come, headers that become
members, a signature over the body, a stream in a framing of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[bytes, bytes]]


class Place(NamedTuple):
    """What a path may depend on beside the dialect and the base address.

    Attributes:
        model: The name sent upstream.
        stream: Whether the reply is to be a stream.
        api_version: The version the configuration names, None when it names none.
    """

    model: str = ""
    stream: bool = False
    api_version: str | None = None


ANY_PLACE = Place()


class Unsigned(NamedTuple):
    """A request before it is signed.

    Attributes:
        host: As in the `host` header.
        path: With its query, as it is sent.
        headers: Those that are signed beside the host, with lower-case names.
        region: The provider's region in the configuration, for a host that names none.
        at_ns: When it is sent, in nanoseconds since 1970.
    """

    host: str
    path: str
    headers: Headers
    body: bytes
    region: str | None
    at_ns: int


class FrameError(ValueError):
    """A stream's own framing is broken; what follows cannot be read."""


class Unframer(Protocol):
    """Takes a stream out of its framing, piece by piece."""

    def feed(self, payload: bytes, /) -> bytes:
        """Return the server-sent events that became whole.

        Raises:
            FrameError: The framing is broken.
        """


def no_members(_forwarded: Headers) -> Mapping[str, bytes]:
    """Return no members: nothing is added to a body."""
    return {}


class Envelope(NamedTuple):
    """How a kind's requests and streams differ from their dialect's.

    Attributes:
        dropped: Top-level members of a body that are not sent.
        members: From the headers that would go upstream to members that are added, as JSON,
            unless the body has them.
        held_back: Lower-case names of forwarded headers that do not go as headers.
        ask_usage: Whether a stream has to be asked for its usage, where the dialect can.
        sign: From a credential and a request to the headers that prove it; None: the fixed
            headers do.
        frames_type: The content type of a stream in the kind's own framing, None when streams
            are server-sent events.
        unframer: Makes what undoes that framing.
    """

    dropped: frozenset[str] = frozenset()
    members: Callable[[Headers], Mapping[str, bytes]] = no_members
    held_back: frozenset[bytes] = frozenset()
    ask_usage: bool = True
    sign: Callable[[str, Unsigned], Headers] | None = None
    frames_type: bytes | None = None
    unframer: Callable[[], Unframer] | None = None


PLAIN = Envelope()
"""What a kind without an `ENVELOPE` has."""
