"""Segments: every cut and every kind of garbage behind whole records is recognised."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.store.segments import HEADER, PAYLOAD_BYTES_MAX, frame, scan, segment_numbers

PAYLOADS = st.lists(st.binary(min_size=1, max_size=60), max_size=6)


def whole(payloads: list[bytes]) -> bytes:
    """Return the records of some payloads."""
    return b"".join(frame(payload) for payload in payloads)


@given(PAYLOADS, st.integers(0, 40))
def test_zeros_end_a_segment(payloads: list[bytes], zeros: int) -> None:
    """A preallocated file reads as its records; what is behind them is nothing."""
    found = scan(whole(payloads) + bytes(zeros))
    assert (found.payloads, found.torn) == (payloads, False)
    assert found.offset == len(whole(payloads))


@given(PAYLOADS.filter(bool), st.data())
def test_a_record_cut_anywhere_is_not_read(payloads: list[bytes], data: st.DataObject) -> None:
    """Cut inside its last record, and zero behind, a segment reads as the records before it."""
    last = frame(payloads[-1])
    kept = data.draw(st.integers(1, len(last) - 1))
    before = whole(payloads[:-1])
    for stretch in (before + last[:kept], before + last[:kept] + bytes(80)):
        found = scan(stretch)
        # Cut before trailing zeros of the payload, nothing is missing.
        assert found.payloads == payloads[:-1] or stretch[: len(before + last)] == before + last
        assert found.offset <= len(stretch)


@given(PAYLOADS, st.binary(min_size=1, max_size=80))
def test_garbage_behind_records_is_not_read(payloads: list[bytes], garbage: bytes) -> None:
    """Whatever stands behind whole records never changes them, nor becomes a record by chance."""
    found = scan(whole(payloads) + garbage)
    assert found.payloads[: len(payloads)] == payloads
    rest = garbage
    for payload in found.payloads[len(payloads) :]:
        assert rest.startswith(frame(payload))
        rest = rest[len(frame(payload)) :]


@given(PAYLOADS.filter(bool), st.data())
def test_one_changed_bit_of_a_payload_is_noticed(
    payloads: list[bytes], data: st.DataObject
) -> None:
    """The checksum covers the payload: reading stops before a record that was changed."""
    at = data.draw(st.integers(0, len(payloads) - 1))
    position = len(whole(payloads[:at])) + HEADER.size
    position += data.draw(st.integers(0, len(payloads[at]) - 1))
    changed = bytearray(whole(payloads))
    changed[position] ^= 1 << data.draw(st.integers(0, 7))
    found = scan(bytes(changed))
    assert (found.payloads, found.torn) == (payloads[:at], True)


def test_a_record_longer_than_any_is_no_record() -> None:
    """A length above the bound is garbage, not a reason to read on."""
    assert scan(HEADER.pack(PAYLOAD_BYTES_MAX + 1, 0) + bytes(100)).torn


def test_only_segment_files_are_segments() -> None:
    """The lock and whatever else lies in the folder is passed over; numbers rise."""
    names = ["lock", "00000010.hgj", "00000002.hgj", "x.hgj", "00000003.tmp"]
    assert segment_numbers(iter(names)) == [2, 10]
