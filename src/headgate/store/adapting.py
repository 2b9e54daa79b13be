"""How values go to PostgreSQL and come back, where its driver would do otherwise.

Imported when a store on PostgreSQL is opened: the driver is an extra.
"""

from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.types.string import StrDumper


class WholeNumber(Loader):
    """Reads a sum of whole numbers, the only `numeric` there is here, as the integer it is."""

    def load(self, data: Buffer) -> int:
        """Return it; a fraction is a mistake in a query, and raises."""
        return int(bytes(data))


class TextDumper(StrDumper):
    """Writes a text without the character 0, which no text of PostgreSQL may have."""

    def dump(self, obj: str) -> Buffer | None:
        """Return the text as it is sent."""
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def adapt(adapters: AdaptersMap) -> None:
    """Let a connection read and write values so."""
    adapters.register_loader("numeric", WholeNumber)
    adapters.register_dumper(str, TextDumper)
