"""The sentence a chart says, worked out from the numbers of its Release; every sentence knows what it cannot say."""

import math
from collections.abc import Mapping
from statistics import NormalDist

import pandas as pd

from analytics.disclosure import Release
from ui import remarks, words

NOTHING = remarks.NOTHING
RECORDING = "A change in recording would look the same."
REGRESSION = "A place picked for being highest often looks less extreme the next time."
PEOPLE = "Counts follow how many people are there; rates allow for that."
AREAS = ("authority_name", "authority_code", "area_name", "area_code", "name", "place")
FEWEST_PAIRS = 4  # months held in both years: fewer cannot tell a change from the ups and downs of months
FEWEST_RECORDS = 5  # in either year: a ratio of fewer means little
FEWEST_FOR_HOURS = 100  # spread over 168 hours
WINDOW = 6  # hours of the week named as the busiest
CLEAR = 0.95
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


# ---------------------------------------------------------------------------------------------- change


def trend(
    release: Release,
    *,
    value: str = "n",
    by: str | None = None,
    labels: Mapping[str, str] | None = None,
    what: str = "records",
) -> str:
    """What do the months say? The latest year against the year before, with its uncertainty.

    release : one row per `month`, or per month and `by` (whose series are never added up: sources overlap).
    what : what is counted, in the plural.
    """
    if "period_type" in release.table:
        return remarks.quarters(release)
    months = _months(release, value, by)
    if months.notna().sum().sum() == 0:
        return NOTHING
    if value not in release.counts:
        return _range(months, value, by, labels)
    if by is None:
        return _year(months.iloc[:, 0], what)
    return _series(months, by, labels)


def compare_last_year(release: Release, *, value: str = "n", what: str = "records") -> str:
    """How does the latest year compare with the year before? Like with like: only months held in both.

    release : one row per `month`.

    The interval takes months as they vary (quasi-Poisson), so it is wider than counting chance alone.
    Says so when there is no month to compare with, rather than compare with a gap.
    """
    months = _months(release, value, None)
    return _year(months.iloc[:, 0], what) if months.notna().sum().sum() else NOTHING


def same_period(release: Release, start: pd.Timestamp, end: pd.Timestamp, *, value: str = "n") -> str:
    """How does a period compare with the same months a year before? Only if every one of them is held in both.

    release : one row per `month`, those of the year before too. start, end : first and last month of the period.
    The interval is that of `compare_last_year`.
    """
    asked = pd.date_range(start, end, freq="MS")
    months = _months(release, value, None).get("", pd.Series(dtype="float64"))
    both = pd.DataFrame(
        {
            "now": months.reindex(asked).to_numpy(),
            "before": months.reindex(asked - pd.DateOffset(years=1)).to_numpy(),
        }
    )
    if both["now"].isna().all():
        return "No month of this period was supplied."
    lacking = both["now"].isna().sum()
    partly = f"{words.count(lacking, 'month')} of the period not supplied. " if lacking else ""
    if both["before"].isna().all():
        return f"{partly}No month to compare with: the same months of the year before were not supplied."
    if both.isna().any(axis=None):
        held = f"{both['before'].count()} of {len(both)}"
        return f"{partly}Not compared: of the same months a year before, {held} were supplied."
    said, _ = _change(both, CLEAR, f"the same {'month' if len(both) == 1 else 'months'} a year before")
    return f"{said[0].upper()}{said[1:]}."


def _months(release: Release, value: str, by: str | None) -> pd.DataFrame:
    """Months by series, every month a row; what may not be shown or was not supplied is missing."""
    table = release.table
    if table.empty:
        return pd.DataFrame(index=pd.DatetimeIndex([]), columns=[""], dtype="float64")
    rows = pd.DataFrame({"month": table["month"], "value": table[value].astype("float64")})
    rows["series"] = table[by].astype(str) if by else ""
    wide = rows.pivot_table("value", "month", "series", aggfunc=lambda v: v.sum(skipna=False), dropna=False, sort=False)
    return wide.reindex(pd.date_range(rows["month"].min(), rows["month"].max(), freq="MS"))


