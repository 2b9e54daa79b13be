"""What a long session's prefix was measured at, so that its next call is not held for its bytes.

A body of 120 kB may be 30,000 tokens; bounding it by its bytes would set aside four times too
much, call after call. When a call is measured, the tokens of its whole prompt are remembered
for boundaries between its blocks, and for places inside of its last long texts. A later prompt that
begins with the same blocks, or with the same part of a text, has at most those tokens up to there,
plus one per byte of the rest.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Raw

from headgate.caches.beginnings import forks
from headgate.caches.prompt import Prompt

BODY_BYTES_MIN: Final = 8 << 10
"""A shorter body is bounded by its bytes: they are not much money."""

ENTRIES_MAX: Final = 65_536
BOUNDARIES_MAX: Final = 512
"""So many boundaries of a prompt are looked up, from its end."""

SEAM_TOKENS: Final = 16
"""What the frame of a chat template may put between two blocks, or a token that straddles them."""

INSIDE_TOKENS: Final = 64
"""The same inside of a text: there may be no break near that tokens respect, and what is before the
place is divided otherwise with what follows."""

_ELSEWHERE: Final = frozenset(
    {
        *("messages", "system", "tools", "input", "instructions"),
        *("contents", "systemInstruction", "system_instruction"),
    }
)
"""Members that blocks are of; what of them is in no block counts as new."""

_HARMLESS: Final = frozenset(
    {
        *("model", "stream", "stream_options", "n", "seed", "stop", "stop_sequences"),
        *("max_tokens", "max_completion_tokens", "max_output_tokens"),
        *("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty"),
        *("logit_bias", "logprobs", "top_logprobs", "include", "parallel_tool_calls"),
        *("user", "metadata", "safety_identifier", "store", "service_tier", "inference_geo"),
        *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "cache_control"),
        *("safetySettings", "safety_settings"),
    }
)
"""Members for which no provider puts anything into a prompt, or leaves anything out of it."""

_ASIDE: Final = frozenset(
    {
        *("tool_choice", "response_format", "text", "functions", "function_call"),
        *("reasoning", "reasoning_effort", "thinking", "verbosity", "modalities", "output_config"),
        *("generationConfig", "generation_config", "toolConfig", "tool_config"),
        "speed",
    }
)
"""Members that may change a prompt, all of it alike: a measurement counts beside the same ones."""

_UNCUT: Final = frozenset({("truncation", b'"disabled"')})
"""Other members that leave a prompt whole."""

BYTES_PER_TOKEN_MAX: Final = 64
"""Fewer tokens of so many bytes are no count of them. So no hold is a hundredth of what its bytes
can cost, from where on a cost would be taken for none (`metering.ABSURD`)."""


def whose(principal: str, deployment: str, members: Mapping[str, Raw]) -> int:
    """Return whose measurements a call may be bounded by; 0 for nobody's.

    The principal is part of it: a client sees how large its hold is, and that may not tell
    whether somebody else has sent the same text. What a provider may cut (context that is edited,
    input that is truncated, members unknown here) is neither measured nor bounded: cut is what
    stands beyond a size, so a part of it would be bounded by what was left of the whole.

    Args:
        principal: Who asks.
        deployment: Where.
        members: The body's.
    """
    beside: list[tuple[str, bytes]] = []
    for name, value in members.items():
        if name in _ELSEWHERE or name in _HARMLESS:
            continue
        text = bytes(value)
        if name in _ASIDE:
            beside.append((name, text))
        elif text != b"null" and (name, text) not in _UNCUT:
            return 0
    return hash((principal, deployment, tuple(beside)))


class PrefixMemory:
    """Measured prompt tokens by the hash of a prompt's first blocks, and by whose they are.

    The hash is Python's keyed one, as in a `Prompt`: its key is the node's and never leaves it, so
    a client cannot aim at a collision.
    """

    def __init__(self) -> None:
        self._tokens: OrderedDict[int, int] = OrderedDict()

    def bound(self, whose: int, prompt: Prompt, body_bytes: int) -> int | None:
        """Return a bound of the prompt's tokens; None when no prefix of it was measured."""
        size = len(prompt.marks)
        for number in range(size - 1, max(-1, size - 1 - BOUNDARIES_MAX), -1):
            tokens = self._tokens.get(hash((whose, prompt.marks[number])))
            if tokens is not None:
                # What stands between the blocks counts as what is new.
                found = tokens + max(0, body_bytes - prompt.firm[number]) + SEAM_TOKENS
                inside = self._bound_inside(whose, prompt, body_bytes, number)
                return found if inside is None else min(found, inside)
        return self._bound_inside(whose, prompt, body_bytes, -1)

    def _bound_inside(self, whose: int, prompt: Prompt, body_bytes: int, behind: int) -> int | None:
        """Return the bound by what a text behind a block begins with, None when that is new."""
        for text in reversed(prompt.beginnings):
            if text.block <= behind:
                break
            if hash((whose, text.mark(0))) not in self._tokens:
                continue
            for number in range(len(text.digests) - 1, -1, -1):
                tokens = self._tokens.get(hash((whose, text.mark(number))))
                if tokens is not None:
                    return tokens + max(0, body_bytes - text.firm_at(number)) + INSIDE_TOKENS
        return None

    def learn(self, whose: int, prompt: Prompt, prompt_tokens: int) -> None:
        """Remember what a prompt was measured at; nothing that can be no count of it."""
        whole = prompt.firm[-1] if len(prompt.firm) else 0
        if prompt_tokens * BYTES_PER_TOKEN_MAX < whole:
            return
        # Providers leave out what the model thought in turns before the last, so of two calls with
        # one beginning the smaller may have had less of it. Heads have no such blocks, and none is
        # before the first text of a conversation: the least counts there.
        for number in _boundaries(prompt):
            known_as = hash((whose, prompt.marks[number]))
            proven = prompt_tokens - (whole - prompt.firm[number] + SEAM_TOKENS)
            self._learn(known_as, prompt_tokens, proven, least=number < prompt.head)
        for text, number in forks(prompt.beginnings):
            known_as = hash((whose, text.mark(number)))
            proven = prompt_tokens - (whole - text.firm_at(number) + INSIDE_TOKENS)
            self._learn(known_as, prompt_tokens, proven, least=text.block <= prompt.turns_from)
        while len(self._tokens) > ENTRIES_MAX:
            self._tokens.popitem(last=False)

    def _learn(self, known_as: int, tokens: int, proven: int, *, least: bool) -> None:
        """Remember what a prefix was measured at.

        Args:
            known_as: The prefix.
            tokens: Of the prompt that it was measured in.
            proven: What the prefix has at least, if each byte behind it was a token.
            least: Whether the least of what it was measured at counts, unless this call shows that
                it was too little; or the most.
        """
        known = self._tokens.get(known_as, tokens)
        kept = min(known, tokens) if least and known >= proven else max(known, tokens)
        self._tokens[known_as] = kept
        self._tokens.move_to_end(known_as)


def _boundaries(prompt: Prompt) -> Iterator[int]:
    """Yield the numbers of the blocks that a later prompt may have in common up to their end.

    A session goes on from its end, or from shortly before it; what forks off earlier finds a
    boundary at most twice as far from the end. The head is common to calls of one kind.
    """
    size = len(prompt.marks)
    back = 1
    while back <= size:
        yield size - back
        back = back + 1 if back < 4 else 2 * back
    if 0 < prompt.head <= size:
        yield prompt.head - 1
