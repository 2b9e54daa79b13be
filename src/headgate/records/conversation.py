"""A call as all dialects mean it: turns, parts, tools, and what was said beside them.

A dialect's parser makes a `Call` of a body, another dialect's renderer makes a body of it. What
has no place here is a `Loss`; what has one here but not at the target becomes one there. So a
leaf of the client's body is carried, renamed, or told as lost, and cannot get lost silently.

Values that only pass through stay the JSON text they were (`Raw`): no number is ever read into
a float and back, no schema reordered. Places (`at`) are JSON paths in the client's body, such as
`messages[0].content[1].cache_control`.
"""

from typing import Literal

from msgspec import Raw, Struct

Role = Literal["system", "developer", "user", "assistant"]
Choosing = Literal["auto", "none", "any", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


Bound = Literal["native", "foreign"]
"""Where a conversation may go because of what it carries: only to deployments that speak its
dialect themselves (what they have signed or keep), or only to others (what those refuse)."""


class _Record(Struct, frozen=True, gc=False):
    """Common settings; a conversation holds no cycles, so the collector may pass it by."""


class Loss(_Record, frozen=True, gc=False):
    """Something the client said that the target is not told.

    Attributes:
        at: Where it stands in the client's body; all below it is lost with it.
        reason: Why, as the end of a sentence that begins with the place.
        hint: Whether it never changes what is answered: a label, or advice on caches and cost.
            Only what is no hint can be refused by a route's `on_unsupported`.
    """

    at: str
    reason: str
    hint: bool = False


class Option(_Record, frozen=True, gc=False):
    """Something optional that several dialects have, under the name it has here."""

    name: str
    value: Raw
    at: str


Options = tuple[Option, ...]


class Text(_Record, frozen=True, gc=False):
    """Words; never empty."""

    text: str
    at: str = ""


class Image(_Record, frozen=True, gc=False):
    """An image by value: its bytes in base64, as the client wrote them."""

    media_type: str
    data: str
    at: str = ""


class ImageLink(_Record, frozen=True, gc=False):
    """An image by address, which only the provider may fetch."""

    url: str
    at: str = ""


class Document(_Record, frozen=True, gc=False):
    """A document by value, in base64.

    Attributes:
        title: What the client calls it, None when nothing; `title_at` is where it does.
    """

    media_type: str
    data: str
    title: str | None = None
    at: str = ""
    title_at: str = ""


class ToolUse(_Record, frozen=True, gc=False):
    """The model calls a tool of the client; `arguments` is JSON text, as the model wrote it."""

    id: str
    name: str
    arguments: str
    at: str = ""


class Thinking(_Record, frozen=True, gc=False):
    """Thoughts that may be read; the signature is empty when nobody vouches for them."""

    text: str
    signature: str = ""
    at: str = ""


class RedactedThinking(_Record, frozen=True, gc=False):
    """Thoughts that only their provider can read."""

    data: str
    at: str = ""


class Declined(_Record, frozen=True, gc=False):
    """The model's words on why it does not answer."""

    text: str
    at: str = ""


class Foreign(_Record, frozen=True, gc=False):
    """A part that no other dialect can take, such as sound, a file by id, a tool at the provider.

    Attributes:
        what: What it is, to be read in a sentence: "a file by id".
    """

    what: str
    at: str


ResultPart = Text | Image | ImageLink | Document | Foreign


class ToolResult(_Record, frozen=True, gc=False):
    """What a tool of the client returned; options: `failed`."""

    id: str
    parts: tuple[ResultPart, ...]
    options: Options = ()
    at: str = ""


Part = (
    Text
    | Image
    | ImageLink
    | Document
    | ToolUse
    | ToolResult
    | Thinking
    | RedactedThinking
    | Declined
    | Foreign
)


class Turn(_Record, frozen=True, gc=False):
    """One message; tools answer within the user's turns. Options: `name`."""

    role: Role
    parts: tuple[Part, ...]
    options: Options = ()
    at: str = ""


class Tool(_Record, frozen=True, gc=False):
    """A tool of the client; `schema` describes its arguments. Options: `strict`."""

    name: str
    description: str | None
    schema: Raw | None
    options: Options = ()
    at: str = ""


class ToolChoice(_Record, frozen=True, gc=False):
    """Which tools the model must use; `name` is that of the one, for `tool` only."""

    kind: Choosing
    name: str | None = None
    at: str = ""


class Format(_Record, frozen=True, gc=False):
    """The answer is JSON; `schema` None is any object. Options: `name`, `description`, `strict`.

    Attributes:
        schema_at: Where the schema stands.
    """

    schema: Raw | None
    options: Options = ()
    at: str = ""
    schema_at: str = ""


class Reasoning(_Record, frozen=True, gc=False):
    """How much the model is to think.

    Attributes:
        effort: In words, None when not said.
        budget: In tokens, None when not said.
        off: Whether thinking is switched off in so many words.
    """

    effort: Effort | None = None
    budget: int | None = None
    off: bool = False
    at: str = ""


class Call(_Record, frozen=True, gc=False):
    """A request for inference.

    Attributes:
        output_tokens_max: The client's limit, None when it gave none.
        parallel: Whether several tools may be called at once; None when not said.
        foreign: Features of the whole call that no other dialect has.
        options: `temperature`, `top_p`, `top_k`, `seed`, `presence_penalty`,
            `frequency_penalty`, `stop` (a list), `user`, and the two that say what is cached:
            `prompt_cache_key`, `prompt_cache_retention`.
        lost: What the parser found no place for.
    """

    model: str
    stream: bool
    output_tokens_max: int | None
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice | None = None
    parallel: Option | None = None
    format: Format | None = None
    reasoning: Reasoning | None = None
    foreign: tuple[Foreign, ...] = ()
    options: Options = ()
    lost: tuple[Loss, ...] = ()
