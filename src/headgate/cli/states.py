"""The state of an attempt in words, the same in every list."""


def state_text(state: str, reason: str | None, *, posted: bool) -> str:
    """Return a state with its reason; an answer that cost nothing and has one is a failure.

    Args:
        state: As the books have it.
        reason: Why it is not measured, or how the attempt failed; None when all went well.
        posted: Whether it cost anything.
    """
    if reason is None:
        return state
    if state == "measured" and not posted:
        return f"failed: {reason}"
    return f"{state}: {reason}"
