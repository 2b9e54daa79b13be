"""`headgate from-litellm`: what of LiteLLM's configuration is carried over, and what is told."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.cli.start.prove import node
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.simulator import INSTANT, Options, SimulatorThread
from tests.node.wire import CHAT, chat, post

ENVIRON = {
    "AZURE_EU": "eu-secret",
    "AZURE_3_API_KEY": "us-secret",
    "OPENAI_API_KEY": "openai-secret",
    "MASTER": "sk-client-0123456789",
}
CONFIG = """\
model_list:
  - model_name: gpt-4o
    litellm_params: &azure
      model: azure/gpt-4o-eu
      api_base: https://eu.openai.azure.com/
      api_key: os.environ/AZURE_EU
      api_version: "2024-10-21"
      rpm: 6
    model_info: {base_model: azure/gpt-4o}
  - model_name: gpt-4o
    litellm_params:
      <<: *azure
      model: azure/gpt-4o-us
      api_base: os.environ/US_BASE
      rpm: 18
    model_info: {base_model: azure/gpt-4o}
  - model_name: openai/gpt-5.4-mini
    litellm_params:
      model: gpt-5.4-mini
      max_budget: 0.1
      budget_duration: 1d
      max_parallel_requests: 7
  - model_name: own
    litellm_params:
      model: openai/acme/large
      api_base: http://10.0.0.7:8000/v1
      api_key: none
      max_tokens: 1000
      temperature: 0.2
    model_info: {input_cost_per_token: 0.00000015, output_cost_per_token: 6.0e-7}
  - model_name: "llama3:8b"
    litellm_params: {model: "ollama/llama3:8b", api_base: "http://localhost:11434"}
  - model_name: literal
    litellm_params: {model: azure/x, api_base: "https://x.openai.azure.com", api_key: sk-in-file}
  - model_name: "*"
    litellm_params: {model: "*"}
  - model_name: elsewhere
    litellm_params: {model: sagemaker/thing}
litellm_settings:
  fallbacks: [{gpt-4o: [openai/gpt-5.4-mini, nowhere]}]
  max_budget: 100.10
  budget_duration: 30d
  success_callback: [langfuse]
  tag_budget_config:
    "product:bot": {max_budget: 0.000000001, budget_duration: 7d}
    plain: {max_budget: 1}
router_settings:
  model_group_alias: {gpt-4: gpt-4o}
  provider_budget_config: {azure: {budget_limit: 3, time_period: 5d}}
  redis_password: redis-secret
general_settings:
  master_key: os.environ/MASTER
  database_url: postgresql://user:database-secret@host/db
  unheard_of: 1
environment_variables: {LANGFUSE_SECRET_KEY: langfuse-secret}
"""

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the command on a file, with only what a test puts into the environment."""

    def begin(text: str | bytes, *arguments: str, **environ: str) -> Result:
        file = tmp_path / "config.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        known = dict.fromkeys((*ENVIRON, "US_BASE", "ANTHROPIC_API_KEY"))
        runner = CliRunner(env={**known, **environ})
        return runner.invoke(app, ["from-litellm", str(file), "--dir", str(tmp_path), *arguments])

    return begin


@pytest.fixture
def snapshot(run: Run, tmp_path: Path) -> Snapshot:
    """What the example becomes, loaded with its secrets as it stands."""
    result = run(CONFIG, US_BASE="https://us.openai.azure.com", **ENVIRON)
    assert result.exit_code == 0, result.output
    return load(tmp_path / "headgate.toml", ENVIRON)


def test_groups_become_routes_with_weights_and_fallbacks(snapshot: Snapshot) -> None:
    """Rates are weights where nobody has one, fallbacks serve only when others cannot."""
    route = snapshot.routes["gpt-4o"]

    assert route.deployments == (
        *("azure-gpt-4o-eu", "azure-2-gpt-4o-us"),
        "openai-gpt-5.4-mini",
    )
    assert route.policy == "weighted"
    assert route.weights == dict(zip(route.deployments, (6, 18, 0), strict=True))
    assert snapshot.routes["gpt-4"].deployments == route.deployments
    assert snapshot.routes["openai/gpt-5.4-mini"].deployments == ("openai-gpt-5.4-mini",)


