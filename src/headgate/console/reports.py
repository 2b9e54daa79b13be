"""The reports of the desk as forms: which fields each has, and the command that answers them."""

from collections.abc import Mapping
from typing import NamedTuple

from headgate.console.workbench import SECONDS_MAX, Job, ReportError

VALUE_CHARS_MAX = 200
MANY_MAX = 20
"""So many values of one field."""


class Field(NamedTuple):
    """One field of a form.

    Attributes:
        name: What the address calls it: an option's name without dashes, or an input's.
        label: What people read.
        is_input: It is one of the calculation's inputs, which know range and default.
        many: Several values, with commas between them, each for the option once more.
        choices: From what the address says to what people read; the first is taken if none is
            named. Empty: any text.
        example: What an empty field shows.
    """

    name: str
    label: str
    is_input: bool = False
    many: bool = False
    choices: Mapping[str, str] = {}
    example: str = ""


class Kind(NamedTuple):
    """One report.

    Attributes:
        name: The command, dashes for its blanks.
        title: What people read.
        about: What it answers, in a sentence.
        fields: In order.
        fixed: Options that always hold.
        wanted: Fields of which at least one has to be filled, none for a report without questions.
        reads_configuration: Whether the command takes `--config`.
        reads_data: Whether it takes `--data-dir`.
        seconds_max: When it is ended.
    """

    name: str
    title: str
    about: str
    fields: tuple[Field, ...] = ()
    fixed: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    reads_configuration: bool = False
    reads_data: bool = False
    seconds_max: int = SECONDS_MAX

    @property
    def command(self) -> str:
        """The command, as it is typed after the program's name."""
        return self.name.replace("-", " ")

    @property
    def calculation(self) -> str:
        """Whose inputs those of its form are."""
        return self.name.partition("-")[0]


def _inputs(**labels: str) -> tuple[Field, ...]:
    return tuple(Field(name, label, is_input=True) for name, label in labels.items())


_POLICIES = ("cheapest", "ordered", "weighted", "fastest")
"""Policies that need no settings; others are a matter of files, which a form does not name."""
_SHOCKS = ("outage", "rationing", "broken", "unreachable", "retirement", "rises", "falls", "cache")
_SOURCE = Field("source", "Calls of", choices={"": "the books", "--imported": "imported logs"})

