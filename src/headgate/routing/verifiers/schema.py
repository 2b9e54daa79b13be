"""`schema`: the answer has the form that was asked for.

It is whole, not empty and no refusal; its JSON is what the call's schema says, and so are the
arguments of the tools it calls. That says nothing of what is in it: most wrong answers are well
formed, so the prior has it accept most of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.records.conversation import Call
from headgate.records.reply import Reply
from headgate.routing.cascades.worth import Rates
from headgate.routing.verifiers.form import fault_of
from headgate.routing.verifiers.registry import ACCEPTED, Verdict

KIND = "schema"
PRIOR = Rates(980_000, 600_000)
BLIND = 0
ASKS = False


def verify(call: Call, reply: Reply, _before: Sequence[Reply]) -> Verdict:
    """Accept what is well formed."""
    fault = fault_of(call, reply)
    return ACCEPTED if fault is None else Verdict(accepted=False, reason=fault)