def _pairs(series: pd.Series) -> pd.DataFrame:
    """The months of the latest year that are held, each beside the same month a year earlier."""
    last = series.last_valid_index()
    latest = series.loc[last - pd.DateOffset(months=11) : last].dropna()
    before = series.reindex(latest.index - pd.DateOffset(years=1))
    return pd.DataFrame({"now": latest.to_numpy(), "before": before.to_numpy()}, index=latest.index)


def _year(series: pd.Series, what: str) -> str:
    pairs = _pairs(series)
    both = pairs.dropna()
    last = words.month(pairs.index[-1])
    if both.empty:
        held = f"{words.number(pairs['now'].iloc[-1])} {_one(what, pairs['now'].iloc[-1])} in {last}"
        return f"{held}. There is no month to compare with: these figures hold none from a year earlier."
    if len(both) == 12:
        when, earlier = f"in the 12 months to {last}", "the 12 months before"
    else:
        when = f"in the {words.count(len(both), 'month')} of the year to {last} that can be compared"
        earlier = "the same months a year earlier" if len(both) > 1 else "the same month a year earlier"
    said, clear = _change(both, CLEAR, earlier)
    total = both["now"].sum()
    sentence = f"{words.number(total)} {_one(what, total)} {when}: {said}."
    return f"{sentence} {RECORDING}" if clear else sentence


def _change(both: pd.DataFrame, confidence: float, earlier: str) -> tuple[str, bool]:
    """The change in words, and whether it is clear."""
    now, before = both["now"].sum(), both["before"].sum()
    if min(now, before) < FEWEST_RECORDS:
        return f"too few to compare with the {words.number(before)} in {earlier}", False
    ratio = now / before
    if len(both) < FEWEST_PAIRS:
        same = f"as many as in {earlier}" if round(100 * ratio) == 100 else f"{_more(ratio)} than in {earlier}"
        return f"{same}, too few months to tell a change from chance", False
    low, high = _interval(both, confidence)
    if low <= 1 <= high:
        return f"no clear change from {earlier} (likely between {_more(low)} and {_more(high)})", False
    near, far = sorted((low, high), key=lambda end: abs(end - 1))
    return f"{_more(ratio)} than in {earlier} (likely {words.percent(abs(near - 1))} to {_more(far)})", True


def _interval(both: pd.DataFrame, confidence: float) -> tuple[float, float]:
    """Interval of the ratio of two years: Poisson, widened by how much the monthly ratios vary (never narrowed)."""
    now, before = both["now"].sum(), both["before"].sum()
    share, total = now / (now + before), both.sum(axis=1)
    kept = total > 0
    pearson = ((both["now"] - total * share) ** 2 / (total * share * (1 - share)))[kept].sum()
    spread = max(1.0, pearson / (len(both) - 1))
    few = math.sqrt((len(both) - 1) / (len(both) - 3))  # the spread itself is uncertain when months are few
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * few * math.sqrt(spread * (1 / now + 1 / before))
    return now / before * math.exp(-reach), now / before * math.exp(reach)


def _more(ratio: float) -> str:
    """A ratio in words: "6% more", "6% fewer"."""
    return f"{words.percent(abs(ratio - 1))} {'more' if ratio > 1 else 'fewer'}"


def _series(months: pd.DataFrame, by: str, labels: Mapping[str, str] | None) -> str:
    """Each series against its own year before; the more of them, the stricter."""
    held = months.dropna(axis="columns", how="all")
    strict = 1 - (1 - CLEAR) / held.shape[1]
    rose, fell, same, none = [], [], [], []
    for code in held:
        both = _pairs(held[code]).dropna()
        name = words.value(by, code, labels)
        if both.empty:
            none.append(name)
            continue
        _, clear = _change(both, strict, "")
        ratio = both["now"].sum() / both["before"].sum() if clear else 1.0
        side = same if not clear else rose if ratio > 1 else fell
        side.append(f"{name} ({_more(ratio)})" if clear else name)
    parts = [
        f"Clearly more than a year earlier: {words.listed(rose)}." if rose else "",
        f"Clearly fewer: {words.listed(fell)}." if fell else "",
        f"No clear change: {words.some(same)}." if same else "",
        f"No month to compare with: {words.some(none)}." if none else "",
        RECORDING if rose or fell else "",
    ]
    return " ".join(part for part in parts if part)