KINDS = (
    Kind(
        "plans",
        "Plans",
        "What subscriptions are worth to the seats whose logs were imported.",
        (
            Field("have", "Plans they have", many=True, example="SEAT=PLAN"),
            Field("serving-cost", "Serving costs the seller, of list price", example="0.25"),
        ),
        reads_data=True,
    ),
    Kind(
        "whatif",
        "What if",
        "What a past period would have cost at other prices, by other models, routed, or on plans.",
        (
            _SOURCE,
            Field("model", "Models instead", many=True, example="*=MODEL"),
            Field(
                "policy",
                "Routed by",
                choices={"": "who served", **{name: name for name in _POLICIES}},
            ),
            Field("among", "Among, of imported logs", many=True, example="MODEL, MODEL"),
            Field("plan", "Plans instead", many=True, example="SEAT=PLAN"),
            Field(
                "beyond",
                "Beyond a seat",
                choices={"": "bought by the call", "refused": "refused"},
            ),
            Field("as-of", "Prices of the day", example="2026-03-01"),
            Field("scale", "List prices times", many=True, example="SELLER=0.5"),
            Field("since", "From", example="first of last month"),
            Field("until", "Until", example="first of this month"),
            Field("by", "Class of task", example="team, principal, seat, model"),
            Field("baseline", "Savings against", example="posted"),
            Field("promised", "Promised saving, percent", example="60"),
            *_inputs(cache_loss="Cache lost", retries="Retries", checks="Results checked"),
        ),
        wanted=("model", "policy", "plan", "as-of", "scale"),
        reads_configuration=True,
        reads_data=True,
    ),
    Kind(
        "mix",
        "Mix",
        "The cheapest mix of plans, API and machines for the team's own months.",
        (
            _SOURCE,
            Field("baseline", "Savings against", example="api"),
            *_inputs(
                vendor_share_max="One vendor's share at most",
                budget_usd="A month at most, dollars",
                loss_per_usd="Work lost per dollar unserved",
                held_out="Months held out",
            ),
        ),
        reads_configuration=True,
        reads_data=True,
    ),
    Kind(
        "stress",
        "Stress",
        "What four ways to buy cost when prices fall or rise, and vendors ration or leave.",
        (
            Field(
                "asked",
                "Asked",
                choices={"": "the months to come", "--backtest": "a forecast of 2026-05-31"},
            ),
            Field(
                "mine",
                "What hurts",
                choices={
                    name: name for name in ("price-protected", "locked", "routable", "hybrid")
                },
            ),
            Field("paths", "Futures", choices={"2000": "2,000", "10000": "10,000"}),
            Field("months", "Months", choices={"36": "36", "18": "18", "60": "60"}),
            *_inputs(
                spend_usd="A month today, dollars",
                decay_factor="Cheaper, times",
                decay_months="in months",
                decay_share="Of that, really",
                discount="Discount for committing",
                commitment="Committed share",
                routable="Routable share",
                budget_usd="Limit of all months, dollars",
            ),
        ),
    ),
    Kind(
        "stress-replay",
        "Stress, replayed",
        "A sample of your own month sent again through a gateway of its own, to simulated "
        "providers, under a shock at one of them; it takes half a minute or more.",
        (
            _SOURCE,
            Field("shock", "Shock", choices={"": "choose one", **{name: name for name in _SHOCKS}}),
            Field("provider", "At", example="the dearest"),
            Field("among", "Imported calls may move to", many=True, example="MODEL, MODEL"),
            Field("days", "Days back", example="30"),
            Field("calls", "Calls sent", choices={"60": "60", "150": "150"}),
            *_inputs(
                reprice_up_factor="A rise is, times",
                reprice_down_factor="A cut is, times",
                ration_served="Served while rationed",
            ),
        ),
        wanted=("shock",),
        reads_configuration=True,
        reads_data=True,
        seconds_max=240,
    ),
    Kind(
        "vendor",
        "Vendor",
        "When a vendor earns, how long its cash lasts, and the price at which it earns nothing.",
        _inputs(
            revenue_bn="Revenue of a quarter, $ bn",
            profit_bn="Operating profit, $ bn",
            compute_ratio="Compute per dollar",
            cash_bn="Cash, $ bn",
            lease_bn="Leases of a quarter, $ bn",
            usage_growth="Usage grows, a quarter",
            price_share="Price falls, of the stated pace",
            cost_share="Cost falls, of the stated pace",
        ),
    ),
    Kind(
        "roi",
        "Results",
        "What a finished task costs, beside a person.",
        (
            Field(
                "source",
                "Attempts",
                choices={"--books": "outcomes in the books", "": "the assumed rate and cost"},
            ),
            *_inputs(
                wage_usd="Wage, dollars an hour",
                human_hours="A person takes, hours",
                review_hours="Review, hours",
                rework_hours="Rework, hours",
                success="Assumed success rate",
                attempt_usd="Assumed cost of an attempt",
                value_usd="A result is worth, dollars",
            ),
        ),
        reads_configuration=True,
        reads_data=True,
    ),
    Kind("claims", "Claims", "Whether statements of published articles follow from their inputs."),
)


def kind_of(name: str) -> Kind | None:
    """Return a report by its name."""
    return next((kind for kind in KINDS if kind.name == name), None)


def job_of(kind: Kind, given: Mapping[str, str]) -> Job:
    """Return what a filled form asks for.

    Raises:
        ReportError: A value is none that the form has, or nothing is asked.
    """
    options, inputs = list(kind.fixed), {}
    for field in kind.fields:
        value = given.get(field.name, "").strip()
        if len(value) > VALUE_CHARS_MAX or not value.isprintable():
            raise ReportError(f"{field.label}: write at most {VALUE_CHARS_MAX} plain characters.")
        if field.choices:
            options += _chosen(field, value if field.name in given else next(iter(field.choices)))
        elif value and field.is_input:
            inputs[field.name] = value
        elif value:
            values = [one.strip() for one in value.split(",")] if field.many else [value]
            options += [f"--{field.name}={one}" for one in values[:MANY_MAX] if one]
    if kind.wanted and not any(given.get(name, "").strip() for name in kind.wanted):
        labels = [field.label for field in kind.fields if field.name in kind.wanted]
        raise ReportError(f"Say what would have been different: {', '.join(labels)}.")
    reads = (kind.reads_configuration, kind.reads_data)
    return Job(kind.command, tuple(options), inputs, *reads, kind.seconds_max)


def _chosen(field: Field, value: str) -> list[str]:
    """Return a choice as words of the command; one that begins with dashes is the option itself."""
    if value not in field.choices:
        raise ReportError(f"{field.label}: choose {', '.join(field.choices.values())}.")
    if not value or value.startswith("--"):
        return [value] if value else []
    return [f"--{field.name}={value}"]
