"""The codes of every refusal and error a client can meet, and the errors raised inside.

A refusal is an expected no: a value, never raised. An error is the outside breaking: raised
at the edge of a room as one documented class. A bug is an assert.

    HeadgateError
    - ConfigurationError     the configuration cannot be used; carries every problem at once
    - StoreError             the store is broken, locked or of another schema
    - JournalError           a journal segment is broken or cannot be written
    - StewardUnavailableError   the steward does not answer on its socket
"""

from dataclasses import dataclass
from typing import NamedTuple


class HeadgateError(Exception):
    """Root of what Headgate raises on purpose.

    Args:
        problem: What is wrong.
        fix: What to do about it; None where the one who raises it does not know.
    """

    def __init__(self, problem: str = "", fix: str | None = None) -> None:
        super().__init__(problem)
        self.fix = fix


class StoreError(HeadgateError):
    """The store is broken, locked by another steward, or of a schema this release cannot read."""


class JournalError(HeadgateError):
    """A journal segment is broken or cannot be written."""


class StewardUnavailableError(HeadgateError):
    """The steward does not answer on its socket."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a configuration.

    Attributes:
        file: Path of the file as the user gave it.
        key: Dotted key, such as `deployments.fast.provider`.
        problem: What is wrong, one sentence.
        fix: What to write instead, one sentence.
        line: Where the key stands in the file, or its table; None when that cannot be told.
    """

    file: str
    key: str
    problem: str
    fix: str
    line: int | None = None

    @property
    def place(self) -> str:
        """File, line and key, as far as they are known: `headgate.toml:12: routes.fast`."""
        line = "" if self.line is None else f":{self.line}"
        return f"{self.file}{line}: {self.key}"

    def __str__(self) -> str:
        return f"{self.place}: {self.problem} Fix: {self.fix}"