def _range(months: pd.DataFrame, value: str, by: str | None, labels: Mapping[str, str] | None) -> str:
    """The highest and the lowest month, where the figures are not counts and chance cannot be told from them."""
    known = months.stack().dropna()
    told = [
        f"{words.figure(value, known[place])}{_unit(value)} in {words.month(place[0])}"
        + (f" ({words.value(by, place[1], labels)})" if by else "")
        for place in (known.idxmax(), known.idxmin())
    ]
    if known.nunique() == 1:
        return f"{words.label(value)}: {told[0]}."
    return f"{words.label(value)}: highest {told[0]}, lowest {told[1]}."


# ---------------------------------------------------------------------------------------------- order


def ranking(
    release: Release,
    *,
    category: str,
    value: str = "n",
    lower: str | None = None,
    upper: str | None = None,
    labels: Mapping[str, str] | None = None,
    what: str = "records",
) -> str:
    """Which is highest, and is it sure? With intervals, those that overlap the first are named.

    release : one row per `category`.
    """
    table = release.table
    known = table.dropna(subset=[value]).sort_values(value, ascending=False, kind="stable")
    if known.empty:
        return NOTHING
    names = [words.value(category, code, labels) for code in known[category]]
    gone = len(table) - len(known)
    hidden = f" {words.count(gone, 'other is', 'others are')} not shown." if gone else ""
    first = f"{words.figure(value, known[value].iloc[0])}{_unit(value, what)}"
    if len(known) == 1:
        return f"{names[0]}: {first}.{hidden}"
    if known[value].nunique() == 1:
        return f"All {len(known)} are level at {first}.{hidden}"
    if not (lower and upper):
        people = f" {PEOPLE}" if value in release.counts and category in AREAS else ""
        return f"{_top(known, names, value)} {first}.{people}{hidden}"
    low, high = known[lower].iloc[0], known[upper].iloc[0]
    rivals = [name for name, reach in zip(names[1:], known[upper].iloc[1:], strict=True) if reach >= low]
    said = f"{names[0]} is highest: {first} (likely {words.figure(value, low)} to {words.figure(value, high)})."
    if not rivals:
        return f"{said} No other range reaches as high.{hidden}"
    noun, verb = ("range", "overlaps") if len(rivals) == 1 else ("ranges", "overlap")
    overlap = f"The {noun} of {words.some(rivals)} {verb}"
    return f"{said} {overlap} with it, so their order is not certain. {REGRESSION}{hidden}"


def mix(
    release: Release, *, category: str = "offence_group", value: str = "n", labels: Mapping[str, str] | None = None
) -> str:
    """What is most of it? The largest group, its share of those shown, and how far the first three go."""
    table = release.table
    known = table.dropna(subset=[value]).sort_values(value, ascending=False, kind="stable")
    total = known[value].sum()
    if known.empty or total == 0:
        return NOTHING
    names, gone = [words.value(category, code, labels) for code in known[category]], len(table) - len(known)
    hidden = f" {words.count(gone, 'group is', 'groups are')} not shown and not counted here." if gone else ""
    largest, shown = known[value].iloc[0], "of those shown" if gone else ""
    first = f"{names[0]} is the largest group: {words.number(largest)} of {words.number(total)}"
    if total < words.FEWEST_FOR_PERCENT:
        return f"{first}; too few for percentages.{hidden}"
    part = f"{first} ({words.percent(largest / total)}{' ' + shown if shown else ''})"
    if len(known) <= 3:
        return f"{part}.{hidden}"
    return f"{part}. The first three together make {words.percent(known[value].iloc[:3].sum() / total)}.{hidden}"


def _top(known: pd.DataFrame, names: list[str], value: str) -> str:
    level = int((known[value] == known[value].iloc[0]).sum())
    return (
        f"{words.listed(names[:level])} {'is' if level == 1 else 'are'} highest:"
        if level < 4
        else f"{level} are level:"
    )


# ---------------------------------------------------------------------------------------------- places and hours


