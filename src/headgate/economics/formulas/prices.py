"""Prices: how many times dearer, what a mix of tokens costs, and how a falling price adds up.

Prices are dollars per million tokens, shares lie between 0 and 1, times are months.
"""

from fractions import Fraction

from headgate.economics.exact import DomainError, divide, exp, ln, power


def ratio(value: Fraction, base: Fraction) -> Fraction:
    """Return how many times `base` goes into `value`."""
    return divide(value, base, "what is compared with")


def change(before: Fraction, after: Fraction) -> Fraction:
    """Return the relative change: 0.5 is half more, -0.5 is half less."""
    return divide(after, before, "what it was before") - 1


def complement(share: Fraction) -> Fraction:
    """Return what is left of 1."""
    return 1 - share


def after_discount(price: Fraction, discount: Fraction) -> Fraction:
    """Return what a price is after a discount, a share of it."""
    return price * (1 - discount)


def before_discount(price: Fraction, discount: Fraction) -> Fraction:
    """Return the price of which `price` is what a discount left."""
    return divide(price, 1 - discount, "what a discount leaves")


def with_cache(fresh: Fraction, cached: Fraction, hit_share: Fraction) -> Fraction:
    """Return dollars per million input tokens when a share of them is read from the cache.

    `(1 - h) p_input + h p_cache`; what writing to the cache costs is not in it.
    """
    return (1 - hit_share) * fresh + hit_share * cached


def blend(
    prices: tuple[Fraction, Fraction, Fraction], shares: tuple[Fraction, Fraction, Fraction]
) -> Fraction:
    """Return dollars per million tokens of a mix of fresh input, cached input and output.

    Raises:
        DomainError: The shares do not add up to 1.
    """
    if sum(shares) != 1:
        raise DomainError("the shares of a mix must add up to 1")
    return sum((p * s for p, s in zip(prices, shares, strict=True)), Fraction(0))


def decay_rate(factor: Fraction, months: Fraction) -> Fraction:
    """Return the continuous rate of decay per month of a price that falls `factor`-fold.

    `lambda = ln(factor) / months`; 5 in 18 months is 0.0894 per month.
    """
    return divide(ln(factor), months, "the months a price takes to fall")


def price_left(factor: Fraction, months: Fraction, after: Fraction) -> Fraction:
    """Return the share of a price that is left after a while: `factor ** (-after / months)`."""
    return exp(-decay_rate(factor, months) * after)


def fall(factor: Fraction, months: Fraction, after: Fraction) -> Fraction:
    """Return how many times cheaper it is after a while: the inverse of `price_left`."""
    return power(factor, divide(after, months, "the months a price takes to fall"))


def half_life(factor: Fraction, months: Fraction) -> Fraction:
    """Return the months after which half of the price is left: `ln 2 / lambda`."""
    return divide(ln(Fraction(2)), decay_rate(factor, months), "a rate of decay")


def mean_price(factor: Fraction, months: Fraction, horizon: Fraction) -> Fraction:
    """Return the average price over a horizon as a share of the price at its start.

    `(1 - e^-x) / x` with `x = lambda horizon`: equal consumption at all times is assumed.
    """
    x = decay_rate(factor, months) * horizon
    return divide(1 - exp(-x), x, "a rate of decay times a horizon")


def overpaid_by_fixing(factor: Fraction) -> Fraction:
    """Return the share of a fixed bill above the market's while that falls `factor`-fold.

    `1 - (1 - 1/factor) / ln(factor)`, over exactly the time the fall takes.
    """
    return 1 - divide(1 - divide(Fraction(1), factor, "the factor"), ln(factor), "the fall")


def stream_tokens(tokens_per_second: Fraction) -> Fraction:
    """Return the million tokens that one stream gives in an hour."""
    return tokens_per_second * 3600 / 1_000_000


def stream_cost(gpus: Fraction, usd_per_hour: Fraction, tokens_per_second: Fraction) -> Fraction:
    """Return dollars per million tokens when `gpus` serve one stream and nothing else."""
    return divide(gpus * usd_per_hour, stream_tokens(tokens_per_second), "the tokens per second")


HOURS_PER_MONTH = Fraction(8766, 12)


def machine_month(usd_per_hour: Fraction) -> Fraction:
    """Return what a machine costs in a mean month, whether it works or not."""
    return usd_per_hour * HOURS_PER_MONTH


def machine_capacity(
    tokens_per_second: Fraction, utilisation: Fraction, list_price: Fraction
) -> Fraction:
    """Return what a machine serves in a month, at what the same tokens cost elsewhere.

    `tokens/s x 3600 x hours x utilisation x price / 1e6`: utilisation is the share of the hours in
    which it is as busy as measured; the price is that of a mix, dollars per million tokens.
    """
    tokens = stream_tokens(tokens_per_second) * HOURS_PER_MONTH
    return tokens * utilisation * list_price


def over_the_week(off_peak: Fraction, peak: Fraction, peak_hours: Fraction) -> Fraction:
    """Return the mean price of traffic spread evenly over the 168 hours of a week."""
    return (off_peak * (168 - peak_hours) + peak * peak_hours) / 168
