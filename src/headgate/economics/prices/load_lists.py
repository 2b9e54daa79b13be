"""Reads price lists of others from files; the network is left to whoever asks."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from headgate.economics.prices.formats import formats
from headgate.economics.prices.listed import Listed

LIST_BYTES_MAX = 64 * 1024 * 1024


class PriceListError(ValueError):
    """A file is no price list that can be read; the message names the file."""


def load_list(path: Path) -> Iterator[Listed]:
    """Yield the prices of a file, of whichever format it is.

    Raises:
        PriceListError: It cannot be read, or is of no known format.
    """
    try:
        if path.stat().st_size > LIST_BYTES_MAX:
            raise PriceListError(f"{path} is larger than {LIST_BYTES_MAX // 1024 // 1024} MiB")
        document = json.loads(path.read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise PriceListError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise PriceListError(f"{path} is not JSON") from error
    for each in formats().values():
        if each.recognises(document):
            yield from each.read(document)
            return
    raise PriceListError(f"{path} is none of {', '.join(formats())}")
