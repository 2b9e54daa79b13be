"""What the commands of the desk print with `--json`, as types; see `contract`."""

from headgate.insights.printed import Instant, Printed, Usd


class SourceView(Printed, frozen=True, kw_only=True):
    """Imported records of one kind of log; `cost_high` is the most, where a fact is missing."""

    source: str
    records: int
    calls: int
    sessions: int
    first: Instant
    last: Instant
    usage: dict[str, int]
    cost: Usd
    cost_high: Usd
    unpriced: int
    grades: dict[str, int]


class UnpricedView(Printed, frozen=True, kw_only=True):
    """Imported records that no price row covers; `near` is a like name that was not used."""

    source: str
    seller: str | None
    model: str
    why: str
    records: int
    tokens: int
    near: str | None


class BilledView(Printed, frozen=True, kw_only=True):
    """A seller's bills, and its usage of the same time at the price book's prices."""

    source: str
    seller: str
    start: Instant
    end: Instant
    billed: Usd
    priced: Usd


class RecordView(Printed, frozen=True, kw_only=True):
    """One imported record; `reported` is what a proxy said it cost, which is not used."""

    source: str
    reply: str
    part: str
    at: Instant
    started_at: Instant
    seat: str
    session: str
    project: str
    seller: str | None
    model: str
    tier: str
    region: str
    calls: int
    grade: str
    usage: dict[str, int]
    cost: Usd | None
    cost_high: Usd | None
    price_rows: list[str]
    reported: Usd | None


class ImportView(Printed, frozen=True, kw_only=True):
    """What an import read, and all that is imported: `import --json`."""

    files: int
    unchanged: int
    unknown: list[str]
    missing: list[str]
    bytes_read: int
    lines: int
    broken: int
    foreign: int
    samples: list[str]
    troubled: list[str]
    copies: int
    cost: Usd
    cost_high: Usd
    sources: list[SourceView]
    unpriced: list[UnpricedView]
    bills: list[BilledView]
    records: list[RecordView]


class UsageGroupView(Printed, frozen=True, kw_only=True):
    """Sums over imported records that have the same `names`, one for each side they are grouped by.

    A name is null where the logs do not say. `cost_high` is the most, where a fact is missing;
    `unpriced` records are in neither.
    """

    names: list[str | None]
    records: int
    calls: int
    models: list[str]
    usage: dict[str, int]
    cost: Usd
    cost_high: Usd
    unpriced: int


class UsageView(Printed, frozen=True, kw_only=True):
    """What was imported, by the sides in `by`, the first outermost: `usage --json`.

    Days, weeks (named by their Monday) and months are those of `zone`.
    """

    by: list[str]
    zone: str
    total: UsageGroupView
    groups: list[UsageGroupView]


class EstimateView(Printed, frozen=True, kw_only=True):
    """An amount a month (of a window: a window) with its interval."""

    low: Usd
    middle: Usd
    high: Usd


class ShareView(Printed, frozen=True, kw_only=True):
    """A share in percent, as decimal text, over the span of what a plan can give."""

    low: str
    middle: str
    high: str


class PlanLineView(Printed, frozen=True, kw_only=True):
    """A seat on a plan, had or not; percents are decimal text, of a share above 100, too."""

    plan: str
    price: Usd
    capacity: EstimateView | None
    basis: str | None
    utilisation_percent: str | None
    user_break_even_percent: ShareView | None
    seller_break_even_percent: ShareView | None
    zone: str | None
    margin_percent: str | None
    month: Usd | None


class WindowUseView(Printed, frozen=True, kw_only=True):
    """How use falls into windows of one length; `meter_percent` is what the plan's meter said."""

    minutes: int
    count: int
    median: Usd
    p95: Usd
    peak: Usd
    capacity: EstimateView | None
    over: int
    lost: Usd
    latest: Usd
    head_room: Usd | None
    meter_percent: str | None


class AdviceView(Printed, frozen=True, kw_only=True):
    """What to do with a seat; `rivals` are the choices that the intervals leave open."""

    verb: str
    plan: str | None
    reason: str
    saving: EstimateView
    rivals: list[str]


class SeatView(Printed, frozen=True, kw_only=True):
    """A seat's use of one seller through one kind of log, its plans and what to do."""

    seat: str
    source: str
    seller: str
    first: Instant
    last: Instant
    has: str | None
    whole_weeks: int
    unpriced: int
    demand: EstimateView | None
    forecast: EstimateView | None
    plans: list[PlanLineView]
    windows: list[WindowUseView]
    advice: AdviceView


class PlansView(Printed, frozen=True, kw_only=True):
    """The subscription desk: `plans --json`; `inputs` is a hash of all it was made from."""

    inputs: str
    serving_cost: str
    seats: list[SeatView]
    assumptions: list[str]
