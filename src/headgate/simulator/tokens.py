"""The simulators' own tokens: four bytes of UTF-8 are one token.

The rule is far simpler than a real tokenizer, but it is exact and cheap, and like a real one it
never counts more tokens than bytes. Generated text is made of three-letter words followed by a
space, so that each word is one token.
"""

import random

BYTES_PER_TOKEN = 4
LEXICON_WORDS = 4096
_WORDS = (
    "act add age aim air all any are arm art ask bag bar bay bed big bit box boy bus buy can car "
    "cat cup cut day dog dry due ear eat egg end eye far few fit fly for fox fun gap gas get gun "
    "hat her hit hot how ice ink its jar job joy key kid law lay leg let lie lot low man map may "
    "men mix new nor not now odd off oil old one our out own pay pen pet pin put raw red rib row "
    "run sad sea see set she sit six sky son sun tax tea ten the tie tip toe top toy try two use "
    "van war way web who why win yes yet you zoo "
)


def count_bytes(length_bytes: int) -> int:
    """Return the tokens of a text of `length_bytes` bytes, rounded up."""
    return -(-length_bytes // BYTES_PER_TOKEN)


def count(text: str) -> int:
    """Return the tokens of `text`."""
    return count_bytes(len(text.encode("utf-8", "surrogatepass")))


class Lexicon:
    """An endless, seeded text from which answers are cut, one word per token."""

    def __init__(self, seed: int) -> None:
        generator = random.Random(seed)  # noqa: S311 - reproducible filler text, not a secret
        words = [_WORDS[at : at + BYTES_PER_TOKEN] for at in range(0, len(_WORDS), BYTES_PER_TOKEN)]
        self._text = "".join(generator.choices(words, k=LEXICON_WORDS))

    def text(self, tokens: int, offset: int) -> str:
        """Return `tokens` words (exactly as many tokens), starting at word `offset`."""
        start = offset % LEXICON_WORDS * BYTES_PER_TOKEN
        length = tokens * BYTES_PER_TOKEN
        repeats = (start + length) // len(self._text) + 1
        return (self._text * repeats)[start : start + length]
