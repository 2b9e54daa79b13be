"""`reported`: whoever called says how it went, and the session's next call goes one step further.

For what can only be known by trying it, such as tests that are run on what was written. The
answer itself is looked at for its form alone. What is reported for a call, good or bad, comes with
a later one (`x-headgate-outcome`).
"""

from __future__ import annotations

from collections.abc import Sequence

from headgate.records.conversation import Call
from headgate.records.reply import Reply
from headgate.routing.cascades.worth import Rates
from headgate.routing.verifiers.form import fault_of
from headgate.routing.verifiers.registry import ACCEPTED, Verdict

KIND = "reported"
PRIOR = Rates(950_000, 100_000)
BLIND = 0
ASKS = False


def verify(call: Call, reply: Reply, _before: Sequence[Reply]) -> Verdict:
    """Accept what is well formed; the rest is seen later."""
    fault = fault_of(call, reply)
    return ACCEPTED if fault is None else Verdict(accepted=False, reason=fault)
