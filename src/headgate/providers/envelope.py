"""What the path of a provider's calls may depend on beside the dialect and the base address."""

from typing import NamedTuple


class Place(NamedTuple):
    """What a path may depend on beside the dialect and the base address.

    Attributes:
        model: The name sent upstream.
        stream: Whether the reply is to be a stream.
    """

    model: str = ""
    stream: bool = False


ANY_PLACE = Place()
