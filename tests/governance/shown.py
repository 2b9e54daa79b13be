"""A call as approvers are shown it, for tests."""

from headgate.records.approval import Asking, Shown

SHOWN = Shown(
    principal="alice",
    team="research",
    key="alice",
    chain=(),
    run=None,
    rule="dear",
    model="mini",
    quote_nanos=50_000_000,
    data_class=None,
    stream=False,
    output_tokens_max=100,
    tools=("search",),
    body_bytes=80,
    body_sha256="ab" * 32,
)
ASKING = Asking("apr_1", "call_1", 60, SHOWN)
