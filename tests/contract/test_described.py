"""A node answers as its OpenAPI document says, whatever is sent that the document allows."""

from typing import Any

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.dialects.described.registry import described
from headgate.dialects.registry import dialects
from headgate.node.openapi.answers import REPLIED
from headgate.node.openapi.document import document
from tests.contract.operations import CHECKS, SCHEMA
from tests.node.harness import TestNode

PLAIN = described()
MODELS = {"anthropic_messages": "haiku", "embeddings": "embed"}


def plain_schema() -> Any:
    """Return the document with nothing but plain calls, and without headers."""
    told = document()
    paths: dict[str, Any] = {}
    for kind, each in PLAIN.items():
        for path in getattr(dialects()[kind], "PATHS", (dialects()[kind].PATH,)):
            post = told["paths"][path]["post"]
            post["parameters"] = [
                named for named in post["parameters"] if named.get("in") == "path"
            ]
            post["requestBody"]["content"]["application/json"] = {"schema": each.REQUEST}
            post["x-kind"] = kind
            paths[path] = {"post": post}
    return schemathesis.openapi.from_dict({**told, "paths": paths})


PLAIN_SCHEMA = plain_schema()


@pytest.mark.slow
@pytest.mark.parametrize("path", PLAIN_SCHEMA)
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_plain_call_is_served(path: str, node: TestNode, data: st.DataObject) -> None:
    """What is described as plain is answered 200, with a reply that has what is described."""
    case = data.draw(PLAIN_SCHEMA[path]["POST"].as_strategy())
    model = MODELS.get(case.operation.definition.raw["x-kind"], "mini")
    (case.path_parameters if "{model}" in path else case.body)["model"] = model
    headers = {"authorization": f"Bearer {node.key()}"}
    reply = case.call(base_url=node.gateway_url, headers=headers)

    assert reply.status_code == 200, reply.content
    case.validate_response(reply, checks=CHECKS)


@pytest.mark.parametrize("kind", PLAIN)
def test_an_example_is_a_plain_call(kind: str) -> None:
    """Whoever tries the one that is shown has nothing to mend but the model."""
    validator = jsonschema.Draft202012Validator(PLAIN[kind].REQUEST)

    validator.validate(PLAIN[kind].EXAMPLE)


GOOD: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "mini", "messages": [{"role": "user", "content": "Hello"}]},
    "/v1/embeddings": {"model": "embed", "input": "Hello"},
    "/v1/messages": {
        "model": "haiku",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hello"}],
    },
    "/v1/responses": {"model": "mini", "input": "Hello"},
}


@pytest.mark.slow
@pytest.mark.parametrize("path", GOOD)
def test_a_served_call_is_as_it_is_described(node: TestNode, path: str) -> None:
    """What chance hardly ever finds: a body that is good, and a reply with all its headers."""
    case = SCHEMA[path]["POST"].Case(body=GOOD[path], media_type="application/json")
    headers = {"authorization": f"Bearer {node.key()}"}
    reply = case.call(base_url=node.gateway_url, headers=headers)

    case.validate_response(reply, checks=CHECKS)
    assert reply.status_code == 200
    own = {name for name in reply.headers if name.startswith("x-headgate-")}
    assert own
    assert own <= set(REPLIED)
