"""What each kind of tracker tells: of which runs, and whether they reached what they were for."""

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.trackers.naming import Naming, Subject, subjects
from headgate.trackers.registry import Ending, Heard, Ignored, trackers
from tests.trackers import messages
from tests.trackers.messages import SECRET, Message

TRACKERS = trackers()
NAMING = Naming(branch="agent/*", label="run:*")
T7, T8 = ("run", "ticket-7"), ("run", "ticket-8")
MERGED = messages.github_pull_request("closed", merged=True)
RESOLVED: dict[str, Any] = {"field": "resolution", "from": None, "to": "10000"}
UNRESOLVED: dict[str, Any] = {"field": "resolution", "from": "10000", "to": None}
STATE = {"stateId": "before", "completedAt": None}


def hear(kind: str, message: Message, naming: Naming = NAMING) -> Heard:
    """Read a message that is signed as its kind does."""
    assert TRACKERS[kind].is_signed(SECRET, message.headers, message.body)
    return TRACKERS[kind].read(message.headers, message.body, naming)


@pytest.mark.parametrize(
    ("kind", "message", "success", "note", "about"),
    [
        ("github", MERGED, True, "acme/app#12 merged", [T7]),
        (
            *("github", messages.github_pull_request("closed"), False),
            *("acme/app#12 closed as not merged", [T7]),
        ),
        (
            *("github", messages.github_pull_request("reopened"), False),
            *("acme/app#12 reopened", [T7]),
        ),
        (
            "github",
            messages.github_issue("closed", "completed"),
            True,
            "acme/app#7 completed",
            [T7],
        ),
        ("github", messages.github_issue("closed", None), True, "acme/app#7 completed", [T7]),
        (
            *("github", messages.github_issue("closed", "not_planned"), False),
            *("acme/app#7 closed as not_planned", [T7]),
        ),
        (
            *("github", messages.github_issue("reopened", "reopened"), False),
            *("acme/app#7 reopened", [T7]),
        ),
        ("gitlab", messages.gitlab("merge_request", "merge"), True, "acme/app!1 merged", [T7, T8]),
        ("gitlab", messages.gitlab("merge_request", "close"), False, "acme/app!1 closed", [T7, T8]),
        (
            "gitlab",
            messages.gitlab("merge_request", "reopen"),
            False,
            "acme/app!1 reopened",
            [T7, T8],
        ),
        ("gitlab", messages.gitlab("issue", "close"), True, "acme/app#1 closed", [T8]),
        ("gitlab", messages.gitlab("issue", "reopen"), False, "acme/app#1 reopened", [T8]),
        ("jira", messages.jira("done"), True, "APP-8 Done (Done)", [T7, T8]),
        ("jira", messages.jira("done", resolution=None), True, "APP-8 Done", [T7, T8]),
        (
            *("jira", messages.jira("done", resolution="Won't Do", changes=[RESOLVED]), False),
            *("APP-8 Done (Won't Do)", [T7, T8]),
        ),
        (
            *("jira", messages.jira("done", status="Cancelled", resolution=None), False),
            *("APP-8 Cancelled", [T7, T8]),
        ),
        (
            *("jira", messages.jira("indeterminate", resolution=None, changes=[UNRESOLVED]), False),
            *("APP-8 reopened", [T7, T8]),
        ),
        ("linear", messages.linear("completed", STATE), True, "APP-11 Completed", [T7, T8]),
        ("linear", messages.linear("canceled", STATE), False, "APP-11 Canceled", [T7, T8]),
        (
            *("linear", messages.linear("started", {**STATE, "completedAt": "2026-11-19"}), False),
            *("APP-11 reopened", [T7, T8]),
        ),
        ("generic", messages.generic(run="ticket-7"), True, "success", [T7]),
        ("generic", messages.generic(run="ticket-7", outcome="rework"), False, "rework", [T7]),
        (
            *("generic", messages.generic(session="s", outcome="failure", note="red"), False),
            *("failure: red", [("session", "s")]),
        ),
    ],
    ids=str,
)
def test_an_ending_is_read(
    kind: str, message: Message, success: bool, note: str, about: list[Subject]
) -> None:
    """By each kind's own words for it, with whom it is about and what happened."""
    heard = hear(kind, message)

    assert isinstance(heard, Ending)
    assert (heard.success, heard.note, list(heard.subjects)) == (success, note, about)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("github", messages.github_pull_request("opened")),
        ("github", messages.github_issue("labeled", None)),
        ("github", Message(b"{}", {**MERGED.headers, "x-github-event": "ping"})),
        ("gitlab", messages.gitlab("merge_request", "update")),
        ("gitlab", messages.gitlab("merge_request", None)),
        ("gitlab", messages.gitlab("pipeline", None)),
        ("jira", messages.jira("indeterminate", status="In Review")),
        ("jira", messages.jira("done", changes=[{"field": "assignee"}])),
        ("jira", messages.jira("done", event="jira:issue_created")),
        ("linear", messages.linear("started", STATE)),
        ("linear", messages.linear("completed", {"title": "Sums"})),
        ("linear", messages.linear("completed", {}, action="create")),
    ],
    ids=str,
)
def test_what_is_no_ending_is_ignored_with_its_reason(kind: str, message: Message) -> None:
    """A tracker tells of much else, and is not refused for it."""
    heard = TRACKERS[kind].read(message.headers, message.body, NAMING)

    assert isinstance(heard, Ignored)
    assert heard.reason.endswith(".")


