"""What a valid configuration becomes: defaults, facts, prices, secrets."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.config.load import load
from headgate.config.shape import Secret
from headgate.config.shapes_edge import LimitsShape
from headgate.config.snapshot import Snapshot
from headgate.config.template import Answers, from_kind, render
from headgate.config.unpriced import unpriced
from headgate.gateway.settings import Edge, Tls
from headgate.providers.registry import providers, setup_of
from headgate.records.demand import STANDARD
from headgate.units.errors import ConfigurationError
from headgate.units.instants import from_datetime

NOW_NS = from_datetime(datetime(2026, 11, 21, tzinfo=UTC))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a configuration and the files it names."""
    return tmp_path


def loaded(folder: Path, text: str, **environ: str) -> Snapshot:
    """Load a configuration from its text."""
    file = folder / "headgate.toml"
    file.write_text(text)
    return load(file, environ)


def test_an_empty_file_is_a_valid_configuration(folder: Path) -> None:
    """Everything has a default; nobody can call anything yet."""
    snapshot = loaded(folder, "")

    assert snapshot.organisation == "default"
    assert (snapshot.edge, snapshot.console.port) == (Edge(), 8081)
    assert tuple(snapshot.teams) == ("default",)
    assert not snapshot.keys


TEMPLATE = render(Answers((from_kind("openai"),)))
"""What `headgate init` writes for one provider."""


def test_the_template_works_as_it_stands(folder: Path) -> None:
    """What `headgate init` writes is valid once its one credential is set."""
    snapshot = loaded(folder, TEMPLATE, OPENAI_API_KEY="sk-x")

    assert snapshot.keys["me"].secret is None
    assert snapshot.budgets["each-run"].limit_nanos == 5_000_000_000
    assert snapshot.providers["openai"].credential == "sk-x"


SETUPS = {kind: setup_of(one) for kind, one in providers().items()}
KEYS = {name: "sk-x" for setup in SETUPS.values() for name in setup.secrets}


@pytest.mark.parametrize("kind", [kind for kind, setup in SETUPS.items() if setup.models])
def test_what_a_provider_begins_with_is_known_and_priced(folder: Path, kind: str) -> None:
    """Each kind that comes with models is written so that its calls can be paid for at once."""
    snapshot = loaded(folder, render(Answers((from_kind(kind),))), **KEYS)

    assert len(snapshot.deployments) == len(SETUPS[kind].models)
    assert unpriced(snapshot, time.time_ns()) == ()
    assert set(snapshot.routes) == {"fast", "careful"}


def test_the_template_works_with_every_comment_in(folder: Path) -> None:
    """What is commented out in the template is valid too."""
    lines = [re.sub(r"^# (?=\[|\w+ = )", "", line) for line in TEMPLATE.splitlines()]

    snapshot = loaded(folder, "\n".join(lines), **KEYS)

    assert snapshot.price_book.priced_as("openai", "my-model") == "my-model"


PROVIDERS = """
[providers.openai]
kind = "openai_compatible"
base_url = "https://api.openai.com/v1/"

[providers.local]
kind = "openai_compatible"
base_url = "http://127.0.0.1:11434/v1"
output_limit_field = "max_completion_tokens"
dialects = ["openai_chat", "anthropic_messages"]
"""


def test_providers_know_their_seller_and_dialects(folder: Path) -> None:
    """A known host has its seller, another is its own; the limit field is the kind's to know."""
    providers = loaded(folder, PROVIDERS).providers

    assert providers["openai"].base_url == "https://api.openai.com/v1"
    assert providers["openai"].seller == "openai"
    assert providers["openai"].limit_field is None
    assert providers["openai"].dialects == ("openai_chat", "embeddings")
    assert providers["local"].seller == "local"
    assert providers["local"].limit_field == "max_completion_tokens"
    assert providers["local"].dialects == ("openai_chat", "anthropic_messages")


