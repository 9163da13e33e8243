"""Charts: what is drawn is what the release holds; what may not be shown, or was not supplied, is never drawn as 0."""

import functools
import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest
import vl_convert

from analytics.disclosure import Provenance, Release, Rules, release
from ui import chart_events, chart_months, chart_parts, charts
from ui.picture import Picture

RULES = Rules("public", "Published figures, shown as published.")
PROVENANCE = Provenance("Portsmouth", "2019 to 2025", ("Police",), "Where it happened", "s1", "2026", "to 2025", True)
AUTHORITIES = [
    "Basingstoke and Deane", "East Hampshire", "Eastleigh", "Fareham", "Gosport", "Hart", "Havant", "New Forest",
    "Rushmoor", "Test Valley", "Winchester", "Portsmouth", "Southampton", "Isle of Wight",
]  # fmt: skip


def made(frame: pd.DataFrame, **more) -> Release:
    counts = more.pop("counts", ["n"])
    return release(frame, counts=counts, title="Recorded violence", rules=RULES, provenance=PROVENANCE, **more)


def monthly(months: int, *, gone: tuple[int, ...] = (), n: float = 400, start: str = "2019-01") -> pd.DataFrame:
    frame = pd.DataFrame({"month": pd.date_range(start, periods=months, freq="MS"), "n": n, "status": "shown"})
    frame["n"] += np.arange(months)
    frame.loc[list(gone), ["n", "status"]] = [np.nan, "not supplied"]
    return frame


def svg(picture: Picture) -> str:
    return vl_convert.vegalite_to_svg(picture.still().to_dict(), allowed_base_urls=[])


def texts(drawing: str) -> list[str]:
    return [
        " ".join(re.sub("<[^>]+>", " ", t).split()) for t in re.findall(r"<text[^>]*>(.*?)</text>", drawing, flags=re.S)
    ]


def paths(drawing: str, mark: str) -> list[str]:
    """The paths drawn for marks of one kind ("line", "symbol", "rect")."""
    groups = re.findall(rf'<g class="mark-{mark} role-mark[^"]*"[^>]*>(.*?)</g>', drawing, flags=re.S)
    return [d for group in groups for d in re.findall(r'<path[^>]* d="([^"]+)"', group)]


@functools.cache
def every_picture() -> dict[str, Picture]:
    long = pd.concat([monthly(24).assign(authority_name=name) for name in AUTHORITIES])
    ranked = pd.DataFrame({"authority_name": AUTHORITIES, "n": range(400, 414), "lower": 380.0, "upper": 430.0})
    week = pd.DataFrame(list(itertools.product(range(7), range(24))), columns=["weekday", "hour"]).assign(n=range(168))
    mixed = pd.DataFrame({"offence_group": ["rape", "violence_with_injury", "street_robbery"], "n": [10, 200, 90]})
    return {
        "trend": charts.trend(made(monthly(84, gone=(37, 60, 61)))),
        "by source": charts.trend(
            made(pd.concat([monthly(9).assign(source=s) for s in ("police", "ed_istv")])), by="source"
        ),
        "panels": charts.small_multiples(made(long)),
        "bars": charts.bars(
            made(ranked, derived=["lower", "upper"]), category="authority_name", value="n", lower="lower", upper="upper"
        ),
        "mix": charts.mix(made(mixed)),
        "week": charts.weekday_hour(made(week)),
    }


def test_no_line_runs_through_a_month_that_was_not_supplied():
    (whole,) = paths(svg(charts.trend(made(monthly(12)))), "line")
    (broken,) = paths(svg(charts.trend(made(monthly(12, gone=(5, 6))))), "line")
    assert (whole.count("M"), broken.count("M")) == (1, 2)  # each M lifts the pen


def test_a_month_without_a_row_is_a_gap_like_one_that_says_so():
    frame = monthly(12)
    (line,) = paths(svg(charts.trend(made(frame.drop(index=[5, 6])))), "line")
    assert line.count("M") == 2


def test_a_gap_is_hatched_and_says_why():
    drawing = svg(charts.trend(made(monthly(12, gone=(5,)))))
    assert "not supplied" in texts(drawing)
    assert "not supplied" not in texts(svg(charts.trend(made(monthly(12)))))


