"""Where credentials that expire come from: a command that prints them, or an endpoint."""

import asyncio
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from headgate.dial.fetch import FetchError, post
from headgate.dial.reach import dialer_to
from headgate.dial.resolver import Resolver
from headgate.dial.settings import Trust
from headgate.dial.tls import TrustError
from headgate.providers.issuers.registry import issuer_of
from headgate.providers.issuers.settings import IssuerError, IssuerSettings
from headgate.providers.replies import credential_bytes
from headgate.providers.settings import Provider
from headgate.units.errors import HeadgateError

COMMAND_TIMEOUT_S = 30
ENDPOINT_TIMEOUT_S = 20.0
OUTPUT_BYTES_MAX = 16_384
FILE_BYTES_MAX = 65_536
LIFE_USED = 0.8
"""A credential is replaced when so much of its life is over."""
LIFE_S_MAX = 30 * 86_400
"""No credential is believed to hold for longer."""


class CredentialError(HeadgateError):
    """No usable credential came; the message never shows what came instead."""


class Fetched(NamedTuple):
    """A credential that just came.

    Attributes:
        again_s: When to fetch the next one.
        life_s: How long it holds; without end when nobody says.
    """

    credential: str
    again_s: float
    life_s: float

    def __repr__(self) -> str:
        return f"Fetched(again_s={self.again_s}, life_s={self.life_s})"


class Source(Protocol):
    """Gives credentials."""

    async def fetch(self) -> Fetched:
        """Return a fresh one.

        Raises:
            CredentialError: None came.
        """


class CommandSource:
    """A program that prints a credential.

    Args:
        command: The program and its arguments; no shell reads them.
        folder: Where it runs.
        refresh_ms: How often.
    """

    def __init__(self, command: Sequence[str], folder: Path, refresh_ms: int) -> None:
        self._command = command
        self._folder = folder
        self._refresh_s = refresh_ms / 1000

    async def fetch(self) -> Fetched:
        """Run it.

        Raises:
            CredentialError: It cannot be started, fails, takes too long, or prints nothing usable.
        """
        return Fetched(await printed(self._command, self._folder), self._refresh_s, math.inf)


class IssuerSource:
    """An endpoint that issues credentials, reached as its provider is."""

    def __init__(self, settings: IssuerSettings, provider: Provider, resolver: Resolver) -> None:
        self._settings = settings
        self._provider = provider
        self._resolver = resolver

    async def fetch(self) -> Fetched:
        """Ask it.

        Raises:
            CredentialError: It cannot be asked, or issues nothing.
        """
        settings = self._settings
        try:
            issuer = issuer_of(settings.kind)
            file = b"" if settings.file is None else _contents(Path(settings.file))
            ask = issuer.ask(settings, file, time.time_ns())
            trust, provider = Trust(settings.ca_file), self._provider
            dialer = dialer_to(ask.url, self._resolver, trust, provider.proxy, provider.addresses)
            answer = await post(dialer, ask.url, ask.headers, ask.body, ENDPOINT_TIMEOUT_S)
            issued = issuer.read(answer.status, answer.body, time.time_ns())
        except (IssuerError, FetchError, TrustError) as error:
            raise CredentialError(f"{settings.kind}: {error}") from error
        life_s = min(issued.life_s, LIFE_S_MAX)
        return Fetched(_usable(settings.kind, issued.credential), life_s * LIFE_USED, life_s)


def _contents(path: Path) -> bytes:
    """Return what a small file has now."""
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX)
    except OSError as error:
        raise CredentialError(f"{path} cannot be read: {error.strerror}") from error


def source_of(provider: Provider, folder: Path, resolver: Resolver) -> Source | None:
    """Return where a provider's credentials come from, None when it has one that lasts, or none.

    Args:
        provider: The provider.
        folder: Where commands run: that of the configuration file.
        resolver: The process's.
    """
    if provider.credential_command:
        refresh_ms = provider.credential_refresh_ms
        return CommandSource(provider.credential_command, folder, refresh_ms)
    if provider.issuer is not None:
        return IssuerSource(provider.issuer, provider, resolver)
    return None


async def printed(command: Sequence[str], folder: Path) -> str:
    """Return the credential that a command prints, without surrounding blanks.

    Args:
        command: The program and its arguments; no shell reads them.
        folder: Where it runs.

    Raises:
        CredentialError: It cannot be started, fails, takes too long, or prints nothing usable.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except (OSError, ValueError) as error:
        raise CredentialError(f"{command[0]} cannot be started: {error}") from error
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise CredentialError(f"{command[0]} took longer than {COMMAND_TIMEOUT_S} s") from error
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise CredentialError(f"{command[0]} ended with exit code {process.returncode}")
    text = output.decode("ascii", "replace").strip()
    if not 0 < len(text) <= OUTPUT_BYTES_MAX:
        raise CredentialError(f"{command[0]} printed nothing, or too much")
    return _usable(command[0], text)


def _usable(whose: str, credential: str) -> str:
    """Return a credential that can stand in a header, for whoever asks with it."""
    try:
        credential_bytes(credential)
    except ValueError as error:
        raise CredentialError(f"{whose}: {error}") from error
    return credential
