"""Makes `docs/reference/losses.md` of what translation does to the samples: `make losses`."""

import json
import re
from collections.abc import Iterable, Iterator

from headgate.dialects.translation.losses import Losses
from headgate.records.conversation import Declined, RedactedThinking
from headgate.records.reply import (
    Begin,
    Citation,
    Cited,
    Counted,
    DeclinedDelta,
    Delta,
    End,
    Ending,
    TextDelta,
    ThinkingDelta,
    Tokens,
    ToolBegin,
    ToolDelta,
)
from tests.architecture.repository import ROOT
from tests.dialects.translation.gemini_requests import sayable
from tests.dialects.translation.speech import (
    CHAT,
    CONVERSE,
    GEMINI,
    KINDS,
    MESSAGES,
    RESPONSES,
    SAMPLES,
    TELLERS,
    TRANSLATORS,
    between,
    edit,
    leaves,
)
from tests.dialects.translation.streams import parsed, rendered

PAGE = ROOT / "docs" / "reference" / "losses.md"
OLDER = {
    CHAT: "gpt-4.1",
    MESSAGES: "claude-haiku-4-5",
    RESPONSES: "gpt-4.1",
    GEMINI: "gemini-2.0-flash",
    CONVERSE: "us.amazon.nova-pro-v1:0",
}
HEAD = """\
# What translation loses

What a call or its answer says in one dialect and what has no place in another. It is made of the
code by `make losses`, from one sample of each dialect that says everything;
[dialects](dialects.md#translation) says the rest. Whatever is not listed survives the way to the
other dialect and back. `[*]` is any place in a list.

## Requests

Of what can be left out of a call; what cannot is
[refused by name](dialects.md#what-is-refused-by-name). `hint`: it never changes what is answered.
`answer`: it may, and a route with `on_unsupported = "refuse"` passes a deployment over for it.
Nothing: the target is told. What some models of a dialect take and others do not is listed as
lost. Fields that nobody knows are lost like any other.
"""
REPLIES = """
## Replies

What the client is not told of a whole reply, or is told as another value, by the dialect of the
provider and that of the client.
"""
STREAMS = """
## Streams

What a stream can say in each dialect; what both sides can say is told.
"""


def places(client: str, upstream: str) -> dict[tuple[str, str], str]:
    """Return what the sample request of a client loses: place and reason, and how bad it is."""
    body = sayable(upstream, json.loads((SAMPLES / f"{client}.json").read_bytes()))
    found: dict[tuple[str, str], str] = {}
    for model in (edit(upstream), edit(upstream, OLDER[upstream])):
        call = TRANSLATORS[client].parse_call(json.dumps(body).encode())
        losses = Losses(call.lost)
        TELLERS[upstream].render_call(call, model, losses)
        for loss in losses.found:
            key = (_any(loss.at), loss.reason)
            found.setdefault(key, "hint" if loss.hint else "answer")
    return found


def untold(client: str, upstream: str) -> set[str]:
    """Return the places of a provider's sample reply that are lost on the way to a client and back.

    Where all below a place is lost, that place stands for it.
    """
    said = (SAMPLES / f"{upstream}.reply.json").read_bytes()
    there = between(client, upstream).render_reply(said)
    assert there is not None
    back = between(upstream, client).render_reply(there)
    assert back is not None
    kept = dict(leaves(json.loads(back)))
    every = {path: value for path, value in leaves(json.loads(said)) if value is not None}
    lost = {path for path, value in every.items() if path not in kept or kept[path] != value}
    return {_any(_highest(path, lost, every)) for path in lost}


def _highest(path: str, lost: set[str], every: Iterable[str]) -> str:
    """Return the outermost place around a leaf below which everything is lost."""
    cuts = [match.start() for match in re.finditer(r"\.|\[", path)]
    for cut in cuts:
        outer = path[:cut]
        below = [each for each in every if each.startswith((f"{outer}.", f"{outer}["))]
        if all(each in lost for each in below):
            return outer
    return path


def _any(place: str) -> str:
    return re.sub(r"\[\d+\]", "[*]", place)


CALL: list[Delta] = [ToolBegin(0, "c-1", "look"), ToolDelta(0, "{}")]
SOURCE = Cited(Citation("https://example.org/a", "", 0, 5))
PIECES: dict[str, list[Delta]] = {
    "words": [TextDelta("words")],
    "the address of a source": [TextDelta("words"), SOURCE],
    "thoughts": [ThinkingDelta("thoughts")],
    "the signature of thoughts": [ThinkingDelta("t"), ThinkingDelta(signature="c2lnbmVk")],
    "thoughts that only their provider can read": [RedactedThinking("cmVkYWN0ZWQ=")],
    "words on why it does not answer": [DeclinedDelta("declined")],
    "calls of tools, their ids and arguments": CALL,
    "that it met a limit": [Ending("length")],
    "that a filter stopped it": [Ending("refusal")],
    "that it waits for tools": [*CALL, Ending("tool_use")],
    "which stop sequence it met": [Ending("stop_sequence", "met")],
    "that it paused": [Ending("pause")],
    "tokens, with those of thoughts": [Counted(Tokens(1, 0, 0, 7, 5))],
    "tokens read from a cache": [Counted(Tokens(1, 3, 0, 1, 0))],
    "tokens written to a cache": [Counted(Tokens(1, 0, 3, 1, 0))],
}


def says(kind: str, pieces: list[Delta]) -> bool:
    """Tell whether a dialect's stream says something so that it can be read there again."""
    ending: list[Delta] = (
        [] if any(isinstance(each, Ending) for each in pieces) else [Ending("stop")]
    )
    again = parsed(kind, rendered(kind, [Begin("r", "m"), *pieces, *ending, End()]))
    return all(any(_same(each, other) for other in again) for each in pieces)


def _same(one: Delta, other: Delta) -> bool:
    if isinstance(one, DeclinedDelta) and isinstance(other, Declined):
        return one.text == other.text
    return one == other


def table(header: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield ""
    yield f"| {' | '.join(header)} |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |")


def requests() -> Iterator[str]:
    """Yield the lines about requests."""
    for client in KINDS:
        targets = [kind for kind in sorted(TELLERS) if kind != client]
        found = {upstream: places(client, upstream) for upstream in targets}
        rows = [
            [f"`{key[0]}`", key[1], *(found[to].get(key, "") for to in targets)]
            for key in sorted(set().union(*found.values()))
        ]
        yield from ("", f"### From a client of `{client}`")
        yield from table(["place", "it", *(f"to `{to}`" for to in targets)], rows)


def replies() -> Iterator[str]:
    """Yield the lines about whole replies."""
    for upstream in KINDS:
        clients = [kind for kind in KINDS if kind != upstream]
        lost = {client: untold(client, upstream) for client in clients}
        rows = [
            [f"`{place}`", *("lost" if place in lost[to] else "" for to in clients)]
            for place in sorted(set().union(*lost.values()))
        ]
        yield from ("", f"### From a provider of `{upstream}`")
        yield from table(["place", *(f"to `{to}`" for to in clients)], rows)


def streams() -> Iterator[str]:
    """Yield the lines about streams."""
    rows = [
        [what, *("yes" if says(kind, pieces) else "" for kind in KINDS)]
        for what, pieces in PIECES.items()
    ]
    yield from table(["a stream says", *(f"`{kind}`" for kind in KINDS)], rows)


def page() -> str:
    """Return the whole page."""
    lines = [*HEAD.splitlines(), *requests(), *REPLIES.splitlines(), *replies()]
    return "\n".join([*lines, *STREAMS.splitlines(), *streams()]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
