"""Control charts of every authority and offence group at once: 14 by 30 by 84 months. A row is a way to work them out.

    python -m benchmarks.charts

`xmr_many` (all series at once) against `xmr` series by series, the same limits; then the picture of the 14 authorities
in one offence group, as a page shows them, from the table to what the browser is sent. The aim: the limits of all 420
and the picture together in under a second. A quarter of a minute.
"""

import json
import time

import numpy as np
import pandas as pd

from analytics import disclosure, spc
from analytics.disclosure import Provenance, Rules
from ui import charts

AUTHORITIES, GROUPS, MONTHS = 14, 30, 84
TIMES, WITHIN_S = 10, 1.0  # the aims


def series() -> pd.DataFrame:
    """Counts of every authority and group by month, from 5 to 400 a month, with a season; one month is a gap."""
    rng = np.random.default_rng(1)
    months = pd.date_range("2019-01-01", periods=MONTHS, freq="MS")
    level = np.exp(rng.uniform(np.log(5), np.log(400), AUTHORITIES * GROUPS))
    season = 1 + 0.1 * np.sin(2 * np.pi * np.arange(MONTHS) / 12)
    n = rng.poisson(level[:, None] * season).astype(float)
    n[:, 40] = np.nan
    names = [f"{g}: authority {a}" for g in range(GROUPS) for a in range(AUTHORITIES)]
    status = np.where(np.isnan(n), "not supplied", "shown").ravel()
    table = pd.DataFrame({"place": np.repeat(names, MONTHS), "month": np.tile(months, len(names)), "n": n.ravel()})
    return table.assign(n_lower=table["n"], n_upper=table["n"], status=status)


def best(run, repeats: int) -> tuple[float, object]:
    """The shortest of some runs, and what it gave."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        found = run()
        taken.append(time.perf_counter() - start)
    return min(taken), found


def drawn(table: pd.DataFrame) -> str:
    """The picture of the authorities in one group, as the browser is sent it."""
    rules = Rules("restricted", "", "")
    about = Provenance("", "", (), "", "", "", "", invented=False)
    release = disclosure.release(table, counts=["n"], derived=[], title="All", rules=rules, provenance=about)
    picture = charts.small_multiples(release, by="place", shared_scale=False, control=True)
    return json.dumps(picture.live.to_dict())


def main() -> pd.DataFrame:
    table = series()
    together, limits = best(lambda: spc.xmr_many(table["n"], table["place"], direction="decrease"), 5)
    parts = [part["n"] for _, part in table.groupby("place", sort=False)]
    one_by_one, alone = best(lambda: pd.concat([spc.xmr(part, direction="decrease") for part in parts]), 2)
    np.testing.assert_allclose(limits["upper"], alone["upper"])
    whole = table.join(limits.drop(columns="value"))
    picture, sent = best(lambda: drawn(whole[whole["place"].str.startswith("0:")]), 3)
    rows = pd.DataFrame(
        {
            "what": ["limits, all at once", "limits, series by series", "the picture of one group"],
            "seconds": [together, one_by_one, picture],
            "mb": [np.nan, np.nan, len(sent) / 1e6],
        }
    )
    print(rows.to_string(index=False, float_format=lambda v: f"{v:,.3f}"))
    assert one_by_one > TIMES * together, f"all at once is only {one_by_one / together:.0f} times as fast"
    if together + picture > WITHIN_S:
        print(f"The aim is {WITHIN_S} s for both, on a machine with nothing else to do.")
    return rows


if __name__ == "__main__":
    main()
