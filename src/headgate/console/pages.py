"""The console's pages, fragments and data; each request reads on a connection of its own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qs

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from headgate.budgets.settings import RUN_ANY
from headgate.budgets.standing import Standing, standings
from headgate.console import session, show
from headgate.console.guard import SECURITY_HEADERS, SIGN_IN_POLICY, signed_in
from headgate.console.world import ConsoleWorld
from headgate.insights import overview
from headgate.insights.frozen import read_frozen
from headgate.insights.windows import read_run_windows

MINUTES_DEFAULT = 15
BUDGETS_MAX = 60
RUNS_MAX = 5
FORM_BYTES_MAX = 4096
CALL_ID_MAX = 128


class ShownBudgets(NamedTuple):
    """Budgets as the page shows them: the configured ones, and the fullest of the runs'."""

    standings: list[Standing]
    runs: list[Standing]
    left_out: int


class Pages:
    """Answers requests; everything it is asked only reads."""

    def __init__(self, console: ConsoleWorld) -> None:
        self.console = console
        environment = Environment(
            loader=PackageLoader("headgate.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(
            usd=show.short_usd,
            exact_usd=show.exact_usd,
            per_million=show.per_million,
            count=show.count,
            span=show.span,
            clock=lambda at_ns: show.clock(at_ns, console.now_ns(), console.zone),
            full_time=lambda at_ns: show.full_time(at_ns, console.zone),
            renewal=lambda at_ns: show.renewal(at_ns, console.now_ns(), console.zone),
        )
        environment.globals.update(
            console=console,
            zone=show.zone_name(console.zone),
            permille=show.permille,
            percent=show.percent,
            windows=tuple(overview.STEP_S_BY_MINUTES),
        )
        self._environment = environment

    def _render(
        self, template: str, values: Mapping[str, object], status: int = 200
    ) -> HTMLResponse:
        return HTMLResponse(self._environment.get_template(template).render(values), status)

    def index(self, request: Request) -> Response:
        """`/`: the live page, whole, so that it also reads without scripts."""
        minutes = _minutes(request)
        with self.console.engine.connect() as connection:
            values = {
                "minutes": minutes,
                "summary": overview.read_summary(connection, self._lapse(minutes)),
                "budgets": self._budgets(connection),
                "attempts": overview.read_attempts(connection),
                "refusals": overview.read_refusals(connection),
                "frozen": read_frozen(connection),
            }
        return self._render("index.html", values)

    def summary(self, request: Request) -> Response:
        """`/fragments/summary`: the figures on top."""
        minutes = _minutes(request)
        with self.console.engine.connect() as connection:
            summary = overview.read_summary(connection, self._lapse(minutes))
        return self._render("_summary.html", {"summary": summary, "minutes": minutes})

    def budgets(self, _request: Request) -> Response:
        """`/fragments/budgets`: how the budgets stand."""
        with self.console.engine.connect() as connection:
            shown = self._budgets(connection)
        return self._render("_budgets.html", {"budgets": shown})

    def calls(self, _request: Request) -> Response:
        """`/fragments/calls`: the newest attempts."""
        with self.console.engine.connect() as connection:
            attempts = overview.read_attempts(connection)
        return self._render("_calls.html", {"attempts": attempts})

    def refusals(self, _request: Request) -> Response:
        """`/fragments/refusals`: the newest refusals."""
        with self.console.engine.connect() as connection:
            refusals = overview.read_refusals(connection)
        return self._render("_refusals.html", {"refusals": refusals})

    def frozen(self, _request: Request) -> Response:
        """`/fragments/frozen`: the nodes that may not spend now."""
        with self.console.engine.connect() as connection:
            frozen = read_frozen(connection)
        return self._render("_frozen.html", {"frozen": frozen})

    def call_fragment(self, request: Request) -> Response:
        """`/fragments/calls/{call}`: one call in full, for the drawer."""
        return self._render("_call.html", {"opened": self._call(request)})

    def call(self, request: Request) -> Response:
        """`/calls/{call}`: one call in full, as a page with an address."""
        return self._render("call.html", {"opened": self._call(request)})

    def spend(self, request: Request) -> Response:
        """`/data/spend.json`: money posted per step and deployment, in nano-dollars."""
        with self.console.engine.connect() as connection:
            spend = overview.read_spend(connection, self._lapse(_minutes(request)))
        lapse = spend.lapse
        return JSONResponse(
            {
                "since_ns": str(lapse.since_ns),
                "since_s": lapse.since_ns // 1_000_000_000,
                "step_s": lapse.step_ns // 1_000_000_000,
                "steps": lapse.steps,
                "zone": show.zone_name(self.console.zone),
                "series": [one._asdict() for one in spend.series],
                "total_nanos": spend.total_nanos,
                "total": show.short_usd(spend.total_nanos),
                "complete_from_s": (
                    None
                    if spend.complete_from_ns is None
                    else spend.complete_from_ns // 1_000_000_000
                ),
            }
        )

    def sign_in_page(self, status: int = 200, problem: str = "") -> Response:
        """`GET /login`: asks for the token."""
        page = self._render("sign_in.html", {"problem": problem}, status)
        page.headers["content-security-policy"] = SIGN_IN_POLICY
        # Under `no-referrer` a browser hides the origin of a form too, and the guard asks for it.
        page.headers["referrer-policy"] = "same-origin"
        return page

    async def sign_in(self, request: Request) -> Response:
        """`/login`: shows the form, or begins a session when the right token was sent."""
        token = self.console.token
        if token is None:
            return RedirectResponse("/", 303)
        if request.method != "POST":
            return self.sign_in_page()
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > FORM_BYTES_MAX:
                raise HTTPException(413)
        shown = parse_qs(body.decode("latin-1"), encoding="utf-8").get("token", [""])[0]
        if not session.same(shown, token):
            return self.sign_in_page(401, "That is not the token. It is in the configuration.")
        return signed_in(request, token, self.console.now_ns(), "/")

    def _lapse(self, minutes: int) -> overview.Lapse:
        return overview.lapse_of(minutes, self.console.now_ns())

    def _call(self, request: Request) -> overview.OpenedCall:
        call = request.path_params["call"]
        opened = None
        if len(call) <= CALL_ID_MAX:
            with self.console.engine.connect() as connection:
                opened = overview.find_call(connection, call)
        if opened is None:
            raise HTTPException(404, "There is no such call here, or it is not folded yet.")
        return opened

    def _budgets(self, connection: Connection) -> ShownBudgets:
        configured = self.console.budgets()
        per_run = frozenset(budget.id for budget in configured if budget.node == RUN_ANY)
        active = read_run_windows(connection, per_run) if per_run else frozenset()
        now_ns, zone = self.console.now_ns(), self.console.zone
        found = standings(connection, configured, now_ns, zone, runs=active)
        plain = [standing for standing in found if standing.node != RUN_ANY]
        runs = sorted(
            (standing for standing in found if standing.node == RUN_ANY),
            key=lambda one: show.permille(one.limit_nanos - one.free_nanos, one.limit_nanos),
            reverse=True,
        )
        left_out = len(plain[BUDGETS_MAX:]) + len(runs[RUNS_MAX:])
        return ShownBudgets(plain[:BUDGETS_MAX], runs[:RUNS_MAX], left_out)

    def problem_page(self, status: int, sentence: str) -> Response:
        """Return the page that says what went wrong."""
        title = HTTPStatus(status).phrase
        page = self._render("problem.html", {"title": title, "sentence": sentence}, status)
        page.headers.update(SECURITY_HEADERS)
        return page


def _minutes(request: Request) -> int:
    text = request.query_params.get("minutes", str(MINUTES_DEFAULT))
    for minutes in overview.STEP_S_BY_MINUTES:
        if text == str(minutes):
            return minutes
    choices = ", ".join(str(minutes) for minutes in overview.STEP_S_BY_MINUTES)
    raise HTTPException(400, f"minutes is one of {choices}.")
