"""`headgate from-litellm` and a file of somebody else: what it cannot get, and cannot hide."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.config.load import load

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command on a file, with what a test puts into the environment."""

    def begin(text: str, **environ: str) -> Result:
        file = tmp_path / "config.yaml"
        file.write_text(text)
        told = ["from-litellm", str(file), "--dir", str(tmp_path)]
        return CliRunner(env=environ).invoke(app, told)

    return begin


def test_no_secret_is_looked_up_for_what_is_written(run: Run, tmp_path: Path) -> None:
    """A file of somebody else puts no secret of the environment into an address or a name."""
    names = {
        "host": {"model": "bedrock/x", "aws_region_name": "os.environ/AWS_SECRET_ACCESS_KEY"},
        "name": {"model": "os.environ/GITHUB_TOKEN"},
        "kept": {"model": "openai/gpt-5.4-mini", "api_key": "os.environ/GITHUB_TOKEN"},
    }
    listed = [{"model_name": name, "litellm_params": told} for name, told in names.items()]

    told = {"AWS_SECRET_ACCESS_KEY": "aws-secret", "GITHUB_TOKEN": "github-secret"}
    result = run(json.dumps({"model_list": listed}), **told)

    text = (tmp_path / "headgate.toml").read_text() + result.output
    assert not any(secret in text for secret in told.values())
    assert "- litellm_params.aws_region_name (entry 1 host): By its name" in result.stdout
    assert list(load(tmp_path / "headgate.toml", told).routes) == ["kept"]


def test_a_limit_of_a_wrong_form_is_told(run: Run) -> None:
    """What limits or routes calls and cannot be read is left out aloud, whatever stands there."""
    model = {"model_name": "m", "litellm_params": {"model": "openai/gpt-5.4-mini"}}
    settings = {"tag_budget_config": ["a"], "fallbacks": ["m"], "default_fallbacks": [1]}
    router = {"provider_budget_config": "openai", "model_group_alias": ["m"]}
    document = {"model_list": [model], "litellm_settings": settings, "router_settings": router}

    result = run(json.dumps(document))

    assert result.exit_code == 0, result.output
    for name, keys in (("litellm_settings", settings), ("router_settings", router)):
        for key in keys:
            assert f"- {name}.{key}: What it says is not of the form" in result.stdout
