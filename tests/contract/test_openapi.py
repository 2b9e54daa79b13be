"""The OpenAPI document is the code's, is valid, and leaves nothing out that is served."""

import json
from pathlib import Path
from typing import Any, cast

import jsonschema
import openapi_spec_validator

from headgate.dialects.batches.registry import wires
from headgate.dialects.registry import Located, PathDialect, dialects
from headgate.gateway.batching.routes import FILES
from headgate.gateway.endpoints import PATHS
from headgate.node.control.registry import served
from headgate.node.openapi.answers import REFUSED, REPLIED, error_name
from headgate.node.openapi.document import document, render
from headgate.records.control import RESOURCES
from headgate.units.errors import CODES, Refusal

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
CONTRACT = json.loads((REFERENCE / "http.contract.json").read_text())
DOCUMENT: dict[str, Any] = json.loads(render())


def test_the_file_is_what_the_code_makes() -> None:
    """Change it with: python -m headgate.node.openapi.document > docs/reference/openapi.json."""
    assert (REFERENCE / "openapi.json").read_text() == render() + "\n"


def test_it_is_valid_openapi() -> None:
    """The official validator finds nothing wrong with it."""
    openapi_spec_validator.validate(document())


def test_its_paths_are_those_that_are_served() -> None:
    """Nothing is told that has no route, and no route is left out."""
    known = {path.decode() for path in PATHS} | {FILES}
    known |= {each.PATH for each in dialects().values()}
    known |= {each.PATH for each in wires().values()}
    told = set(DOCUMENT["paths"])
    of_dialects = {path for each in dialects().values() for path in getattr(each, "PATHS", ())}
    roots = {path.partition("/{")[0] for path in told - of_dialects} | (known & of_dialects)

    assert roots == known


def test_a_dialect_takes_every_path_that_it_tells() -> None:
    """A dialect with several paths finds the model in each."""
    found = [
        cast(PathDialect, each).locate(path.replace("{model}", "fast"), "")
        for each in dialects().values()
        for path in getattr(each, "PATHS", ())
    ]

    assert found
    assert all(isinstance(each, Located) and each.model == "fast" for each in found)


def test_a_resource_tells_the_methods_that_it_takes() -> None:
    """What the steward answers has the methods of its row, no more and no fewer."""
    told = {name: tuple(sorted({each.method for each in of})) for name, of in served().items()}

    assert told == RESOURCES


def test_every_code_is_told_somewhere() -> None:
    """Each code is one of an operation's, or comes on paths and methods that are not told."""
    told = set(DOCUMENT["x-headgate-other-codes"])
    for answer in DOCUMENT["components"]["responses"].values():
        schema = answer.get("headers", {}).get("x-headgate-code", {}).get("schema", {})
        told |= {*schema.get("enum", ()), *schema.get("examples", ())}

    assert told == {code.code for code in CODES}


def test_every_header_of_ours_is_told() -> None:
    """What clients may send and what they are sent are the headers of the contract."""
    asked = {name for name in DOCUMENT["components"]["parameters"] if name.startswith("x-headgate")}
    answered = {name for name in (*REPLIED, *REFUSED) if name.startswith("x-headgate")}

    assert sorted(asked | answered) == CONTRACT["headers"]


def test_every_refusal_has_the_shape_that_is_told() -> None:
    """Whatever a dialect refuses, with a call or without, is an error of its schema."""
    schemas = DOCUMENT["components"]["schemas"]
    for dialect in dialects().values():
        validator = jsonschema.Draft202012Validator(schemas[error_name(dialect)])
        for code in CODES:
            for param, call in ((None, None), ("model", "call_1")):
                refusal = Refusal(code, code.sentence, param)

                validator.validate(json.loads(dialect.render_refusal(refusal, call)))
