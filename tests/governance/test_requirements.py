"""Requirements: what violates them is excluded by name, and nothing ever relaxes them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.compliance import RESIDENCIES, Certificate, Treatment
from headgate.catalog.settings import Deployment
from headgate.governance.requirements import Caller, Rulebook, lies_in, violation
from headgate.governance.settings import DataClass, Requirement
from headgate.units.errors import Refusal
from headgate.units.instants import from_datetime

NOW_NS = from_datetime(datetime(2026, 11, 26, 12, tzinfo=UTC))
DAY_NS = 86_400 * 10**9
ALICE = Caller("alice-laptop", "alice", "research")


def deployment(
    name: str = "one", region: str | None = None, treatment: Treatment | None = None
) -> Deployment:
    """Return a deployment of which only what requirements ask matters."""
    given = treatment or Treatment()
    return Deployment(
        name, f"p-{name}", "m", "s", "m", 1_000, 1_000, 100, region=region, treatment=given
    )


@pytest.mark.parametrize(
    ("region", "residency", "there"),
    [
        ("eu-central-1", "eu", True),
        ("eu-west-2", "eu", False),
        ("eu-west-2", "uk", True),
        ("eu-central-2", "eu", False),
        ("eu-central-2", "ch", True),
        ("europe-west1", "eu", True),
        ("europe-west2", "eu", False),
        ("westeurope", "eu", True),
        ("swedencentral", "eu", True),
        ("norwayeast", "eu", False),
        ("us-east-1", "us", True),
        ("eastus2", "us", True),
        ("northcentralus", "us", True),
        ("us-east-1", "eu", False),
        ("australiaeast", "us", False),
        ("ap-northeast-1", "jp", True),
        ("ap-northeast-2", "jp", False),
        ("global", "eu", False),
        (None, "eu", False),
        ("EU", "eu", True),
    ],
)
def test_regions_lie_where_they_lie(region: str | None, residency: str, there: bool) -> None:
    """Names that look as if they were in the Union are known; what is unknown lies nowhere."""
    assert lies_in(region, residency) is there


@pytest.mark.parametrize(
    ("requirement", "offered", "told"),
    [
        (
            Requirement("r", residency=("eu",)),
            deployment(region="us-east-1"),
            "residency: asked eu, is us-east-1",
        ),
        (Requirement("r", residency=("eu",)), deployment(), "residency: asked eu, is unknown"),
        (
            Requirement("r", regions=("a", "b")),
            deployment(region="c"),
            "region: asked a or b, is c",
        ),
        (
            Requirement("r", retention_days_max=0),
            deployment(treatment=Treatment(30)),
            "retention: asked 0 days at most, is 30 days",
        ),
        (
            Requirement("r", retention_days_max=30),
            deployment(),
            "retention: asked 30 days at most, is unknown",
        ),
        (
            Requirement("r", training=False),
            deployment(treatment=Treatment(trains=True)),
            "training: asked none, is on",
        ),
        (Requirement("r", training=False), deployment(), "training: asked none, is unknown"),
        (
            Requirement("r", certifications=("soc2",)),
            deployment(),
            "certification: asked soc2, there is none",
        ),
        (
            Requirement("r", certifications=("soc2",)),
            deployment(treatment=Treatment(certificates=(Certificate("soc2", NOW_NS),))),
            "certification: asked soc2, expired 2026-11-26",
        ),
        (Requirement("r", providers=("p-two",)), deployment(), "provider: asked p-two, is p-one"),
        (
            Requirement("r", providers_denied=("p-one",)),
            deployment(),
            "provider: p-one is denied",
        ),
    ],
)
def test_a_violation_says_what_was_asked_and_what_there_is(
    requirement: Requirement, offered: Deployment, told: str
) -> None:
    """What is unknown violates whatever asks for it."""
    assert violation(requirement, offered, NOW_NS) == told


def test_what_satisfies_everything_violates_nothing() -> None:
    """A certificate holds up to its last instant."""
    whole = Treatment(0, trains=False, certificates=(Certificate("soc2", NOW_NS + 1),))
    asked = Requirement(
        "r",
        residency=("eu",),
        regions=("eu-west-1",),
        retention_days_max=0,
        training=False,
        certifications=("soc2",),
        providers=("p-one",),
        providers_denied=("p-two",),
    )

    assert violation(asked, deployment(region="eu-west-1", treatment=whole), NOW_NS) is None


NODES = ("organisation", "team:research", "team:sales", "principal:alice", "key:alice-laptop")
CLASSES = ("public", "personal")
REGIONS = ("eu-west-1", "us-east-1", None)
certificates = st.dictionaries(
    st.sampled_from(["soc2", "iso27001"]), st.integers(NOW_NS - 9, NOW_NS + 9), max_size=2
).map(lambda ends: tuple(Certificate(*each) for each in ends.items()))
deployments = st.builds(
    lambda name, region, days, trains, certified: deployment(
        name, region, Treatment(days, trains, certified)
    ),
    st.sampled_from(["one", "two"]),
    st.sampled_from(REGIONS),
    st.sampled_from([None, 0, 30]),
    st.sampled_from([None, True, False]),
    certificates,
)
requirements = st.builds(
    Requirement,
    id=st.uuids().map(str),
    nodes=st.lists(st.sampled_from(NODES), min_size=1, max_size=3).map(tuple),
    data_classes=st.lists(st.sampled_from(CLASSES), max_size=2).map(tuple),
    residency=st.lists(st.sampled_from(sorted(RESIDENCIES)), max_size=2).map(tuple),
    retention_days_max=st.sampled_from([None, 0, 30]),
    training=st.booleans(),
    certifications=st.lists(st.sampled_from(["soc2", "iso27001"]), max_size=2).map(tuple),
    providers_denied=st.lists(st.sampled_from(["p-one", "p-two"]), max_size=1).map(tuple),
)


@given(
    rules=st.lists(requirements, max_size=4),
    more=requirements,
    data_class=st.sampled_from([None, *CLASSES]),
    offered=deployments,
)
def test_one_more_requirement_never_admits_more(
    rules: list[Requirement], more: Requirement, data_class: str | None, offered: Deployment
) -> None:
    """What is excluded stays excluded, whatever is required besides."""
    before = Rulebook(rules).find(ALICE, data_class)
    after = Rulebook([*rules, more]).find(ALICE, data_class)

    if before.violation(offered, NOW_NS) is not None:
        assert after.violation(offered, NOW_NS) is not None
    if after.violation(offered, NOW_NS) is None:
        holding = [each for each in after.requirements if each.certifications]
        until_ns = after.until_ns([offered], NOW_NS)
        assert not holding or (until_ns is not None and until_ns > NOW_NS)


@given(offered=deployments, rules=st.lists(requirements, max_size=4))
def test_what_holds_now_holds_until_it_says(offered: Deployment, rules: list[Requirement]) -> None:
    """A ranking may be kept until the next certificate ends: till then nothing changes."""
    required = Rulebook(rules).find(ALICE, None)
    until_ns = required.until_ns([offered], NOW_NS) or NOW_NS + 100

    assert (required.violation(offered, NOW_NS) is None) == (
        required.violation(offered, until_ns - 1) is None
    )


def test_classes_of_data() -> None:
    """Unknown ones are refused with near names, foreign ones by the key, none is the default."""
    classes = (DataClass("public", default=True), DataClass("personal"))
    rules = Rulebook((), classes, {"bot": ("public",), "vault": ("personal",)})

    assert rules.class_of("alice", None) == "public"
    assert rules.class_of("alice", "personal") == "personal"
    assert rules.class_of("bot", None) == "public"
    for key, told, code, word in (
        ("alice", "personnal", "data_class_unknown", "Did you mean personal?"),
        ("alice", "zz", "data_class_unknown", "There are personal, public."),
        ("bot", "personal", "data_class_not_permitted", "only public"),
        ("vault", None, "data_class_not_permitted", "only personal"),
    ):
        refusal = rules.class_of(key, told)
        assert isinstance(refusal, Refusal)
        assert refusal.code.code == code
        assert word in refusal.message
    assert Rulebook().class_of("alice", None) is None
    unset = Rulebook().class_of("alice", "zz")
    assert isinstance(unset, Refusal)
    assert "None is configured" in unset.message
