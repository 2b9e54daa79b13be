"""A gateway whose deployments make images and sound, and the official client that calls it."""

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import openai

from headgate.records.journal import HoldRecord, SettleRecord
from headgate.simulator import Simulator
from tests.gateway.calls import ALICE
from tests.gateway.inprocess import Gateway

MODELS = {
    "draw": "gpt-image-1.5",
    "dalle": "dall-e-3",
    "dalle2": "dall-e-2",
    "say": "tts-1",
    "voice": "gpt-4o-mini-tts",
    "hear": "whisper-1",
    "write": "gpt-4o-transcribe",
}
PROVIDER = """
[providers.media]
kind = "openai"
base_url = "{url}"
seller = "openai"
credential = {{ value = "sk-upstream" }}
"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def tables(url: str) -> str:
    """Return the provider and its deployments."""
    rows = [
        f'[deployments.{name}]\nprovider = "media"\nmodel = "{model}"'
        for name, model in MODELS.items()
    ]
    return "\n".join([PROVIDER.format(url=url), *rows])


def client_of(gateway: Gateway) -> openai.OpenAI:
    """Return the official client, without retries of its own."""
    url = f"http://127.0.0.1:{gateway.port}/v1"
    return openai.OpenAI(api_key=ALICE, base_url=url, max_retries=0, timeout=20)


def sound(seconds: int, rate: int = 8_000) -> bytes:
    """Return a silent WAV file: 16 bits, one channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(bytes(2 * rate * seconds))
    return file.getvalue()


def last(gateway: Gateway) -> tuple[HoldRecord, SettleRecord]:
    """Return the last attempt's hold and end."""
    gateway.until_idle()
    records = gateway.records()
    hold = [each for each in records if isinstance(each, HoldRecord)][-1]
    end = [each for each in records if isinstance(each, SettleRecord)][-1]
    assert hold.attempt == end.attempt
    return hold, end


@contextmanager
def billed(gateway: Gateway, simulator: Simulator) -> Iterator[None]:
    """Assert that the one call inside is held for at least what it costs, to the nano-dollar."""
    before = simulator.bill.total
    yield
    hold, end = last(gateway)
    assert end.state == "measured", end.reason
    assert Fraction(end.amount_nanos, 10**9) == simulator.bill.total - before
    assert hold.amount_nanos >= end.amount_nanos > 0
