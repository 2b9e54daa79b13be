"""A real server that webhooks are posted to."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Listener:
    """A real server that takes messages, or refuses the next ones.

    Attributes:
        taken: Headers and body of each message that was taken.
        refusals: The statuses the next messages are answered with.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.asked: list[str] = []
        self.refusals: list[int] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take a message."""
                body = self.rfile.read(int(self.headers["content-length"]))
                listener.asked.append(self.headers["webhook-id"])
                status = listener.refusals.pop(0) if listener.refusals else 204
                if status == 204:
                    listener.taken.append((dict(self.headers), body))
                self.send_response(status)
                self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Stop listening."""
        self.server.shutdown()
        self.server.server_close()
