"""What replies to calls for images and sound say was used, split into disjoint meters."""

import json
from typing import Any

import pytest

from headgate.dialects import images, sound, speech
from headgate.providers.pieces import split
from headgate.units.usage import UsageError

SPLIT: list[tuple[str, dict[str, Any], dict[str, int], dict[str, int]]] = [
    (
        "images",
        {"input_tokens": 50, "output_tokens": 100, "total_tokens": 150}
        | {"input_tokens_details": {"text_tokens": 10, "image_tokens": 40}},
        {"input_uncached": 10},
        {"input_image": 40, "output_image": 100},
    ),
    (
        "image_edits",
        {"input_tokens": 5, "output_tokens": 100, "total_tokens": 105}
        | {"output_tokens_details": {"text_tokens": 30, "image_tokens": 70}},
        {"input_uncached": 5, "output_text": 30},
        {"output_image": 70},
    ),
    (
        "speech",
        {"input_tokens": 5, "output_tokens": 9, "total_tokens": 14},
        {"input_uncached": 5, "output_audio": 9},
        {},
    ),
    (
        "transcriptions",
        {"type": "tokens", "input_tokens": 14, "output_tokens": 9, "total_tokens": 23}
        | {"input_token_details": {"text_tokens": 4, "audio_tokens": 10}},
        {"input_uncached": 4, "input_audio": 10, "output_text": 9},
        {},
    ),
    ("transcriptions", {"type": "duration", "seconds": 7}, {}, {"audio_second": 7}),
    ("transcriptions", {"type": "duration", "seconds": 7.5}, {}, {"audio_second": 8}),
    ("translations", {"type": "duration", "seconds": 7.49}, {}, {"audio_second": 7}),
]


@pytest.mark.parametrize(("dialect", "usage", "tokens", "units"), SPLIT)
def test_each_count_is_on_one_meter(
    dialect: str, usage: dict[str, Any], tokens: dict[str, int], units: dict[str, int]
) -> None:
    """Tokens of text, images and sound apart; seconds as they are billed."""
    found, counted = split(dialect, json.dumps(usage).encode())

    assert (found.quantities(), counted) == (tokens, units)


@pytest.mark.parametrize(
    "usage",
    [
        "{}",
        "[]",
        '{"seconds": -1}',
        '{"seconds": 1e30}',
        '{"input_tokens": 5}',
        '{"input_tokens": 5, "output_tokens": 1, "total_tokens": 7}',
        '{"input_tokens": 5, "output_tokens": 1, "input_tokens_details": {"image_tokens": 6}}',
        '{"input_tokens": 5, "output_tokens": 1, "output_tokens_details": {"text_tokens": 2}}',
    ],
)
def test_counts_that_cannot_be_right_are_an_error(usage: str) -> None:
    """Nothing is billed at a guess."""
    with pytest.raises(UsageError):
        split("images", usage.encode())


def test_replies_show_what_was_delivered() -> None:
    """Images are counted; a duration counts where no usage is told; text and sound say nothing."""
    two = images.report(b'{"data": [{"url": "a"}, {"url": "b"}]}')
    long = sound.report(b'{"text": "Hi", "duration": 3.2}')
    plain = sound.report(b"1\n00:00:00,000 --> 00:00:01,000\nHi\n")
    spoken = speech.report(b"\xff\xfb\x90\x64")

    assert two.units == (("image", 2),)
    assert long.units == (("audio_second", 4),)
    assert (plain.units, plain.usage_json, plain.complete) == ((), None, True)
    assert (spoken.units, spoken.usage_json, spoken.complete) == ((), None, True)


@pytest.mark.parametrize("body", [b'{"error": {"message": "no"}}', b"<html>no</html>", b""])
def test_what_is_no_sound_is_not_taken_for_it(body: bytes) -> None:
    """A page, or a document of JSON, under status 200."""
    assert not speech.report(body).complete
