"""OpenAI's images and sound: what is billed, and replies whose content means nothing.

Wire format: https://platform.openai.com/docs/api-reference/images and /audio, and the official
SDK's types.
"""

import secrets
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from headgate.simulator.answers import Answer
from headgate.simulator.bill import Usage
from headgate.simulator.conversation import Standing
from headgate.simulator.dialect import ApiError, Generation
from headgate.simulator.models import ModelFacts
from headgate.simulator.openai_forms import Asked
from headgate.simulator.pace import Tempo
from headgate.simulator.replies import Step
from headgate.simulator.tokens import count

PNG = b"\x89PNG\r\n\x1a\n"
MP3 = b"\xff\xfb\x90\xc4"
_SQUARE_TOKENS = {"low": 272, "medium": 1_056, "high": 4_160, "auto": 1_056}
_WIDE = ("1024x1536", "1536x1024")
IMAGE_TOKENS_IN = 323
PARTIAL_TOKENS = 100
TOKENS_PER_CHARACTER = 2
TOKENS_PER_SECOND = 10
_BYTES_PER_SECOND = 16_000
TRANSCRIPT = "All of the water goes through the headgate."


class MediaGeneration(Generation):
    """One request for images or sound: its usage is known before anything is made."""

    usage: Usage

    def __init__(self, asked: Asked, facts: ModelFacts, said: str) -> None:
        self.model = facts
        self.asked = asked.text("model")
        self.stream = False
        self.limit = None
        self.choices = 0
        self.standing = Standing(said, 0)
        self.tools = ()
        self.tool_forced = False
        self.thinking = self.tool_text = 0
        self.schema = None
        self.reply_id = f"media_{secrets.token_hex(12)}"
        self._given = asked

    def read_cache(self) -> Usage:
        """Return the whole usage; there is no cache."""
        return self.usage

    def steps(
        self,
        answers: Sequence[Answer],  # noqa: ARG002
        usage: Usage,
        tempo: Tempo,  # noqa: ARG002
        *,
        with_usage: bool,
    ) -> Iterator[Step]:
        """Return the events, one by one."""
        for event in self.events(with_usage=with_usage):
            name = event["type"].encode()
            yield Step(
                0, (b"event: %b\ndata: %b\n\n" % (name, msgspec.json.encode(event)),), usage.output
            )

    def events(self, *, with_usage: bool) -> list[dict[str, Any]]:  # noqa: ARG002
        """Return what a stream tells."""
        return []


class ImageGeneration(MediaGeneration):
    """Images that are generated or edited."""

    def __init__(self, asked: Asked, facts: ModelFacts, *, edits: bool) -> None:
        super().__init__(asked, facts, asked.text("prompt"))
        self.stream = asked.text("stream") == "true"
        self._count = asked.number("n", 1)
        self._size = asked.text("size", "1024x1024")
        self._quality = asked.text("quality", "auto")
        self._partial = asked.number("partial_images") if self.stream else 0
        self._kind = "image_edit" if edits else "image_generation"
        if facts.served.startswith("dall-e"):
            hd = "hd " if self._quality == "hd" else ""
            self.model = replace(facts, served=f"{facts.served} {hd}{self._size}")
            self.usage = Usage(image=self._count)
        else:
            each = _SQUARE_TOKENS[self._quality] * (3 if self._size in _WIDE else 2) // 2
            self.usage = Usage(
                input_uncached=count(asked.text("prompt")),
                input_image=IMAGE_TOKENS_IN * len(asked.files),
                output_image=self._count * (each + PARTIAL_TOKENS * self._partial),
            )

    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:  # noqa: ARG002
        """Return the body of the reply."""
        image = b64encode(PNG + secrets.token_bytes(48)).decode()
        data = [{"b64_json": image} for _ in range(self._count)]
        document: dict[str, Any] = {"created": int(time.time()), "data": data}
        if usage is None or self.usage.image:
            return document
        return {**document, "usage": self._told()}

    def events(self, *, with_usage: bool) -> list[dict[str, Any]]:
        """Return partial images, then the whole one with the usage."""
        image = b64encode(PNG + secrets.token_bytes(60_000)).decode()
        shared = {
            "b64_json": image,
            "created_at": int(time.time()),
            "size": self._size,
            "quality": self._quality,
            "background": "opaque",
            "output_format": "png",
        }
        events: list[dict[str, Any]] = [
            {"type": f"{self._kind}.partial_image", "partial_image_index": index, **shared}
            for index in range(self._partial)
        ]
        last = {"type": f"{self._kind}.completed", **shared}
        return [*events, {**last, "usage": self._told()} if with_usage else last]

    def _told(self) -> dict[str, Any]:
        used = self.usage
        prompt = used.input_uncached + used.input_image
        return {
            "input_tokens": prompt,
            "input_tokens_details": {
                "text_tokens": used.input_uncached,
                "image_tokens": used.input_image,
            },
            "output_tokens": used.output_image,
            "total_tokens": prompt + used.output_image,
        }


