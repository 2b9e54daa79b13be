"""The dialects whose prompts can be divided, found by their `KIND`, and what each must offer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, cast

from msgspec import Raw

from headgate.dialects import prompts as folder
from headgate.dialects.prompts.block import Blocks
from headgate.dialects.registry import discover


class Wanted(NamedTuple):
    """What is to be marked.

    Attributes:
        head: Whether the tools and the instructions are.
        turns: Whether the conversation is, too.
        bytes_min: A prefix that is shorter is not worth a mark: the provider would not keep it.
    """

    head: bool
    turns: bool
    bytes_min: int


class Marked(NamedTuple):
    """What marking changes.

    Attributes:
        changed: Top-level members of the body, as JSON, by name.
        paths: Behind which blocks a breakpoint was set.
        turns: Whether the conversation has one.
    """

    changed: Mapping[str, bytes]
    paths: tuple[str, ...]
    turns: bool = False


class PromptDialect(Protocol):
    """What every module here offers.

    Attributes:
        KIND: The dialect, as in `headgate.dialects`.
        MARKED: Whether its providers keep only what is marked, up to the marks.
        LIFETIME_S: How long a prefix is kept after its last use, as far as providers promise;
            where it is marked, the mark says.
        CONVERSATION: The member that the conversation is in, and the one of each of its objects
            that may be a text or a list of parts.
    """

    KIND: str
    MARKED: bool
    LIFETIME_S: int
    CONVERSATION: tuple[str, str]

    def read(self, members: Mapping[str, Raw], /) -> Blocks | None:
        """Return the blocks of a prompt; None when the body does not hold all of it.

        Raises:
            msgspec.DecodeError: A member is not what it must be; the provider will say so. The
                conversation's is raised when its blocks are taken.
        """


Marker = Callable[[Mapping[str, Raw], Wanted], Marked]
"""Returns what marking a body of these members changes; nothing when a mark is there already."""


def prompt_dialects() -> dict[str, PromptDialect]:
    """Return every dialect whose prompts can be divided, by kind."""
    return {kind: cast(PromptDialect, part) for kind, part in discover(folder).items()}


def marker_of(dialect: PromptDialect) -> Marker | None:
    """Return what marks prompts of a dialect, None where nothing needs to be marked."""
    marker: Marker | None = getattr(dialect, "mark", None)
    return marker