def test_accounts_become_providers_with_their_secrets_by_name(snapshot: Snapshot) -> None:
    """Each account is one provider, at the address that its kind wants."""
    first, second = snapshot.providers["azure"], snapshot.providers["azure-2"]

    assert (first.base_url, first.api_version) == (
        "https://eu.openai.azure.com/openai",
        "2024-10-21",
    )
    assert first.credential == second.credential == "eu-secret"
    assert second.base_url == "https://us.openai.azure.com/openai"
    assert snapshot.providers["azure-3"].base_url == "https://x.openai.azure.com/openai/v1"
    assert snapshot.providers["ollama"].base_url == "http://localhost:11434/v1"
    assert snapshot.providers["openai-2"].credential in (None, "")
    assert snapshot.deployments["azure-gpt-4o-eu"].priced_as == "gpt-4o"


def test_amounts_come_over_to_the_last_digit(snapshot: Snapshot) -> None:
    """Limits and prices are those of the file, exactly, on what they are about."""
    found = {
        one.node: (one.limit_nanos, one.period, one.calendar.hours)
        for one in snapshot.budgets.values()
    }

    assert found == {
        "organisation": (100_100_000_000, "month", 0),
        "deployment:openai-gpt-5.4-mini": (100_000_000, "day", 0),
        "provider:azure": (3_000_000_000, "rolling", 120),
        "provider:azure-2": (3_000_000_000, "rolling", 120),
        "provider:azure-3": (3_000_000_000, "rolling", 120),
        "tag:product=bot": (1, "week", 0),
    }
    own = snapshot.deployments["openai-2-acme-large"]
    assert (own.output_tokens_default, own.output_tokens_max) == (1_000, 32_768)
    assert snapshot.deployments["openai-gpt-5.4-mini"].concurrency_max == 7


def test_prices_of_the_file_are_in_the_written_one(run: Run, tmp_path: Path) -> None:
    """What a token costs there is what a million cost here, without a float in between."""
    run(CONFIG, **ENVIRON)

    text = (tmp_path / "headgate.toml").read_text()
    assert 'per_million_tokens = { input = "0.15", output = "0.6" }' in text
    assert 'model = "llama3:8b"\nvalid_from = ' in text
    assert 'per_million_tokens = { input = "0", output = "0" }' in text


def test_the_master_key_stays_the_key_of_who_calls(snapshot: Snapshot) -> None:
    """Clients go on with what they send, and may tag their calls for the budgets on tags."""
    key = snapshot.keys["me"]

    assert key.secret == "sk-client-0123456789"
    assert key.tags.allowed == {"product=bot"}


def test_no_secret_is_copied(run: Run, tmp_path: Path) -> None:
    """One of the file stands nowhere: the variable is named that it has to be put into."""
    result = run(CONFIG, **ENVIRON)

    text = (tmp_path / "headgate.toml").read_text() + result.output
    for secret in ("sk-in-file", "redis-secret", "database-secret", "langfuse-secret"):
        assert secret not in text
    assert not any(value in text for value in ENVIRON.values())
    assert "Put it into the variable AZURE_3_API_KEY" not in text  # the second has no address here
    assert "Put it into the variable AZURE_2_API_KEY" in " ".join(text.split())
    assert "  export AZURE_2_API_KEY=..." in result.stdout
    assert (tmp_path / "headgate.toml").stat().st_mode & 0o077 == 0


