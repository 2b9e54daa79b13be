"""The usage objects of OpenAI's calls for images and sound, split into disjoint meters.

Wire format: `ImagesResponse`, `ImageGenCompletedEvent`, `Transcription` and `SpeechAudioDoneEvent`
in the official SDK's types. Tokens of images stand on meters of their own; what speech is spoken
in are tokens of audio; transcripts are text.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from headgate.units.usage import QUANTITY_MAX, Usage, UsageError

_Count = Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]

SPOKEN = "speech"
"""The dialect whose output is sound."""
DRAWN = ("images", "image_edits", "image_variations")
"""The dialects whose output is images."""


class _Details(Struct, gc=False):
    text_tokens: _Count | None = None
    image_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    cached_tokens: _Count | None = None


class _Usage(Struct, gc=False):
    type: str | None = None
    # A number of JSON as it is written, never a float.
    seconds: Decimal | None = None
    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    total_tokens: _Count | None = None
    input_tokens_details: _Details | None = None
    # Images spell it with `tokens`, sound with `token`.
    input_token_details: _Details | None = None
    output_tokens_details: _Details | None = None


_USAGE = msgspec.json.Decoder(_Usage)
_NO_DETAILS = _Details()


def whole_seconds(seconds: Decimal) -> int:
    """Return a duration as it is billed: rounded to a whole second, half up."""
    return int(seconds.to_integral_value(ROUND_HALF_UP))


def split(dialect: str, usage_json: bytes) -> tuple[Usage, dict[str, int]]:
    """Split reported usage.

    Args:
        dialect: What was spoken, which says what the output is.
        usage_json: The usage object.

    Returns:
        Tokens of text and sound, and what is counted on `units.usage.UNIT_METERS`.

    Raises:
        UsageError: It cannot be read, or contradicts itself.
    """
    try:
        usage = _USAGE.decode(usage_json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the reported usage cannot be read: {error}") from error
    if usage.seconds is not None:
        if not 0 <= usage.seconds <= QUANTITY_MAX:
            raise UsageError("the reported seconds are no duration")
        return Usage(), {"audio_second": whole_seconds(usage.seconds)}
    if usage.input_tokens is None or usage.output_tokens is None:
        raise UsageError("the reported usage has neither tokens nor seconds")
    total = usage.total_tokens
    if total is not None and total != usage.input_tokens + usage.output_tokens:
        raise UsageError("total_tokens is not the sum of its parts")
    inputs = usage.input_tokens_details or usage.input_token_details or _NO_DETAILS
    seen, heard = inputs.image_tokens or 0, inputs.audio_tokens or 0
    cached = inputs.cached_tokens or 0
    # Whether cached tokens are of images or text is not said: they count where nothing is saved.
    text = usage.input_tokens - seen - heard
    if text < 0 or cached > usage.input_tokens:
        raise UsageError("the parts of the input exceed input_tokens")
    written, drawn, spoken = _outputs(dialect, usage.output_tokens, usage.output_tokens_details)
    tokens = Usage(input_uncached=text, input_audio=heard, output_text=written, output_audio=spoken)
    images = {"input_image": seen, "output_image": drawn}
    return tokens, {meter: count for meter, count in images.items() if count}


def _outputs(dialect: str, tokens: int, details: _Details | None) -> tuple[int, int, int]:
    """Return the output's tokens of text, images and sound."""
    if dialect == SPOKEN:
        return 0, 0, tokens
    if dialect not in DRAWN:
        return tokens, 0, 0
    written = 0 if details is None else details.text_tokens or 0
    if written > tokens:
        raise UsageError("the parts of the output exceed output_tokens")
    return written, tokens - written, 0
