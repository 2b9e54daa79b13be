"""Files as the API that has them tells of them, and its lists; pure.

Wire format: https://platform.openai.com/docs/api-reference/files.
"""

from collections.abc import Mapping, Sequence

from headgate.records.batch import StoredFile


def page_of(data: Sequence[Mapping[str, object]], *, has_more: bool) -> dict[str, object]:
    """Return a list as this API pages through them."""
    ends = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    page = {"object": "list", "data": data, "has_more": has_more}
    return {**page, "first_id": ends[0], "last_id": ends[1]}


def file_document(file: StoredFile) -> dict[str, object]:
    """Return a file as this API tells of it."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": file.created_ns // 1_000_000_000,
        "expires_at": file.expires_ns // 1_000_000_000,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
    }
