"""A journal as its writer and its reader see it: segments roll, room is kept, tails are told."""

from pathlib import Path

import pytest

from headgate.records.journal import (
    CallerRecord,
    HoldRecord,
    Record,
    RefusalRecord,
    RouteRecord,
    SealedRecord,
    SegmentRecord,
    SettleRecord,
    VoidRecord,
)
from headgate.store.journal_reader import READ_BYTES, READ_BYTES_MIN, JournalReader
from headgate.store.journal_writer import JournalWriter, boot_id, take_lock
from headgate.store.segments import frame, scan, segment_name
from headgate.units.errors import JournalError
from tests.torture.journal_files import journal_records

SMALL_BYTES = 16 << 10


CALLER = CallerRecord(1, "alice", "research", "alice", ("team@once",))
ROUTE = RouteRecord(1, "mini", "mini", "openai_chat")


def hold(number: int) -> HoldRecord:
    """Return a hold."""
    name = f"call_x{number:08x}"
    return HoldRecord(
        attempt=f"{name}.1",
        at_ns=number,
        amount_nanos=10,
        caller=1,
        route=1,
        decision=1,
        input_tokens_max=1,
        output_tokens_max=1,
    )


def end(number: int) -> SettleRecord:
    """Return the end of `hold(number)`."""
    of = hold(number)
    return SettleRecord(of.attempt, number, 7, "estimated")


def writer(path: Path, segment_bytes: int = SMALL_BYTES) -> JournalWriter:
    """Open a journal."""
    return JournalWriter(path, worker="w", epoch="e", at_ns=1, segment_bytes=segment_bytes)


def read_all(reader: JournalReader) -> list[Record]:
    """Return everything there is to read now."""
    found: list[Record] = []
    while records := reader.read():
        found += records
    return found


def test_a_reader_follows_a_writer_over_many_segments(tmp_path: Path) -> None:
    """Every record is read once and in order while segments fill up and follow each other."""
    journal = writer(tmp_path / "j")
    reader = JournalReader(tmp_path / "j")
    written: list[Record] = []
    seen: list[Record] = []
    for number in range(400):
        for record in (hold(number), end(number)):
            journal.append(record)
            written.append(record)
        journal.prepare()
        if number % 7 == 0:
            seen += read_all(reader)
    journal.close(500)
    seen += read_all(reader)
    assert [r for r in seen if not isinstance(r, SegmentRecord | SealedRecord)] == written
    segments = [r.seq for r in seen if isinstance(r, SegmentRecord)]
    assert segments == list(range(1, len(segments) + 1))
    assert len(segments) > 5
    assert reader.ended and not reader.taken_over
    kinds = [record["k"] for record in journal_records(tmp_path / "j")]
    assert len(kinds) == len(seen)


def test_a_reader_starts_again_from_any_cursor(tmp_path: Path) -> None:
    """A cursor that was kept leads on to exactly the records behind it, in whichever segment."""
    journal = writer(tmp_path / "j")
    for number in range(100):
        journal.append(hold(number))
        journal.append(end(number))
        journal.prepare()
    journal.close(500)
    everything = read_all(JournalReader(tmp_path / "j"))
    reader, read = JournalReader(tmp_path / "j"), 0
    while records := reader.read():
        read += len(records)
        again = JournalReader(tmp_path / "j", reader.cursor)
        assert read_all(again) == everything[read:]


def test_what_is_no_record_is_never_passed_over(tmp_path: Path) -> None:
    """A reader that is asked again stands where it stood, also when the journal ends behind it."""
    journal = writer(tmp_path / "j")
    journal.append(hold(1))
    journal.append(end(1))
    journal.close(2)
    path = tmp_path / "j" / segment_name(1)
    whole = scan(path.read_bytes()).payloads
    path.write_bytes(b"".join(map(frame, [whole[0], b'{"k":"unheard of"}', *whole[1:]])))
    reader = JournalReader(tmp_path / "j")

    for _ in range(2):
        with pytest.raises(JournalError, match="is not of format"):
            reader.read()


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    """The lock is the writer's while it lives, and free once it has closed."""
    journal = writer(tmp_path / "j")
    assert take_lock(tmp_path / "j") is None
    with pytest.raises(JournalError, match="locked"):
        writer(tmp_path / "j")
    journal.close(1)
    assert take_lock(tmp_path / "j") is not None


def test_a_closed_journal_keeps_no_more_room_than_it_needs(tmp_path: Path) -> None:
    """Closing gives back what was allocated ahead: a restart costs the disk a few bytes."""
    journal = writer(tmp_path / "j", 1 << 20)
    journal.append(hold(1))
    journal.append(end(1))
    journal.close(2)
    assert sum(path.stat().st_size for path in (tmp_path / "j").iterdir()) < 2_000


