"""`/approvals`: what people are asked, and the form to decide, with an approver's own key."""

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headgate.console.desk import Desk
from headgate.console.export import Piece, exports, fields_of
from headgate.console.forms import mark_of, read_form
from headgate.console.session import same
from headgate.gateway.listener.own import place_of
from headgate.governance.keeper import listed
from headgate.governance.requests import DECIDED
from headgate.insights.approvals import approval_view
from headgate.insights.contract_control import ApprovalView
from headgate.insights.deciding import Said, UnansweredError, decide

KIND = "approvals"
TITLE = "Approvals"
PATH = "/approvals"
KEY = "a"
PLACE = 7

OVER_SHOWN_MAX = 50


def routes(desk: Desk) -> list[Route]:
    """Return the page, which takes its own form, and its table as files."""

    async def page(request: Request) -> Response:
        if request.method != "POST":
            return await run_in_threadpool(_page, desk, request)
        form = await read_form(request)
        problem = await run_in_threadpool(_decide, desk, form)
        if problem is None:
            return RedirectResponse(PATH, 303)
        return await run_in_threadpool(_page, desk, request, problem)

    def exported(_request: Request) -> Piece:
        return Piece(_views(desk))

    return [
        Route(PATH, page, methods=["GET", "POST"]),
        *exports(PATH, fields_of(ApprovalView), exported),
    ]


def _views(desk: Desk) -> list[ApprovalView]:
    with desk.read() as connection:
        return [approval_view(each) for each in listed(connection)]


def _page(desk: Desk, request: Request, problem: str = "") -> Response:
    views, rules = _views(desk), desk.snapshot.approvals
    pending = [view for view in views if view.status == "pending"]
    secret = desk.console.form_secret
    values = {
        "pending": pending,
        "marks": {view.id: mark_of(secret, view.id + view.digest) for view in pending},
        "approvers": {name: ", ".join(rule.approvers) for name, rule in rules.items()},
        "over": [view for view in views if view.status != "pending"][:OVER_SHOWN_MAX],
        "problem": problem,
    }
    return desk.render(request, "approvals.html", values, 403 if problem else 200)


def _decide(desk: Desk, form: Mapping[str, str]) -> str | None:
    """Decide as the form says; returns why not, None when it is done."""
    verdict, name, digest = (form.get(field, "") for field in ("decision", "approval", "digest"))
    mark = mark_of(desk.console.form_secret, name + digest)
    if verdict not in DECIDED or not same(form.get("mark", ""), mark):
        raise HTTPException(403, "This form is not one of this console's. Open the page again.")
    said = Said(name, verdict, digest, form.get("reason", ""))
    place = place_of(desk.console.snapshot.edge, desk.console.gateway_url)
    try:
        return decide(place, form.get("key", "").strip(), said)
    except UnansweredError as error:
        return f"{error}."
