"""The kinds of providers that lie in this folder, and what each one must offer."""

from collections.abc import Callable
from typing import Protocol, cast

import headgate.providers
from headgate.dialects.registry import discover
from headgate.providers import pieces
from headgate.providers.envelope import ANY_PLACE, PLAIN, Envelope, Place
from headgate.providers.setup import Setup
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Failure, Metered, Report
from headgate.units.usage import Usage

Headers = tuple[tuple[bytes, bytes], ...]


class Provider(Protocol):
    """What every module of a provider offers; the modules document each function.

    One whose requests differ from their dialect's has an `ENVELOPE` as well, or `ENVELOPES` by
    dialect; see `envelope_of`. One whose models differ in what they speak: see `dialects_of`. One
    whose replies say what they cost has `REPORTS_COST = True`.

    Attributes:
        KIND: The name of the kind in configurations.
        NATIVE_DIALECTS: The dialects a provider of this kind speaks unless configured otherwise.
        DEFAULTS: Request headers to send when the client sent none of that name.
        PASSED: Lower-case names of reply headers that are passed on to the client.
        PASSED_PREFIXES: What lower-case names of further such headers begin with.
    """

    KIND: str
    NATIVE_DIALECTS: tuple[str, ...]
    DEFAULTS: Headers
    PASSED: frozenset[bytes]
    PASSED_PREFIXES: tuple[bytes, ...]

    def seller(self, base_url: str, /) -> str | None:
        """Return whose prices hold at an address; None when only the owner can know."""

    def path(self, dialect: str, base_path: str, place: Place = ANY_PLACE, /) -> str:
        """Return the path, with its query, that a dialect's calls are posted to.

        Raises:
            ValueError: This kind of provider does not speak the dialect.
        """

    def headers(self, credential: str, /) -> Headers:
        """Return the headers that carry the credential.

        Raises:
            ValueError: The credential cannot stand in a header.
        """

    def limit_field(self, base_url: str, model: str, /) -> str:
        """Return the name of the output limit to add to a body that has none."""

    def limit_needed(self, base_url: str, /) -> bool:
        """Tell whether that limit must be there even beside another one, which is ignored."""

    def failure(self, status: int, body: bytes, /) -> Failure:
        """Classify an error reply, or with status 200 the error a stream began with."""

    def metered(self, report: Report, asked: Terms = STANDARD, /) -> Metered:
        """Split reported usage into disjoint meters.

        Raises:
            UsageError: Usage is absent, unreadable, or contradicts itself.
        """


def providers() -> dict[str, Provider]:
    """Return every kind of provider by its name."""
    return {kind: cast(Provider, part) for kind, part in discover(headgate.providers).items()}


def keeps_threads(kind: Provider, base_url: str) -> bool:
    """Tell whether a provider keeps conversations; a kind that never does offers no such function.

    One that would take no notice of it would answer the end of a conversation as if it were all.
    """
    told = getattr(kind, "keeps_threads", None)
    return told is not None and bool(told(base_url))


def batches_of(kind: Provider) -> str | None:
    """Return the carrier by which a kind of provider takes batches, None when it takes none."""
    told = getattr(kind, "BATCHES", None)
    return told if isinstance(told, str) else None


def batch_base_of(kind: Provider, base_path: str, api_version: str | None) -> tuple[str, str]:
    """Return what precedes the paths of batches at an address, and the query each of them has.

    A kind at which they lie elsewhere than right below the address has `batch_base`.
    """
    told = getattr(kind, "batch_base", None)
    if told is None:
        return base_path.rstrip("/"), ""
    return cast(tuple[str, str], told(base_path, api_version))


def envelope_of(kind: Provider, dialect: str) -> Envelope:
    """Return how a kind's requests and streams in a dialect differ from that dialect's."""
    envelope = getattr(kind, "ENVELOPES", {}).get(dialect) or getattr(kind, "ENVELOPE", PLAIN)
    assert isinstance(envelope, Envelope)
    return envelope


def dialects_of(kind: Provider, offered: tuple[str, ...], model: str) -> tuple[str, ...]:
    """Return the dialects a model speaks at a provider, all of `offered` when nothing is known.

    A kind whose models differ in this has `speaks(dialect, model)`, which judges by names.

    Args:
        kind: The kind of provider.
        offered: The dialects the provider speaks, the preferred one first.
        model: The model's name there, and what else it is known by.
    """
    speaks = getattr(kind, "speaks", None)
    if speaks is None:
        return offered
    return tuple(dialect for dialect in offered if speaks(dialect, model)) or offered


Splitter = Callable[[str, bytes], tuple[Usage, dict[str, int]]]
"""(dialect, usage object) -> tokens, and what is counted on `units.usage.UNIT_METERS`."""


def splitter_of(kind: Provider) -> Splitter:
    """Return what splits the usage of a kind's calls for images and sound.

    A kind that has its own way to report it has `split_pieces`; see `providers.pieces.split`.
    """
    return cast(Splitter, getattr(kind, "split_pieces", pieces.split))


def setup_of(kind: Provider) -> Setup:
    """Return how a kind is set up; one that says nothing has to be written by hand."""
    setup = getattr(kind, "SETUP", Setup())
    assert isinstance(setup, Setup)
    return setup
