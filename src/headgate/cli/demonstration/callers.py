"""Who calls in the demonstration: each caller takes one turn at a time with an official client."""

import random
from typing import Any, NamedTuple, Protocol

import anthropic
import openai
from anthropic.types import MessageParam, TextBlockParam, ToolParam
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

from headgate.cli.demonstration.texts import listing, markers, passage, question

CALL_TIMEOUT_S = 15.0
RUN_HEADER = "x-headgate-run"
SESSION_STEPS = 12
"""An agent's session is this long; then it begins another, as another run."""


_READ_FILE: ToolParam = {
    "name": "read_file",
    "description": "Read a file.",
    "input_schema": {
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
    },
}
_RUN_COMMAND: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "run_command",
        "description": "Run a command.",
        "parameters": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
    },
}
_MANUAL = " ".join(
    f"Rule {number}: open gate {number} only when it is paid for." for number in range(70)
)
"""What all sessions of an agent begin with."""


class Caller(Protocol):
    """One who calls.

    Attributes:
        PAUSE_S: How long it rests between two turns.
    """

    PAUSE_S: float

    async def turn(self) -> None:
        """Make one call.

        Raises:
            openai.OpenAIError: It was refused or failed, in OpenAI's dialect.
            anthropic.AnthropicError: The same in Anthropic's.
        """


def openai_client(gateway: str, key: str) -> openai.AsyncOpenAI:
    """Return OpenAI's own client, pointed at the gateway."""
    # No retries of its own, so that each call is seen once.
    return openai.AsyncOpenAI(
        base_url=f"{gateway}/v1", api_key=key, max_retries=0, timeout=CALL_TIMEOUT_S
    )


def anthropic_client(gateway: str, key: str) -> anthropic.AsyncAnthropic:
    """Return Anthropic's own client, pointed at the gateway."""
    return anthropic.AsyncAnthropic(
        base_url=gateway, api_key=key, max_retries=0, timeout=CALL_TIMEOUT_S
    )


class Helpdesk:
    """Short questions to whatever is cheap, streamed every other time; some meet trouble.

    One call in eight finds the first provider at its limit and is served by the next; one in
    twenty breaks off, so that its charge is an estimate.
    """

    PAUSE_S = 0.15

    def __init__(self, client: openai.AsyncOpenAI, generator: random.Random) -> None:
        self._client = client
        self._random = generator
        self._turns = 0

    async def turn(self) -> None:
        """Ask."""
        self._turns += 1
        text = question(self._random)
        breaks_off = self._turns % 20 == 9
        if self._turns % 8 == 3:
            text += markers(fault="rate_limit", times=1)
        elif breaks_off:
            text += markers(fault="cut", after=5)
        if breaks_off or self._turns % 2:
            await self._stream(text)
        else:
            await self._client.chat.completions.create(
                model="fast",
                messages=[{"role": "user", "content": text}],
                max_completion_tokens=300,
            )

    async def _stream(self, text: str) -> None:
        stream = await self._client.chat.completions.create(
            model="fast",
            messages=[{"role": "user", "content": text}],
            max_completion_tokens=300,
            stream=True,
        )
        async for _ in stream:
            pass


class Translator:
    """The same long instructions before each text, cached at the provider by a breakpoint."""

    PAUSE_S = 0.3

    def __init__(self, client: anthropic.AsyncAnthropic, generator: random.Random) -> None:
        self._client = client
        self._random = generator
        self._turns = 0
        self._system: list[TextBlockParam] = [
            {
                "type": "text",
                "text": "Translate with this glossary.\n" + passage(generator, 1_500),
                "cache_control": {"type": "ephemeral"},
            }
        ]

    async def turn(self) -> None:
        """Translate a text, streamed every other time."""
        self._turns += 1
        text = passage(self._random, 40) + markers(tokens=self._random.randrange(30, 120))
        messages: list[MessageParam] = [{"role": "user", "content": text}]
        wanted: dict[str, Any] = {
            "model": "fast",
            "max_tokens": 400,
            "system": self._system,
            "messages": messages,
        }
        if self._turns % 2:
            async with self._client.messages.stream(**wanted) as stream:
                await stream.get_final_message()
        else:
            await self._client.messages.create(**wanted)


