"""The form that asks for the token and what comes of it, and the button that signs out."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headgate.console.desk import Desk
from headgate.console.entry import SIGN_IN_PATH, SIGN_OUT_PATH, SIGNED_OUT, Entry, Refused
from headgate.console.forms import read_form


class SignIn:
    """Answers `/login`, `/logout`, and every request of somebody who has not signed in.

    Args:
        desk: What renders the form.
        entry: The way in; None where no token is asked for.
    """

    def __init__(self, desk: Desk, entry: Entry | None) -> None:
        self._desk = desk
        self._entry = entry

    def routes(self) -> Iterator[Route]:
        """Yield what it answers to by itself."""
        yield Route(SIGN_IN_PATH, self.answer, methods=["GET", "POST"])
        yield Route(SIGN_OUT_PATH, self.leave, methods=["POST"])

    def page(self, request: Request, refused: Refused | None = None) -> Response:
        """Return the form, which says nothing of what is behind it.

        Args:
            request: What is answered by it.
            refused: Why by the form and not by a page; None when it was asked for.
        """
        values = {
            "problem": "" if refused is None else refused.sentence,
            "signed_out": refused is None and SIGNED_OUT in request.query_params,
        }
        status = 200 if refused is None else refused.status
        page = self._desk.render(request, "sign_in.html", values, status)
        if refused is not None and refused.wait_s > 0:
            page.headers["retry-after"] = str(refused.wait_s)
        return page

    async def answer(self, request: Request) -> Response:
        """`/login`: shows the form, or begins a session when the right token was sent."""
        if self._entry is None:
            return RedirectResponse("/", 303)
        if request.method != "POST":
            return self.page(request)
        shown = (await read_form(request)).get("token", "")
        refused = self._entry.refusal(request, shown)
        if refused is not None:
            return self.page(request, refused)
        return self._entry.signed_in(request, "/")

    async def leave(self, request: Request) -> Response:
        """`/logout`: ends the session, wherever else its cookie may be."""
        if self._entry is None:
            return RedirectResponse("/", 303)
        return self._entry.signed_out(request)
