"""`headgate doctor` says when a policy goes by what cannot be known here."""

from pathlib import Path

from headgate.cli.doctor_routing import check_estimates
from headgate.config.load import load
from headgate.config.snapshot import Snapshot

TOML = """
[providers.there]
kind = "openai"
base_url = "http://127.0.0.1:9/v1"

[deployments.small]
provider = "there"
model = "gpt-5.4-mini"

[deployments.large]
provider = "there"
model = "gpt-5.5"

[policies.good]
kind = "quality_floor"
of_best = "0.9"

[policies.tried]
kind = "shadow"
serve = "cheapest"
shadow = "good"

[routes.plain]
deployments = ["small", "large"]

[routes.chosen]
deployments = ["small", "large"]
policy = "tried"
"""


def snapshot(folder: Path, toml: str) -> Snapshot:
    """Return the configuration that a text is."""
    file = folder / "headgate.toml"
    file.write_text(toml)
    return load(file, {})


def test_a_policy_that_goes_by_quality_needs_what_estimates_it(tmp_path: Path) -> None:
    """Also when it stands within another one; the fix is what to install."""
    found = snapshot(tmp_path, TOML)
    (missing,) = check_estimates(found, can_estimate=False)
    (there,) = check_estimates(found, can_estimate=True)

    assert (missing.status, there.status) == ("warning", "ok")
    assert "chosen" in missing.message
    assert "plain" not in missing.message
    assert "headgate[learn]" in missing.fix


def test_who_goes_by_prices_needs_nothing(tmp_path: Path) -> None:
    """Nothing is said then."""
    plain = TOML.replace('policy = "tried"', "").partition("[policies.good]")[0]
    routes = '[routes.plain]\ndeployments = ["small", "large"]\n'

    assert list(check_estimates(snapshot(tmp_path, plain + routes), can_estimate=False)) == []
