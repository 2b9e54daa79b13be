"""How long a session's tasks are expected to be, and which of its calls are its work; pure."""

from typing import Literal, get_args

Horizon = Literal["interactive", "bounded", "long"]
HORIZONS: tuple[Horizon, ...] = get_args(Horizon)

CALLS: dict[Horizon, int] = {"interactive": 3, "bounded": 20, "long": 60}
"""How many calls a task takes, as long as nothing was learned of it."""

LONG_TURNS = 40
SIDE_TOKENS_MAX = 1_024
"""A title, a summary, a guess at the topic: no call of a session's work may say so little."""


def horizon_of(named: str | None, *, tools: bool, turns: int) -> Horizon:
    """Return a session's horizon: what its client says, else what its requests look like.

    Args:
        named: What the client says; None, or anything else than a horizon, when it does not.
        tools: Whether the request offers tools: then it is an agent's.
        turns: How many turns of the model it holds.
    """
    for each in HORIZONS:
        if named == each:
            return each
    if not tools:
        return "interactive"
    return "long" if turns >= LONG_TURNS else "bounded"


def is_side(*, tools: bool, output_tokens_max: int | None, works_with_tools: bool) -> bool:
    """Tell whether a call is beside its session's work.

    Args:
        tools: Whether it offers tools.
        output_tokens_max: The limit its client gave, None when it gave none.
        works_with_tools: Whether the session's work was seen to offer tools.
    """
    is_small = output_tokens_max is not None and 0 < output_tokens_max <= SIDE_TOKENS_MAX
    return works_with_tools and not tools and is_small