def test_what_is_not_carried_over_is_told_with_what_to_do(run: Run, tmp_path: Path) -> None:
    """Each setting that is not here is in the answer and in the file, with a way to go on."""
    result = run(CONFIG, **ENVIRON)

    told = result.stdout.splitlines()
    for setting in (
        "litellm_params.api_base (entry 2 gpt-4o)",
        "litellm_params.temperature (entry 4 own)",
        "litellm_params.model (entry 7 *)",
        "litellm_params.model (entry 8 elsewhere)",
        "model_name (llama3:8b)",
        "fallbacks (gpt-4o)",
        "tag_budget_config (plain)",
        "litellm_settings.success_callback",
        "router_settings.redis_password",
        "general_settings.database_url",
        "general_settings.unheard_of",
        "environment_variables",
    ):
        (at,) = [number for number, line in enumerate(told) if line.startswith(f"- {setting}: ")]
        assert told[at + 1].startswith("  Instead: ")
        assert setting in " ".join((tmp_path / "headgate.toml").read_text().split())


def test_candidates_without_a_dialect_in_common_stand_among_each_other(
    run: Run, tmp_path: Path
) -> None:
    """Where calls are translated for some of a group, those are no last resort: nor were they."""
    listed = [
        {"model_name": "both", "litellm_params": {"model": "openai/gpt-5.4-mini", "order": 2}},
        {"model_name": "both", "litellm_params": {"model": "anthropic/claude-haiku-4-5"}},
        {"model_name": "alike", "litellm_params": {"model": "openai/gpt-5.4-mini"}},
        {"model_name": "alike", "litellm_params": {"model": "mistral/mistral-small-latest"}},
    ]
    assert run(json.dumps({"model_list": listed})).exit_code == 0

    routes = load(tmp_path / "headgate.toml", {}, secrets_of=()).routes

    assert (routes["both"].mixes, routes["alike"].mixes) == (True, False)
    assert routes["both"].policy == "ordered"
    assert routes["both"].deployments == ("openai-gpt-5.4-mini", "anthropic-claude-haiku-4-5")
    assert routes["alike"].policy == "weighted"


def test_a_key_of_the_file_is_not_taken_for_the_usual_one(run: Run, tmp_path: Path) -> None:
    """The variable for a secret of the file is one that no other entry means, now or later."""
    model = {"model": "openai/gpt-5.4-mini"}
    told = [{**model, "api_key": "sk-in-file"}, model, {**model, "api_key": 12345678}]
    listed = [{"model_name": "m", "litellm_params": each} for each in told]

    result = run(json.dumps({"model_list": listed}))

    assert [line.strip() for line in result.stdout.splitlines() if "  export " in line][:3] == [
        "export MOVED_OPENAI_API_KEY=...",
        "export OPENAI_API_KEY=...",
        "export OPENAI_3_API_KEY=...",
    ]
    assert "12345678" not in (tmp_path / "headgate.toml").read_text() + result.output


def test_an_address_that_is_not_known_is_not_replaced_by_the_sellers(
    run: Run, tmp_path: Path
) -> None:
    """What went to a server of one's own is left out, and never sent to its seller instead."""
    entry = {"model": "openai/gpt-5.4-mini", "api_base": "os.environ/US_BASE"}
    other = {"model": "openai/gpt-5.4-mini"}
    names = {"own": entry, "other": other}
    listed = [{"model_name": name, "litellm_params": told} for name, told in names.items()]

    result = run(json.dumps({"model_list": listed}))

    assert "US_BASE, which is not set here" in result.stdout
    assert list(load(tmp_path / "headgate.toml", ENVIRON).routes) == ["other"]


def test_a_master_key_that_can_be_guessed_is_made_anew(run: Run) -> None:
    """The key that everybody copies from the documentation opens nothing here."""
    result = run(CONFIG.replace("os.environ/MASTER", "sk-1234"), **ENVIRON)

    assert "fewer than 8 characters" in result.stdout
    assert "sk-1234" not in result.output
    assert "export HEADGATE_KEY=hg_me_" in result.stdout


