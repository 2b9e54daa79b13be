"""Markers in the last user message that steer one reply, such as `[sim:tokens=50]`."""

import re
from dataclasses import dataclass, replace

from headgate.simulator.faults import Fault, FaultKind
from headgate.simulator.pace import Pace
from headgate.simulator.script import NO_ACT, Act, take_script

_MARKER = re.compile(r"\[sim:([a-z_]+)=([a-z_0-9.]+)\]")
_OUTPUT_TOKENS_MAX = 1_000_000
_WAIT_MS_MAX = 3_600_000.0


@dataclass(frozen=True, slots=True)
class Markers:
    """What one message asks of the simulator; None means it asks nothing.

    Attributes:
        tokens: Visible tokens to generate.
        thinking: Hidden tokens (reasoning, thinking) to generate.
        hard: How hard the task is, 0 to 100; models of less skill do not get it right.
        script: What to do in each round, until the results of tools are used up.
        fault: A fault for this request alone.
        called: What the bill calls this request by.
    """

    tokens: int | None = None
    thinking: int | None = None
    ttft_ms: float | None = None
    delay_ms: float | None = None
    chunk_tokens: int | None = None
    hard: int | None = None
    script: tuple[Act, ...] = ()
    fault: Fault | None = None
    called: str = ""

    def act(self, rounds: int) -> Act:
        """Return what to do after so many rounds of results."""
        return self.script[rounds] if rounds < len(self.script) else NO_ACT

    def apply(self, pace: Pace) -> Pace:
        """Return `pace` with the times this message asks for; a time it names has no jitter."""
        if self.ttft_ms is None and self.delay_ms is None and self.chunk_tokens is None:
            return pace
        return Pace(
            ttft_ms=pace.ttft_ms if self.ttft_ms is None else self.ttft_ms,
            delay_ms=pace.delay_ms if self.delay_ms is None else self.delay_ms,
            jitter_share=0,
            chunk_tokens=self.chunk_tokens or pace.chunk_tokens,
        )


NO_MARKERS = Markers()


def parse_markers(text: str) -> Markers:
    """Read the markers in a message: `tokens`, `thinking`, `ttft_ms`, `delay_ms`, `chunk_tokens`,
    `hard`, `called`, `fault`, `times`, `after`, `retry_after`, and the script of tools and texts.

    Raises:
        ValueError: A marker has an unknown name or value.
    """
    script, text = take_script(text)
    if "[sim:" not in text:
        return Markers(script=script) if script else NO_MARKERS
    values: dict[str, str] = dict(_MARKER.findall(text))
    fault = _pop_fault(values)
    markers = Markers(
        tokens=_pop_count(values, "tokens"),
        thinking=_pop_count(values, "thinking"),
        ttft_ms=_pop_wait(values, "ttft_ms"),
        delay_ms=_pop_wait(values, "delay_ms"),
        chunk_tokens=_pop_count(values, "chunk_tokens"),
        hard=_pop_count(values, "hard"),
        script=script,
        fault=fault,
        called=values.pop("called", ""),
    )
    if values:
        raise ValueError(f"unknown simulator markers: {', '.join(sorted(values))}")
    return markers


def _pop_fault(values: dict[str, str]) -> Fault | None:
    kind = values.pop("fault", None)
    times = _pop_count(values, "times")
    after = _pop_count(values, "after")
    retry_after = _pop_count(values, "retry_after")
    if kind is None:
        return None
    fault = Fault(FaultKind(kind), times=times)
    if after is not None:
        fault = replace(fault, after_chunks=after)
    if retry_after is not None:
        fault = replace(fault, retry_after_s=retry_after)
    return fault


def _pop_count(values: dict[str, str], name: str) -> int | None:
    text = values.pop(name, None)
    return None if text is None else min(int(text), _OUTPUT_TOKENS_MAX)


def _pop_wait(values: dict[str, str], name: str) -> float | None:
    text = values.pop(name, None)
    return None if text is None else min(float(text), _WAIT_MS_MAX)
