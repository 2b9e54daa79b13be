"""Images and sound through the official client: held for their worst case, posted as billed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from headgate.simulator import Simulator
from tests.gateway.calls import CHAT_PATH, ask, chat, config
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.media import PNG, billed, client_of, last, sound, tables


@pytest.fixture(scope="module")
def running(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with deployments of every sort."""
    text = config(
        running_simulator.openai_url,
        running_simulator.anthropic_url,
        more=tables(running_simulator.openai_url),
    )
    with Gateway(tmp_path_factory.mktemp("media"), text) as gateway:
        yield gateway


@pytest.fixture
def media(running: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway; afterwards nothing is held, on the disk or in memory."""
    yield running
    running.assert_settled()
    running.heal()
    assert running.run(lambda: running.pipeline._buffered_bytes) == 0
    assert running.run(lambda: running.pipeline.uploads.spooled_bytes) == 0
    assert simulator.generating == 0


@pytest.fixture
def client(media: Gateway) -> Iterator[openai.OpenAI]:
    """The official client."""
    with client_of(media) as one:
        yield one


def test_an_image_billed_by_tokens(
    client: openai.OpenAI, media: Gateway, simulator: Simulator
) -> None:
    """Its tokens stand on the meters of text and of images."""
    with billed(media, simulator):
        reply = client.images.generate(
            model="draw", prompt="A gate", n=2, size="1024x1536", quality="high"
        )

    assert reply.data is not None
    assert len(reply.data) == 2
    assert last(media)[1].quantities == {"input_uncached": 2, "output_image": 2 * 6_240}


@pytest.mark.parametrize(
    ("asked", "femto"),
    [
        ({"model": "dalle"}, 4),
        ({"model": "dalle", "size": "1024x1792", "quality": "hd"}, 12),
        ({"model": "dalle2", "size": "1024x1024", "n": 3}, 6),
    ],
)
def test_an_image_billed_by_the_piece(
    client: openai.OpenAI, media: Gateway, simulator: Simulator, asked: dict[str, Any], femto: int
) -> None:
    """Size and quality say its price; what is held is what is posted, but for rounding up."""
    with billed(media, simulator):
        client.images.generate(prompt="A gate", **asked)

    hold, end = last(media)
    assert end.amount_nanos == femto * 10_000_000
    assert hold.amount_nanos < end.amount_nanos + 100


def test_a_size_without_a_price_is_refused(client: openai.OpenAI, simulator: Simulator) -> None:
    """Under a budget nothing goes out that cannot be bounded."""
    seen = simulator.gate.seen
    with pytest.raises(openai.APIStatusError) as error:
        client.images.generate(model="dalle", prompt="A gate", size="256x256")

    assert error.value.code == "unpriced"
    assert simulator.gate.seen == seen


@pytest.mark.parametrize(
    ("more", "code", "param"),
    [
        ({"output_format": "svg"}, "feature_unbounded", "output_format"),
        ({"quality": "max"}, "feature_unbounded", "quality"),
        ({"n": 2, "stream": True}, "feature_unsupported", "stream"),
        ({"size": "large"}, "body_invalid", "size"),
        ({"n": 11}, "body_invalid", "n"),
    ],
)
def test_what_cannot_be_bounded_is_refused(
    client: openai.OpenAI, more: dict[str, Any], code: str, param: str
) -> None:
    """Each names the field at fault."""
    with pytest.raises(openai.APIStatusError) as error:
        client.images.generate(model="draw", prompt="A gate", **more)

    assert (error.value.code, error.value.param) == (code, param)


def test_partial_images_are_streamed(
    client: openai.OpenAI, media: Gateway, simulator: Simulator
) -> None:
    """The events come as they are; the last one, which is long, says the usage."""
    with billed(media, simulator):
        stream = client.images.generate(
            model="draw", prompt="A gate", quality="low", stream=True, partial_images=2
        )
        events = [event.type for event in stream]

    assert events == 2 * ["image_generation.partial_image"] + ["image_generation.completed"]


def test_an_image_is_edited(client: openai.OpenAI, media: Gateway, simulator: Simulator) -> None:
    """The form goes on byte for byte, but for the model's name."""
    with billed(media, simulator):
        client.images.edit(
            model="draw", image=[PNG, PNG], mask=PNG, prompt="Open it", quality="low"
        )

    sent = simulator.received.last()
    assert sent.body.count(PNG) == 3
    assert b"gpt-image-1.5" in sent.body
    assert b"draw" not in sent.body
    assert last(media)[1].quantities["input_image"] == 3 * 323


def test_edits_are_streamed(client: openai.OpenAI, media: Gateway, simulator: Simulator) -> None:
    """A form may ask for a stream, too."""
    with billed(media, simulator):
        stream = client.images.edit(
            model="draw", image=PNG, prompt="Open it", quality="low", stream=True
        )
        events = [event.type for event in stream]

    assert events == ["image_edit.completed"]


def test_an_image_is_varied(client: openai.OpenAI, media: Gateway, simulator: Simulator) -> None:
    """Numbers in a form are texts, and count all the same."""
    with billed(media, simulator), pytest.warns(DeprecationWarning):
        reply = client.images.create_variation(model="dalle2", image=PNG, n=2, size="512x512")

    assert reply.data is not None
    assert len(reply.data) == 2
    assert last(media)[1].quantities == {"image": 2}


def test_speech_billed_by_characters(
    client: openai.OpenAI, media: Gateway, simulator: Simulator
) -> None:
    """The characters of the text are counted exactly, though the reply is sound alone."""
    text = "Wasser läuft \N{WATER WAVE}."
    with billed(media, simulator):
        reply = client.audio.speech.with_raw_response.create(model="say", voice="alloy", input=text)

    assert reply.headers["content-type"] == "audio/mpeg"
    assert reply.content.startswith(b"\xff\xfb")
    assert last(media)[1].quantities == {"character": len(text)}


def test_speech_billed_by_tokens_is_measured_when_it_streams(
    client: openai.OpenAI, media: Gateway, simulator: Simulator
) -> None:
    """The last event says the usage."""
    with (
        billed(media, simulator),
        client.audio.speech.with_streaming_response.create(
            model="voice", voice="alloy", input="Hello there.", stream_format="sse"
        ) as reply,
    ):
        body = reply.read()

    assert body.count(b"speech.audio.delta") == 2 * 3
    assert last(media)[1].quantities == {"input_uncached": 3, "output_audio": 24}


def test_speech_billed_by_tokens_is_bounded_when_it_is_sound(
    client: openai.OpenAI, media: Gateway
) -> None:
    """Sound says no usage, so the hold is posted, as an estimate."""
    client.audio.speech.create(model="voice", voice="alloy", input="Hello there.")

    hold, end = last(media)
    assert (end.state, end.amount_nanos) == ("estimated", hold.amount_nanos)


@pytest.mark.parametrize("form", ["json", "verbose_json"])
def test_a_transcript_billed_by_seconds(
    client: openai.OpenAI, media: Gateway, simulator: Simulator, form: Any
) -> None:
    """A WAV file says how long it is, and that is held; the reply says it again."""
    with billed(media, simulator):
        client.audio.transcriptions.create(
            model="hear", file=("a.wav", sound(7)), response_format=form
        )

    hold, end = last(media)
    assert end.quantities == {"audio_second": 8}
    assert hold.amount_nanos < end.amount_nanos + 100


@pytest.mark.parametrize("form", ["text", "srt", "vtt"])
def test_a_transcript_without_usage_is_posted_at_its_bound(
    client: openai.OpenAI, media: Gateway, form: Any
) -> None:
    """Plain text and subtitles say nothing of what they cost."""
    text = client.audio.transcriptions.create(
        model="hear", file=("a.wav", sound(7)), response_format=form
    )

    hold, end = last(media)
    assert "headgate" in text
    assert (end.state, end.reason) == ("estimated", "units_bounded")
    assert 0 < end.amount_nanos <= hold.amount_nanos


def test_a_transcript_billed_by_tokens(
    client: openai.OpenAI, media: Gateway, simulator: Simulator
) -> None:
    """Tokens of sound and of text have meters of their own."""
    with billed(media, simulator):
        client.audio.transcriptions.create(model="write", file=("a.wav", sound(7)), prompt="Water")

    assert last(media)[1].quantities == {"input_uncached": 2, "input_audio": 80, "output_text": 11}


def test_a_transcript_is_streamed(
    client: openai.OpenAI, media: Gateway, simulator: Simulator
) -> None:
    """Piece by piece; the last event has all of it, and the usage."""
    with billed(media, simulator):
        stream = client.audio.transcriptions.create(
            model="write", file=("a.wav", sound(2)), stream=True
        )
        events = list(stream)

    assert events[-1].type == "transcript.text.done"


def test_sound_that_is_none_is_told_in_the_provider_s_words(
    client: openai.OpenAI, media: Gateway
) -> None:
    """What is wrong with the client's file is for the client to read, and costs nothing."""
    with pytest.raises(openai.BadRequestError, match="corrupted"):
        client.audio.transcriptions.create(model="hear", file=("a.wav", b"RIFFxxxx"))

    assert last(media)[1].amount_nanos == 0


def test_a_translation(client: openai.OpenAI, media: Gateway, simulator: Simulator) -> None:
    """Billed as a transcript is."""
    with billed(media, simulator), pytest.warns(DeprecationWarning):
        client.audio.translations.create(model="hear", file=("a.mp3", b"\xff\xfb\x90\x64" * 9_000))

    assert last(media)[1].quantities == {"audio_second": 3}


def test_json_where_a_form_is_needed_is_refused(client: openai.OpenAI) -> None:
    """And the sentence says what to send."""
    with pytest.raises(openai.APIStatusError) as error:
        client.post("/audio/transcriptions", cast_to=object, body={"model": "hear"})

    assert error.value.code == "content_unsupported"
    assert "multipart/form-data" in str(error.value)


def test_a_form_without_a_model_is_refused(client: openai.OpenAI, tmp_path: Path) -> None:
    """As a body without one is."""
    (tmp_path / "a.png").write_bytes(PNG)
    with pytest.raises(openai.APIStatusError) as error:
        client.images.edit(image=tmp_path / "a.png", prompt="Open it")

    assert (error.value.code, error.value.param) == ("body_invalid", "model")


TIGHT = '[budgets.tight]\nnode = "principal:alice"\nperiod = "once"\nlimit_usd = "0.000000001"\n'
EMBEDDER = '[deployments.embed]\nprovider = "media"\nmodel = "text-embedding-3-small"\n'


@pytest.mark.parametrize(
    ("path", "body", "advice"),
    [
        ("/v1/audio/speech", {"model": "say", "input": "Hi", "voice": "alloy"}, "Asking for less"),
        ("/v1/images/generations", {"model": "draw", "prompt": "A gate"}, "Asking for less"),
        ("/v1/embeddings", {"model": "embed", "input": "Hi"}, "A shorter input"),
        (CHAT_PATH, chat(), "A lower output limit"),
    ],
)
def test_over_budget_the_advice_is_about_what_was_asked_for(
    start: Start, simulator: Simulator, path: str, body: dict[str, Any], advice: str
) -> None:
    """Only a call that has an output limit is told that a lower one makes it cheaper."""
    gateway = start(more=TIGHT + EMBEDDER + tables(simulator.openai_url))

    reply = ask(gateway, body, path)

    assert reply.code == "budget_exceeded"
    assert reply.message.endswith(f"{advice} makes a call cheaper.")