def test_a_file_that_is_there_is_left_alone(run: Run, tmp_path: Path) -> None:
    """Nothing is written over, and the exit code says so."""
    (tmp_path / "headgate.toml").write_text("# mine\n")

    assert run(CONFIG, **ENVIRON).exit_code == 1
    assert (tmp_path / "headgate.toml").read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model_list: !!python/object/apply:os.system [touch ran]\n", "asks for"),
        ("model_list: [!!python/name:os.system '']\n", "nothing else that is read"),
        ("a: &a [*a]\n", "refers to itself"),
        ("a: &a {<<: *a}\n", "refers to itself"),
        ("[" * 5_000, "nests too deeply"),
        ("a: " + "[" * 40 + "]" * 40, "nests too deeply"),
        ("a: [1\nb: 2\n", "no YAML: line"),
        ("? [a]\n: b\n", "a key is no text"),
        ('a: "\\ud800"\n', "a value in it is no text"),
        (b"a: \xff\n", "byte 3 is not UTF-8"),
        ("#" * (1 << 20) + "\n", "longer than"),
        (f"a: {'9' * 5_000}\n", "too large"),
        ("- 1\n", "Nothing that can be called"),
        ("model_list: {a: 1}\n", "Nothing that can be called"),
        ("", "Nothing that can be called"),
    ],
)
def test_what_is_no_such_file_is_refused(
    run: Run, tmp_path: Path, text: str | bytes, problem: str
) -> None:
    """Each refusal says where it is and what to do; nothing is run, nothing is written."""
    result = run(text)

    assert result.exit_code in (2, 3), result.output
    assert problem in " ".join(result.stderr.split())
    assert "Fix:" in result.stderr
    assert not (tmp_path / "headgate.toml").exists()
    assert not Path("ran").exists()


def test_what_refers_to_itself_many_times_is_bounded(run: Run) -> None:
    """A few lines that come to millions of values are refused before they are made."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    result = run("\n".join(lines))

    assert result.exit_code == 3
    assert "more than 100,000 values" in result.stderr


def test_without_its_package_the_command_names_the_extra() -> None:
    """Who has not installed it is told what to install, and `init` works without."""
    code = (
        "import sys; from headgate.cli.main import main; sys.modules['yaml'] = None;"
        " sys.argv = ['headgate', *sys.argv[1:]]; main()"
    )
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": "src"}
    found = [
        subprocess.run(
            [sys.executable, "-c", code, *words],
            capture_output=True,
            text=True,
            env=environ,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        for words in (("from-litellm", "config.yaml"), ("init", "--help"))
    ]

    assert found[0].returncode == 2
    assert "Install headgate[from-litellm]" in found[0].stderr
    assert found[1].returncode == 0, found[1].stderr


def test_calls_go_where_they_went(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node runs on what was written: the key stays, a name has its slash, the fallback serves."""
    with SimulatorThread(seed=5, options=Options(pace=INSTANT)) as simulator:
        text = json.dumps(
            {
                "model_list": [
                    {
                        "model_name": "openai/gpt-4o",
                        "litellm_params": {
                            "model": "openai/gpt-5.4-mini",
                            "api_base": "http://127.0.0.1:9/v1",
                            "api_key": "none",
                        },
                    },
                    {
                        "model_name": "haiku",
                        "litellm_params": {
                            "model": "anthropic/claude-haiku-4-5",
                            "api_base": simulator.anthropic_url,
                            "api_key": "os.environ/ANTHROPIC_API_KEY",
                        },
                    },
                ],
                "litellm_settings": {
                    "fallbacks": [{"openai/gpt-4o": ["haiku"]}],
                    "max_budget": 1,
                },
                "general_settings": {"master_key": "os.environ/MASTER"},
            }
        )
        assert run(text).exit_code == 0
        monkeypatch.setenv("MASTER", ENVIRON["MASTER"])
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-real")
        with node(tmp_path / "headgate.toml", tmp_path / "data") as url:
            body = chat("Hello", model="openai/gpt-4o")
            reply = post(url, CHAT, ENVIRON["MASTER"], body)

    assert reply.status == 200, reply.body
    assert reply.headers["x-headgate-deployment"] == "anthropic-claude-haiku-4-5"
