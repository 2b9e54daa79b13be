"""Counts of whole numbers that forget: when there are too many, all are halved; pure."""

from collections.abc import Mapping


class Counts:
    """How often each number was seen.

    Args:
        most: From so many on, what was seen so far counts half.

    Attributes:
        most: The same.
        n: How many count, those that were seen long ago for less.
        numbers: How many of each.
    """

    __slots__ = ("most", "n", "numbers")

    def __init__(self, most: int) -> None:
        self.most = most
        self.n = 0
        self.numbers: dict[int, int] = {}

    def add(self, numbers: Mapping[int, int]) -> None:
        """Count what was seen elsewhere, or once more here.

        In whatever order they come, the counts come out the same, as long as nothing is halved.
        """
        for number, times in numbers.items():
            self.numbers[number] = self.numbers.get(number, 0) + times
            self.n += times
        while self.n >= self.most:
            halved = {each: times // 2 for each, times in self.numbers.items()}
            self.numbers = {each: times for each, times in halved.items() if times}
            self.n = sum(self.numbers.values())

    def join(self, numbers: Mapping[int, int]) -> None:
        """Take over counts of the same things, if they are of more; told twice, once is enough.

        In whatever order several come, the same one stays.
        """
        n = sum(numbers.values())
        if (n, sorted(numbers.items())) > (self.n, sorted(self.numbers.items())):
            self.n, self.numbers = 0, {}
            self.add(numbers)
