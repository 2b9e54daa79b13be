"""A process that counts tokens for a worker: a line of JSON in, a line out, until its input ends.

It holds the vocabularies, some 150 MB, so that no worker does, and counting blocks nobody's loop.
"""

import signal
import sys

import msgspec
from msgspec import Struct

from headgate.counting.load_tokenizer import load_tokenizer
from headgate.counting.tally import tally


class Ask(Struct, frozen=True):
    """Texts to be counted by each of some tokenizers."""

    tokenizers: tuple[str, ...]
    texts: tuple[str, ...]


class Told(Struct, frozen=True):
    """What they came to together, by each; None where one of them cannot be counted."""

    totals: tuple[int | None, ...]


def main() -> None:
    """Run as `python -m headgate.node.tally_process`; started by a worker."""
    # Ctrl-C in a terminal is for the supervisor; this ends with its worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    decoder = msgspec.json.Decoder(Ask)
    for line in sys.stdin.buffer:
        ask = decoder.decode(line)
        totals = tuple(tally(ask.texts, load_tokenizer(name)) for name in ask.tokenizers)
        sys.stdout.buffer.write(msgspec.json.encode(Told(totals)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
