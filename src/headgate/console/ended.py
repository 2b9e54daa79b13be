"""Sessions that somebody ended before their time: their cookies are worth nothing any more."""

ENDED_MAX = 1024


class Ended:
    """Sessions that were signed out, each known by the instant it began: in ns that is its own.

    At most `ENDED_MAX` are kept one by one. When there are more, the one that began first is
    forgotten together with all that began before it, and those are taken for ended: nothing that
    was ended comes alive again, and at worst somebody who is signed in must show the token anew.
    Only who is signed in can end a session, so nobody else can fill this.
    """

    def __init__(self) -> None:
        self._ended: set[int] = set()
        self._all_until_ns = -1

    def add(self, issued_ns: int) -> None:
        """End a session."""
        self._ended.add(issued_ns)
        if len(self._ended) > ENDED_MAX:
            first = min(self._ended)
            self._ended.remove(first)
            self._all_until_ns = max(self._all_until_ns, first)

    def __contains__(self, issued_ns: int) -> bool:
        """Tell whether a session was ended."""
        return issued_ns <= self._all_until_ns or issued_ns in self._ended
