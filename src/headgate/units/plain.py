"""Text as it can be shown on a terminal, whoever wrote it; pure."""

import unicodedata


def plain(text: str) -> str:
    """Return a text without what would steer a terminal, or break a line.

    Clients name models, fields and sessions as they like, and providers say what they like.
    """
    if text.isprintable():
        return text
    return "".join(one if _shows(one) else "?" for one in text)


def _shows(one: str) -> bool:
    return one.isprintable() or unicodedata.category(one) == "Zs"
