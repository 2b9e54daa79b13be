"""Our OpenAPI document as schemathesis reads it, and what it can check of a reply by it."""

import schemathesis
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from headgate.node.openapi.document import document

SCHEMA = schemathesis.openapi.from_dict(document())
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
