"""Probabilities as whole millionths, and their log-odds as whole thousandths; pure, integers.

    ppm = 1,000,000 / (1 + e^(-milli / 1,000))

read from a table of steps of 250 with straight lines between, so that a decision comes out the
same to the last bit wherever it is repeated. The lines are off by less than 0.2 points.
"""

from bisect import bisect_left, bisect_right

CERTAIN_PPM = 1_000_000
MILLI_MAX = 10_000
_STEP = 250
_UPPER = (
    *(500_000, 562_177, 622_459, 679_179, 731_059, 777_300, 817_574, 851_953),
    *(880_797, 904_651, 924_142, 939_913, 952_574, 962_673, 970_688, 977_023),
    *(982_014, 985_936, 989_013, 991_423, 993_307, 994_780, 995_930, 996_827),
    *(997_527, 998_073, 998_499, 998_830, 999_089, 999_290, 999_447, 999_569),
    *(999_665, 999_739, 999_797, 999_842, 999_877, 999_904, 999_925, 999_942),
    *(999_955,),
)
"""Of log-odds 0, 250, 500 ... 10,000; below 0 it is the same from the other side."""


def ppm_of(milli: int) -> int:
    """Return the probability of log-odds; those beyond ±10,000 count as these."""
    size = min(abs(milli), MILLI_MAX)
    step, rest = divmod(size, _STEP)
    low = _UPPER[step]
    upper = low if not rest else low + (_UPPER[step + 1] - low) * rest // _STEP
    return upper if milli >= 0 else CERTAIN_PPM - upper


def milli_of(ppm: int) -> int:
    """Return the least log-odds whose probability is at least so much."""
    if ppm > CERTAIN_PPM // 2:
        step = bisect_left(_UPPER, ppm) - 1
        if step + 1 == len(_UPPER):
            return MILLI_MAX
        low, wide = _UPPER[step], _UPPER[step + 1] - _UPPER[step]
        return step * _STEP - ((low - ppm) * _STEP // wide)
    most = CERTAIN_PPM - ppm
    step = bisect_right(_UPPER, most) - 1
    if step + 1 == len(_UPPER):
        return -MILLI_MAX
    low, wide = _UPPER[step], _UPPER[step + 1] - _UPPER[step]
    return -step * _STEP - ((most - low + 1) * _STEP - 1) // wide
