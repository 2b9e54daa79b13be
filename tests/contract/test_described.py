"""A node answers as its OpenAPI document says, whatever is sent that the document allows."""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from headgate.node.openapi.document import document
from headgate.units.errors import CODES
from tests.node.harness import TestNode, running_node

SCHEMA = schemathesis.openapi.from_dict(document())
STATUSES = {code.code: code.status for code in CODES}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node without budgets."""
    with running_node(tmp_path_factory.mktemp("described")) as running:
        yield running


@pytest.mark.slow
@SCHEMA.parametrize()
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_as_it_is_described(
    case: schemathesis.Case, node: TestNode
) -> None:
    """Statuses, types, headers and bodies are those of the document, and nothing breaks."""
    # No invented name is that of a model here; half of all calls are to get past that.
    for named in (case.body, case.path_parameters):
        if isinstance(named, dict) and isinstance(named.get("model"), str):
            named["model"] = "mini" if len(named["model"]) % 2 else named["model"]
    headers = {"authorization": f"Bearer {node.key()}"}
    reply = case.call(base_url=node.gateway_url, headers=headers)

    case.validate_response(
        reply,
        checks=[
            status_code_conformance,
            content_type_conformance,
            response_headers_conformance,
            response_schema_conformance,
        ],
    )
    (code,) = reply.headers.get("x-headgate-code", [""])
    assert reply.status_code < 400 or STATUSES[code] == reply.status_code
    assert code != "internal_error"
