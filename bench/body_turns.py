"""What large bodies take of a worker's loop, turn by turn: `python -m bench.body_turns`.

Whoever shares a worker with a large body waits for its longest turn, so that is what is told
beside the sum. In one process without sockets, as `bench.hot_path`. Each body is taken as one that
is new and as one that goes on with what was sent before: here, one that is sent again.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.hot_path import CHAT, MESSAGES, HotPath, Speech, posted

BODY_BYTES = 1 << 20
REPEATS = 15
WORD = "word "


def body(model: bytes, messages: int, *, parts: bool, size: int, number: int) -> bytes:
    """Return a conversation of so many messages and bytes; its contents texts, or lists of one."""
    text = f"{number} " + WORD * (size // len(WORD) // messages)
    content = [{"type": "text", "text": text}] if parts else text
    turns = [
        {"role": "assistant" if number % 2 else "user", "content": content}
        for number in range(messages)
    ]
    said = {"model": model.decode(), "messages": turns, "max_tokens": 256}
    return json.dumps(said, separators=(",", ":")).encode()


def measure(speech: Speech, asked: Sequence[bytes]) -> tuple[float, float, int]:
    """Return the medians of a call's sum and longest turn in microseconds, and how many turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = HotPath(Path(folder), speech)
        path.turns_us(asked[0])
        taken = [path.turns_us(each) for each in asked[1:]]
    sums, longest = [sum(each) for each in taken], [max(each) for each in taken]
    return statistics.median(sums), statistics.median(longest), len(taken[-1])


def main() -> int:
    """Tell what bodies take; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.body_turns", description=__doc__)
    parser.add_argument("--bytes", type=int, default=BODY_BYTES, help="size of the bodies")
    arguments = parser.parse_args()
    for name, speech in (("as it is", CHAT), ("translated", MESSAGES)):
        for messages in (1, 500):
            for parts in (False, True):
                size = arguments.bytes
                new = [
                    posted(body(speech.model, messages, parts=parts, size=size, number=number))
                    for number in range(REPEATS + 1)
                ]
                shape = f"{messages} messages of {'parts' if parts else 'text'}"
                for kind, asked in (("new", new), ("going on", new[:1] * len(new))):
                    whole, longest, turns = measure(speech, asked)
                    sys.stdout.write(
                        f"{name}, {shape}, {kind}: {whole:.0f} us in {turns} turns,"
                        f" the longest {longest:.0f}\n"
                    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