EXAMPLES = {
    "github": MERGED,
    "gitlab": messages.gitlab("merge_request", "merge"),
    "jira": messages.jira("done"),
    "linear": messages.linear("completed", STATE),
    "generic": messages.generic(run="r"),
}
DELIVERIES = {
    "github": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "gitlab": None,
    "jira": "20edd4ed0c8e4b8a",
    "linear": "234d1a4e-b617-4388-90fe-adc3633d6b72",
    "generic": "build-7",
}


@pytest.mark.parametrize("kind", sorted(TRACKERS))
def test_only_the_secret_signs(kind: str) -> None:
    """Another secret, another body, or no header at all is none of the tracker's."""
    tracker, message = TRACKERS[kind], EXAMPLES[kind]

    assert tracker.is_signed(SECRET, message.headers, message.body)
    assert not tracker.is_signed("another", message.headers, message.body)
    assert not tracker.is_signed(SECRET, {}, message.body)
    assert set(message.headers) & set(tracker.HEADERS)
    # GitLab's secret token is shown, and signs nothing.
    assert tracker.is_signed(SECRET, message.headers, message.body + b" ") == (kind == "gitlab")


@pytest.mark.parametrize("kind", sorted(TRACKERS))
def test_a_message_is_known_by_its_delivery(kind: str) -> None:
    """What comes again comes under the same name; GitLab's older servers give none."""
    heard = hear(kind, EXAMPLES[kind])

    assert isinstance(heard, Ending)
    assert heard.delivery == DELIVERIES[kind]


@pytest.mark.parametrize("secret", ["plain", "whsec_" + base64.b64encode(b"0123456789").decode()])
def test_gitlab_signs_as_standard_webhooks_do(secret: str) -> None:
    """One of several signatures counts, and a wrong one is not made good by the token."""
    key = b"0123456789" if secret.startswith("whsec_") else secret.encode()
    message = messages.gitlab_signed(messages.gitlab("issue", "close"), secret, key)
    is_signed = TRACKERS["gitlab"].is_signed

    assert is_signed(secret, message.headers, message.body)
    assert not is_signed(secret, message.headers, message.body + b" ")
    wrong = {**message.headers, "webhook-signature": "v1,AAAA", "x-gitlab-token": secret}
    assert not is_signed(secret, wrong, message.body)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_\u00e4", "whsec_a"])
def test_a_secret_that_is_no_base64_is_a_text(secret: str) -> None:
    """Else it would be an empty key, which everybody knows, or end in an error."""
    issue = messages.gitlab("issue", "close")
    good = messages.gitlab_signed(issue, secret, secret.encode())
    forged = messages.gitlab_signed(issue, secret, b"")
    is_signed = TRACKERS["gitlab"].is_signed

    assert is_signed(secret, good.headers, good.body)
    assert not is_signed(secret, forged.headers, forged.body)


@pytest.mark.parametrize("kind", sorted(TRACKERS))
@pytest.mark.parametrize("body", [b"", b"payload=%7B%7D", b"[]", b"{", b'"\xff"'])
def test_what_cannot_be_read_says_so(kind: str, body: bytes) -> None:
    """By one kind of error, whatever the tracker; a form is no JSON."""
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        TRACKERS[kind].read(EXAMPLES[kind].headers, body, NAMING)


@pytest.mark.parametrize("about", [{}, {"run": "a", "session": "b"}, {"run": "not a name"}])
def test_a_generic_message_names_one_thing(about: dict[str, str]) -> None:
    """It has no description that might name more."""
    message = messages.generic(**about)

    with pytest.raises(msgspec.ValidationError, match="Name one of"):
        TRACKERS["generic"].read(message.headers, message.body, NAMING)


def test_descriptions_name_by_lines_of_their_own() -> None:
    """Each once, in comments too, with a browser's line ends; what is no name names nothing."""
    text = (
        "Rounds once.\r\n\r\nHeadgate-Run: ticket-7\r\nheadgate-session: chat-1\r\n"
        "<!-- Headgate-Call: call_1 -->\r\nHeadgate-Run: ticket-7\n"
        "See Headgate-Run: no\nHeadgate-Run: a/b\nHeadgate-Run: two words\n"
    )

    found = subjects(Naming(), text, "agent/x", ["run:y"])

    assert found == (T7, ("session", "chat-1"), ("call", "call_1"))


@pytest.mark.parametrize(
    "key", ["headgate-\u017fe\u017f\u017fion", "headgate-\uff52un", "headgate-task"]
)
def test_a_key_that_only_looks_like_one_of_ours_names_nothing(key: str) -> None:
    """Descriptions are written by strangers: a long s is no s, whatever its capital is."""
    assert subjects(NAMING, f"{key}: x") == ()


@given(
    st.from_regex(r"[a-z/:]{0,9}\*[a-z-]{0,4}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,9}", fullmatch=True),
)
def test_a_pattern_names_what_stands_for_its_wildcard(pattern: str, name: str) -> None:
    """Of branches and labels alike; the pattern's own text names nothing."""
    naming = Naming(branch=pattern, label=pattern, names="session")
    text = pattern.replace("*", name)

    assert (
        subjects(naming, None, text) == subjects(naming, "", None, [text]) == (("session", name),)
    )
    assert subjects(naming, None, pattern.replace("*", "")) == ()
