"""A tap: stands between a call and its client, and takes down what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.records.charge import Settlement

if TYPE_CHECKING:
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.exchange import Exchange


class Tap:
    """What a call writes to in place of its client.

    Attributes:
        whole: Whether what was written is a whole reply.
        posted_nanos: What the attempt was posted at that it is from.
    """

    __slots__ = ("_client", "_keeping", "_parts", "_size", "posted_nanos", "whole")

    def __init__(self, client: ClientConnection | None, *, keeping: bool) -> None:
        self._client = client
        self._keeping = keeping
        self._parts: list[bytes] = []
        self._size = 0
        self.whole = False
        self.posted_nanos = 0

    @property
    def paused(self) -> bool:
        """Whether the client reads too slowly."""
        return self._client is not None and self._client.paused

    def write(self, data: bytes) -> None:
        """Send bytes to the client, if it is there, and take them down, within bounds."""
        if self._keeping:
            self._size += len(data)
            self._parts.append(data)
            if not self._record(len(data)):
                self._drop()
        if self._client is not None:
            self._client.write(data)

    def ends(self, settlement: Settlement, *, whole: bool) -> None:
        """The attempt that answers is settled; `whole` tells whether its reply ended in order."""
        self.whole = whole
        self.posted_nanos = settlement.amount_nanos

    def follow(self, exchange: Exchange) -> None:
        """Another attempt of the call answers, which ran beside the first one."""
        if self._client is not None:
            self._client.exchange = exchange

    def leave(self) -> Tap | None:
        """The client went away: return what stands in its place now, None for nothing."""
        raise NotImplementedError

    def done(self, *, keep_alive: bool) -> None:
        """The reply is written, or there will be none."""
        raise NotImplementedError

    def _record(self, size: int) -> bool:
        """Account for more bytes that are taken down; False when they, or all, are too many."""
        raise NotImplementedError

    def _forget(self, size: int) -> None:
        """Bytes that were taken down are free again."""
        raise NotImplementedError

    def _drop(self) -> None:
        self._keeping = False
        self._parts = []
        self._forget(self._size)
        self._size = 0
