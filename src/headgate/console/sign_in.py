"""The form that asks for the token, and what comes of it."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from headgate.console import session
from headgate.console.desk import Desk
from headgate.console.forms import read_form
from headgate.console.guard import signed_in


class SignIn:
    """Answers `/login`, and every request of somebody who has not signed in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def page(self, request: Request, status: int = 200, problem: str = "") -> Response:
        """Return the form; it says nothing of what is behind it."""
        return self._desk.render(request, "sign_in.html", {"problem": problem}, status)

    async def answer(self, request: Request) -> Response:
        """`/login`: shows the form, or begins a session when the right token was sent."""
        token = self._desk.console.token
        if token is None:
            return RedirectResponse("/", 303)
        if request.method != "POST":
            return self.page(request)
        shown = (await read_form(request)).get("token", "")
        if not session.same(shown, token):
            return self.page(request, 401, "That is not the token. It is in the configuration.")
        return signed_in(request, token, self._desk.console.now_ns(), "/")
