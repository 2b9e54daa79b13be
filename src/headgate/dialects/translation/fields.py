"""Reading a client's JSON leaf by leaf: what is not taken is told as lost, so none is forgotten."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final, Self, TypeVar

import msgspec
from msgspec import Raw
from mypy_extensions import mypyc_attr

from headgate.dialects.opened import Members
from headgate.records.conversation import Loss, Option
from headgate.units.errors import BODY_INVALID, BODY_MALFORMED, FEATURE_UNSUPPORTED, Refusal

T = TypeVar("T")

_OBJECT: Final = msgspec.json.Decoder(dict[str, Raw])
_OBJECTS: Final = msgspec.json.Decoder(list[dict[str, Raw]])
_CONTENT: Final = msgspec.json.Decoder(str | list[dict[str, Raw]])
_LIST: Final = msgspec.json.Decoder(list[Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_WHOLE: Final = msgspec.json.Decoder(int)
_FLAG: Final = msgspec.json.Decoder(bool)
_NULL: Final = b"null"
_NOTHING: Final = frozenset({_NULL, b"[]", b"{}"})
_QUOTE, _BRACE = b'"{'
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

NO_COUNTERPART: Final = "has no counterpart there"


class TranslationError(ValueError):
    """A call cannot be said in another dialect; caught where translation begins.

    Attributes:
        refusal: What the client is told.
    """

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)


def malformed(at: str, problem: str) -> TranslationError:
    """Return the error for a leaf that cannot be understood."""
    return TranslationError(Refusal(BODY_INVALID, f"{at or 'The body'}: {problem}", at or None))


def unsupported(at: str, what: str) -> TranslationError:
    """Return the error for what no deployment of another dialect can do."""
    message = f"{at}: {what} cannot be said in the dialect of any deployment that could serve it."
    return TranslationError(Refusal(FEATURE_UNSUPPORTED, message, at))


def is_text(value: Raw) -> bool:
    """Tell whether a JSON value is a string."""
    return memoryview(value)[0] == _QUOTE


def is_null(value: Raw) -> bool:
    """Tell whether a JSON value is null; a long one is not copied for that."""
    return len(value) == len(_NULL) and bytes(value) == _NULL


def is_object(value: Raw) -> bool:
    """Tell whether a JSON value is an object."""
    return memoryview(value)[0] == _BRACE


def json_of(value: Raw, at: str) -> str:
    """Return a JSON value as the text that it is written as.

    Raises:
        TranslationError: It is not UTF-8, which nobody looked at when it was taken out of the body.
    """
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        message = f"{at or 'The body'}: It holds a text that is not UTF-8."
        raise TranslationError(Refusal(BODY_MALFORMED, message, at or None)) from error


def text_of(value: Raw, at: str) -> str:
    """Return the string that a JSON value is.

    Raises:
        TranslationError: It is none, or holds half a surrogate pair.
    """
    try:
        return _TEXT.decode(value)
    except UNREADABLE as error:
        raise malformed(at, "expected a string.") from error


def items_of(value: Raw, at: str) -> Iterator[tuple[Raw, str]]:
    """Yield the elements of a JSON list, each with its place.

    Raises:
        TranslationError: It is none.
    """
    try:
        values = _LIST.decode(value)
    except UNREADABLE as error:
        raise malformed(at, "expected a list.") from error
    return ((element, f"{at}[{index}]") for index, element in enumerate(values))


def objects_of(
    value: Raw, at: str, body: Members | None = None
) -> Iterator[tuple[Raw | dict[str, Raw], str]]:
    """Yield the elements of a JSON list that are to be objects, each with its place.

    All are read at once; only when one is none, one by one, to tell which. Those of a long `body`
    may have been read before, and others may look at them.

    Raises:
        TranslationError: It is no list.
    """
    try:
        if body is not None:
            shared = enumerate(body.objects(value))
            return ((dict(element), f"{at}[{index}]") for index, element in shared)
        values = _OBJECTS.decode(value)
    except UNREADABLE:
        return items_of(value, at)
    return ((element, f"{at}[{index}]") for index, element in enumerate(values))


def content_of(
    value: Raw, at: str, body: Members | None = None
) -> str | Iterator[tuple[Raw | dict[str, Raw], str]]:
    """Return a content: a text, or the elements of a list that are to be objects, with places.

    Raises:
        TranslationError: It is neither.
    """
    if body is not None and not is_text(value):
        return objects_of(value, at, body)
    try:
        said = _CONTENT.decode(value)
    except UNREADABLE:
        return text_of(value, at) if is_text(value) else items_of(value, at)
    if isinstance(said, str):
        return said
    return ((element, f"{at}[{index}]") for index, element in enumerate(said))


@mypyc_attr(allow_interpreted_subclasses=True)
class Fields:
    """The members of one JSON object of the client's body, each to be taken once.

    `null` is as good as absent.

    Attributes:
        at: Where the object stands.
        body: The members of the body it stands in, where that is long.
    """

    __slots__ = ("_values", "at", "body")

    def __init__(
        self, text: Raw | dict[str, Raw], at: str = "", body: Members | None = None
    ) -> None:
        """Read an object, or take one that is read already; the members of a long body stay.

        Raises:
            TranslationError: `text` is something else.
        """
        self.at = at
        self.body = body
        if isinstance(text, Members):
            self.body = text
            self._values = dict(text)
            return
        if isinstance(text, dict):
            self._values = text
            return
        try:
            self._values = _OBJECT.decode(text)
        except UNREADABLE as error:
            raise malformed(at, "expected an object.") from error

    def place(self, name: str) -> str:
        """Return where a member stands."""
        return f"{self.at}.{name}" if self.at else name

    def raw(self, name: str) -> Raw | None:
        """Take a member as the JSON text it is; None when it is absent or null."""
        if name not in self._values:
            return None
        value = self._values.pop(name)
        return None if is_null(value) else value

    def text(self, name: str) -> str | None:
        """Take a string."""
        return self._decoded(name, _TEXT, "a string")

    def whole(self, name: str) -> int | None:
        """Take a whole number."""
        return self._decoded(name, _WHOLE, "a whole number")

    def flag(self, name: str) -> bool | None:
        """Take a boolean."""
        return self._decoded(name, _FLAG, "true or false")

    def required(self, name: str) -> str:
        """Take a string that must be there."""
        value = self.text(name)
        if value is None:
            raise malformed(self.place(name), "Field required.")
        return value

    def objects(self, name: str) -> Iterator[Self]:
        """Take a list of objects; an absent one is empty."""
        value = self.raw(name)
        if value is None:
            return iter(())
        place = self.place(name)
        body = self.body
        return (type(self)(item, at, body) for item, at in objects_of(value, place, body))

    def object(self, name: str) -> Self | None:
        """Take an object."""
        value = self.raw(name)
        return None if value is None else type(self)(value, self.place(name))

    def option(self, name: str, called: str | None = None) -> tuple[Option, ...]:
        """Take a member as an option; `called` is its common name, when it differs."""
        value = self.raw(name)
        if value is None or bytes(value) in _NOTHING:
            return ()
        return (Option(called or name, value, self.place(name)),)

    def has(self, names: AbstractSet[str]) -> bool:
        """Tell whether any of these members is there and not taken."""
        return not names.isdisjoint(self._values)

    def names(self) -> Iterable[str]:
        """Return the names of what was not taken."""
        return self._values.keys()

    def rest(self, hints: frozenset[str] = frozenset()) -> Iterator[Loss]:
        """Yield as lost what was not taken and says anything."""
        for name, value in self._values.items():
            if bytes(value) not in _NOTHING:
                yield Loss(self.place(name), NO_COUNTERPART, name in hints)

    def _decoded(self, name: str, decoder: msgspec.json.Decoder[T], what: str) -> T | None:
        value = self.raw(name)
        if value is None:
            return None
        try:
            return decoder.decode(value)
        except UNREADABLE as error:
            raise malformed(self.place(name), f"expected {what}.") from error
