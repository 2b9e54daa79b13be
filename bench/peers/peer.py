"""What a peer is, so that another is one file: how it is installed, started, loaded and asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.configuration import MODELS
from bench.gateways import ROOT, Gateway
from bench.rounds import Load

FOLDER = ROOT / "build" / "peers"
LOCKS = Path(__file__).resolve().parent / "locks"
START_S = 180.0
"""How long a peer may take to be ready; the slowest imports a few hundred modules first."""
STREAMED_MODELS = tuple(model for model in MODELS if model != "m")

INPUT_USD_PER_MILLION = "1.00"
OUTPUT_USD_PER_MILLION = "2.00"
CALL_NANOS = 21 * 1_000 + 107 * 2_000
STREAM_NANOS = 21 * 1_000 + 25 * 2_000
"""What one answer of the upstream costs by these prices: its usage is always the same."""


@dataclass(frozen=True, slots=True)
class Strain:
    """What a peer is asked to carry, which it survives; nginx and Headgate are asked for the same.

    Attributes:
        connections: For calls that are not streamed, each sent again as soon as it is answered.
        streams: That run at once, with 20 ms between chunks.
        begun_per_s: Streams begun in a second, to time their first byte.
        open_streams: That are held open, to weigh them.
    """

    connections: int
    streams: int
    begun_per_s: int
    open_streams: int

    def plain(self) -> Load:
        """Return the load of calls that are not streamed."""
        return Load("plain", connections=self.connections)

    def paced(self) -> Load:
        """Return the load of streams."""
        return Load("paced", connections=self.streams, model="m-c25-d20", streamed=True)

    def first_byte(self) -> Load:
        """Return the load that times the first byte."""
        return Load(
            "first byte",
            connections=max(8, 5 * self.begun_per_s),
            model="m-c25-d20",
            rate_per_s=self.begun_per_s,
            streamed=True,
        )


class Peer(Protocol):
    """Another gateway.

    Attributes:
        name: As its makers write it.
        version: The one that is locked.
        on: What it does for each call as it is set up here, in a sentence.
        more: Where it does more than Headgate, and what of it could not be run.
        strain: What it is asked to carry.
    """

    name: str
    version: str
    on: str
    more: str
    strain: Strain

    def install(self) -> None:
        """Install it into `FOLDER`, as its lock says; does nothing when it is there.

        Raises:
            bench.peers.install.NotInstalledError: It cannot be installed here.
        """

    def start(self, port: int) -> Gateway:
        """Start it on the core of gateways, and return when it serves.

        Raises:
            bench.gateways.NotReadyError: It does not.
        """

    def spent_nanos(self, gateway: Gateway) -> int | None:
        """Return what it says was spent so far, in nano-dollars; None where it keeps no books."""

    def told_nanos(self, answer: bytes) -> int | None:
        """Return what an answer's body says that the call costs; None where it says nothing."""
