"""How people and agents name the calls, runs and sessions that work was made by; pure.

A text names them by lines of their own, as git's trailers do (`git-interpret-trailers`); a branch
or a label by a pattern in which `*` stands for the name.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from headgate.records.control import OutcomeKind
from headgate.units.ids import is_run

Named = Literal["run", "session"]
"""What branches and labels name."""

Subject = tuple[OutcomeKind, str]
"""A call, run or session: its kind and its name."""

TRAILERS: dict[str, OutcomeKind] = {
    "headgate-call": "call",
    "headgate-run": "run",
    "headgate-session": "session",
}
"""Keys of trailers, and what they name."""

_TRAILER = re.compile(
    r"^(?:<!--[ \t]*)?(headgate-(?:call|run|session)):[ \t]*(\S+?)(?:[ \t]*-->)?[ \t\r]*$",
    # Of ASCII alone: a long s would pass for a small one, and is in no key.
    re.A | re.I | re.M,
)
WILDCARD = "*"


class Naming(NamedTuple):
    """How a hook's messages name what they are about, beside lines of their texts.

    Attributes:
        branch: The pattern of branches, None where they name nothing; as for labels.
        names: What both name.
    """

    branch: str | None = None
    label: str | None = None
    names: Named = "run"


def trailers(text: str) -> Iterator[Subject]:
    """Yield what the lines of a text name, in their order; a comment of HTML may hold such a line.

    Lines of pages that were edited in a browser may end in a carriage return.
    """
    for key, name in _TRAILER.findall(text):
        yield TRAILERS[key.lower()], name


def subjects(
    naming: Naming, text: str | None, branch: str | None = None, labels: Iterable[str] = ()
) -> tuple[Subject, ...]:
    """Return what a message names, each once; what cannot be a name of ours names nothing.

    Args:
        naming: How the hook's messages name.
        text: A description, None for none.
        branch: The branch that the work lies on, None for none.
        labels: All of them.
    """
    found: list[Subject] = list(trailers(text or ""))
    if naming.branch is not None and branch is not None:
        found += [(naming.names, name) for name in _matched(naming.branch, branch)]
    if naming.label is not None:
        found += [(naming.names, name) for each in labels for name in _matched(naming.label, each)]
    return tuple(dict.fromkeys(one for one in found if is_run(one[1])))


def _matched(pattern: str, text: str) -> Iterator[str]:
    """Yield what stands for the wildcard of a pattern, if a text has its form."""
    before, _, after = pattern.partition(WILDCARD)
    fits = text.startswith(before) and text.endswith(after)
    if fits and len(text) > len(before) + len(after):
        yield text[len(before) : len(text) - len(after)]
