"""Paths that are not served: by name where a provider has them, else with what was meant."""

import pytest

from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, chat
from tests.gateway.inprocess import Gateway

GOOGLE = [("x-goog-api-client", "google-genai-sdk/3")]
NAMED = {
    "/v1/agents": "Agents",
    "/v1/audio/voices": "Voices",
    "/v1/chat/completions/chatcmpl-1": "Chat completions kept by the provider",
    "/v1/chat/completions/chatcmpl-1/messages": "Chat completions kept by the provider",
    "/v1/completions": "Completions",
    "/v1/environments/env_1/work": "Agents",
    "/v1/memory_stores": "Agents",
    "/v1/videos": "Videos",
    "/v1/organizations/me": "Administration",
    "/v1/responses/compact": "Responses kept by the provider",
    "/v1/sessions/s_1/events": "Agents",
    "/v1beta/files": "Files",
}


@pytest.mark.parametrize(("path", "name"), NAMED.items())
def test_what_a_provider_has_beside_is_named(gateway: Gateway, path: str, name: str) -> None:
    """501, which no client tries again, and which says what was asked for."""
    reply = ask(gateway, chat(), path)

    assert (reply.status, reply.code) == (501, "endpoint_unsupported")
    assert reply.header("x-should-retry") == "false"
    assert f"Not served here: {name}. " in reply.message


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("part", ["cachedContents", "fileSearchStores/s:upload", "interactions"])
def test_the_versions_of_an_api_are_named_alike(gateway: Gateway, version: str, part: str) -> None:
    """Its newest client asks below another version than those before it."""
    reply = ask(gateway, chat(), f"/{version}/{part}", headers=GOOGLE)

    assert (reply.status, reply.header("x-headgate-code")) == (501, "endpoint_unsupported")


MEANT = {
    "/chat/completions": CHAT_PATH,
    "/v1/chat/completions/": CHAT_PATH,
    "/v1/v1/messages": MESSAGES_PATH,
    "/openai/v1/chat/completions": CHAT_PATH,
    "/v1/v1/messages/count_tokens": "/v1/messages/count_tokens",
    "/models": "/v1/models",
}


@pytest.mark.parametrize(("asked", "meant"), MEANT.items())
def test_a_path_with_another_beginning_is_told_the_right_one(
    gateway: Gateway, asked: str, meant: str
) -> None:
    """A base URL with one `/v1` too few or too many is the first mistake that anybody makes."""
    reply = ask(gateway, chat(), asked)

    assert (reply.status, reply.code) == (404, "path_unknown")
    assert f"Did you mean {meant}? Look at the base URL" in reply.message
