"""Refusals that need words: which budget, when it renews, what broke; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from headgate.budgets.settings import FOREVER_NS, is_each
from headgate.capacity.limits import wait_s
from headgate.dial.failures import PROXY, fix_of, is_refusal_of_proxy
from headgate.dialects.registry import Dialect
from headgate.gateway.client.http_bytes import whole
from headgate.gateway.elsewhere import offer
from headgate.gateway.money.allotments import Uncarved
from headgate.gateway.settings import FRAMING_BYTES_MAX, HEAD_BYTES_MAX, HEADERS_MAX
from headgate.gateway.upstream.unpacking import TOO_LARGE
from headgate.governance.requirements import Required
from headgate.identity.directory import Directory
from headgate.identity.grant import Delegation
from headgate.ledger.purse import Short
from headgate.ledger.repeats import Ruling
from headgate.records.demand import Demand
from headgate.records.minutes import LimitStanding
from headgate.records.priority import PRIORITIES
from headgate.records.repeats import Verdict
from headgate.records.report import Failure
from headgate.store.journal_writer import JournalWriter
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import NANOS_PER_SECOND, to_iso
from headgate.units.money import format_usd

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.world import World


UNCLAIMED: Final = Refusal(
    errors.LEDGER_UNAVAILABLE, "The idempotency key cannot be written down now.", None, 2
)
LEDGER_GONE: Final = Refusal(
    errors.LEDGER_UNAVAILABLE, "The ledger does not answer; it is being restarted.", None, 2
)
REPEAT_WAIT_MAX_S: Final = 30
CONTENDED_S: Final = 1
CREDENTIAL_WAIT_S: Final = 5

NO_REALTIME: Final = Refusal(
    errors.REALTIME_UNSUPPORTED,
    f"{errors.REALTIME_UNSUPPORTED.sentence} See docs/reference/http.md#realtime.",
)
HEAD_TOO_LARGE: Final = Refusal(
    errors.HEAD_TOO_LARGE, f"A head may have {HEAD_BYTES_MAX} bytes and {HEADERS_MAX} headers."
)
FRAMING_TOO_LARGE: Final = Refusal(
    errors.REQUEST_MALFORMED,
    f"Between two pieces of a body, and behind the last, there may be {FRAMING_BYTES_MAX} bytes.",
)


def stranger(directory: Directory, key: bytes | None) -> Refusal:
    """Tell whoever is not identified why."""
    if key is None:
        message = "Send a Headgate key as `Authorization: Bearer ...` or `x-api-key`."
    elif (why := directory.why_not(key)) is not None:
        return why
    else:
        message = "This key is not valid here; it may be mistyped, revoked or of another gateway."
    return Refusal(errors.KEY_INVALID, message)


RETRY_S_MAX: Final = 999_999
"""What a provider asks for beyond this is nothing to be passed on."""
UNAUTHORIZED: Final = 401
SHOW_A_KEY: Final = (b"www-authenticate", b'Bearer realm="headgate"')
"""How to say who one is: a 401 has to tell (RFC 9110, 15.5.2)."""
SIGN: Final = (b"www-authenticate", b'Signature realm="headgate"')
"""The same for messages of trackers, which show no key; it has no scheme of a standard."""


def unwritten(journal: JournalWriter) -> Refusal:
    """Tell why no hold can be written down: the disk fails, or is full."""
    if journal.failed:
        return Refusal(errors.JOURNAL_FAILED, errors.JOURNAL_FAILED.sentence, None, 2)
    message = "The disk is full: there is no room for the journal. Nothing was sent."
    return Refusal(errors.LEDGER_UNAVAILABLE, message, None, 2)


def body_too_large(bytes_max: int) -> Refusal:
    """Tell how large a body may be."""
    return Refusal(errors.BODY_TOO_LARGE, f"A body may have {bytes_max} bytes.")


def over_budget(exchange: Exchange, short: Short) -> Refusal:
    """Name the budget that refuses, what the call could cost, and when the budget renews."""
    piece = short.piece
    budget, renews_ns = exchange.path.budget_of(piece)
    if short.contended:
        message = (
            f"Budget {piece.budget!r} has enough left for this call, but it is on its way between"
            f" workers; try again in {CONTENDED_S} s."
        )
        return Refusal(errors.BUDGET_CONTENDED, message, None, CONTENDED_S)
    left = format_usd(short.left_nanos)
    if renews_ns >= FOREVER_NS:
        renewal = "it does not renew by itself"
    elif budget.period == "rolling":
        renewal = f"some of it may be free again from {to_iso(renews_ns)} on"
    else:
        renewal = f"it renews at {to_iso(renews_ns)}"
    # A run may have a lower limit of its own, which its steward knows.
    most = "at most " if is_each(budget.node) else ""
    return Refusal(
        errors.BUDGET_EXCEEDED,
        f"Budget {piece.budget!r} refuses: this call may cost up to"
        f" ${format_usd(exchange.hold_nanos)} and ${left} is left of"
        f" {most}${format_usd(budget.limit_nanos)}; {renewal}."
        f"{_held(piece.held_nanos)} {_what_is_cheaper(exchange.own)} makes a call cheaper.",
    )


def _held(nanos: int) -> str:
    """Tell what this worker's calls hold of a budget: some of it comes back soon."""
    if not nanos:
        return ""
    held = f"${format_usd(nanos)}"
    return f" Calls that run hold {held}; what they leave of it is free when they end."


