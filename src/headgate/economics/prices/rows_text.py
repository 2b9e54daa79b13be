"""Price rows as text of a configuration."""

import json
from collections.abc import Iterable, Mapping

from headgate.catalog.rows import PriceRow
from headgate.insights.prices import usd_per_million
from headgate.units.instants import to_datetime
from headgate.units.usage import METERS

_KEYS = {"input_uncached": "input", "output_text": "output"}


def rows_text(rows: Iterable[PriceRow], providers: Mapping[str, str]) -> str:
    """Return rows as `[[prices]]` tables of TOML.

    Args:
        rows: Each valid from the beginning of a day in UTC.
        providers: The configuration's provider by seller; the seller stands for one without.
    """
    return "\n".join(_table(row, providers.get(row.seller, row.seller)) for row in rows)


def _table(row: PriceRow, provider: str) -> str:
    prices = {_KEYS.get(meter, meter): usd_per_million(row, meter) for meter in METERS}
    if prices["output_reasoning"] == prices["output"]:
        del prices["output_reasoning"]
    told = ", ".join(f"{key} = {json.dumps(usd)}" for key, usd in prices.items() if usd is not None)
    lines = [
        "[[prices]]",
        f"provider = {json.dumps(provider)}",
        f"model = {json.dumps(row.model)}",
        f"tier = {json.dumps(row.tier)}",
        f"valid_from = {to_datetime(row.valid_from_ns).date()}",
        f"recorded_at = {to_datetime(row.recorded_at_ns).date()}",
    ]
    if row.min_prompt_tokens_exclusive is not None:
        lines.append(f"min_prompt_tokens_exclusive = {row.min_prompt_tokens_exclusive}")
    lines += [f"per_million_tokens = {{ {told} }}", f"source = {json.dumps(row.sources[0])}", ""]
    return "\n".join(lines)
