"""Spine charts: where one area stands among its fellows on many indicators at once. A row is an indicator."""

import numpy as np
import pandas as pd

BETTER, WORSE, HIGHER, LOWER, SIMILAR, UNSURE = "better", "worse", "higher", "lower", "similar", "no interval"
GOOD_SIDE = {"low_is_good": -1.0, "high_is_good": 1.0, "neutral": 1.0}


def spine(indicators: pd.DataFrame, *, area: str, benchmark: str = "benchmark") -> pd.DataFrame:
    """Where does one area stand on each indicator, among all areas and against a benchmark?

    indicators : one row per indicator and area: `indicator_id`, `area_code`, `value`, `lower`, `upper` (its interval,
        missing where none is published), `polarity` (low_is_good, high_is_good, neutral) and the column named by
        `benchmark`, the same for all areas of an indicator. area : the code of the area.

    Returns one row per indicator the area has a row of, in that order: the area's row with `against` (better, worse;
    higher, lower where neither is good; similar where the interval holds the benchmark; "no interval"; missing without
    a value or benchmark), `n_areas` with a value, and positions from -1 to 1 with the benchmark at 0 and 1 the distance
    to the area that is farthest from it, the better side on the right (of neutral ones the higher): `at`, `at_lower`,
    `at_upper` (its interval, cut at 1), `at_worst`, `at_best` and `at_low`, `at_high` (the middle half of the areas).
    Misleads: one unit to the right is another distance on every row. Areas are part of the benchmark they are held
    against, the large ones more. Of twenty indicators with 95% intervals one differs by chance.
    Source: the public health profiles of England (Fingertips technical guidance): compared by whether the area's
    interval leaves out the benchmark, never by whether two intervals overlap.
    """
    known = indicators.dropna(subset=["value", benchmark])
    sign = known["polarity"].map(GOOD_SIDE)
    away = (known["value"] - known[benchmark]) * sign
    groups = away.groupby(known["indicator_id"])
    spread = groups.agg(
        n_areas="size",
        far=lambda d: d.abs().max(),
        at_worst="min",
        at_best="max",
        at_low=lambda d: d.quantile(0.25),
        at_high=lambda d: d.quantile(0.75),
    )
    far = spread.pop("far").where(lambda d: d > 0)  # all alike: everybody is at the benchmark
    places = ["at_worst", "at_best", "at_low", "at_high"]
    spread[places] = spread[places].div(far, axis=0).fillna(0.0)
    here = indicators[indicators["area_code"] == area]
    answer = here.join(spread, on="indicator_id")
    answer["against"] = _compared(answer, benchmark)
    sign, far = answer["polarity"].map(GOOD_SIDE), answer["indicator_id"].map(far)
    ends = {
        name: (((answer[c] - answer[benchmark]) * sign / far).where(far.notna() | answer[c].isna(), 0.0)).clip(-1, 1)
        for name, c in (("at", "value"), ("a", "lower"), ("b", "upper"))
    }
    low, high = np.fmin(ends["a"], ends["b"]), np.fmax(ends["a"], ends["b"])  # low is good: the ends change sides
    known = answer[["value", benchmark]].notna().all(axis=1)
    return answer.assign(at=ends["at"].where(known), at_lower=low.where(known), at_upper=high.where(known))


def _compared(rows: pd.DataFrame, benchmark: str) -> pd.Series:
    """What the interval says of the area against the benchmark."""
    above, below = rows["lower"] > rows[benchmark], rows["upper"] < rows[benchmark]
    neutral, high_is_good = rows["polarity"].eq("neutral"), rows["polarity"].eq("high_is_good")
    rules = [
        rows[["value", benchmark]].isna().any(axis=1),
        rows[["lower", "upper"]].isna().any(axis=1),
        ~above & ~below,
        neutral,
        above == high_is_good,
    ]
    said = [None, UNSURE, SIMILAR, np.where(above, HIGHER, LOWER), BETTER]
    return pd.Series(np.select(rules, said, default=WORSE), rows.index, dtype="str")
