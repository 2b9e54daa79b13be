"""`[store]`: where the books are kept, when that is not the data directory."""

from typing import Any

from headgate.config.check import checked
from headgate.config.problems import Problems
from headgate.config.secrets import SecretReader
from headgate.config.shapes import StoreShape

SCHEMES = ("postgresql://", "postgres://")


def store_url_from(
    document: dict[str, Any], secrets: SecretReader, problems: Problems
) -> str | None:
    """Return the address of the PostgreSQL database, None for the SQLite file.

    An address that stands in a secret which is not read comes back as an empty text.
    """
    shape = checked(document.get("store", {}), "store", StoreShape, problems)
    url = shape.url if isinstance(shape.url, str) else secrets.read(shape.url, "store.url")
    if url and not url.startswith(SCHEMES):
        problems.add(
            "store.url",
            "The store can be PostgreSQL, or the file in the data directory.",
            'Write url = "postgresql://USER@HOST/DATABASE", or leave [store] out.',
        )
        return None
    return url
