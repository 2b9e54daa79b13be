"""Bytes of the steward's socket to messages, where the other end may be of another release."""

from typing import get_args

import msgspec

from headgate.node.messages import LENGTH, MESSAGE_BYTES_MAX, Message

_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_KNOWN = frozenset(each.__struct_config__.tag for each in get_args(Message))


class _Tagged(msgspec.Struct):
    type: str


_TAGGED = msgspec.json.Decoder(_Tagged)


class Unpacker:
    """Takes bytes as they come and gives whole messages.

    Attributes:
        lenient: Whether messages of kinds that are not known here are passed over. What another
            release says of its own accord is no reason to part; who waits for an answer is told.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that `data` completes.

        Raises:
            msgspec.MsgspecError: Not a message of this protocol.
            ValueError: Longer than any message may be.
        """
        self._buffer += data
        messages: list[Message] = []
        while len(self._buffer) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer)
            if length > MESSAGE_BYTES_MAX:
                raise ValueError(f"a message of {length} bytes")
            end = LENGTH.size + length
            if len(self._buffer) < end:
                break
            message = self._read(self._buffer[LENGTH.size : end])
            del self._buffer[:end]
            if message is not None:
                messages.append(message)
        return messages

    def _read(self, payload: bytearray) -> Message | None:
        try:
            return _DECODER.decode(payload)
        except msgspec.ValidationError:
            if not self.lenient or _TAGGED.decode(payload).type in _KNOWN:
                raise
            return None