def _what_is_cheaper(demand: Demand) -> str:
    if demand.pieces is not None:
        return "Asking for less"
    return "A lower output limit" if demand.output_tokens_max != 0 else "A shorter input"


def not_carved(uncarved: Uncarved) -> Refusal:
    """Name the budget that an allotment does not fit into."""
    allotment, left = uncarved.allotment, format_usd(max(0, uncarved.left_nanos))
    return Refusal(
        errors.BUDGET_EXCEEDED,
        f"Budget {uncarved.above.budget!r} refuses: the allotment of {allotment.node} is"
        f" ${format_usd(allotment.amount_nanos)} and ${left} is left to carve it from.",
    )


def barred_tool(dialect: Dialect, body: bytes, delegation: Delegation) -> Refusal | None:
    """Name the first tool a call offers that its delegation does not allow; None when all are."""
    allowed = delegation.grant.tools
    if allowed is None:
        return None
    barred = next((name for name in dialect.tool_names(body) if name not in allowed), None)
    if barred is None:
        return None
    message = f"This delegation may not offer the tool {barred[:128]!r}."
    return Refusal(errors.NOT_PERMITTED, message, "tools")


_NOT_AGAIN: Final = {
    Ruling.MISMATCH: errors.IDEMPOTENCY_MISMATCH,
    Ruling.RUNNING: errors.IDEMPOTENCY_RUNNING,
    Ruling.DONE: errors.IDEMPOTENCY_DONE,
    Ruling.UNKNOWN: errors.IDEMPOTENCY_UNKNOWN,
    Ruling.FULL: errors.IDEMPOTENCY_FULL,
}
_WHY_NOT_AGAIN: Final = {
    Ruling.MISMATCH: "This idempotency key belongs to {call}, which asked for something else; use a"
    " new key for a new call.",
    Ruling.RUNNING: "{call} has this idempotency key and is still running.",
    Ruling.DONE: "{call} had this idempotency key and was served for ${cost}; its reply is not"
    " kept. A new key makes the call again, and pays again.",
    Ruling.UNKNOWN: "Nobody knows what {call} came to, which had this idempotency key; ${cost} was"
    " posted for it. To make it again, and perhaps pay twice, send a new key or"
    " `x-headgate-retry-unknown: true`.",
    Ruling.FULL: "Too many idempotency keys are remembered for you; each is forgotten in time.",
}


