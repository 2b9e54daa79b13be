"""What a run beside peers prints and records: tables, and a sentence that says who is cheaper."""

from collections.abc import Mapping, Sequence

from bench.peers.peer import CALL_NANOS, STREAM_NANOS
from bench.peers.side_by_side import Books, Compared, FirstByte, Weight
from bench.rounds import Load

QUIET = 1.5
"""A load average, at which a machine of two cores is said to be quiet."""
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"


def costs(found: Sequence[Compared], failures: Sequence[str] = ()) -> str:
    """Return the table of CPU time, and below it what peers did not get through."""
    lines = [
        "| beside, and the load of all three | nginx | Headgate | the peer | Headgate / nginx"
        " | peer / Headgate | the peer carried |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_cost(each) for each in found]
    told = [f"- {failure}" for failure in failures]
    return "\n".join([*lines, "", *told] if told else lines)


def _cost(each: Compared) -> str:
    title = f"| {each.peer}: {_load(each.load)}"
    if not each.good:
        return f"{title} | see below | | | | | |"
    unit = "events" if each.load.streamed else "calls"
    return (
        f"{title} | {each.nginx_us:.1f} | {each.headgate_us:.1f} | {each.peer_us:,.1f}"
        f" | {each.headgate_ratio:.2f} | {each.peer_ratio:,.1f}"
        f" | {each.peer_per_s:,.0f} {unit}/s |"
    )


def _load(load: Load) -> str:
    if load.streamed:
        return f"events of {load.connections} streams"
    return f"calls over {load.connections} connections"


def first_bytes(found: Sequence[FirstByte]) -> str:
    """Return the table of what gateways add to the time in which the upstream begins a stream."""
    lines = [
        "| beside, streams begun | upstream alone | nginx adds | Headgate adds | the peer adds |",
        "|---|---|---|---|---|",
    ]
    for each in found:
        added = [_added(each.upstream, one) for one in (each.nginx, each.headgate, each.running)]
        alone = f"{each.upstream[0] / 1e3:.2f}, {each.upstream[1] / 1e3:.2f}"
        lines.append(f"| {each.peer}, {each.begun_per_s}/s | {alone} | {' | '.join(added)} |")
    return "\n".join(lines)


def _added(alone: tuple[float, float], through: tuple[float, float]) -> str:
    return ", ".join(f"{(one - base) / 1e3:.2f}" for base, one in zip(alone, through, strict=True))


def weights(found: Sequence[Weight]) -> str:
    """Return the table of memory."""
    lines = [
        "| memory | after a few calls and streams | each open stream adds | streams |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {each.name} | {each.idle_mb:.0f} MB | {each.stream_kb:.1f} KB | {each.streams:,} |"
        for each in found
    ]
    return "\n".join(lines)


def books(found: Sequence[Books]) -> str:
    """Return the table of what was answered, and what the gateways say of it."""
    lines = [
        "| books | calls | streams | what they cost | it says | difference |",
        "|---|---|---|---|---|---|",
    ]
    for each in found:
        said = "keeps none" if each.said_nanos is None else usd(each.said_nanos)
        lines.append(
            f"| {each.name} | {each.calls:,} | {each.streams:,} | {usd(each.cost_nanos)} | {said}"
            f" | {_difference(each)} |"
        )
    return "\n".join(lines)


def told(name: str, call_nanos: int, stream_nanos: int) -> str:
    """Return what a peer's answers say that a call and a stream cost, and whether that is right."""
    right = (call_nanos, stream_nanos) == (CALL_NANOS, STREAM_NANOS)
    said = f"{usd(call_nanos)} for a call and {usd(stream_nanos)} for a stream"
    due = f"they cost {usd(CALL_NANOS)} and {usd(STREAM_NANOS)}"
    return f"{name}'s answers say {said}, which is {'right' if right else f'wrong: {due}'}."


def _difference(each: Books) -> str:
    if each.said_nanos is None:
        return ""
    missing = each.cost_nanos - each.said_nanos
    if missing == 0:
        return "none"
    return f"{usd(abs(missing))} {'missing' if missing > 0 else 'too much'}"


def cost_nanos(calls: int, streams: int) -> int:
    """Return what so many answers of the upstream cost."""
    return calls * CALL_NANOS + streams * STREAM_NANOS


def usd(nanos: int) -> str:
    """Return an amount, not below zero, in dollars to the nano-dollar."""
    return f"${nanos // 10**9:,}.{nanos % 10**9:09d}"


def verdict(found: Sequence[Compared]) -> str:
    """Return whether Headgate is cheaper than every peer in every load that was measured."""
    measured = [each for each in found if each.good]
    dearer = [
        f"{each.peer}, {each.load.name} ({each.peer_ratio:.2f})"
        for each in measured
        if each.peer_ratio <= 1
    ]
    if not measured:
        return "Nothing was measured."
    if dearer:
        return f"**Headgate does not cost less processor time** than: {'; '.join(dearer)}."
    return (
        "Headgate, everything on, costs less processor time than every peer in every load that"
        " was measured."
    )


def better(own: str, begun: Sequence[FirstByte], weighed: Sequence[Weight]) -> str:
    """Return in what else peers are better than Headgate, which the tables call `own`."""
    (mine,) = (each for each in weighed if each.name == own)
    # Of nginx this is said nowhere, for it is no peer.
    others = [each for each in weighed if each.name not in (own, "nginx")]
    areas = {
        "less memory at rest": [each.name for each in others if each.idle_mb < mine.idle_mb],
        "less memory for a stream": [
            each.name for each in others if each.stream_kb < mine.stream_kb
        ],
        "a sooner first byte (median)": [
            each.peer for each in begun if each.running[0] < each.headgate[0]
        ],
        "a sooner first byte (99th percentile)": [
            each.peer for each in begun if each.running[1] < each.headgate[1]
        ],
    }
    found = [f"{area}: {', '.join(names)}" for area, names in areas.items() if names]
    if not found:
        return "In nothing else that was measured is a peer better."
    return f"Better than Headgate in something else: {'; '.join(found)}."


def disturbance(load_average: float) -> str | None:
    """Return what the use of the machine by others means for the figures; None: nobody used it."""
    if load_average < QUIET:
        return None
    return (
        "**Others were using the machine**: times by the clock, and what was carried, say little;"
        " processor time is dearer for all, and ratios of it are off by more than usual."
    )


def notes(features: Mapping[str, tuple[str, str]], absent: Mapping[str, str]) -> str:
    """Return a list of what each peer does here and could do more, and of those not run."""
    lines = [f"- **{name}** is {on}. {more}" for name, (on, more) in features.items()]
    lines += [f"- **{name}** was not run: {why}." for name, why in absent.items()]
    return "\n".join(lines)
