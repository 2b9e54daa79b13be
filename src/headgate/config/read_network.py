"""Tables of where and how much: `[console]`, `[idempotency]`, `[holds]`, `[journal]` and so on."""

import re
from typing import Any

import msgspec

from headgate.config.addresses import Address, AddressError, is_loopback, parse_address
from headgate.config.check import checked
from headgate.config.problems import Problems
from headgate.config.read_identity import SECRET_CHARS_MIN
from headgate.config.secrets import SecretReader
from headgate.config.shapes import (
    ConsoleShape,
    IdempotencyShape,
    JournalShape,
    ResponseCacheShape,
)
from headgate.config.shapes_edge import ListenShape
from headgate.config.shapes_holds import HoldsShape
from headgate.config.snapshot import ConsoleListen
from headgate.gateway.settings import ResponseCache
from headgate.ledger.settings import Expected, Idempotency
from headgate.store.settings import Journal

_NAME = re.compile(r"(?:[a-z0-9][-.a-z0-9]{0,252}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")


def idempotency_from(document: dict[str, Any], problems: Problems) -> Idempotency:
    """Return what is kept of calls with a key."""
    shape = checked(document.get("idempotency", {}), "idempotency", IdempotencyShape, problems)
    return Idempotency(**msgspec.structs.asdict(shape))


def response_cache_from(document: dict[str, Any], problems: Problems) -> ResponseCache:
    """Return how replies are kept to be given again; which routes do, they say themselves."""
    tables = document.get("response_cache", {})
    shape = checked(tables, "response_cache", ResponseCacheShape, problems)
    return ResponseCache(**msgspec.structs.asdict(shape))


def holds_from(document: dict[str, Any], problems: Problems) -> Expected:
    """Return how expected holds are sized."""
    shape = checked(document.get("holds", {}), "holds", HoldsShape, problems)
    return Expected(**msgspec.structs.asdict(shape))


def journal_from(document: dict[str, Any], problems: Problems) -> Journal:
    """Return how workers write their journals."""
    shape = checked(document.get("journal", {}), "journal", JournalShape, problems)
    return Journal(**msgspec.structs.asdict(shape))


def console_from(
    document: dict[str, Any], secrets: SecretReader, problems: Problems
) -> ConsoleListen:
    """Return where the console listens; away from loopback it needs a token."""
    shape = checked(document.get("console", {}), "console", ConsoleShape, problems)
    # What is wrong with [listen] was noted with the gateway's address.
    listen = listen_from(document, Problems(problems.file))
    address = address_from(listen.console, "listen.console", problems)
    token = secrets.read(shape.token, "console.token")
    given = "token" in (document.get("console") or {})
    if not given and (shape.names or not is_loopback(address.host)):
        # To the console everybody behind a proxy of this machine is this machine.
        where = f"is called {shape.names[0]}" if shape.names else f"listens on {address.host}"
        problems.add(
            "console.token",
            f"The console {where}, where others can reach it, without a token.",
            'Write token = { env = "HEADGATE_CONSOLE_TOKEN" } under [console].',
        )
    if token and len(token) < SECRET_CHARS_MIN:
        problem = f"A token of fewer than {SECRET_CHARS_MIN} characters can be guessed."
        problems.add("console.token", problem, "Make one: openssl rand -hex 24")
    if address.port and listen.console == listen.gateway:
        problems.add("listen.console", "The gateway has this address.", "Give it another port.")
    for name in shape.names:
        if _NAME.fullmatch(name) is None:
            fix = 'Write each as browsers do, "console.example" or "10.0.0.7:8081": no "https://".'
            problems.add("console.names", f"{name!r} is no name of a host.", fix)
    return ConsoleListen(address.host, address.port, token, shape.names)


def listen_from(document: dict[str, Any], problems: Problems) -> ListenShape:
    """Return `[listen]` as it stands."""
    return checked(document.get("listen", {}), "listen", ListenShape, problems)


def address_from(text: str, key: str, problems: Problems) -> Address:
    """Return where to listen; what is wrong is noted, and stands for any port."""
    try:
        return parse_address(text)
    except AddressError as error:
        problems.add(key, str(error), 'Write "127.0.0.1:8080" or "[::1]:8080".')
        return Address("127.0.0.1", 0)
