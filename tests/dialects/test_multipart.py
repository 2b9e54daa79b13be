"""Forms with files: read the same however the bytes are cut, and refused when they are odd."""

import hashlib
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.dialects.form import Form, tell
from headgate.dialects.multipart import (
    FIELD_BYTES_MAX,
    FILE_HEAD_BYTES,
    PART_HEAD_BYTES_MAX,
    PARTS_MAX,
    FormError,
    Multipart,
    boundary_of,
)
from headgate.dialects.sound import seconds_max
from headgate.units.errors import Refusal
from tests.gateway.media import sound

names = st.text(st.characters(codec="utf-8", exclude_characters='"\\%;[]', min_codepoint=32))
# What a boundary looks like, and nearly does, is made often.
values = st.lists(
    st.sampled_from([b"\r\n--bo", b"\r\n", b"--", b"undary", b"\r", b"-", b"a", b"\x00\xff"])
).map(b"".join)
parts = st.lists(st.tuples(names.filter(bool), values, st.booleans()), min_size=1, max_size=6)


def form_of(parts: list[tuple[str, bytes, bool]]) -> bytes:
    body = b""
    for name, value, is_file in parts:
        file = b'; filename="a.bin"\r\nContent-Type: audio/wav' if is_file else b""
        disposition = b'Content-Disposition: form-data; name="%b"%b' % (name.encode(), file)
        body += b"--boundary\r\n%b\r\n\r\n%b\r\n" % (disposition, value)
    return body + b"--boundary--\r\n"


def read(body: bytes, cuts: list[int] | None = None) -> Form:
    reader = Multipart(b"boundary")
    places = [0, *sorted({cut for cut in cuts or [] if cut < len(body)}), len(body)]
    for start, end in itertools.pairwise(places):
        reader.feed(body[start:end])
    return reader.finish()


@settings(max_examples=60)
@given(parts=parts, cuts=st.lists(st.integers(0, 600), max_size=30))
def test_the_cut_does_not_matter(parts: list[tuple[str, bytes, bool]], cuts: list[int]) -> None:
    """Fields, files and places are those that were sent, whole or cut anywhere."""
    parts = [each for each in parts if b"--boundary" not in each[1]]
    body = form_of(parts)
    form = read(body)

    assert read(body, cuts) == form
    assert read(body, list(range(len(body)))) == form
    fields = [(name, value) for name, value, is_file in parts if not is_file]
    files = [(name, value) for name, value, is_file in parts if is_file]
    assert [(each.name, each.value) for each in form.fields] == fields
    assert all(body[each.start :].startswith(each.value) for each in form.fields)
    assert [(each.name, each.size, each.sha256) for each in form.files] == [
        (name, len(value), hashlib.sha256(value).hexdigest()) for name, value in files
    ]


PART = b'--boundary\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
ODD = {
    "no boundary": b"hello",
    "a preamble": b"hello\r\n" + PART + b"--boundary--",
    "another boundary": PART.replace(b"boundary", b"boundery") + b"--boundary--",
    "a longer boundary": PART + b"--boundary-x\r\n",
    "no end": PART,
    "half an end": PART + b"--boundary-",
    "an epilogue": PART + b"--boundary--\r\nhello",
    "no name": b'--boundary\r\nContent-Disposition: form-data; filename="a"\r\n\r\nm\r\n',
    "two names": PART.replace(b'"model"', b'"model"; name="other"'),
    "a name in an encoding": PART.replace(b'name="model"', b"name*=UTF-8''model"),
    "an escaped name": PART.replace(b'"model"', b'"mo\\del"'),
    "a name in percents": PART.replace(b'"model"', b'"mo%64el"'),
    "a boundary behind a bare line feed": PART.replace(b"\r\nm", b"\r\nm\n--boundary\n"),
    "a boundary within a line": PART.replace(b"\r\nm", b"\r\nm--boundary"),
    "two dispositions": PART.replace(b"\r\n\r\nm", b"\r\nContent-Disposition: form-data\r\n\r\nm"),
    "no disposition": b"--boundary\r\nX: y\r\n\r\nm\r\n",
    "an encoding": PART.replace(b"\r\n\r\nm", b"\r\nContent-Transfer-Encoding: base64\r\n\r\nm"),
    "a folded head": PART.replace(b"; name", b";\r\n name"),
    "a bare line end": PART.replace(b"; name", b";\n name"),
    "a head without an end": b"--boundary\r\n" + b"x" * (PART_HEAD_BYTES_MAX + 10),
    "a boundary right behind a head": PART.replace(b"\r\n\r\nm\r\n", b"\r\n\r\n--boundary--"),
    "too many parts": PART * (PARTS_MAX + 1),
    "a long field": PART.replace(b"\r\n\r\nm", b"\r\n\r\n" + b"m" * (FIELD_BYTES_MAX + 1)),
}


