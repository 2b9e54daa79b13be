"""One simulator for all tests here, cleared before each, and official clients that speak to it."""

import json
import types
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

import anthropic
import openai
import pydantic
import pytest

from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread

StrictCheck = Callable[[Any, Any], None]


def post_json(url: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Send one request to a simulated provider and return status and body."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=5)
    connection.request("POST", path, json.dumps(body).encode(), dict(headers))
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, content


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    """A simulator without any waits."""
    with SimulatorThread(seed=7, options=Options(pace=INSTANT)) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    """The simulator, without faults and with its gate open."""
    yield running
    running.faults.clear()
    running.gate.release()
    running.pace = INSTANT


@pytest.fixture(scope="session")
def openai_client(running: Simulator) -> Iterator[openai.OpenAI]:
    """The official client, without retries."""
    with openai.OpenAI(
        api_key="sk-test", base_url=running.openai_url, max_retries=0, timeout=5
    ) as client:
        yield client


@pytest.fixture(scope="session")
def anthropic_client(running: Simulator) -> Iterator[anthropic.Anthropic]:
    """The official client, without retries."""
    with anthropic.Anthropic(
        api_key="sk-ant-test", base_url=running.anthropic_url, max_retries=0, timeout=5
    ) as client:
        yield client


@pytest.fixture(scope="session")
def check_strictly() -> StrictCheck:
    """Asserts that a JSON value has exactly the shape of an official SDK type."""

    def check(kind: Any, value: Any) -> None:
        problems = list(_problems(kind, value, "$"))
        assert not problems, "\n".join(problems)

    return check


def _problems(kind: Any, value: Any, path: str) -> Iterator[str]:
    """Yield where `value` has unknown keys, lacks required ones, or has the wrong type."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _problems(get_args(kind)[0], value, path)
    elif origin in (Union, types.UnionType):
        yield from _union_problems(get_args(kind), value, path)
    elif origin is Literal:
        if value not in get_args(kind):
            yield f"{path}: {value!r} is none of {get_args(kind)}"
    elif origin is list:
        if not isinstance(value, list):
            yield f"{path}: {value!r} is not a list"
            return
        for index, item in enumerate(value):
            yield from _problems(get_args(kind)[0], item, f"{path}[{index}]")
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is not an object"
    elif isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
        yield from _model_problems(kind, value, path)
    else:
        yield from _plain_problems(kind, value, path)


def _union_problems(kinds: tuple[Any, ...], value: Any, path: str) -> Iterator[str]:
    attempts = [list(_problems(kind, value, path)) for kind in kinds]
    if all(attempts):
        yield from min(attempts, key=len)


def _model_problems(kind: type[pydantic.BaseModel], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not an object"
        return
    fields = {field.alias or name: field for name, field in kind.model_fields.items()}
    for name in value.keys() - fields.keys():
        yield f"{path}.{name}: unknown to {kind.__name__}"
    for name, field in fields.items():
        if name in value:
            yield from _problems(field.annotation, value[name], f"{path}.{name}")
        elif field.is_required():
            yield f"{path}.{name}: missing in {kind.__name__}"


def _plain_problems(kind: Any, value: Any, path: str) -> Iterator[str]:
    try:
        pydantic.TypeAdapter(kind).validate_json(pydantic.TypeAdapter(Any).dump_json(value))
    except pydantic.ValidationError:
        yield f"{path}: {value!r} is not {kind}"
