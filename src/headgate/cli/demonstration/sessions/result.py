"""What it came to: the object that `headgate demo --sessions --json` prints."""

from msgspec import Struct

from headgate.cli.demonstration.result import Usd

Figure = str | int | float | bool


class Promise(Struct, frozen=True, kw_only=True):
    """Something that is promised, and what was measured.

    Attributes:
        holds: Whether it was so this time.
        figures: By name; dollars are text with nine decimals.
    """

    promise: str
    holds: bool
    figures: dict[str, Figure]


class Switch(Struct, frozen=True, kw_only=True, rename={"origin": "from", "target": "to"}):
    """A turn of a session that another deployment served than the turn before, by its record.

    Attributes:
        turn: Counted from 1.
        reason: The policy's word for what it decided; `stays` where only a failure moved it.
        failed: Who was asked before in that turn, and failed.
        gain_usd: By how much moving was expected to come out cheaper than staying; None where
            nobody stays.
        repeats: Whether the decision comes out again when it is made from its record.
    """

    session: str
    turn: int
    origin: str
    target: str
    reason: str
    failed: list[str]
    gain_usd: Usd | None
    repeats: bool


class SessionsResult(Struct, frozen=True, kw_only=True):
    """All promises with their figures, all switches, and the books.

    Attributes:
        seconds: How long it took, with starting everything.
        upstream_billed_usd: What the three simulated providers bill together.
        held_usd_after: What is held after the node has ended.
    """

    seconds: float
    holds: bool
    promises: list[Promise]
    switches: list[Switch]
    calls: int
    spend_usd: Usd
    upstream_billed_usd: str
    held_usd_after: Usd
    journal_replayed_equal: bool


def summary(result: SessionsResult) -> str:
    """Return the promises, each with its figures, and the switches, for a person."""
    lines = []
    for each in result.promises:
        lines.append(f"\n{'holds' if each.holds else 'DOES NOT HOLD'}: {each.promise}")
        lines += [f"    {name} {value}" for name, value in each.figures.items()]
    lines.append("\nWhere sessions moved, by their records:")
    lines += [f"  {_told(each)}" for each in result.switches]
    lines.append(
        f"\n{result.calls} calls, ${result.spend_usd} by the books, "
        f"${result.upstream_billed_usd} by the providers' bills, ${result.held_usd_after} held; "
        f"the journals, replayed, {'agree' if result.journal_replayed_equal else 'DISAGREE'}. "
        f"{result.seconds:.0f} s."
    )
    return "\n".join(lines)


def _told(switch: Switch) -> str:
    gain = "" if switch.gain_usd is None else f", expected to save ${switch.gain_usd}"
    failed = f", as {' and '.join(switch.failed)} failed" if switch.failed else ""
    moved = f"{switch.origin} -> {switch.target}"
    return f"{switch.session:8} turn {switch.turn:3}  {moved:20} {switch.reason}{gain}{failed}"