class Reviewer:
    """An agent that reads file after file with a tool; its prompt grows and stays cached.

    The breakpoint moves with the last result, as coding agents do it.
    """

    PAUSE_S = 0.35

    def __init__(self, client: anthropic.AsyncAnthropic, generator: random.Random) -> None:
        self._client = client
        self._random = generator
        self._sessions = 0
        self._messages: list[MessageParam] = []

    async def turn(self) -> None:
        """Take the next step of the session, or the first of the next one."""
        if not self._messages or len(self._messages) >= 2 * SESSION_STEPS:
            self._sessions += 1
            task = "Review this change.\n" + passage(self._random, 900)
            self._messages = [{"role": "user", "content": [_cached_text(task)]}]
        async with self._client.messages.stream(
            model="careful",
            max_tokens=800,
            system=[_cached_text("You review code.\n" + _MANUAL)],
            tools=[_READ_FILE],
            tool_choice={"type": "any"},
            messages=self._messages,
            extra_headers={RUN_HEADER: f"review-{self._sessions}"},
        ) as stream:
            reply = await stream.get_final_message()
        self._go_on(reply)

    def _go_on(self, reply: anthropic.types.Message) -> None:
        calls = [block for block in reply.content if block.type == "tool_use"]
        _take_breakpoints_away(self._messages)
        content: list[Any] = [block.model_dump(exclude_none=True) for block in reply.content]
        self._messages.append({"role": "assistant", "content": content})
        results: list[Any] = [
            {
                "type": "tool_result",
                "tool_use_id": call.id,
                "content": listing(self._random, 40),
                "cache_control": {"type": "ephemeral"},
            }
            for call in calls
        ]
        self._messages.append({"role": "user", "content": results})


def _cached_text(text: str) -> TextBlockParam:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}


def _take_breakpoints_away(messages: list[MessageParam]) -> None:
    for message in messages:
        content: Any = message["content"]
        for block in content:
            block.pop("cache_control", None)


class Builder:
    """An agent that runs commands on a pinned deployment; the provider caches what it has seen."""

    PAUSE_S = 0.35

    def __init__(self, client: openai.AsyncOpenAI, generator: random.Random) -> None:
        self._client = client
        self._random = generator
        self._sessions = 0
        self._messages: list[ChatCompletionMessageParam] = []

    async def turn(self) -> None:
        """Take the next step of the session, or the first of the next one."""
        if not self._messages or len(self._messages) >= 2 * SESSION_STEPS + 2:
            self._sessions += 1
            self._messages = [
                {"role": "system", "content": "You build.\n" + _MANUAL},
                {"role": "user", "content": "Build this.\n" + passage(self._random, 500)},
            ]
        reply = await self._client.chat.completions.create(
            model="gpt-5-5",
            messages=self._messages,
            tools=[_RUN_COMMAND],
            tool_choice="required",
            max_completion_tokens=600,
            extra_headers={RUN_HEADER: f"build-{self._sessions}"},
        )
        said: Any = reply.choices[0].message.model_dump(exclude_none=True)
        self._messages.append(said)
        for call in reply.choices[0].message.tool_calls or []:
            output = listing(self._random, 40)
            self._messages.append({"role": "tool", "tool_call_id": call.id, "content": output})


class Habits(NamedTuple):
    """How somebody asks: how long each text is, for how much answer, and how often."""

    words: int
    output_tokens_max: int
    pause_s: float


class Person:
    """Somebody who asks for one model after the other, some of which may be forbidden."""

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        generator: random.Random,
        *,
        models: tuple[str, ...],
        habits: Habits,
    ) -> None:
        self.PAUSE_S = habits.pause_s
        self._habits = habits
        self._client = client
        self._random = generator
        self._models = models
        self._turns = 0

    async def turn(self) -> None:
        """Ask."""
        model = self._models[self._turns % len(self._models)]
        self._turns += 1
        text = passage(self._random, self._habits.words) + question(self._random)
        await self._client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": text}],
            max_completion_tokens=self._habits.output_tokens_max,
        )


def make_callers(gateway: str, keys: dict[str, str], seed: int) -> list[Caller]:
    """Return everybody who calls; what they say follows from the seed."""
    seeds = random.Random(seed)  # noqa: S311 - repeatable traffic, not a secret

    def generator() -> random.Random:
        return random.Random(seeds.randrange(1 << 32))  # noqa: S311 - as above

    def person(name: str, models: tuple[str, ...], habits: Habits) -> Person:
        client = openai_client(gateway, keys[name])
        return Person(client, generator(), models=models, habits=habits)

    helpdesk = openai_client(gateway, keys["helpdesk"])
    return [
        Helpdesk(helpdesk, generator()),
        Helpdesk(helpdesk, generator()),
        Translator(anthropic_client(gateway, keys["translator"]), generator()),
        Reviewer(anthropic_client(gateway, keys["reviewer"]), generator()),
        Builder(openai_client(gateway, keys["builder"]), generator()),
        person("ana", ("fast", "mini", "fast", "mini", "careful"), Habits(60, 250, 0.5)),
        person("sam", ("gpt-5-5",), Habits(10, 80, 0.25)),
        person("nightly", ("fast",), Habits(60, 250, 0.4)),
    ]
