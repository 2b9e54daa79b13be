"""The model directory: facts by name, alias or snapshot, and the names that are near."""

from collections.abc import Iterator

import pytest

from headgate.catalog.facts import ModelDirectory, near_names
from headgate.catalog.prices import PriceBook


def test_facts_say_what_a_model_can_take(models: ModelDirectory) -> None:
    """Context, output limit, capabilities and the field that limits the output."""
    facts = models.facts("anthropic", "claude-opus-4-8")

    assert facts is not None
    assert (facts.context_tokens, facts.output_tokens_max) == (1_000_000, 128_000)
    assert {"tools", "images", "thinking"} <= facts.capabilities
    assert (facts.mode, facts.output_limit_field) == ("chat", "max_tokens")


def test_openai_limits_output_by_its_own_field(models: ModelDirectory) -> None:
    """`max_tokens` is refused by OpenAI's reasoning models."""
    facts = models.facts("openai", "gpt-5.5")

    assert facts is not None
    assert facts.output_limit_field == "max_completion_tokens"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-sonnet-5-20260630", "claude-sonnet-5"),
        ("claude-nothing", None),
    ],
)
def test_aliases_and_snapshots_share_facts(
    models: ModelDirectory, name: str, expected: str | None
) -> None:
    """A dated name has the facts of its model; an unknown one has none."""
    facts = models.facts("anthropic", name)

    assert (facts.name if facts else None) == expected


def test_every_model_with_facts_has_a_price_and_the_other_way_round(
    book: PriceBook, models: ModelDirectory
) -> None:
    """Prices and facts cover the same models."""
    assert {(m.seller, m.name) for m in models.models} == set(book.models())


def test_no_alias_has_rows_of_its_own(book: PriceBook, models: ModelDirectory) -> None:
    """A name is either an alias or a model, never both."""
    assert not models.aliases().keys() & set(book.models())


def test_near_names_help_with_typos(models: ModelDirectory) -> None:
    """The likest come first, with or without the seller; nonsense has no likeness."""
    assert models.near("openai/gpt-5.50")[0] == "openai/gpt-5.5"
    assert models.near("claude-opus-48")[0] == "anthropic/claude-opus-4-8"
    assert models.near("zzzzzz") == ()
    assert near_names("fats", ["fast", "deep"]) == ("fast",)


def test_a_name_of_megabytes_is_compared_with_nothing() -> None:
    """It is near to no name there can be, and to find that out would take seconds."""

    def never_looked_at() -> Iterator[str]:
        raise AssertionError
        yield "fast"

    assert near_names("fast" * 100, never_looked_at()) == ()