def test_a_deployment_takes_the_catalog_s_facts(folder: Path) -> None:
    """The file wins over the catalog, the catalog over the documented fallback."""
    deployments = loaded(
        folder,
        PROVIDERS
        + """
[deployments.known]
provider = "openai"
model = "gpt-4.1"

[deployments.other-name]
provider = "local"
model = "my-gpt"
catalog = "openai/gpt-4.1"
output_tokens_max = 1000

[deployments.unknown]
provider = "local"
model = "llama"
tokenizer = "cl100k_base"
""",
    ).deployments

    known, other, unknown = (deployments[name] for name in ("known", "other-name", "unknown"))
    assert (known.context_tokens, known.output_tokens_max) == (1_047_576, 32_768)
    assert known.output_tokens_default == 16_384
    assert (other.seller, other.priced_as, other.model) == ("openai", "gpt-4.1", "my-gpt")
    assert (other.context_tokens, other.output_tokens_default) == (1_047_576, 1_000)
    assert (unknown.context_tokens, unknown.output_tokens_max) == (200_000, 32_768)
    assert (known.tokenizer, unknown.tokenizer) == ("o200k_base", "cl100k_base")
    assert (unknown.seller, unknown.priced_as) == ("local", "llama")


def test_prices_of_the_file_win_and_are_their_provider_s_seller_s(folder: Path) -> None:
    """A row prices the provider's models; a local provider's seller is the provider."""
    book = loaded(
        folder,
        PROVIDERS
        + """
[[prices]]
provider = "local"
model = "llama"
valid_from = 2026-01-01T00:00:00Z
per_million_tokens = { input = "0.50", output = "1.00" }
source = "https://example.com/prices"

[[prices]]
provider = "openai"
model = "gpt-4.1"
valid_from = 2026-01-01
per_million_tokens = { input = "0.01", output = "0.02" }
""",
    ).price_book

    local = book.rate_card("local", "llama", STANDARD, NOW_NS)
    own = book.rate_card("openai", "gpt-4.1", STANDARD, NOW_NS)
    assert local is not None
    assert local.expected_nanos(1_000_000, 1_000_000) == 1_500_000_000
    assert own is not None
    assert own.expected_nanos(1_000_000, 0) == 10_000_000
    assert book.rows_of("local", "llama")[0].sources == ("https://example.com/prices",)


def test_secrets_are_read_beside_the_file(folder: Path) -> None:
    """A relative path starts at the configuration's folder; blanks around are not the secret."""
    (folder / "secret.txt").write_text("  key-from-a-file\n")

    keys = loaded(
        folder,
        """
[principals.p]
[keys.filed]
principal = "p"
secret = { file = "secret.txt" }
[keys.made]
principal = "p"
""",
    ).keys

    assert keys["filed"].secret == "key-from-a-file"
    assert keys["made"].secret is None
    assert "key-from-a-file" not in repr(keys)


def test_reading_the_books_needs_no_secret(folder: Path) -> None:
    """A configuration whose secrets are elsewhere can still be read without them."""
    file = folder / "headgate.toml"
    file.write_text(TEMPLATE)

    snapshot = load(file, {}, secrets_of=())

    assert snapshot.providers["openai"].credential == ""


def test_no_text_of_a_configuration_has_a_secret(folder: Path) -> None:
    """Whatever holds one may be told by an error that nobody foresaw, and end up in a log."""
    snapshot = loaded(
        folder,
        """
[console]
token = { env = "T" }
[store]
url = { env = "U" }
[providers.entra]
kind = "azure_openai"
base_url = "https://a.example"
issuer = { kind = "client_credentials", tenant = "t", client_id = "c", secret = { env = "T" } }
[webhooks.w]
url = "https://h.example"
secret = { env = "T" }
[otel]
endpoint = "https://h.example"
headers = { x = { env = "T" } }
[events.e]
url = "https://h.example"
format = "cloudevents"
secret = { env = "T" }
token = { env = "T" }
""",
        T="s3cret-of-all",
        U="postgresql://me:s3cret-of-all@h/d",
    )

    assert str(snapshot.console.token) in str(snapshot.store_url)
    assert "s3cret" not in repr(snapshot)
    assert "s3cret" not in repr(Secret(value="s3cret-of-all"))


def test_plain_http_elsewhere_must_be_allowed(folder: Path) -> None:
    """Who says so may reach another machine unencrypted."""
    snapshot = loaded(
        folder,
        """
[providers.vllm]
kind = "openai_compatible"
base_url = "http://10.0.0.7:8000/v1"
allow_plain_http = true
""",
    )

    assert snapshot.providers["vllm"].base_url == "http://10.0.0.7:8000/v1"