class SpeechGeneration(MediaGeneration):
    """A text that is spoken."""

    content_type = "audio/mpeg"

    def __init__(self, asked: Asked, facts: ModelFacts) -> None:
        text = asked.text("input")
        super().__init__(asked, facts, text)
        self.stream = asked.text("stream_format") == "sse"
        if facts.served.startswith("tts"):
            self.usage = Usage(character=len(text))
        else:
            prompt = count(text) + count(asked.text("instructions"))
            self.usage = Usage(input_uncached=prompt, output_audio=TOKENS_PER_CHARACTER * len(text))

    def rendered(self, answers: Sequence[Answer], usage: Usage | None) -> bytes:  # noqa: ARG002
        """Return the sound."""
        return MP3 * len(self.standing.text)

    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:
        """Raise: the reply is no document."""
        raise NotImplementedError

    def events(self, *, with_usage: bool) -> list[dict[str, Any]]:
        """Return pieces of the sound, then the usage."""
        sound = b64encode(MP3 * 64).decode()
        prompt, spoken = self.usage.input_uncached, self.usage.output_audio
        told = {
            "input_tokens": prompt,
            "output_tokens": spoken,
            "total_tokens": prompt + spoken,
        }
        done = {"type": "speech.audio.done"} | ({"usage": told} if with_usage else {})
        return [*({"type": "speech.audio.delta", "audio": sound} for _ in range(3)), done]


class TranscriptGeneration(MediaGeneration):
    """Sound that is written down, or translated."""

    def __init__(self, asked: Asked, facts: ModelFacts) -> None:
        super().__init__(asked, facts, asked.text("prompt"))
        if len(asked.files) != 1:
            raise ApiError(400, "invalid_request_error", "One file is needed.", param="file")
        self.stream = asked.text("stream") == "true"
        self._format = asked.text("response_format", "json")
        self._seconds = _seconds(asked.files[0])
        if self._format in ("text", "srt", "vtt"):
            self.content_type = "text/plain; charset=utf-8"
        if facts.served.startswith("whisper"):
            self.usage = Usage(audio_second=self._seconds)
        else:
            self.usage = Usage(
                input_uncached=count(asked.text("prompt")),
                input_audio=TOKENS_PER_SECOND * self._seconds,
                output=count(TRANSCRIPT),
            )

    def rendered(self, answers: Sequence[Answer], usage: Usage | None) -> bytes:
        """Return a document, a text or subtitles."""
        if self._format == "text":
            return f"{TRANSCRIPT}\n".encode()
        if self._format == "srt":
            return f"1\n00:00:00,000 --> 00:00:01,000\n{TRANSCRIPT}\n\n".encode()
        if self._format == "vtt":
            return f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{TRANSCRIPT}\n\n".encode()
        return msgspec.json.encode(self.document(answers, usage))

    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:  # noqa: ARG002
        """Return the body of a reply in JSON."""
        document: dict[str, Any] = {"text": TRANSCRIPT}
        if self._format == "verbose_json":
            document |= {"task": "transcribe", "language": "english", "segments": []}
            document["duration"] = float(self._seconds)
        return document if usage is None else {**document, "usage": self._told()}

    def events(self, *, with_usage: bool) -> list[dict[str, Any]]:
        """Return the transcript word by word, then whole."""
        words = TRANSCRIPT.split(" ")
        done: dict[str, Any] = {"type": "transcript.text.done", "text": TRANSCRIPT}
        done |= {"usage": self._told()} if with_usage else {}
        return [*({"type": "transcript.text.delta", "delta": f"{each} "} for each in words), done]

    def _told(self) -> dict[str, Any]:
        used = self.usage
        if used.audio_second:
            return {"type": "duration", "seconds": used.audio_second}
        prompt = used.input_uncached + used.input_audio
        return {
            "type": "tokens",
            "input_tokens": prompt,
            "input_token_details": {
                "text_tokens": used.input_uncached,
                "audio_tokens": used.input_audio,
            },
            "output_tokens": used.output,
            "total_tokens": prompt + used.output,
        }


def _seconds(sound: bytes) -> int:
    """Return how long a file lasts: as a WAV file says, else at 128 kbit/s.

    Raises:
        ApiError: It says that it is a WAV file, and is none.
    """
    rate = _BYTES_PER_SECOND
    if sound[:4] == b"RIFF":
        rate = int.from_bytes(sound[28:32], "little")
    if rate == 0:
        message = "Audio file might be corrupted or unsupported"
        raise ApiError(400, "invalid_request_error", message, param="file")
    return max(1, -(-len(sound) // rate))
