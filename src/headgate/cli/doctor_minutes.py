"""What `headgate doctor` says of limits of a minute: those that never hold, or hold always."""

from collections.abc import Iterator

from headgate.cli.doctor_checks import result
from headgate.config.snapshot import Snapshot
from headgate.identity.settings import PerMinute
from headgate.insights.contract import CheckView
from headgate.routing.candidate import OUTPUT_TOKENS_EXPECTED

CHECK = "limits of a minute"


def check_minutes(snapshot: Snapshot) -> Iterator[CheckView]:
    """Yield a warning for each limit that one above it makes void, or that is too small to use."""
    limited, lineages = snapshot.per_minute(), snapshot.lineages()
    above: dict[str, tuple[str, ...]] = {}
    for team, lineage in lineages.items():
        above[f"team:{team}"] = tuple(f"team:{each}" for each in lineage[1:])
    for principal in snapshot.principals.values():
        teams = lineages[principal.team]
        above[f"principal:{principal.id}"] = tuple(f"team:{each}" for each in teams)
    for key in snapshot.keys.values():
        own = f"principal:{key.principal}"
        above[f"key:{key.id}"] = (own, *above[own])
    for node, limits in limited.items():
        limiting = [(each, limited[each]) for each in above[node] if each in limited]
        yield from _void(node, limits, limiting)
        tokens = limits.tokens_per_minute
        if tokens is not None and tokens <= OUTPUT_TOKENS_EXPECTED:
            message = (
                f"{node} may take {tokens} tokens a minute, and a call that gives no output limit"
                f" counts as {OUTPUT_TOKENS_EXPECTED} and its input: none of these can be made."
            )
            yield result(CHECK, message, "Raise tokens_per_minute.", "warning")


def _void(node: str, limits: PerMinute, above: list[tuple[str, PerMinute]]) -> Iterator[CheckView]:
    """Yield a warning for what a node may take more of than one above it."""
    for what in PerMinute._fields:
        limit = getattr(limits, what)
        for other, its in above:
            least = getattr(its, what)
            if limit is not None and least is not None and least < limit:
                message = f"{what} of {node} is {limit}, that of {other} {least}: it never holds."
                yield result(CHECK, message, f"Lower it, or raise that of {other}.", "warning")
                break
