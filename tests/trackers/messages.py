"""Messages of trackers, typed from their public documentation, with names of our own.

They have fields around those that are read, as real ones do.
"""

import base64
import hashlib
import hmac
import json
from typing import Any, NamedTuple

SECRET = "sesame-open-4711"  # a secret of the tests' own


class Message(NamedTuple):
    """A message: its body, and what its sender says of it beside the signature."""

    body: bytes
    headers: dict[str, str]


def mark(secret: str, body: bytes) -> str:
    """Return the HMAC of a body, made here anew."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github_pull_request(
    action: str, *, merged: bool = False, body: str | None = "", **more: Any
) -> Message:
    """Return an event `pull_request`."""
    document = {
        "action": action,
        "number": 12,
        "pull_request": {
            "url": "https://api.github.com/repos/acme/app/pulls/12",
            "number": 12,
            "state": "open" if action == "reopened" else "closed",
            "title": "Round once",
            "user": {"login": "reviewer[bot]", "type": "Bot"},
            "body": body,
            "labels": [{"id": 208045946, "name": "bug", "color": "f29513"}],
            "head": {"label": "acme:agent/ticket-7", "ref": "agent/ticket-7", "sha": "a" * 40},
            "base": {"ref": "main"},
            "merged": merged,
            "merged_at": "2026-11-20T10:00:00Z" if merged else None,
            **more,
        },
        "repository": {"id": 1296269, "name": "app", "full_name": "acme/app", "private": True},
        "sender": {"login": "ada", "type": "User"},
    }
    return _github("pull_request", document)


def github_issue(action: str, reason: str | None, body: str = "Headgate-Run: ticket-7") -> Message:
    """Return an event `issues`."""
    document = {
        "action": action,
        "issue": {
            "number": 7,
            "title": "Sums are off",
            "labels": [],
            "state": "closed",
            "state_reason": reason,
            "body": body,
        },
        "repository": {"full_name": "acme/app"},
    }
    return _github("issues", document)


def _github(event: str, document: dict[str, Any]) -> Message:
    body = json.dumps(document).encode()
    return Message(
        body,
        {
            "x-github-event": event,
            "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
            "x-hub-signature-256": f"sha256={mark(SECRET, body)}",
        },
    )


def gitlab(kind: str, action: str | None, description: str | None = None) -> Message:
    """Return a `merge_request` or `issue` event, with a secret token."""
    attributes: dict[str, Any] = {"id": 99, "iid": 1, "state": "closed", "description": description}
    if action is not None:
        attributes["action"] = action
    if kind == "merge_request":
        attributes |= {"source_branch": "agent/ticket-7", "target_branch": "main"}
    document = {
        "object_kind": kind,
        "event_type": kind,
        "user": {"id": 1, "username": "ada"},
        "project": {"id": 1, "name": "App", "path_with_namespace": "acme/app"},
        "object_attributes": attributes,
        "labels": [{"id": 206, "title": "run:ticket-8", "color": "#ffffff", "type": "GroupLabel"}],
        "changes": {},
    }
    body = json.dumps(document).encode()
    return Message(body, {"x-gitlab-token": SECRET, "x-gitlab-event": "Merge Request Hook"})


def gitlab_signed(message: Message, secret: str, key: bytes) -> Message:
    """Return a message of a hook with a signing token instead."""
    name, at = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f", "1764150000"
    signed = f"{name}.{at}.".encode() + message.body
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    headers = {
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,AAAA v1,{digest}",
        "idempotency-key": name,
    }
    return Message(message.body, headers)


def jira(
    category: str,
    *,
    status: str = "Done",
    resolution: str | None = "Done",
    changes: list[dict[str, Any]] | None = None,
    event: str = "jira:issue_updated",
) -> Message:
    """Return an event of an issue."""
    moved = {"field": "status", "fieldtype": "jira", "from": "3", "to": "10001"}
    document = {
        "timestamp": 1764150000000,
        "webhookEvent": event,
        "issue_event_type_name": "issue_generic",
        "user": {"accountId": "5b10a2844c20165700ede21g", "displayName": "Ada"},
        "issue": {
            "id": "10007",
            "key": "APP-8",
            "fields": {
                "summary": "Sums are off",
                "description": "Off by one.\r\nHeadgate-Run: ticket-7\r\n",
                "labels": ["backend", "run:ticket-8"],
                "status": {"name": status, "id": "10001", "statusCategory": {"key": category}},
                "resolution": None if resolution is None else {"id": "10000", "name": resolution},
            },
        },
        "changelog": {"id": "11302", "items": [moved] if changes is None else changes},
    }
    body = json.dumps(document).encode()
    headers = {
        "x-hub-signature": f"sha256={mark(SECRET, body)}",
        "x-atlassian-webhook-identifier": "20edd4ed0c8e4b8a",
    }
    return Message(body, headers)


def linear(state: str, before: dict[str, Any], *, action: str = "update") -> Message:
    """Return a change of an issue."""
    document = {
        "action": action,
        "type": "Issue",
        "createdAt": "2026-11-20T10:00:00.000Z",
        "data": {
            "id": "61dfc4b0-66e7-4be8-a1a6-33b8ee8f4a2a",
            "identifier": "APP-11",
            "title": "Sums are off",
            "description": "Headgate-Run: ticket-7",
            "state": {"id": "c02edc3a", "name": state.title(), "type": state, "color": "#bec2c8"},
            "labels": [{"id": "1", "name": "run:ticket-8", "color": "#fff"}],
        },
        "updatedFrom": {"updatedAt": "2026-11-19T10:00:00.000Z", **before},
        "url": "https://linear.app/acme/issue/APP-11",
        "organizationId": "8f2b",
        "webhookTimestamp": 1764150000000,
        "webhookId": "000042e3-d123-4980-b49f-8e140eef9329",
    }
    body = json.dumps(document).encode()
    headers = {
        "linear-delivery": "234d1a4e-b617-4388-90fe-adc3633d6b72",
        "linear-event": "Issue",
        "linear-signature": mark(SECRET, body),
    }
    return Message(body, headers)


def generic(**document: Any) -> Message:
    """Return a message in our own form."""
    return signed_generic(json.dumps({"id": "build-7", "outcome": "success", **document}).encode())


def signed_generic(body: bytes) -> Message:
    """Return any bytes, signed in our own form."""
    return Message(body, {"x-headgate-signature": f"sha256={mark(SECRET, body)}"})
