"""The public vocabularies, for tests that have the extra."""

import pytest

from headgate.counting.load_tokenizer import is_installed

needs_tokenizers = pytest.mark.skipif(
    not is_installed(), reason="the extra `tokens` is not installed"
)
