"""What `tokens --json` prints."""

from typing import Literal

from headgate.insights.printed import Printed


class TokensView(Printed, frozen=True, kw_only=True):
    """How many tokens a text or a request has, before it is sent.

    `how` is `counted` where the texts were counted by the public `tokenizer` of the model, so that
    `text_tokens` is exact; else `bounded`: no more than this, by bytes, and `tokenizer` is null.
    `around_tokens` is what stands around the texts of a request, at most or by a published recipe;
    `tokens` is both together. `read_as` is `text` or a dialect.
    """

    tokens: int
    text_tokens: int
    around_tokens: int
    how: Literal["counted", "bounded"]
    tokenizer: str | None
    model: str | None
    read_as: str
