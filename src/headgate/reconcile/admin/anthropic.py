"""Anthropic's Usage and Cost API: usage of messages, and costs, a day a bucket, in UTC.

Shape: platform.claude.com, "Usage and Cost API", `GET /v1/organizations/usage_report/messages`
and `GET /v1/organizations/cost_report` (at most 31 buckets a page). It takes an admin key.
"""

from datetime import datetime

from headgate.providers.replies import credential_bytes

KIND = "anthropic"
BASE_URL = "https://api.anthropic.com"
SELLER = "anthropic"
VERSION = "2023-06-01"


def headers(credential: str) -> dict[str, str]:
    """Return the headers of a request.

    Raises:
        ValueError: The credential cannot stand in a header.
    """
    return {"x-api-key": credential_bytes(credential).decode(), "anthropic-version": VERSION}


def reports(start: datetime, end: datetime) -> tuple[str, ...]:
    """Return the first page of each report."""
    first, last = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (start, end))
    span = f"starting_at={first}&ending_at={last}&bucket_width=1d&limit=31"
    terms = ("model", "service_tier", "context_window", "inference_geo")
    groups = "".join(f"&group_by[]={term}" for term in terms)
    return (
        f"/v1/organizations/usage_report/messages?{span}{groups}",
        f"/v1/organizations/cost_report?{span}&group_by[]=description",
    )
