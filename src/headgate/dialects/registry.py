"""The dialects that lie in this folder, found by their `KIND`, and what each one must offer."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import NamedTuple, Protocol, cast

from msgspec import Raw, Struct

import headgate.dialects
from headgate.dialects.conversations import Theirs
from headgate.dialects.form import Form
from headgate.records.demand import Demand, Edit
from headgate.records.minutes import LimitStanding
from headgate.records.report import Report
from headgate.units.errors import Refusal


class StreamReader(Protocol):
    """Reads one streamed reply as it passes by; see `headgate.dialects.sse.EventStream`."""

    @property
    def head_report(self) -> Report | None:
        """What the first event says; None until it has arrived whole."""

    def feed(self, payload: bytes, /) -> bytes:
        """Take de-framed bytes as they come and return those that go to the client."""

    def flush(self) -> bytes:
        """Return what is held back once the provider has ended the stream."""

    def finish(self) -> Report:
        """Return what the whole stream said."""


class SpokenDialect(Protocol):
    """What every module of a dialect offers, also of one that is spoken to providers only.

    Attributes:
        KIND: The name of the dialect in configurations and records.
        FORWARDED: Lower-case names of request headers that go upstream as the client sent
            them; never credentials, never hop-by-hop headers.
        Stream: Makes the reader of one streamed attempt; its argument is `strip_usage`:
            whether the usage report that only we asked for is kept from the client.
        starts_with_error: Tells whether the first event of a stream is an error; False as
            long as it has not arrived whole.
    """

    KIND: str
    FORWARDED: frozenset[bytes]
    Stream: Callable[[bool], StreamReader]
    starts_with_error: Callable[[bytes], bool]

    def read(self, body: bytes, /) -> Demand | Refusal:
        """Read what decides who may serve a request and what it can cost."""

    def tool_names(self, body: bytes, /) -> tuple[str, ...]:
        """Return the names of all tools a body that was read offers; see `dialects.tools`."""

    def edit(self, body: bytes, demand: Demand, edit: Edit, /) -> bytes:
        """Change a body as `edit` says; the same object when nothing changes."""

    def report(self, body: bytes, /) -> Report:
        """Read the metering facts of a reply that is not streamed."""


class Dialect(SpokenDialect, Protocol):
    """What a dialect that clients speak offers as well.

    Attributes:
        PATH: The path clients post to; with `{model}` in it the dialect is a `PathDialect`.
        SIGN: Lower-case name of a header that every client of the dialect sends, by which it is
            known on paths that dialects share; None for the one spoken to everybody else.
        BODY: What is read of a body, or of a form that was told as JSON.
    """

    PATH: str
    SIGN: bytes | None
    BODY: type[Struct]

    def render_refusal(self, refusal: Refusal, call: str | None, /) -> bytes:
        """Render the body of an error reply."""

    def render_stream_error(self, refusal: Refusal, call: str | None, /) -> bytes:
        """Render an event that ends a stream already begun."""

    def render_models(self, names: Sequence[tuple[str, int]], /) -> bytes:
        """Render the list of models from names and the instants they appeared at."""

    def render_model(self, name: str, at_ns: int, /) -> bytes:
        """Render one model from its name and the instant it appeared at."""


class Located(NamedTuple):
    """What a path says that the bodies of other dialects say.

    Attributes:
        model: The name the client asked for, unescaped.
        stream: Whether the reply is a stream.
        array: Whether the stream is one JSON array instead of events.
    """

    model: str
    stream: bool
    array: bool = False


class PathDialect(Dialect, Protocol):
    """A dialect whose paths say what the bodies of others say: the model, whether to stream.

    The demand that its `read` returns has no model and streams nothing.

    Attributes:
        PATHS: All that it has, `PATH` among them.
    """

    PATHS: tuple[str, ...]

    def locate(self, path: str, query: str, /) -> Located | Refusal | None:
        """Return what a path says, or what is wrong with it; None for one of no call here."""


class CountDialect(Dialect, Protocol):
    """A dialect in which the tokens of a prompt are asked for; what its `read` returns is free.

    Attributes:
        COUNTS: The kind of the dialect whose requests its bodies are, as far as prompts go.
    """

    COUNTS: str

    def render_count(self, tokens: int, /) -> bytes:
        """Render the reply that says a count."""


class LimitingDialect(Dialect, Protocol):
    """A dialect whose clients know headers that tell of limits of a minute."""

    def render_limits(self, standings: Iterable[LimitStanding], /) -> bytes:
        """Render header lines that tell how limits stand."""


class KeepingDialect(Dialect, Protocol):
    """A dialect in which a provider can be told to keep what it answers, to be asked for later."""

    def keeps_reply(self, members: Mapping[str, Raw], /) -> bool:
        """Tell whether a body says so, or leaves it so, by its members as `read` returned them."""


class ConversationDialect(Dialect, Protocol):
    """A dialect in which all that was said is sent with every call.

    Attributes:
        CONVERSATION: The member it is in, a list of objects.
    """

    CONVERSATION: str

    def read(self, body: bytes, theirs: Theirs | None = None, /) -> Demand | Refusal:
        """Read as every dialect does, and faster what goes on with a conversation of `theirs`.

        None remembers nothing.
        """


class FormDialect(Dialect, Protocol):
    """A dialect whose bodies are forms with files; its `read` gets them told as JSON.

    Attributes:
        FILE: The field with the file that every form has to bring.
    """

    FILE: str

    def tell(self, form: Form, /) -> bytes | Refusal:
        """Tell a form as JSON; or what is wrong with it."""


def discover(package: ModuleType) -> dict[str, ModuleType]:
    """Return the modules directly inside `package` that have a `KIND`, by kind, in name order.

    Raises:
        ValueError: Two modules claim the same kind.
    """
    parts: dict[str, ModuleType] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        kind = getattr(module, "KIND", None)
        if kind is None:
            continue
        if kind in parts:
            raise ValueError(f"{module.__name__} and {parts[kind].__name__} are both {kind!r}")
        parts[kind] = module
    return parts


def spoken_dialects() -> dict[str, SpokenDialect]:
    """Return every dialect by kind, those that are spoken to providers only among them."""
    return {kind: cast(SpokenDialect, part) for kind, part in discover(headgate.dialects).items()}


def dialects() -> dict[str, Dialect]:
    """Return every dialect that clients speak, by kind: those that have a `PATH`."""
    found = spoken_dialects().items()
    return {kind: cast(Dialect, part) for kind, part in found if hasattr(part, "PATH")}