def test_hidden_months_are_told_apart_from_those_not_supplied():
    frame = monthly(12)
    frame.loc[3, "status"] = "hidden"
    assert "small numbers hidden" in texts(svg(charts.trend(made(frame))))


def test_a_true_zero_is_drawn_and_is_no_gap():
    frame = monthly(6)
    frame.loc[2, "n"] = 0
    drawing = svg(charts.trend(made(frame)))
    assert "not supplied" not in texts(drawing)
    assert len(paths(drawing, "symbol")) == 6


@pytest.mark.parametrize("gone", [(), (1,), (1, 3), (0, 1, 3, 4)])
def test_every_month_held_is_a_point_so_months_standing_alone_are_seen(gone):
    assert len(paths(svg(charts.trend(made(monthly(5, gone=gone)))), "symbol")) == 5 - len(gone)


def test_gaps_of_several_series_are_months_that_none_of_them_holds():
    one = monthly(6, gone=(2, 3)).assign(source="police")
    two = monthly(6, gone=(3, 4)).assign(source="ed_istv")
    gaps = chart_months.gap_rows(chart_parts.monthly(made(pd.concat([one, two])), "n", "source", None))
    # both lack only the fourth month, April 2019: half a month to either side of its first day
    assert gaps[["start", "end"]].to_numpy().tolist() == [[pd.Timestamp("2019-03-17"), pd.Timestamp("2019-04-16")]]


def test_small_numbers_told_as_a_range_are_drawn_as_that_range_and_not_as_a_point():
    frame = monthly(6).assign(n_lower=0.0, n_upper=7.0)
    frame.loc[2, "status"] = "band"
    picture = charts.trend(made(frame))
    drawing = svg(picture)
    assert len(paths(drawing, "symbol")) == 5
    assert chart_parts.SMALL in texts(drawing)
    assert "<8" in json.dumps(picture.still().to_dict(), default=str)


@pytest.mark.parametrize("months", [1, 2, 3, 12, 30, 84, 180])
def test_months_are_written_the_british_way_and_never_crowd(months):
    labels = [t for t in texts(svg(charts.trend(made(monthly(months))))) if re.fullmatch(r"[A-Z][a-z]{2} \d{4}", t)]
    assert 1 <= len(labels) <= 8  # eight labels of 62 pixels fit the 700 of a narrow plot
    assert labels[0] in ("Jan 2019", "Jan 2020")  # every second year begins with an even one


def test_counts_start_at_zero():
    for name in ("trend", "by source", "bars"):
        assert "0" in texts(svg(every_picture()[name])), name


def test_flags_and_events_are_marked_with_their_words():
    flags = pd.DataFrame({"month": [pd.Timestamp("2019-04-01")], "reason": ["a third fewer than usual"]})
    events = pd.DataFrame({"date": [pd.Timestamp("2019-06-15")], "note": ["New recording rules"]})
    picture = charts.trend(made(monthly(12)), flags=flags, events=events)
    drawing = svg(picture)
    assert "New recording rules" in " ".join(texts(drawing))
    assert "month to read with care" in texts(drawing)
    assert len(paths(drawing, "symbol")) == 12 + 1  # twelve months and the triangle
    assert "1 month to read with care" in picture.alt


def test_the_expected_range_is_drawn_and_named():
    frame = monthly(12).assign(lower=350.0, upper=450.0)
    drawing = svg(charts.trend(made(frame, derived=["lower", "upper"]), expected=("lower", "upper")))
    assert "expected range" in texts(drawing)
    assert len(paths(drawing, "area")) == 1


