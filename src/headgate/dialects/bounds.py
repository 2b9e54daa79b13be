"""How many tokens a prompt can have at most, judged by the size of its bytes.

A byte-level tokenizer makes at most one token of each byte of UTF-8, and JSON never writes a
text shorter than its UTF-8, so the bytes of a body bound the tokens of the texts in it, and the
keys and signs around each text outweigh the few tokens a chat template puts around it. What is
not in the body as text is added here.
"""

from typing import Final

HIDDEN_TOKENS_MAX: Final = 1_024
"""What a provider adds to each prompt: the frame of the chat template, the words that introduce
tools (Anthropic's tool-use prompt is under 1,000 tokens for every model it lists)."""

BUILT_IN_TOOL_TOKENS_MAX: Final = 4_096
"""What stands for one tool that is named by type only, its description being the provider's."""

IMAGE_TOKENS_MAX_OPENAI: Final = 49_152
"""The most one image costs over the models that speak OpenAI: gpt-4o-mini counts 2,833 tokens
and 5,667 for each of up to 8 tiles. The bytes of an image, inline or not, bound nothing: a
single-coloured one of any size compresses to a few hundred."""

IMAGE_TOKENS_MAX_ANTHROPIC: Final = 8_192
"""The most one image costs over Anthropic's models: they scale images down to less than 5,000
tokens (about width x height / 750, long edge at most 2,576 pixels)."""

IMAGE_TOKENS_MAX_GEMINI: Final = 16_384
"""The most one image costs over Google's models: they scale images down to 3,072 pixels and count
258 tokens for each tile of at least 256 pixels (at most 24 of them fit), or up to 2,240 for an
image of any size (https://ai.google.dev/gemini-api/docs/tokens)."""

IMAGE_TOKENS_MAX_ANY: Final = max(
    IMAGE_TOKENS_MAX_OPENAI, IMAGE_TOKENS_MAX_ANTHROPIC, IMAGE_TOKENS_MAX_GEMINI
)
"""For a dialect that models of many makers speak: the most that any of those above costs."""


def input_tokens_max(
    body_bytes: int, *, images: int, image_tokens_max: int, built_in_tools: int = 0
) -> int:
    """Return an upper bound of the prompt's tokens."""
    hidden = HIDDEN_TOKENS_MAX + built_in_tools * BUILT_IN_TOOL_TOKENS_MAX
    return body_bytes + hidden + images * image_tokens_max
