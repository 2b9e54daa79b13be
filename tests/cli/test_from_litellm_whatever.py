"""What `headgate from-litellm` writes loads, whatever stands in the file that it reads."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.cli.moving.litellm import Wishes, moved
from headgate.cli.moving.written import written
from headgate.config.load import load

TODAY = date(2026, 11, 27)
WORDS = st.sampled_from(
    (
        *(
            "gpt-4o",
            "openai/gpt-4o",
            "a b",
            "x:y",
            "",
            "*",
            "azure/m",
            "azure/",
            "claude-haiku-4-5",
            "é",
        ),
        *(
            "bedrock/us-east-1/m",
            "vertex_ai/m",
            "os.environ/SET",
            "os.environ/UNSET",
            "a/b/c/d/e/f",
        ),
        *(
            "http://h/v1",
            "https://u:p@h",
            "http://[",
            "https://169.254.169.254/",
            "30d",
            "1h",
            "90s",
            "2y",
        ),
        *(
            "0.1",
            "-1",
            "1e999",
            "weighted",
            "ordered",
            "cost-based-routing",
            "a" * 600,
            "\x1b[31m\n",
        ),
    )
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.decimals(allow_nan=False) | WORDS,
    lambda within: st.lists(within, max_size=3) | st.dictionaries(WORDS, within, max_size=3),
    max_leaves=6,
)


def mapping(*keys: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return mappings with some of these keys, and whatever values."""
    return st.dictionaries(st.sampled_from(keys), VALUES, max_size=len(keys))


ENTRIES = st.fixed_dictionaries(
    {
        "model_name": WORDS,
        "litellm_params": mapping(
            *("model", "api_base", "api_key", "weight", "rpm", "tpm", "order", "max_tokens"),
            *("max_budget", "budget_duration", "api_version", "custom_llm_provider", "region_name"),
            *("input_cost_per_token", "max_parallel_requests", "litellm_credential_name"),
        ).map(lambda told: {"model": "openai/gpt-4o", **told}),
        "model_info": mapping(
            *("id", "mode", "base_model", "max_tokens", "max_input_tokens", "max_output_tokens"),
            *("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"),
        ),
    }
)
DOCUMENTS = st.fixed_dictionaries(
    {
        "model_list": st.lists(ENTRIES | VALUES, max_size=4),
        "litellm_settings": mapping(
            *("fallbacks", "default_fallbacks", "max_budget", "budget_duration", "drop_params"),
            *("tag_budget_config", "timezone", "default_key_generate_params", "x"),
            *("max_internal_user_budget", "default_team_settings"),
        ),
        "router_settings": mapping(
            *("routing_strategy", "model_group_alias", "fallbacks", "provider_budget_config"),
        ),
        "general_settings": mapping("master_key", "database_url"),
        "credential_list": VALUES,
    }
)


@settings(max_examples=30)
@given(DOCUMENTS)
def test_whatever_the_file_says_what_is_written_loads(document: dict[str, Any]) -> None:
    """No value of any kind in any place makes a file that does not load, or a bug."""
    found = moved(document, Wishes("research", "me", TODAY), {"SET": "https://set.example"})

    text = written(found.draft, found.notes, (8080, 8081), TODAY)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "headgate.toml")
        file.write_text(text, encoding="utf-8")
        loaded = load(file, {}, secrets_of=())
    assert set(loaded.deployments) == {one.id for one in found.draft.deployments}
    assert set(loaded.routes) == {one.alias for one in found.draft.routes}
    assert len(loaded.budgets) == len(found.draft.budgets)