class ConfigurationError(HeadgateError):
    """The configuration cannot be used.

    Attributes:
        problems: All of them, in the order in which they were found; never empty.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class Code(NamedTuple):
    """A stable code a client can meet.

    Attributes:
        code: Snake case, never renamed; a heading of `docs/reference/errors.md`.
        status: HTTP status, the same in every dialect.
        openai_type: `error.type` for clients that speak OpenAI.
        anthropic_type: `error.type` for clients that speak Anthropic.
        sentence: What happened, when no better sentence is at hand.
    """

    code: str
    status: int
    openai_type: str
    anthropic_type: str
    sentence: str


class Refusal(NamedTuple):
    """An expected no, or a failure told to a client.

    Attributes:
        code: Why, with status and types.
        message: One sentence a person can act on.
        param: The field of the request that is at fault, None when it is not one field.
        retry_after_s: Seconds after which a new try makes sense, None when it makes none.
        headers: What it says to programs beside that, by lower-case name.
    """

    code: Code
    message: str
    param: str | None = None
    retry_after_s: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


def _bad(code: str, sentence: str, status: int = 400) -> Code:
    return Code(code, status, "invalid_request_error", "invalid_request_error", sentence)


def _broken(code: str, status: int, sentence: str) -> Code:
    return Code(code, status, "server_error", "api_error", sentence)


def _limited(code: str, sentence: str) -> Code:
    return Code(code, 429, "rate_limit_error", "rate_limit_error", sentence)


# What is wrong with the request.
BODY_MALFORMED = _bad("body_malformed", "The body is not valid JSON.")
BODY_TOO_DEEP = _bad("body_too_deep", "The body is nested too deeply.")
BODY_INVALID = _bad("body_invalid", "A field of the body has a wrong type or value.")
KEY_DUPLICATE = _bad("key_duplicate", "The body names a key twice that decides its cost.")
REQUEST_MALFORMED = _bad("request_malformed", "The request is not valid HTTP/1.1.")
RUN_INVALID = _bad("run_invalid", "The x-headgate-run header is not a valid run name.")
PRIORITY_UNKNOWN = _bad("priority_unknown", "There is no such priority class.")
DEADLINE_INVALID = _bad("deadline_invalid", "The x-headgate-deadline header is no instant to come.")
CONTENT_UNSUPPORTED = _bad("content_unsupported", "Send application/json, not encoded.", 415)
FEATURE_UNBOUNDED = _bad(
    "feature_unbounded", "A feature of this call has no bounded cost under a hard budget.", 422
)
FEATURE_UNSUPPORTED = _bad(
    "feature_unsupported", "This gateway cannot serve a feature of this call.", 422
)
THREAD_UNSUPPORTED = _bad(
    "thread_unsupported_request", "The conversation has to be sent whole, without a thread."
)
ENDPOINT_UNSUPPORTED = _bad("endpoint_unsupported", "This endpoint is not served here.", 501)
REALTIME_UNSUPPORTED = _bad(
    "realtime_unsupported", "WebSockets are not served: what they spend cannot be held yet.", 501
)
NO_CANDIDATE = _bad("no_candidate", "No deployment of the model may serve this call.", 422)
METHOD_NOT_ALLOWED = _bad("method_not_allowed", "This path does not take this method.", 405)
HEAD_TOO_LARGE = _bad("head_too_large", "The head of the request is too large.", 431)
REQUEST_TIMEOUT = _bad("request_timeout", "The request took too long to arrive.", 408)
BODY_TOO_LARGE = Code(
    "body_too_large",
    413,
    "invalid_request_error",
    "request_too_large",
    "The body is larger than this gateway takes.",
)
UPLOAD_UNSPOOLED = _broken("upload_unspooled", 507, "A form with files cannot be kept.")
BATCH_UNKNOWN = Code(
    "batch_unknown", 404, "invalid_request_error", "not_found_error", "There is no such batch."
)
BATCH_RUNNING = _bad("batch_running", "The batch has not ended.", 409)
FILE_UNKNOWN = Code(
    "file_unknown", 404, "invalid_request_error", "not_found_error", "There is no such file."
)
RESPONSE_UNKNOWN = Code(
    "response_unknown",
    404,
    "invalid_request_error",
    "not_found_error",
    "There is no such response.",
)
FILES_FULL = _bad("files_full", "The files of this principal have too many bytes together.", 413)
CONTEXT_EXCEEDED = _bad("context_exceeded", "The prompt is longer than any candidate can take.")

# Who asks, and for what.
KEY_INVALID = Code(
    "key_invalid", 401, "authentication_error", "authentication_error", "The key is not valid."
)
KEY_EXPIRED = Code(
    "key_expired", 401, "authentication_error", "authentication_error", "The key has ended."
)
NOT_PERMITTED = Code(
    "not_permitted",
    403,
    "permission_error",
    "permission_error",
    "This key may not use this model.",
)
PRIORITY_NOT_PERMITTED = Code(
    "priority_not_permitted",
    403,
    "permission_error",
    "permission_error",
    "This key may not use this priority class.",
)


def _delegation(code: str, status: int, sentence: str) -> Code:
    kind = "permission_error" if status == 403 else "authentication_error"
    return Code(f"delegation_{code}", status, kind, kind, sentence)


DELEGATION_INVALID = _delegation("invalid", 401, "The delegation token is not valid.")
DELEGATION_FOREIGN = _delegation(
    "foreign", 401, "The delegation token comes from no key of this gateway."
)
DELEGATION_EXPIRED = _delegation("expired", 401, "The delegation has ended.")
DELEGATION_REVOKED = _delegation("revoked", 401, "The delegation was revoked.")
DELEGATION_UNKNOWN = _delegation(
    "unknown_fact", 401, "The delegation token says what this gateway does not understand."
)
DELEGATION_WIDENED = _delegation(
    "widened", 403, "The delegation asks for more than its parent has."
)
DELEGATION_TOO_DEEP = _delegation("too_deep", 403, "The delegation has too many generations.")
DELEGATION_TOO_LARGE = _bad("delegation_too_large", "The delegation token is too large.", 431)
DATA_CLASS_UNKNOWN = _bad("data_class_unknown", "There is no such class of data.")
DATA_CLASS_NOT_PERMITTED = Code(
    "data_class_not_permitted",
    403,
    "permission_error",
    "permission_error",
    "This key may not send data of this class.",
)
TAG_INVALID = _bad("tag_invalid", "The tags of this call cannot be read.")
TAG_NOT_PERMITTED = Code(
    "tag_not_permitted",
    403,
    "permission_error",
    "permission_error",
    "This key may not tag its calls so.",
)
REQUIREMENTS_UNMET = Code(
    "requirements_unmet",
    403,
    "permission_error",
    "permission_error",
    "No deployment meets what is required of this call.",
)
FROZEN = Code("frozen", 403, "permission_error", "permission_error", "Spending is frozen here.")
PATH_UNKNOWN = Code(
    "path_unknown", 404, "invalid_request_error", "not_found_error", "There is no such path."
)
MODEL_UNKNOWN = Code(
    "model_unknown", 404, "invalid_request_error", "not_found_error", "There is no such model."
)
IDEMPOTENCY_KEY_INVALID = _bad("idempotency_key_invalid", "The idempotency key is not valid.")
IDEMPOTENCY_MISMATCH = _bad(
    "idempotency_mismatch", "The idempotency key belongs to a call that asked for else.", 422
)
IDEMPOTENCY_RUNNING = _bad(
    "idempotency_running", "The call with this idempotency key is still running.", 409
)
IDEMPOTENCY_DONE = _bad(
    "idempotency_done", "The call with this idempotency key is done, its reply not kept.", 409
)
IDEMPOTENCY_UNKNOWN = _bad(
    "idempotency_unknown", "Nobody knows what the call with this idempotency key came to.", 409
)
RUN_UNKNOWN = Code(
    "run_unknown", 404, "invalid_request_error", "not_found_error", "There is no such run."
)
RUN_CONFLICT = _bad("run_conflict", "The run is known, and is not as it is asked for.", 409)
RUN_RUNAWAY = Code(
    "run_runaway",
    403,
    "permission_error",
    "permission_error",
    "The run broke a guard against loops, and is frozen until a person thaws it.",
)
RUN_CODE_CHANGED = _bad(
    "run_code_changed", "The code of this run's workflow changed while it ran.", 409
)
CALL_UNKNOWN = Code(
    "call_unknown", 404, "invalid_request_error", "not_found_error", "There is no such call."
)
CASCADE_EXHAUSTED = _broken(
    "cascade_exhausted", 502, "No answer passed the verification, and nobody is left to be asked."
)
SIGNATURE_INVALID = Code(
    "signature_invalid",
    401,
    "authentication_error",
    "authentication_error",
    "The message is not signed with the hook's secret.",
)
FEEDBACK_INVALID = _bad("feedback_invalid", "The x-headgate-outcome header cannot be read.")
FEEDBACK_UNANSWERED = _bad("feedback_unanswered", "No provider has answered the call yet.", 409)
FEEDBACK_LATE = _bad("feedback_late", "The call is too old to be voted on.", 410)
FEEDBACK_LIMITED = _limited(
    "feedback_limited", "This principal has voted too often within a minute."
)


def _approval(code: str, status: int, sentence: str) -> Code:
    kind = "invalid_request_error" if status == 404 else "permission_error"
    other = "not_found_error" if status == 404 else "permission_error"
    return Code(f"approval_{code}", status, kind, other, sentence)


APPROVAL_PENDING = _approval("pending", 428, "A person was asked and has not decided yet.")
APPROVAL_DENIED = _approval("denied", 403, "A person has denied this call.")
APPROVAL_EXPIRED = _approval("expired", 403, "Nobody decided in time, or it was used too late.")
APPROVAL_WITHDRAWN = _approval("withdrawn", 403, "The request for approval was withdrawn.")
APPROVAL_ALTERED = _approval("altered", 409, "This is not what was shown for approval.")
APPROVAL_USED = _approval("used", 409, "The approval was used already.")
APPROVAL_DECIDED = _approval("decided", 409, "The request for approval was decided already.")
APPROVAL_OWN = _approval("own", 403, "Nobody decides about a request of their own.")
APPROVAL_UNKNOWN = _approval("unknown", 404, "There is no such request for approval.")

INTERNAL = _broken("internal_error", 500, "This gateway has a fault; please report it.")

# Money.
BUDGET_EXCEEDED = Code(
    "budget_exceeded", 402, "insufficient_quota", "billing_error", "A budget refuses this call."
)
BUDGET_CONTENDED = _limited(
    "budget_contended", "The rest of a budget is in other hands for a moment."
)
UNPRICED = _bad(
    "unpriced",
    "The price of this model is unknown, and a hard budget may not be charged blindly.",
    422,
)
LEDGER_UNAVAILABLE = _broken("ledger_unavailable", 503, "The ledger does not answer.")
JOURNAL_FAILED = _broken("journal_failed", 503, "The disk of the journal fails; nothing was sent.")

# Capacity.
IDEMPOTENCY_FULL = _limited(
    "idempotency_full", "Too many idempotency keys are remembered for this principal."
)
CAPACITY_EXHAUSTED = _limited(
    "capacity_exhausted", "Every place at this deployment is taken and the queue is full."
)
RATE_LIMIT_REACHED = _limited(
    "rate_limit_reached", "So much was taken within a minute that this call has to wait."
)
RATE_LIMIT_TOO_SMALL = _bad(
    "rate_limit_too_small", "This call may take more tokens than its caller may in a minute.", 422
)
DEFERRED = _limited("deferred", "This call is put off to hours in which it is cheaper.")
OVERLOADED = Code(
    "overloaded", 503, "server_error", "overloaded_error", "This gateway is at its limits."
)
SHUTTING_DOWN = Code(
    "shutting_down", 503, "server_error", "overloaded_error", "This gateway is shutting down."
)

# What the outside broke.
UPSTREAM_UNREACHABLE = _broken("upstream_unreachable", 502, "The provider cannot be reached.")
PROXY_REFUSED = _broken("proxy_refused", 502, "The proxy on the way to the provider refuses.")
UPSTREAM_TOO_LARGE = _broken(
    "upstream_too_large", 502, "The provider's answer is larger than one may be."
)
CREDENTIAL_UNAVAILABLE = _broken(
    "credential_unavailable", 503, "This gateway has no credential for the provider now."
)
UPSTREAM_CREDENTIAL = _broken(
    "upstream_credential", 502, "The provider rejected this gateway's credential."
)
UPSTREAM_BROKEN = _broken("upstream_broken", 502, "The provider's answer broke off.")
UPSTREAM_RATE_LIMITED = _limited("upstream_rate_limited", "The provider is limiting this gateway.")
UPSTREAM_OVERLOADED = Code(
    "upstream_overloaded", 503, "server_error", "overloaded_error", "The provider is overloaded."
)
UPSTREAM_ERROR = _broken("upstream_error", 502, "The provider answered with an error.")
UPSTREAM_TIMEOUT = Code(
    "upstream_timeout", 504, "server_error", "timeout_error", "The provider took too long."
)

CODES: tuple[Code, ...] = tuple(
    sorted(value for value in list(globals().values()) if isinstance(value, Code))
)
"""Every code, by name; the docs have a heading for each and a test that they do."""
