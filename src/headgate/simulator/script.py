"""What a message has the model do, round by round: `[tool]`, `[tool:NAME {...}]`, `[say "..."]`."""

import json
import re
from dataclasses import dataclass

_MARK = re.compile(
    r"\[(?:tool(?::(?P<name>[\w.\-]+))?(?:(?P<with> )(?=\{)|(?=\]))|(?P<say>say )(?=\")|then\])"
)
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class WantedCall:
    """A call of a tool that is asked for.

    Attributes:
        name: The tool; None for the first that is offered.
        arguments: JSON in ASCII; None for the smallest that the tool's schema allows.
    """

    name: str | None
    arguments: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """What the model does in one round.

    Attributes:
        calls: Tools to call, at once.
        text: What to say, in ASCII; None for the usual text.
    """

    calls: tuple[WantedCall, ...] = ()
    text: str | None = None

    def botched(self) -> "Act":
        """Return the same act by a model that is not up to it: texts cut short, other words."""
        return Act(tuple(WantedCall(call.name, _cut(call.arguments)) for call in self.calls))


NO_ACT = Act()


def take_script(text: str) -> tuple[tuple[Act, ...], str]:
    """Return the acts that a text asks for, `[then]` between them, and the text without them.

    Raises:
        ValueError: A marker has no end, or what stands in it is not JSON in ASCII.
    """
    if "[tool" not in text and "[say " not in text:
        return (), text
    acts = [NO_ACT]
    rest: list[str] = []
    at = 0
    while (found := _MARK.search(text, at)) is not None:
        rest.append(text[at : found.start()])
        at = found.end()
        if found[0] == "[then]":
            acts.append(NO_ACT)
            continue
        value, at = _value(text, at) if found["with"] or found["say"] else (None, at)
        if text[at : at + 1] != "]":
            raise ValueError(f"the simulator marker {found[0]!r} has no end")
        at += 1
        last = acts[-1]
        if found["say"]:
            acts[-1] = Act(last.calls, str(value))
        else:
            arguments = None if value is None else json.dumps(value, separators=(",", ":"))
            acts[-1] = Act((*last.calls, WantedCall(found["name"], arguments)), last.text)
    return tuple(acts), "".join([*rest, text[at:]])


def _cut(arguments: str | None) -> str | None:
    """Return arguments whose texts lack their last character: the same mistake at each try."""
    value = None if arguments is None else json.loads(arguments)
    if not isinstance(value, dict):
        return arguments
    cut = {name: each[:-1] if isinstance(each, str) else each for name, each in value.items()}
    return json.dumps(cut, separators=(",", ":"))


def _value(text: str, at: int) -> tuple[object, int]:
    value, end = _JSON.raw_decode(text, at)
    if isinstance(value, str) and not value.isascii():
        raise ValueError("a simulator says ASCII only")
    return value, end
