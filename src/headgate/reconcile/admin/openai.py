"""OpenAI's administration API: usage of completions, and costs, a day a bucket, in UTC.

Shape: platform.openai.com, "Administration", `GET /v1/organization/usage/completions` (at most
31 buckets a page) and `GET /v1/organization/costs` (at most 180). It takes an admin key.
"""

from datetime import datetime

from headgate.providers.replies import credential_bytes

KIND = "openai"
BASE_URL = "https://api.openai.com"
SELLER = "openai"


def headers(credential: str) -> dict[str, str]:
    """Return the header that carries the credential.

    Raises:
        ValueError: The credential cannot stand in a header.
    """
    return {"authorization": f"Bearer {credential_bytes(credential).decode()}"}


def reports(start: datetime, end: datetime) -> tuple[str, ...]:
    """Return the first page of each report."""
    span = f"start_time={int(start.timestamp())}&end_time={int(end.timestamp())}&bucket_width=1d"
    usage = "&group_by=model&group_by=batch&group_by=service_tier&limit=31"
    return (
        f"/v1/organization/usage/completions?{span}{usage}",
        f"/v1/organization/costs?{span}&group_by=line_item&limit=180",
    )
