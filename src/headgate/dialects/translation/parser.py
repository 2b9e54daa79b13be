"""What the readers of requests have in common: where what has no place gathers."""

from typing import ClassVar

from mypy_extensions import mypyc_attr

from headgate.dialects.translation.fields import Fields
from headgate.records.conversation import Foreign, Loss


@mypyc_attr(allow_interpreted_subclasses=True)
class RequestParser:
    """Reads one request.

    Attributes:
        HINTS: Members without which the answer is still an answer.
        fields: The request's members.
        lost: What no place was found for.
        foreign: Features that no other dialect has.
    """

    HINTS: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.lost: list[Loss] = []
        self.foreign: list[Foreign] = []

    def drop(self, fields: Fields) -> None:
        """Tell as lost what nobody has taken."""
        self.lost += fields.rest(self.HINTS)
