"""What the demonstration's callers say: made-up text of a wanted length, the same for one seed."""

import random

_TEXT = (
    "the gate lets water through when a farmer has paid and shuts it when the share is used up "
    "each field has its turn each channel its measure and every drop is written in the book "
    "levels rise in spring fall in summer and nobody takes more than was agreed at the weir"
)
_WORDS = _TEXT.split()
_QUESTIONS = (
    "Which field is watered next?",
    "How much is left of my share this month?",
    "Why was the gate shut yesterday?",
    "Can I lend my turn to a neighbour?",
    "What does an extra hour cost?",
    "Summarise the last inspection in two sentences.",
)


def question(generator: random.Random) -> str:
    """Return a short question; no two are the same."""
    return f"{generator.choice(_QUESTIONS)} (case {generator.randrange(10**9)})"


def passage(generator: random.Random, words: int) -> str:
    """Return a text of so many words."""
    return " ".join(generator.choices(_WORDS, k=words))


def listing(generator: random.Random, lines: int) -> str:
    """Return what looks like a file with so many lines."""
    return "\n".join(
        f"{number:4}  gate_{generator.randrange(900)} = open({generator.choice(_WORDS)!r}, "
        f"minutes={generator.randrange(240)})"
        for number in range(1, lines + 1)
    )


def markers(**values: object) -> str:
    """Return marks that steer how the simulated provider answers this one message."""
    return "".join(f"[sim:{name}={value}]" for name, value in values.items())
