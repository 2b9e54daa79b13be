"""A provider and a price list from outside, set up by the documented contract alone.

Only what `docs/reference/` promises is used: the configuration file, the commands and their
`--json`, the HTTP interface. Nothing is imported from the package.
"""

import json
import os
import re
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI, PermissionDeniedError
from openai.types.chat import ChatCompletionMessageParam

from tests.contract.outside_provider import PRICES, OutsideProvider

ROOT = Path(__file__).parents[2]
KEY = "hg_tester_0123456789abcdefghijklmnop"
HALF_A_NANO = Fraction(1, 2 * 10**9)
READY_S = 30.0
LOOKS_MAX = 20

CONFIGURATION = """
[listen]
gateway = "127.0.0.1:0"
console = "127.0.0.1:0"

[organisation]
id = "outside"

[providers.acme]
kind = "openai_compatible"
base_url = "{url}"
credential = {{ value = "acme-secret" }}

[deployments.large]
provider = "acme"
model = "acme-large"
context_tokens = 100000
output_tokens_max = 4096

[[prices]]
provider = "acme"
model = "acme-large"
valid_from = 2026-01-01T00:00:00Z
per_million_tokens = {{ input = "{input}", cache_read = "{cache_read}", output = "{output}" }}
source = "https://acme.example/prices"

[routes.smart]
deployments = ["large"]

[teams.tests]
[principals.tester]
team = "tests"

[keys.tester]
principal = "tester"
secret = {{ value = "{key}" }}
models = ["smart"]

[budgets.all]
node = "organisation"
period = "month"
limit_usd = "10.00"

[budgets.each-run]
node = "run:*"
period = "once"
limit_usd = "1.00"
"""


class Commands:
    """The command line on one configuration and data directory."""

    def __init__(self, folder: Path) -> None:
        self._config = folder / "headgate.toml"
        self._data_dir = folder / "data"

    def line(self, *words: str) -> list[str]:
        """Return a whole command line."""
        places = ["--config", str(self._config), "--data-dir", str(self._data_dir)]
        return [sys.executable, "-m", "headgate.cli.main", *words, *places]

    def json(self, *words: str) -> Any:
        """Run a command and return what it prints as JSON."""
        done = subprocess.run(
            self.line(*words, "--json"), capture_output=True, text=True, env=environment()
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def environment() -> dict[str, str]:
    """Return an environment in which the package is found."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@contextmanager
def serving(folder: Path, url: str) -> Iterator[tuple[Commands, str]]:
    """Run `headgate serve` on the provider at `url`; gives the commands and the base address."""
    prices = {
        meter: str(Decimal(price.numerator) / price.denominator) for meter, price in PRICES.items()
    }
    text = CONFIGURATION.format(url=url, key=KEY, **prices)
    (folder / "headgate.toml").write_text(text)
    commands = Commands(folder)
    with subprocess.Popen(
        commands.line("serve"), stdout=subprocess.PIPE, text=True, env=environment()
    ) as process:
        try:
            yield commands, _address(process)
        finally:
            process.terminate()
            assert process.wait(60) == 0


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(READY_S), "it does not become ready"
    found = re.search(r"http://[\d.:]+", process.stdout.readline())
    assert found is not None
    return found[0]


def settled(commands: Commands) -> Any:
    """Return the report once nothing is held any more; the store follows the calls closely."""
    report = commands.json("report")
    for _ in range(LOOKS_MAX):
        if not Decimal(report["held"]):
            break
        report = commands.json("report")
    return report


def call_in_every_way(client: OpenAI) -> int:
    """Make calls: streamed or not, with and without usage, with a prompt that is cached."""
    long: ChatCompletionMessageParam = {"role": "system", "content": "rule " * 200}
    for number in range(6):
        asked: ChatCompletionMessageParam = {"role": "user", "content": f"question {number}"}
        messages = [long, asked]
        client.chat.completions.create(model="smart", messages=messages, max_tokens=50)
        client.chat.completions.create(
            model="smart", messages=messages, extra_headers={"x-headgate-run": f"run-{number % 2}"}
        )
        quiet = client.chat.completions.create(model="smart", messages=messages, stream=True)
        assert all(chunk.choices for chunk in quiet), "usage that was not asked for"
        told = client.chat.completions.create(
            model="smart", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        assert [chunk.usage for chunk in told][-1] is not None
    return 24


def test_the_books_equal_the_bill_of_a_provider_from_outside(tmp_path: Path) -> None:
    """Every call is measured, each line is within half a nano of the bill, nothing stays held.

    What a key may not use never reaches the provider: the key is for the alias, and the deployment
    behind it is not its to pin.
    """
    with OutsideProvider() as provider, serving(tmp_path, provider.url) as (commands, address):
        client = OpenAI(base_url=f"{address}/v1", api_key=KEY, max_retries=0)
        with pytest.raises(PermissionDeniedError) as refused:
            client.chat.completions.create(
                model="large", messages=[{"role": "user", "content": "hello"}]
            )
        asked_before = list(provider.asked)
        count = call_in_every_way(client)
        report = settled(commands)
        books = commands.json("check-books")
        calls = commands.json("calls", "--limit", "100", "--state", "measured")
        budgets = commands.json("budgets")

    assert refused.value.response.headers["x-headgate-code"] == "not_permitted"
    assert asked_before == []
    assert books["equal"]
    assert (report["calls"], report["estimated_calls"], report["refused"]) == (count, 0, 1)
    assert len(provider.bills) == len(calls) == count
    for call in calls:
        bill = provider.bills[call["upstream_id"]]
        assert call["state"] == "measured"
        assert abs(Fraction(call["posted"]) - bill) <= HALF_A_NANO * len(call["lines"])
        assert Fraction(call["posted"]) <= Fraction(call["hold"])
    assert Decimal(report["spend"]) == sum(Decimal(call["posted"]) for call in calls)
    everything = next(each for each in budgets if each["id"] == "all")
    assert Decimal(everything["posted"]) == Decimal(report["spend"])
    assert Decimal(everything["free"]) == Decimal("10.00") - Decimal(report["spend"])
    assert {each["id"] for each in budgets} >= {"each-run/tester/run-0", "each-run/tester/run-1"}
