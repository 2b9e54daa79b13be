"""What `/calls` is asked for: from an address to a search, and back."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from headgate.console.reader import Reader
from headgate.insights.calls import STATES
from headgate.insights.search import Cursor, Wanted

SIDES = {
    "q": "text",
    "principal": "principal",
    "team": "team",
    "key": "key",
    "run": "run",
    "session": "session",
    "model": "asked",
    "deployment": "deployment",
    "state": "state",
    "code": "code",
    "from": "from_ns",
    "until": "until_ns",
}
"""The parameters of the address, and the side of a search that each sets."""

VALUE_CHARS_MAX = 200


class FilterError(ValueError):
    """An address asks for what there cannot be; the message is for a person."""


class Filter(NamedTuple):
    """A search as an address has it.

    Attributes:
        chosen: The parameters that narrow it, as they were given.
        after: Where this page begins, None for the newest.
    """

    wanted: Wanted
    chosen: Mapping[str, str]
    after: Cursor | None

    def query(self, after: Cursor | None = None) -> str:
        """Return the address's query for the page that begins at a place."""
        place = {} if after is None else {"before": f"{after.at_ns}.{after.id}"}
        return urlencode({**self.chosen, **place})

    def without(self, name: str) -> str:
        """Return the query that asks the same but for one side."""
        return urlencode({key: value for key, value in self.chosen.items() if key != name})


def read_filter(parameters: Mapping[str, str], reader: Reader) -> Filter:
    """Return what an address asks for; parameters that are empty or unknown ask nothing.

    Raises:
        FilterError: A value cannot be.
    """
    given = ((name, parameters.get(name, "").strip()) for name in SIDES)
    chosen = {name: value for name, value in given if value}
    for name, value in chosen.items():
        if len(value) > VALUE_CHARS_MAX:
            raise FilterError(f"{name} has at most {VALUE_CHARS_MAX} characters.")
    if chosen.get("state", STATES[0]) not in STATES:
        raise FilterError(f"state is one of {', '.join(STATES)}.")
    sides: dict[str, object] = {SIDES[name]: value for name, value in chosen.items()}
    for name in ("from", "until"):
        if name in chosen:
            sides[SIDES[name]] = _instant(name, chosen[name], reader)
    wanted = Wanted()._replace(**sides)  # type: ignore[arg-type]  # each side was read above
    return Filter(wanted, chosen, _cursor(parameters.get("before", "")))


def _instant(name: str, text: str, reader: Reader) -> int:
    try:
        return reader.instant(text)
    except ValueError as error:
        raise FilterError(
            f"{name} is a date or date-time, such as 2026-08-17 or 2026-08-17T14:30."
        ) from error


def _cursor(text: str) -> Cursor | None:
    if not text:
        return None
    at_ns, _, row_id = text.partition(".")
    if not (at_ns.isascii() and at_ns.isdecimal() and len(at_ns) <= 19):
        raise FilterError("before is what the link to older calls had there.")
    return Cursor(min(int(at_ns), 2**63 - 1), row_id[:VALUE_CHARS_MAX])
