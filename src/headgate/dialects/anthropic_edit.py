"""Changing a body of Anthropic's Messages on its way upstream: the model, the limit, thinking."""

from typing import Final

import msgspec
from msgspec import Raw

from headgate.dialects.anthropic_messages_shapes import Sent
from headgate.dialects.splice import SpliceError, rebuild, said_by, splice
from headgate.records.demand import Demand, Edit

THINKING_TOKENS_MIN: Final = 1_024
"""The smallest thinking budget there is; it must be below the output limit
(https://docs.claude.com/en/docs/build-with-claude/extended-thinking)."""


_SENT: Final = msgspec.json.Decoder(Sent)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])


def edit(body: bytes, demand: Demand, edit: Edit) -> bytes:
    """Change a body that `read` accepted as `edit` says; the same object when nothing changes.

    This dialect has one limit field and always reports usage, so `edit.limit_field` and
    `edit.ask_usage` mean nothing to it. A thinking budget that lay below the limit is lowered with
    it, in the same proportion, so that it still does.

    Raises:
        SpliceError: The new body does not say what it was made to say.
    """
    changed = dict(edit.changed)
    if demand.model != edit.model:
        changed["model"] = msgspec.json.encode(edit.model)
    limit = demand.output_tokens_max
    assert limit is not None, "`read` accepts no body without a limit"
    if limit > edit.output_tokens_max:
        changed["max_tokens"] = b"%d" % edit.output_tokens_max
        budget = thinking_within(demand.thinking_tokens, limit, edit.output_tokens_max)
        if budget is not None and budget != demand.thinking_tokens:
            thinking = bytes(demand.members["thinking"])
            fresh = {"budget_tokens": b"%d" % budget}
            changed["thinking"] = splice(thinking, _OBJECT.decode(thinking), fresh, {})
    if edit.dropped or edit.members:
        new = rebuild(demand.members, changed, edit.members, edit.dropped)
    elif changed:
        new = splice(body, demand.members, changed, {})
    else:
        return body
    fields = Sent.__struct_fields__
    said = said_by(new, demand.members, fields, changed, edit.members, edit.dropped)
    _verify(said, demand, edit)
    return new


def thinking_within(budget: int | None, limit: int, lowered: int) -> int | None:
    """Return the thinking budget that goes with a lowered output limit, None when there is none.

    One that did not lie below the limit before (interleaved thinking may) stays as it is, and so
    does one for which the lowered limit has no room: the provider will say so.
    """
    if budget is None or budget >= limit or lowered <= THINKING_TOKENS_MIN:
        return budget
    return min(budget, max(THINKING_TOKENS_MIN, min(budget * lowered // limit, lowered - 1)))


def _verify(body: bytes, demand: Demand, edit: Edit) -> None:
    """Decode what was changed and compare it with what was meant."""
    try:
        got = _SENT.decode(body)
    except msgspec.DecodeError as error:
        raise SpliceError(f"the body is broken after the change: {error}") from error
    model = None if "model" in edit.dropped else edit.model
    stream = demand.stream and "stream" not in edit.dropped
    same = (got.model, bool(got.stream)) == (model, stream)
    if not (same and got.max_tokens <= edit.output_tokens_max):
        raise SpliceError("the body does not say what it was made to say")
