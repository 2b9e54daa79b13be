"""What may be asked about a response that a provider keeps: by method, path and query."""

import pytest

from headgate.dialects.kept_responses import Asked, read
from headgate.units.errors import RESPONSE_UNKNOWN, Refusal

PATH = "/v1/responses/resp_1"


@pytest.mark.parametrize(
    ("query", "passed"),
    [
        ("", ""),
        ("include[]=a&include[]=b", "include%5B%5D=a&include%5B%5D=b"),
        ("key=secret&include=a", "include=a"),
        ("api-version=1&stream=false&starting_after=3", ""),
        ("include=%26key%3Dx%0d%0a", "include=%26key%3Dx%0D%0A"),
    ],
)
def test_only_what_is_known_of_a_query_is_passed_on(query: str, passed: str) -> None:
    """A key that somebody wrote into it stays here, and nothing breaks out of its field."""
    assert read("GET", PATH, query) == Asked("GET", "resp_1", "", passed)


def test_a_page_is_asked_for_as_its_client_did() -> None:
    """The items of an input are a list."""
    asked = read("GET", f"{PATH}/input_items", "after=msg_1&limit=5&order=asc&key=k")

    assert asked == Asked("GET", "resp_1", "/input_items", "after=msg_1&limit=5&order=asc")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses",
        "/v1/responses/",
        "/v1/responses/..",
        "/v1/responses/resp_a%2Fb",
        "/v1/responses/resp_1/",
        "/v1/responses/resp_1/../x",
        "/v1/responses/resp_1/cancel/x",
        f"/v1/responses/resp_{'x' * 124}",
    ],
)
def test_what_is_no_response_is_not_taken(path: str) -> None:
    """Nothing that could be another path at the provider is asked for there."""
    assert read("GET", path, "") is None


def test_a_query_has_so_many_fields() -> None:
    """More are refused, not read."""
    assert isinstance(read("GET", PATH, "&".join(["include=a"] * 65)), Refusal)


def test_what_has_another_id_is_unknown() -> None:
    """It was made by translation, or never; what is no question about one is not taken."""
    refused = read("GET", "/v1/responses/msg_1", "")

    assert isinstance(refused, Refusal)
    assert refused.code is RESPONSE_UNKNOWN
    assert read("POST", "/v1/responses/compact", "") is None