def test_a_console_for_others_takes_a_token(folder: Path) -> None:
    """Away from loopback the console needs its token, and IPv6 addresses are understood."""
    snapshot = loaded(
        folder,
        '[listen]\nconsole = "[::]:9000"\n[console]\ntoken = { env = "T" }\n',
        T="a-long-token",
    )

    assert (snapshot.console.host, snapshot.console.port) == ("::", 9000)
    assert snapshot.console.token == "a-long-token"


def test_the_console_answers_to_its_address_and_to_names_it_is_given(folder: Path) -> None:
    """As browsers write them: IPv6 in brackets, and no port that is the usual one."""
    names = 'token = { env = "T" }\nnames = ["console.example", "10.0.0.7:81"]\n'
    listen = f'[listen]\nconsole = "[::1]:0"\n[console]\n{names}'

    console = loaded(folder, listen, T="a-long-token").console

    own = {"[::1]:9", "127.0.0.1:9", "localhost:9"}
    assert console.hosts(9) == own | {"console.example", "10.0.0.7:81"}
    assert console.url(9) == "http://[::1]:9"


@pytest.mark.parametrize("name", ["https://console.example", "*", "Console.example", "a/b"])
def test_a_name_of_the_console_is_a_host(folder: Path, name: str) -> None:
    """What no browser ever sends would be of no use, and "*" would let any page in."""
    with pytest.raises(ConfigurationError) as refused:
        loaded(
            folder, f'[console]\ntoken = {{ env = "T" }}\nnames = ["{name}"]\n', T="a-long-token"
        )

    (problem,) = refused.value.problems
    assert problem.key == "console.names"
    assert "console.example" in problem.fix


def test_a_console_with_a_name_takes_a_token(folder: Path) -> None:
    """A proxy of this machine is this machine, whoever it asks for."""
    with pytest.raises(ConfigurationError) as refused:
        loaded(folder, '[console]\nnames = ["console.example"]\n')

    (problem,) = refused.value.problems
    assert (problem.key, "console.example" in problem.problem) == ("console.token", True)


def test_a_token_of_the_console_cannot_be_guessed(folder: Path) -> None:
    """Like the secret of a key, and nobody counts how often one is tried."""
    with pytest.raises(ConfigurationError) as refused:
        loaded(folder, '[console]\ntoken = { env = "T" }\n', T="a-token")

    (problem,) = refused.value.problems
    assert (problem.key, "guessed" in problem.problem) == ("console.token", True)


def test_the_gateway_s_address_has_brackets_where_they_belong(folder: Path) -> None:
    """IPv6 is written in them, whatever port the system chose."""
    edge = loaded(folder, '[listen]\ngateway = "[::1]:0"\n').edge

    assert (edge.host, edge.url(8080)) == ("::1", "http://[::1]:8080")
    assert edge._replace(tls=Tls("c", "k"), host="h").url(443) == "https://h:443"


def test_limits_are_the_edge_s(folder: Path) -> None:
    """Every bound of the edge can be set, and only those."""
    snapshot = loaded(folder, "[limits]\nbody_bytes_max = 1000\n")

    assert snapshot.edge.body_bytes_max == 1_000
    elsewhere = {"host", "port", "tls", "trusted_proxies", "proxy_protocol", "forwarded_header"}
    elsewhere |= {"access_log", "cors_origins", "hooks"}
    assert {*LimitsShape.__struct_fields__} == {*Edge._fields} - elsewhere


@pytest.mark.parametrize("url", ["https://[me:{}@h", "ftp://me:{}@h", "https://me:{}@h:99999"])
def test_a_password_in_an_address_is_not_shown(folder: Path, url: str) -> None:
    """Also where the address is wrong in another way, which is told with what stands there."""
    url = url.format("s3cret")
    file = f"""
[providers.a]
kind = "openai"
base_url = "{url}"
[providers.b]
kind = "azure_openai"
base_url = "https://b.example"
[providers.b.issuer]
kind = "client_credentials"
endpoint = "{url}"
client_id = "c"
secret = {{ value = "of-b" }}
[webhooks.w]
url = "{url}"
secret = {{ value = "of-w" }}
"""
    with pytest.raises(ConfigurationError) as refused:
        loaded(folder, file)

    places = ["providers.a.base_url", "providers.b.issuer", "webhooks.w.url"]
    assert sorted(each.key for each in refused.value.problems) == places
    assert "s3cret" not in str(refused.value)