@pytest.mark.parametrize(
    "days",
    [
        [10, 60, 110],  # crowded at the left
        [2400, 2450, 2540],  # crowded at the right edge
        [1200, 1230, 1260, 1290],  # crowded in the middle
        [0, 2556],  # the very ends
        [900, 900],  # the same day
    ],
)
def test_labels_of_events_stay_inside_and_touch_neither_words_nor_rules(days):
    months = chart_parts.monthly(made(monthly(84)), "n", None, None)
    when = pd.Timestamp("2019-01-01") + pd.to_timedelta(days, unit="D")
    events = pd.DataFrame({"date": when, "note": "Operation Longname in the town centre"})
    placed = chart_events.placed(events, months)
    assert len(placed) == len(days)
    for label in placed:
        assert label.box[0] >= 0 and label.box[1] <= chart_events.NARROW
    for one, other in itertools.permutations(placed, 2):
        assert not (one.row == other.row and one.meets(other))
        assert not (other.row > one.row and one.covers(other))  # the rule of a higher label runs down past lower ones


def test_line_names_are_moved_apart_and_stay_below_the_top():
    assert chart_months._apart([10, 11, 50], room=5, top=100) == [10, 15, 50]
    assert chart_months._apart([98, 99, 100], room=5, top=100) == [90, 95, 100]


def test_more_lines_than_can_be_told_apart_become_small_multiples():
    frame = pd.concat([monthly(6).assign(authority_name=name) for name in AUTHORITIES])
    assert charts.trend(made(frame), by="authority_name").alt.startswith("14 small line charts")


def test_small_multiples_name_every_place_once_and_say_their_scale():
    frame = pd.concat([monthly(6, n=100 * (k + 1)).assign(authority_name=name) for k, name in enumerate(AUTHORITIES)])
    shared = texts(svg(charts.small_multiples(made(frame))))
    own = texts(svg(charts.small_multiples(made(frame), shared_scale=False)))
    assert all(shared.count(name) == 1 for name in AUTHORITIES)
    assert shared.count("1,405") == 14  # 1,400 + 5, the highest month of the last place, for all
    assert [own.count(t) for t in ("105", "1,405")] == [1, 1]


def test_long_names_take_more_lines_and_lose_no_word():
    name = "Stalking and harassment, including malicious communications and coercive control"
    frame = pd.DataFrame({"authority_name": [name, "Hart"], "n": [5, 3]})
    said = texts(svg(charts.bars(made(frame), category="authority_name", value="n")))
    assert set(name.split()) <= set(" ".join(said).split())
    panels = pd.concat(
        [monthly(3).assign(authority_name=n) for n in ("Bournemouth, Christchurch and Poole", *AUTHORITIES)]
    )
    assert "Christchurch" in " ".join(texts(svg(charts.small_multiples(made(panels)))))


def test_bars_run_from_highest_to_lowest_and_end_with_what_is_not_shown():
    frame = pd.DataFrame(
        {
            "authority_name": ["Hart", "Gosport", "Fareham", "Havant"],
            "n": [3.0, 9.0, np.nan, np.nan],
            "status": ["shown", "shown", "hidden", "not supplied"],
        }
    )
    picture = charts.bars(made(frame), category="authority_name", value="n")
    said = texts(svg(picture))
    assert [t for t in said if t in set(frame["authority_name"])] == ["Gosport", "Hart", "Fareham", "Havant"]
    assert {"9", "3", "hidden", "not supplied"} <= set(said)
    assert picture.alt == "Bars of records, highest first: Gosport 9; Hart 3."


def test_a_bar_that_is_not_shown_has_no_interval_either():
    frame = pd.DataFrame({"authority_name": ["Hart", "Gosport"], "n": [3.0, 9.0], "status": ["hidden", "shown"]})
    frame = frame.assign(lower=[1.0, 4.0], upper=[9.0, 17.0])  # not declared as derived, so the release keeps them
    picture = charts.bars(made(frame), category="authority_name", value="n", lower="lower", upper="upper")
    rows = [row for rows in picture.still().to_dict()["datasets"].values() for row in rows if row.get("name") == "Hart"]
    assert [(row["lower"], row["upper"]) for row in rows] == [(None, None)]


def test_only_the_highlighted_bar_has_the_strong_colour():
    frame = pd.DataFrame({"authority_name": ["Hart", "Gosport"], "n": [3, 9]})
    drawing = svg(charts.bars(made(frame), category="authority_name", value="n", highlight="Hart"))
    assert drawing.count(f'fill="{chart_parts.MAIN}"') == 1