def why_not_again(verdict: Verdict) -> Refusal:
    """Tell a call with a key that was used before why it is not executed."""
    ruling = Ruling(verdict.ruling)
    cost = format_usd(verdict.posted_nanos)
    seconds = None
    if ruling is Ruling.RUNNING:
        # What has run for long may run as long again.
        seconds = min(max(1, verdict.since_s), REPEAT_WAIT_MAX_S)
    elif ruling is Ruling.FULL:
        seconds = REPEAT_WAIT_MAX_S
    message = _WHY_NOT_AGAIN[ruling].format(call=verdict.call, cost=cost)
    return Refusal(_NOT_AGAIN[ruling], message, "idempotency-key", seconds)


def no_place(world: World, exchange: Exchange) -> Refusal:
    """Tell when a place may be free for a call that finds none, and what would be served now."""
    turn = exchange.turn
    eta_ms = exchange.target.places.eta_ms(turn.rank, turn.team)
    seconds = max(1, -(-eta_ms // 1_000))
    name = exchange.target.deployment.id
    message = (
        f"Every place at {name} is taken; one may be free for {PRIORITIES[turn.rank]} calls"
        f" of {turn.team} in about {seconds} s."
    )
    headers = [(b"x-headgate-eta-ms", b"%d" % eta_ms)]
    offered = offer(world, exchange)
    if offered is not None:
        usd = format_usd(offered.nanos)
        message += (
            f" {offered.alias!r} would be served now, by {offered.deployment}, at about ${usd}."
        )
        headers.append((b"x-headgate-elsewhere", offered.alias.encode()))
        headers.append((b"x-headgate-elsewhere-usd", usd.encode()))
    return Refusal(errors.CAPACITY_EXHAUSTED, message, None, seconds, tuple(headers))


def over_minute(node: str, standing: LimitStanding, tokens: int, wait_ns: int) -> Refusal:
    """Name the limit of a minute that a call does not fit into, and when it will.

    Args:
        node: Whose limit it is.
        standing: How it stands.
        tokens: How many the call is expected to take.
        wait_ns: When all of the caller's limits have enough for it, if nobody takes more.
    """
    seconds = max(1, -(-wait_ns // NANOS_PER_SECOND))
    message = f"{node} may take {standing.limit} {standing.what} a minute"
    if standing.what == "tokens":
        message += f"; this call may take about {tokens}, and {standing.left} are left"
    message = f"{message}. It can be made in {seconds} s."
    return Refusal(errors.RATE_LIMIT_REACHED, message, None, seconds)


def too_large_for_minute(node: str, limit: int, tokens: int) -> Refusal:
    """Name the limit of a minute that a call will never fit into."""
    message = (
        f"This call may take about {tokens} tokens, and {node} may take {limit} a minute, so it can"
        " never be made. A lower output limit or a shorter input makes it smaller."
    )
    return Refusal(errors.RATE_LIMIT_TOO_SMALL, message)


def no_credential(deployments: Iterable[str]) -> Refusal:
    """Tell that nobody can be asked, for want of a credential that is fetched in vain."""
    names = ", ".join(deployments)
    message = f"No credential of the providers of {names} could be fetched; it is tried again."
    return Refusal(errors.CREDENTIAL_UNAVAILABLE, message, None, CREDENTIAL_WAIT_S)


def unreached(name: str, reason: str) -> Refusal:
    """Tell why there is no connection to a provider, and what mends it."""
    if is_refusal_of_proxy(reason):
        message = f"The proxy on the way to {name} answers {reason.removeprefix(PROXY)}."
        refusal = Refusal(errors.PROXY_REFUSED, message, None, 1)
    else:
        message = f"The provider {name} cannot be reached ({reason})."
        refusal = Refusal(errors.UPSTREAM_UNREACHABLE, message, None, 1)
    fix = fix_of(reason)
    return refusal._replace(message=f"{message} {fix}") if fix else refusal


def why_failed(exchange: Exchange, failure: Failure, lines: bytes) -> Refusal:
    """Tell a client of a provider's error whose own words are not for it.

    Args:
        exchange: The call.
        failure: What the error means.
        lines: Header lines of the provider's, which may say when to try again.
    """
    asked_s = wait_s(lines, exchange.clock.second)
    seconds = asked_s if asked_s and asked_s <= RETRY_S_MAX else 1
    name = exchange.target.deployment.provider
    # Waiting does not mend a credential.
    when = None if failure.code is errors.UPSTREAM_CREDENTIAL else seconds
    return Refusal(failure.code, f"{name}: {failure.code.sentence}", None, when)


def why_broken(exchange: Exchange, reason: str) -> Refusal:
    """Tell a client whose reply never came whole."""
    name = exchange.target.deployment.provider
    if reason.endswith("timeout"):
        return Refusal(errors.UPSTREAM_TIMEOUT, f"{name} took too long ({reason}).")
    if reason == TOO_LARGE:
        return Refusal(
            errors.UPSTREAM_TOO_LARGE, f"The answer of {name} is larger than one may be."
        )
    return Refusal(errors.UPSTREAM_BROKEN, f"The answer of {name} broke off ({reason}).")


LENGTH_STOP: Final = "length_stop"
"""Why a stream was ended that nobody could pay for any more."""


def stream_cut(reason: str) -> Refusal:
    """Tell a client in the middle of a stream that it broke off."""
    code = errors.UPSTREAM_TIMEOUT if reason.endswith("timeout") else errors.UPSTREAM_BROKEN
    if reason == TOO_LARGE:
        code = errors.UPSTREAM_TOO_LARGE
    return Refusal(code, f"The stream broke off before its end ({reason}).")


def before_any_dialect(dialects: Iterable[Dialect], refusal: Refusal, lines: bytes) -> bytes:
    """Render the last reply to somebody whose dialect is not known yet: in the unsigned one.

    Args:
        dialects: All of them.
        refusal: Why it is the last.
        lines: Header lines that are rendered already.
    """
    spoken = next(each for each in dialects if each.SIGN is None)
    body = spoken.render_refusal(refusal, None)
    return whole(refusal.code.status, body, lines, headers_of(refusal), close=True)


def headers_of(refusal: Refusal) -> list[tuple[bytes, bytes]]:
    """Return what a refusal says to programs, whoever is refused whatever."""
    headers = [(b"x-headgate-code", refusal.code.code.encode())]
    if refusal.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % refusal.retry_after_s))
    if refusal.code.status == UNAUTHORIZED:
        headers.append(SIGN if refusal.code is errors.SIGNATURE_INVALID else SHOW_A_KEY)
    headers += refusal.headers
    # The official clients retry some statuses by themselves; only those with a time are worth it,
    # and none of them waits for hours.
    again = refusal.retry_after_s is not None and refusal.code is not errors.DEFERRED
    headers.append((b"x-should-retry", b"true" if again else b"false"))
    return headers


def no_candidate(asked: str, rules: Iterable[tuple[str, str]]) -> Refusal:
    """Tell, deployment by deployment, why none may serve a call."""
    why = "; ".join(f"{name}: {rule}" for name, rule in dict(rules).items())
    return Refusal(errors.NO_CANDIDATE, f"No deployment of {asked!r} may serve it. {why}.", "model")


def unmet(asked: str, required: Required, rules: Iterable[tuple[str, str]]) -> Refusal:
    """Tell, deployment by deployment, why none may serve a call of which something is required."""
    why = "; ".join(f"{name}: {rule}" for name, rule in dict(rules).items())
    names = ", ".join(required.ids)
    message = f"No deployment of {asked!r} meets what {names} requires of this call. {why}."
    return Refusal(errors.REQUIREMENTS_UNMET, message, "model")
