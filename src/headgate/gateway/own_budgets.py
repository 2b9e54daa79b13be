"""`GET /v1/budgets` at the edge: what a client's calls would be held by; pure.

The steward, which has the books, says how that stands.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec.structs import replace

from headgate.budgets.tree import agent_nodes_of
from headgate.gateway.client.request import Request
from headgate.gateway.entry import read_run, tags_of
from headgate.identity.directory import Credential
from headgate.identity.tags import Tagging
from headgate.ledger.allotments import allotment_window
from headgate.records.control import Allotted, ControlRequest, Spending
from headgate.units.errors import Refusal

RESOURCE: Final = "budgets"


def spending(tagging: Tagging, request: Request, asked: ControlRequest) -> ControlRequest | Refusal:
    """Return the request as the steward is asked it, by what its client could make calls with.

    Nothing of it is believed but what a call's headers may say: its run, and tags within what its
    key allows; both are refused as a call's would be.
    """
    head, credential = request.head, request.credential
    assert credential is not None, "it was let in"
    run = None if head.run is None else read_run(head.run)
    if isinstance(run, Refusal):
        return run
    tags = tags_of(tagging, credential, head)
    if isinstance(tags, Refusal):
        return tags
    found = Spending(
        run=run,
        tags=tags,
        agents=() if credential.delegation is None else credential.delegation.names,
        models=None if credential.models is None else tuple(sorted(credential.models)),
        allotted=_allotted(credential),
    )
    return replace(asked, body=msgspec.json.encode(found).decode())


def _allotted(credential: Credential) -> Allotted | None:
    """Return the nearest allotment of a chain, None without any: calls are held on it."""
    delegation = credential.delegation
    if delegation is None:
        return None
    for count in range(len(delegation.links), 0, -1):
        link = delegation.links[count - 1]
        amount_nanos = link.asked.money_nanos
        if amount_nanos is not None:
            node = agent_nodes_of(credential.principal, delegation.names[:count])[0]
            own = count == len(delegation.links)
            return Allotted(allotment_window(node, link.id), node, amount_nanos, own)
    return None
