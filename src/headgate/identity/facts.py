"""The facts a block may state, as text and back; pure. The format: `docs/reference/delegation.md`.

A block is read from its Datalog text, line by line, and whatever is not one of these facts in
just this form (another fact, a rule, a check, a fact told twice) makes the token one that is not
understood. Nothing is evaluated, so nothing that a block says can mean more than it says here.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from headgate.identity.grant import Asked
from headgate.units.ids import ALIAS_PATTERN, NAME_PATTERN
from headgate.units.instants import from_datetime, to_datetime

TOOL_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}"
NANOS_MAX = 10**18
"""A billion dollars: what no single amount may exceed."""

_LINE = re.compile(r"([a-z]+)\((.*)\);")
_NAME = re.compile(f'"({NAME_PATTERN})"')
_NUMBER = re.compile(r"[0-9]{1,19}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class Block(NamedTuple):
    """A block: what it asks for, and whose key signs, which the first alone may say."""

    asked: Asked
    key: str | None


def parse(source: str) -> Block | str:
    """Return what a block says, or the line of it that is not understood."""
    said: dict[str, object] = {}
    for line in source.splitlines():
        match = _LINE.fullmatch(line)
        read = _READERS.get(match[1]) if match is not None else None
        if match is None or read is None or match[1] in said:
            return line
        value = read(match[2])
        if value is None:
            return line
        said[match[1]] = value
    key, agent = said.pop("key", None), said.pop("agent", None)
    if not isinstance(agent, str):
        return "(no agent)"
    models, tools = said.get("models"), said.get("tools")
    money, until, depth = said.get("money"), said.get("until"), said.get("depth")
    asked = Asked(
        agent,
        models if isinstance(models, frozenset) else None,
        tools if isinstance(tools, frozenset) else None,
        until if isinstance(until, int) else None,
        money if isinstance(money, int) else None,
        depth if isinstance(depth, int) else None,
    )
    return Block(asked, key if isinstance(key, str) else None)


def render(block: Block) -> str:
    """Return a block's facts as Datalog.

    Raises:
        ValueError: A name, amount or instant is not of the documented form.
    """
    asked = block.asked
    lines = [] if block.key is None else [f'key("{block.key}");']
    lines.append(f'agent("{asked.agent}");')
    if asked.models is not None:
        lines.append(f"models({_set_text(asked.models)});")
    if asked.tools is not None:
        lines.append(f"tools({_set_text(asked.tools)});")
    if asked.money_nanos is not None:
        lines.append(f"money({asked.money_nanos});")
    if asked.until_ns is not None:
        lines.append(f"until({to_datetime(asked.until_ns):%Y-%m-%dT%H:%M:%SZ});")
    if asked.depth is not None:
        lines.append(f"depth({asked.depth});")
    source = "\n".join(lines)
    read = parse(source)
    if isinstance(read, Block):
        return source
    raise ValueError(f"{read} is not a fact of a delegation")


def _set_text(names: frozenset[str]) -> str:
    return "{" + ", ".join(f'"{name}"' for name in sorted(names)) + "}" if names else "{,}"


def _name(text: str) -> str | None:
    match = _NAME.fullmatch(text)
    return None if match is None else match[1]


def _set_of(pattern: str) -> Callable[[str], frozenset[str] | None]:
    whole = re.compile(rf'\{{"{pattern}"(?:, "{pattern}")*\}}')
    each = re.compile(rf'"({pattern})"')

    def read(text: str) -> frozenset[str] | None:
        if text == "{,}":
            return frozenset()
        return frozenset(each.findall(text)) if whole.fullmatch(text) else None

    return read


def _amount(text: str) -> int | None:
    found = int(text) if _NUMBER.fullmatch(text) else None
    return found if found is not None and found <= NANOS_MAX else None


def _instant(text: str) -> int | None:
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return from_datetime(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC))
    except ValueError:
        return None


_READERS: dict[str, Callable[[str], object | None]] = {
    "key": _name,
    "agent": _name,
    "models": _set_of(ALIAS_PATTERN),
    "tools": _set_of(TOOL_PATTERN),
    "money": _amount,
    "until": _instant,
    "depth": _amount,
}