def test_the_mix_shows_shares_of_what_is_shown_and_none_below_a_hundred():
    # 150 of 200 is 75%, 50 is 25%; the hidden group is in neither
    many = {"offence_group": ["rape", "homicide", "public_order"], "n": [150.0, np.nan, 50.0]}
    frame = pd.DataFrame(many).assign(status=["shown", "hidden", "shown"])
    said = texts(svg(charts.mix(made(frame))))
    assert {"150 (75%)", "50 (25%)", "hidden", "Rape", "Public order"} <= set(said)
    few = texts(svg(charts.mix(made(pd.DataFrame({"offence_group": ["rape", "homicide"], "n": [60, 39]})))))
    assert {"60", "39"} <= set(few)


def test_the_week_starts_on_monday_and_hours_without_a_figure_are_blank():
    frame = pd.DataFrame({"weekday": [0, 6], "hour": [22, 3], "n": [0, 7]})
    picture = charts.weekday_hour(made(frame))
    drawing = svg(picture)
    days = [t for t in texts(drawing) if t.endswith("day")]
    assert days == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    assert len(paths(drawing, "rect")) == 2  # zero is drawn, unknown is not
    assert texts(drawing).count("–") == 166 + 1  # the other hours, and the key
    assert picture.alt == "Weekday by hour. Highest: Sunday 03:00 to 04:00, 7."


@pytest.mark.parametrize("name", list(every_picture()))
def test_no_machine_name_reaches_a_reader(name):
    picture = every_picture()[name]
    assert not [t for t in texts(svg(picture)) if "_" in t]
    titles = re.findall(r'"title": "([^"]*)"', json.dumps(picture.still().to_dict(), default=str))
    assert not [t for t in [*titles, picture.alt] if "_" in t]


@pytest.mark.parametrize("name", list(every_picture()))
def test_a_picture_fetches_nothing_and_fits_the_width_it_is_given(name):
    spec = every_picture()[name].live.to_dict()
    assert spec["autosize"]["type"] == "fit-x"
    assert "url" not in json.dumps({k: v for k, v in spec.items() if k != "$schema"}, default=str)


def empty(columns: list[str]) -> Release:
    return Release(pd.DataFrame(columns=columns), "Nothing", ("n",), (), RULES, PROVENANCE)


@pytest.mark.parametrize(
    "picture",
    [
        lambda: charts.trend(empty(["month", "n"])),
        lambda: charts.trend(empty(["month", "n", "source"]), by="source"),
        lambda: charts.small_multiples(empty(["month", "n", "authority_name"])),
        lambda: charts.bars(empty(["authority_name", "n"]), category="authority_name", value="n"),
        lambda: charts.mix(empty(["offence_group", "n"])),
        lambda: charts.weekday_hour(empty(["weekday", "hour", "n"])),
    ],
)
def test_nothing_to_show_is_a_calm_picture_that_says_so(picture):
    drawn = picture()
    assert "no figures to show" in drawn.alt
    assert svg(drawn).startswith("<svg")


@pytest.mark.parametrize("frame", [monthly(12, n=0).assign(n=0), monthly(3, gone=(0, 1, 2)), monthly(1)])
def test_all_zero_all_missing_and_one_month_can_be_drawn(frame):
    assert svg(charts.trend(made(frame))).startswith("<svg")


def test_drawing_changes_nothing_in_the_release():
    kept = made(monthly(12, gone=(3,)).assign(authority_name="Hart"))
    before = kept.table.copy(deep=True)
    charts.trend(kept)
    charts.small_multiples(kept)
    charts.bars(kept, category="month", value="n")
    pd.testing.assert_frame_equal(kept.table, before)


def test_colours_stand_out_on_white_and_on_the_dark_theme():
    """WCAG 2.2: graphics need a contrast of 3 to 1; the dark background is Streamlit's #0e1117."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(a: str, b: str) -> float:
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    assert round(contrast("#ffffff", "#767676"), 2) == 4.54  # the example of the WCAG's own guidance
    for colour in charts.CATEGORICAL:
        assert contrast(colour, "#ffffff") >= 3, colour
        assert contrast(colour, "#0e1117") >= 3, colour
