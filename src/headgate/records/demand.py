"""What a call asks for, and how its body is changed on the way to a deployment.

What is made for every call is a `Struct`: it is made four times as fast as a named tuple.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from msgspec import Raw, Struct


class Terms(NamedTuple):
    """The conditions a price can depend on beside the model, in the words of the price book.

    Attributes:
        tier: `standard`, `batch`, `flex`, `priority`, `fast` ...
        region: `global`, or a class the provider charges more for, such as `us`.
        cache_retention: `default` or `24h` (the longest the call asked for).
        nodes: Those of the call that have a contract of their own; see `catalog.contracts`.
        variant: What a model may be priced by beside its tier: the quality and size of an image,
            `hd/1024x1792`; empty for nothing. A model without rows of it has those of its tier.
    """

    tier: str = "standard"
    region: str = "global"
    cache_retention: str = "default"
    nodes: tuple[str, ...] = ()
    variant: str = ""


STANDARD: Final = Terms()
NO_MEMBERS: Final[Mapping[str, Raw]] = MappingProxyType({})


class Pieces(Struct, frozen=True, gc=False):
    """What a call for images or sound is billed by at most, beside tokens.

    Attributes:
        most: Upper bounds, by meter of `units.usage.UNIT_METERS`.
        exact: Those that are no bounds but what is billed: the request itself says how many.
    """

    most: Mapping[str, int]
    exact: tuple[str, ...] = ()


class Demand(Struct, frozen=True, gc=False):
    """The fields of a request that decide who may serve it and what it can cost.

    Attributes:
        model: The name the client asked for, unescaped.
        stream: Whether the reply is a stream.
        output_tokens_max: The largest output limit the client gave, per choice; None when none,
            0 when nothing is to be generated.
        choices: How many answers are asked for (`n`), at least 1.
        usage_wanted: Whether the client itself asked for usage at the end of a stream.
        input_tokens_max: An upper bound of the prompt's tokens, from the size of the body;
            None when a remote part (a document by address or id) leaves only the context
            window as a bound.
        unbounded: The name of a feature whose cost has no bound, None when there is none.
        tools: Whether tools are offered.
        images: Whether the prompt carries images.
        terms: The dearest terms the call asks for.
        members: What the dialect decoded of the body and needs again to change it; nobody
            else's business.
        thinking_tokens: The thinking budget inside the output limit, None when none.
        output_tokens_min: The smallest output limit with which the request stays valid.
        uses_counted: Whether the reply's usage says how often that feature was used.
        thread: Whether the provider is to keep the conversation, or has kept it.
        free: Whether the provider bills nothing for it: no money is held.
        pieces: What it is billed by beside tokens, and so no limit is sent; None for a call for
            text alone.
        after: The response that the prompt goes on from, by the id under which its provider keeps
            it; None when it goes on from none.
    """

    model: str
    stream: bool
    output_tokens_max: int | None
    choices: int = 1
    usage_wanted: bool = False
    input_tokens_max: int | None = None
    unbounded: str | None = None
    tools: bool = False
    images: bool = False
    terms: Terms = STANDARD
    members: Mapping[str, Raw] = NO_MEMBERS
    thinking_tokens: int | None = None
    output_tokens_min: int = 1
    uses_counted: bool = False
    thread: bool = False
    free: bool = False
    pieces: Pieces | None = None
    after: str | None = None


class Edit(Struct, frozen=True, gc=False):
    """The documented changes to a body on its way upstream; nothing else in it changes.

    Attributes:
        model: The name to send.
        output_tokens_max: The limit to send: every limit field that is there is lowered to it
            when above (or null), and one is inserted when there is none.
        limit_field: The field to insert when there is none.
        limit_needed: Whether it is inserted even where another limit is, because the provider
            would ignore that one.
        ask_usage: Whether a stream is made to report its usage at the end.
        dropped: Top-level members that are left out, because the provider refuses them.
        members: Members that are added, as JSON, unless the body has them. With either, the body
            is put together anew from the members as they stand in it.
        changed: New values, as JSON, of members that are there: those with cache breakpoints.
    """

    model: str
    output_tokens_max: int
    limit_field: str
    limit_needed: bool = False
    ask_usage: bool = True
    dropped: frozenset[str] = frozenset()
    members: Mapping[str, bytes] = MappingProxyType({})
    changed: Mapping[str, bytes] = MappingProxyType({})
