"""How sure a counted share is."""

NORMAL_95 = 1.959963984540054  # 95 % of a normal distribution lie within so many deviations


def wilson(right: int, count: int, *, z: float = NORMAL_95) -> tuple[float, float]:
    """Wilson's interval (1927, eq. 4) of the share that `right` of `count` trials are taken from; (0, 1) of none."""
    if not 0 <= right <= count:
        raise ValueError(f"{right} of {count} is no share")
    if not count:
        return 0.0, 1.0
    share, square = right / count, z * z / count
    middle = (share + square / 2) / (1 + square)
    reach = (square * (share * (1 - share) + square / 4)) ** 0.5 / (1 + square)
    low = 0.0 if right == 0 else middle - reach
    return low, 1.0 if right == count else middle + reach
