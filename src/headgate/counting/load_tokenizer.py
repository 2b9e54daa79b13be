"""Loads the vocabularies that are public, from the package of an extra; nothing is fetched.

The package is a wrapper around GitHub's `bpe-openai`, which carries the vocabularies that OpenAI
publishes with tiktoken in its binary (https://github.com/github/rust-gems, MIT).
"""

import importlib
import importlib.util
import warnings
from functools import cache
from typing import Any

from headgate.units.errors import HeadgateError

TOKENIZERS = ("cl100k_base", "o200k_base")
"""The vocabularies there are, by the names that OpenAI gives them."""

_PACKAGE = "bpe_openai"


class TokenizerMissingError(HeadgateError):
    """The package with the vocabularies is not installed."""

    def __init__(self) -> None:
        fix = "Install the extra: pip install 'headgate[tokens]'"
        super().__init__("Counting by a tokenizer needs a package more.", fix)


def is_installed() -> bool:
    """Tell whether the extra is installed, without loading it."""
    return importlib.util.find_spec(_PACKAGE) is not None


@cache
def load_tokenizer(name: str) -> "Loaded":
    """Return a tokenizer of `TOKENIZERS`; loaded once, the first in half a second.

    Raises:
        TokenizerMissingError: The extra is not installed.
    """
    try:
        with warnings.catch_warnings():
            # It reads its files in a way that Python 3.11 and 3.12 call old.
            warnings.simplefilter("ignore", DeprecationWarning)
            package = importlib.import_module(_PACKAGE)
    except ModuleNotFoundError as error:
        raise TokenizerMissingError from error
    return Loaded(package.get_encoding(name))


class Loaded:
    """A vocabulary in memory.

    Args:
        encoding: The package's object.
    """

    def __init__(self, encoding: Any) -> None:
        self._encoding = encoding

    def count(self, text: str, /) -> int | None:
        """Return how many tokens a text has as a user's, in which no word is special."""
        try:
            return len(self._encoding.encode_ordinary(text))
        except ValueError:
            # It has more characters or tokens than the package takes at once.
            return None
