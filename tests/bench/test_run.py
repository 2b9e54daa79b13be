"""Options, tools and the configurations of what is started."""

from pathlib import Path

import pytest

from bench import gateways, report, run, tools
from bench.configuration import KEY
from bench.gateways import Trust
from bench.rounds import GATED

TRUST = Trust(Path("/tmp/ca.pem"), Path("/tmp/upstream.pem"))


def test_the_loads_with_a_bar_are_always_sent() -> None:
    """Others come only when they are asked for."""
    assert run.loads_of(run.arguments_of([])) == list(GATED)


def test_other_loads_are_named_after_what_was_asked() -> None:
    """The report tells 8 connections from a fixed rate."""
    loads = run.loads_of(run.arguments_of(["--connections", "8", "--rate", "2000"]))

    assert [load.name for load in loads[2:]] == ["plain, 8 connections", "plain, 2,000/s"]
    assert [(load.connections, load.rate_per_s) for load in loads[2:]] == [(8, 0), (64, 2_000)]


def test_all_means_every_load() -> None:
    """The full report has the gated loads, those that are translated, and the three others."""
    assert len(run.loads_of(run.arguments_of(["--all"]))) == 7


def test_translated_calls_come_when_they_are_asked_for() -> None:
    """Each of them has a bar."""
    loads = run.loads_of(run.arguments_of(["--translated"]))

    assert [load.name for load in loads[2:]] == list(report.TRANSLATED_BARS)


def test_what_is_missing_is_said_in_one_line_when_it_cannot_be_installed() -> None:
    """The line names the programs, and the command that brings them."""
    absent = tools.missing(lambda name: None if name in ("nginx", "gcc") else f"/usr/bin/{name}")

    with pytest.raises(tools.MissingToolError) as raised:
        tools.require(absent, may_install=False)

    assert str(raised.value) == "gcc, nginx missing: apt-get install gcc nginx"


def test_nothing_is_installed_when_nothing_is_missing() -> None:
    """A machine that has the programs needs no root."""
    tools.require(tools.missing(lambda name: f"/usr/bin/{name}"), may_install=False)


def test_nginx_checks_the_key_too() -> None:
    """The base of the ratios refuses other keys, as the gateway does."""
    conf = gateways.proxy_conf(9211)

    assert f'"Bearer {KEY}" 1' in conf
    assert "proxy_pass http://model" in conf
    assert "ssl" not in conf


def test_over_tls_both_sides_check_the_upstreams_certificate() -> None:
    """Neither saves the work of verifying; both trust the authority made for the run."""
    conf = gateways.proxy_conf(9213, TRUST)
    command = gateways.launch_command(9214, TRUST)

    assert "proxy_pass https://model" in conf
    assert "proxy_ssl_verify on" in conf
    assert f"proxy_ssl_trusted_certificate {TRUST.ca_file}" in conf
    assert command[command.index("--ca-file") + 1] == str(TRUST.ca_file)
    assert str(TRUST.certificate) in gateways.front_conf(TRUST)


def test_the_node_that_is_started_is_this_checkouts() -> None:
    """Whatever version is installed, the code beside the benchmark is what is measured."""
    paths = gateways.launch_command(9212)[1].removeprefix("PYTHONPATH=").split(":")

    assert Path(paths[0]) == gateways.ROOT / "src"
