"""The dialects whose conversations can be read, found by their `KIND`."""

from collections.abc import Mapping
from typing import Protocol, cast

from msgspec import Raw

from headgate.dialects import courses as folder
from headgate.dialects.courses.course import Course
from headgate.dialects.registry import discover


class CourseDialect(Protocol):
    """What every module here offers.

    Attributes:
        KIND: The dialect, as in `headgate.dialects`.
    """

    KIND: str

    def read(self, members: Mapping[str, Raw], /) -> Course:
        """Return the course of a request's conversation.

        Raises:
            msgspec.DecodeError: A member is not what it must be; the provider will say so.
        """


def course_dialects() -> dict[str, CourseDialect]:
    """Return every dialect whose conversations can be read, by kind."""
    return {kind: cast(CourseDialect, part) for kind, part in discover(folder).items()}
