"""How much routing can save: what a promised saving asks of the cheap model.

`r` is the price of the cheap model as a share of the dear one's, on the same tokens. Retries,
checks and the loss of a warm cache are not in it, so these are the kindest figures possible.
"""

from fractions import Fraction

from headgate.economics.exact import DomainError


def highest(price_ratio: Fraction) -> Fraction:
    """Return the saving if all traffic goes to the cheap model: `1 - r`."""
    return 1 - price_ratio


def share_needed(saving: Fraction, price_ratio: Fraction) -> Fraction:
    """Return the share of traffic the cheap model must take: `f = s / (1 - r)`.

    Raises:
        DomainError: Even all of it does not save as much; the message has the highest saving.
    """
    if not possible(saving, price_ratio):
        most = highest(price_ratio)
        raise DomainError(
            f"a saving cannot be more than 1 - r, here {most.limit_denominator(10**6)}"
        )
    return saving / (1 - price_ratio)


def possible(saving: Fraction, price_ratio: Fraction) -> bool:
    """Tell whether a saving is within reach: `s <= 1 - r`."""
    return price_ratio < 1 and saving <= highest(price_ratio)