def test_a_full_disk_lets_every_hold_end(tmp_path: Path) -> None:
    """Without a next segment no hold is written whose end would not fit; the journal closes."""
    journal = writer(tmp_path / "j")
    journal.append(hold(0))
    journal.append(end(0))
    journal.close(1)
    (tmp_path / "full").mkdir()
    # A file in its place stops the allocation as a full disk does.
    (tmp_path / "full" / segment_name(2)).touch()
    journal = writer(tmp_path / "full", 2 * SMALL_BYTES)
    held = 0
    while journal.has_room():
        journal.holds_open += 1
        journal.append(hold(held))
        held += 1
        journal.prepare()
    assert held > 1
    for number in range(held):
        long = "x" * 128
        of = end(number)
        journal.append(SettleRecord(of.attempt, 1, 7, "estimated", (), {}, long, long, long))
        journal.holds_open -= 1
    journal.close(2)
    kinds = [record["k"] for record in journal_records(tmp_path / "full")]
    assert (kinds.count("hold"), kinds.count("settle")) == (held, held)


def test_room_is_kept_for_the_ends_even_with_a_segment_to_spare(tmp_path: Path) -> None:
    """A spare segment is finite too: holds stop while all their ends still fit."""
    journal = writer(tmp_path / "j")
    held = 0
    while journal.has_room() and held < 100:
        journal.holds_open += 1
        journal.append(hold(held))
        held += 1
    assert held < 2 * SMALL_BYTES // 4_096
    for number in range(held):
        journal.append(end(number))
        journal.holds_open -= 1
    journal.close(2)


def test_a_record_no_reader_accepts_is_not_written(tmp_path: Path) -> None:
    """A record above the bound of a payload would end the journal for every reader."""
    journal = writer(tmp_path / "j", 4 << 20)
    with pytest.raises(JournalError, match="bytes"):
        journal.append(VoidRecord("a.1", 1, "x" * (300 << 10)))
    journal.append(hold(1))
    journal.append(end(1))
    journal.close(2)
    assert len(read_all(JournalReader(tmp_path / "j"))) == 4


def test_a_torn_record_is_overwritten_by_the_takeover(tmp_path: Path) -> None:
    """What its writer was cut off in was never acted on; the steward's end stands in its place."""
    journal = writer(tmp_path / "j")
    journal.append(hold(1))
    reader = JournalReader(tmp_path / "j")
    read_all(reader)
    path = tmp_path / "j" / segment_name(1)
    torn = bytearray(path.read_bytes())
    torn[reader.cursor.offset : reader.cursor.offset + 9] = b"\x20\0\0\0junk{"
    path.write_bytes(torn)
    assert (reader.read(), reader.torn) == ([], True)
    for record in (end(1), SealedRecord(2, last=True, by="takeover")):
        reader.append(record)
        assert reader.read() == [record]
    assert reader.ended and reader.taken_over
    kinds = [record["k"] for record in journal_records(tmp_path / "j")]
    assert kinds == ["segment", "hold", "settle", "sealed"]
    assert reader.is_whole(boot_id()) and not reader.is_whole("another boot")


def test_a_reading_that_is_cut_short_says_so(tmp_path: Path) -> None:
    """However long its records are, who reads a journal knows whether to come back at once."""
    directory = tmp_path / "j"
    journal = JournalWriter(directory, worker="w", epoch="e", at_ns=1, segment_bytes=4 << 20)
    wide = "x" * 3_000
    count = 2 * READ_BYTES // len(wide)
    for number in range(count):
        journal.append(RefusalRecord(f"c{number}", 1, "p", "t", "k", "m", "code", wide))
    reader = JournalReader(directory)
    read = [len(reader.read())]
    while reader.behind:
        read.append(len(reader.read()))

    assert len(read) > 2
    assert sum(read) == count + 1
    assert reader.read() == []
    assert not reader.behind
    journal.close(2)


def test_a_record_larger_than_what_was_asked_for_is_read(tmp_path: Path) -> None:
    """Readers ask for little while little is written; one large record does not stop them."""
    journal = writer(tmp_path / "j", 4 * READ_BYTES_MIN)
    journal.append(hold(1))
    reader = JournalReader(tmp_path / "j")
    read_all(reader)
    assert reader.stretch_bytes == READ_BYTES_MIN
    large = VoidRecord("a.1", 1, "x" * (2 * READ_BYTES_MIN))
    journal.append(large)
    journal.append(hold(2))
    assert read_all(reader) == [large, hold(2)]
