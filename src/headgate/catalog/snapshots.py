"""Dated snapshots: `gpt-5.5-2026-04-23` and `claude-haiku-4-5-20251001` name a model and a day."""

import re
from datetime import date

_SNAPSHOT = re.compile(r"(.+)-(\d{4})-?(\d\d)-?(\d\d)")


def snapshot_of(model: str) -> str | None:
    """Return the name before the date at the end of `model`, None when there is no date."""
    match = _SNAPSHOT.fullmatch(model)
    if match is None:
        return None
    try:
        date(*(int(part) for part in match.groups()[1:]))
    except ValueError:
        return None
    return match[1]