@pytest.mark.parametrize("what", ODD)
def test_what_can_be_read_in_two_ways_is_refused(what: str) -> None:
    """The provider might read it in another way than we do."""
    body = ODD[what]

    with pytest.raises(FormError):
        read(body if what in ("no end", "half an end") else body + b"--boundary--\r\n")


def test_a_file_is_not_kept() -> None:
    """Only its beginning is, whatever its size."""
    reader = Multipart(b"boundary")
    reader.feed(b'--boundary\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n')
    for _ in range(100):
        reader.feed(bytes(65_536))
        assert len(reader._held) < 100
    reader.feed(b"\r\n--boundary--")
    (file,) = reader.finish().files

    assert (file.size, len(file.head)) == (6_553_600, FILE_HEAD_BYTES)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (b"multipart/form-data; boundary=abc", b"abc"),
        (b'Multipart/Form-Data;charset=utf-8; boundary="a:b"', b"a:b"),
        (b"multipart/form-data", None),
        (b"multipart/form-data; boundary=" + b"a" * 71, None),
        (b'multipart/form-data; boundary="a b"', None),
    ],
)
def test_boundaries(content_type: bytes, boundary: bytes | None) -> None:
    """A content type names its boundary, in up to 70 plain characters."""
    assert boundary_of(content_type) == boundary


def test_a_form_is_told_as_json() -> None:
    """Names with brackets are lists; files are what is known of them."""
    parts = [("model", b"m", False), ("image[]", b"1", True), ("image[]", b"23", True)]
    told = tell(read(form_of([*parts, ("svg[model]", b"x", False)])))

    assert not isinstance(told, Refusal)
    document = json.loads(told)
    assert (document["model"], document["svg"]) == ("m", ["x"])
    assert [each["bytes"] for each in document["image"]] == [1, 2]


def test_what_is_told_does_not_depend_on_the_boundary() -> None:
    """Repeats are known by it: the same texts and files are the same, other bytes are not."""
    body = form_of([("model", b"m", False), ("file", b"one", True)])
    other = Multipart(b"limit")
    other.feed(body.replace(b"boundary", b"limit"))

    told = tell(read(body))
    assert tell(other.finish()) == told
    assert tell(read(body.replace(b"one", b"two"))) != told


@pytest.mark.parametrize("names", [("model", "model"), ("n", "n[]"), ("n[]", "n")])
def test_a_field_that_stands_twice_is_refused(names: tuple[str, str]) -> None:
    """Which of two a provider takes is unknown."""
    refusal = tell(read(form_of([(name, b"1", False) for name in names])))

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "key_duplicate"


@pytest.mark.parametrize(
    ("head", "size", "seconds"),
    [
        (sound(9)[:4_096], len(sound(9)), 10),
        (b"\xff\xfb\x90\x64", 40_000, 10),  # MP3, MPEG 1
        (b"\xff\xf3\x90\x64", 40_000, 40),  # MP3, MPEG 2
        (b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + b"\xff\xfb\x90", 40_000, 10),
        (b"ID3\x04\x00\x00\x00\x10\x00\x00" + bytes(128), 40_000, 40),
        (b"OggS", 7_500, 10),
        (b"", 0, 1),
    ],
)
def test_how_long_a_file_can_last(head: bytes, size: int, seconds: int) -> None:
    """By the head of a WAV file, else by its bytes at the lowest rate of its format."""
    assert seconds_max(head, size) == seconds


def test_a_wav_file_is_not_believed_how_long_it_is() -> None:
    """Its bytes count, not the length that it declares; odd formats count as any file."""
    honest = sound(9)
    short = honest[:40] + bytes(4) + honest[44:]
    odd = honest[:20] + b"\x11\x00" + honest[22:]

    assert seconds_max(short[:4_096], len(short)) == 10
    assert seconds_max(odd[:4_096], len(odd)) > 100