def map_cells(
    release: Release,
    *,
    value: str = "n",
    score: str = "z",
    p_value: str = "p_value",
    corrected: str = "q_value",
    alpha: float = 0.05,
    noun: str = "",
    what: str = "records",
) -> str:
    """How many hotspots, how much they hold, and how many fall away when the number of cells is allowed for.

    release : one row per cell, empty ones too. Without the column `corrected` the sentence says that nothing
        was allowed for. noun : what one row is; worked out from the columns when empty.
    """
    table = release.table
    known = table.dropna(subset=[score, p_value])
    if known.empty:
        return NOTHING
    above = known[known[score] > 0]
    naive, allowed = above[above[p_value] < alpha], corrected in above
    hot = above[above[corrected] < alpha] if allowed else naive
    noun = noun or ("cell" if "cell_id" in table else "area")
    tested = words.count(len(known), noun)
    care = "allowing for the number looked at" if allowed else "not allowing for the number looked at"
    fell = len(naive) - len(hot)
    away = f" {fell} more would stand out only without that allowance." if fell > 0 else ""
    if hot.empty:
        return f"None of {tested} stands out from chance, {care}.{away}"
    stand = "stands out as a hotspot" if len(hot) == 1 else "stand out as hotspots"
    return f"{len(hot):,} of {tested} {stand}, {care}.{_held(table, hot, value, noun, what)}{away}"


def _held(table: pd.DataFrame, hot: pd.DataFrame, value: str, noun: str, what: str) -> str:
    """How much lies in the hot cells: "They hold 31% of the records on 4% of the cells."."""
    total, inside = table[value].sum(), hot[value].sum()
    if not total > 0:
        return ""
    part = words.percent(inside / total) if total >= words.FEWEST_FOR_PERCENT else words.number(inside)
    whole = f"the {what}" if total >= words.FEWEST_FOR_PERCENT else f"{words.number(total)} {_one(what, total)}"
    shown = " shown" if table[value].isna().any() else ""
    they = "It holds" if len(hot) == 1 else "They hold"
    return f" {they} {part} of {whole}{shown} on {words.percent(len(hot) / len(table))} of the {words.many(noun)}."


def weekday_hour(release: Release, *, value: str = "n", what: str = "records") -> str:
    """When in the week is it busiest? The six hours in a row that hold most, against an even spread.

    release : one row per `weekday` (0 = Monday) and `hour`. `left_out` in its attrs: records without a usable time.
    """
    table = release.table
    hours = pd.Series(table[value].to_numpy(dtype="float64"), index=table["weekday"] * 24 + table["hour"])
    total = hours.sum()
    if hours.empty or not total > 0:
        return NOTHING
    if total < FEWEST_FOR_HOURS:
        return f"{words.number(total)} {_one(what, total)} with a known time: too few to say which hours are busiest."
    week = hours.groupby(level=0).sum().reindex(range(168), fill_value=0.0)
    held = [week.iloc[[(start + k) % 168 for k in range(WINDOW)]].sum() for start in range(168)]
    start = max(range(168), key=lambda at: held[at])
    share, even = held[start] / total, WINDOW / 168
    left = release.attrs.get("left_out", table.attrs.get("left_out", 0))
    rest = f" {words.percent(left / (total + left))} have no usable time and are left out." if left else ""
    shown = " shown" if hours.isna().any() else ""
    if share < 1.5 * even:
        most = f"no six hours in a row hold more than {words.percent(share)} of the {what}{shown}"
        return f"Spread fairly evenly over the week: {most}.{rest}"
    span = f"{_hour(start)} to {_hour(start + WINDOW)}"
    return (
        f"Busiest from {span}: {words.percent(share)} of the {what}{shown} in {words.percent(even)} of the week.{rest}"
    )


def _hour(at: int) -> str:
    return f"{WEEKDAYS[at // 24 % 7]} {at % 24:02d}:00"


# ---------------------------------------------------------------------------------------------- small words


def _one(what: str, n: float) -> str:
    return what.removesuffix("s") if words.number(n) == "1" else what


def _unit(value: str, what: str = "") -> str:
    unit = what if value == "n" else words.unit(value)
    return f" {unit}" if unit else ""
