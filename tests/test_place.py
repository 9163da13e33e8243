"""The profile of one place: its week, harm, repeats, surroundings and factors, against sums done by hand.

The records lie in the small invented area of conftest, most of them in W1, whose middle is 441000, 111000:

What the pages say of a place, and of judgements on it, is asked of the invented partnership.

March 2024 (POLICE): eight with something to say of the hour, of kind of place and of harm, listed one by one below.
June 2021 to May 2022 (PAIRS): 16 spots 250 m apart around the middle of E2, two events at each, one day apart.
The published street crime of 2024 (STREET) names kinds of place and single venues.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CENTRE, E1, E2, M1, W1, W2, W3, W4, WEST, crime, street_file, text_file
from in_app import cards, clicked, everything, opened, told, troubles
from streamlit.testing.v1 import AppTest

from analytics.errors import NotEnoughData
from answers import place
from data import definitions, ingest, place_questions, publish, store
from data.store import Scope

HEADERS = "CrimeRef,OffenceCode,DateTimeFrom,DateTimeTo,RecordedDate,Easting,Northing,SexualFlag,LocationType"
MIDDLE = CENTRE[W1]
AROUND = place.Spot(*MIDDLE, reach_m=100)


def line(
    ref: str, begins: str, ends: str = "", *, code: str = "8N", at=MIDDLE, sexual="N", kind="", recorded=""
) -> str:
    """One record of the police, under HEADERS."""
    x, y = (f"{v:.0f}" for v in at)
    return f"{ref},{code},{begins},{ends},{recorded or begins[:10]},{x},{y},{sexual},{kind}"


POLICE = [
    line("P1", "2024-03-04 21:15", code="34B", kind="Street"),  # a Monday; a robbery of a person, 365 days of harm
    line("P2", "2024-03-04 22:30", "2024-03-05 01:30", recorded="2024-03-05", code="34B", kind="Street"),
    line(
        "P3", "2024-03-06", code="34A", kind="Shop"
    ),  # a Wednesday, at an hour nobody knew; robbery of a business, 365
    line("P4", "2024-03-08 10:00", "2024-03-10 10:00", recorded="2024-03-10"),  # two days: too long
    line("P5", "", recorded="2024-03-11"),  # no more than when it was recorded
    line("P6", "2024-03-31 23:30", at=(441_003, 111_000), kind="Car park"),  # a Sunday
    line("P7", "2024-03-12 12:00", at=(441_099, 111_000), sexual="Y"),  # sexual: on no map
    line("P8", "2024-03-13 12:00", code="19C"),  # rape, 1,825: told by neighbourhood
]
# 16 spots on a square of 250 m; pair k happens on days 22 k and 22 k + 1, so no two pairs are within 14 days
SQUARE = [(CENTRE[E2][0] - 375 + 250 * (k % 4), CENTRE[E2][1] - 375 + 250 * (k // 4)) for k in range(16)]
FIRST_DAY = pd.Timestamp("2021-06-01")
PAIRS = [
    line(f"K{k}-{day}", f"{FIRST_DAY + pd.Timedelta(days=22 * k + day):%Y-%m-%d} 12:00", at=at)
    for k, at in enumerate(SQUARE)
    for day in (0, 1)
]


def level_month(first: str, level: int, months: int) -> list[tuple[pd.Timestamp, int]]:
    """So many months in a row, in turn one below a level and one above it."""
    return [(m, level + (-1, 1)[k % 2]) for k, m in enumerate(pd.date_range(first, periods=months, freq="MS"))]


# In W4: 60 records in the two months before the history begins, a year around 11, none delivered in March 2023, a year
# around 21.
MONTHS = [
    (pd.Timestamp("2022-01-01"), 30),
    (pd.Timestamp("2022-02-01"), 30),
    *level_month("2022-03-01", 11, 12),
    *level_month("2023-04-01", 21, 12),
]
SERIES = [
    line(f"S{month:%Y%m}-{n}", f"{month:%Y-%m}-{n % 28 + 1:02d} 12:00", at=CENTRE[W4])
    for month, many in MONTHS
    for n in range(many)
]
STREET = [
    *[crime(n, month="2024-03", street=label) for n, label in enumerate(["Nightclub", "Nightclub", "Supermarket"])],
    *[crime(10 + n, month="2024-03", street=label) for n, label in enumerate(["High Street", "The Anchor Arms"])],
]
PLACES = [
    "kind,name,easting,northing",
    "school,First School,441300,111400",  # 500 m away: 3, 4, 5
    "school,Second School,441000,111590",
    "school,Third School,441000,111601",  # a metre too far
    "pharmacy,Somebody's Chemist,441080,111060",  # 100 m: 6, 8, 10
    "licensed,The Anchor Arms,441000,110999",
    "town,Westmarch,441000,111000",  # no service
]
SMALL = [W1, W2, W3, W4, E1, E2]
FACTORS = ["lsoa21_code,Income_score,Employment_score,Income_decile,Crime_score"]
FACTORS += [f"{code},{6 - k},{2 + k // 3},1,{k}" for k, code in enumerate(SMALL)]  # income 6 to 1, employment 2 and 3


@pytest.fixture(scope="module", autouse=True)
def stocked(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder that holds all of this."""
    home = tmp_path_factory.mktemp("places")
    shutil.copytree(tiny_template / "data", home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        ingest.ingest("police_extract", [text_file(home / "police.csv", [HEADERS, *POLICE, *PAIRS, *SERIES])])
        ingest.ingest("police_uk", [street_file(home / "street.csv", STREET)])
        ingest.ingest("places", [text_file(home / "places.csv", PLACES)])
        ingest.ingest("deprivation", [text_file(home / "deprivation.csv", FACTORS)])
        yield home / "data"


def scope(place_: str = W1, source: str = "police", **more: object) -> Scope:
    """March 2024 in one place."""
    march = pd.Timestamp("2024-03-01")
    held = Scope("restricted", publish.current().name, sources=(source,), start=march, end=march, place=place_)
    return held.but(**more)


# ------------------------------------------------------------------------------------------------------- its week


def test_the_week_adds_up_to_the_records_whose_time_can_be_used_and_says_how_many_cannot() -> None:
    found = place.week(scope())
    assert len(found) == 168
    assert found["n"].sum() == pytest.approx(4)  # P1, P2, P3, P6; P7 and P8 are on no map of small areas
    assert found.attrs["left_out"] == 2  # P4 two days long, P5 without a from-date
    everything = store.monthly_counts(scope())["n"].sum()
    assert found["n"].sum() + found.attrs["left_out"] == pytest.approx(everything)


def test_uncertain_times_are_shared_out_over_their_span() -> None:
    hours = place.week(scope()).set_index(["weekday", "hour"])["n"]
    assert hours[0, 21] == pytest.approx(1)  # P1
    # P2: from Monday 22:30 to Tuesday 01:30, three hours; a half, one, one and a half of them
    assert [hours[at] for at in ((0, 22), (0, 23), (1, 0), (1, 1))] == pytest.approx([1 / 6, 1 / 3, 1 / 3, 1 / 6])
    assert hours[2].tolist() == pytest.approx([1 / 24] * 24, abs=2e-5)  # P3: its day, held as ending a second early
    assert hours[6, 23] == pytest.approx(1)  # P6
    assert hours[3].sum() == hours[4].sum() == hours[5].sum() == 0


def test_what_is_expected_of_an_hour_follows_the_days_of_the_period_up_to_its_last() -> None:
    found = place.week(scope()).set_index(["weekday", "hour"])
    # March 2024 has five Fridays, Saturdays and Sundays (the 29th, 30th and 31st among them), four of the others
    assert found.loc[4, "exposure_h"].eq(5).all() and found.loc[6, "exposure_h"].eq(5).all()
    assert found.loc[0, "exposure_h"].eq(4).all()
    assert found.loc[(6, 23), "expected"] == pytest.approx(4 * 5 / (31 * 24))


def test_a_source_without_hours_has_a_week_of_nothing_and_says_so() -> None:
    found = place.week(scope(source="police_uk"))
    assert found["n"].sum() == 0
    assert found.attrs["left_out"] == len(STREET)


# ------------------------------------------------------------------------------------------------------- what, where


def test_harm_is_added_up_by_offence_with_the_share_of_each_and_of_the_heaviest_record() -> None:
    found = place.harm(scope())
    rows = found.set_index("offence")[["offence_group", "n", "harm"]].T.to_dict("list")
    assert rows == {"34B": ["robbery_personal", 2, 730], "34A": ["robbery_business", 1, 365]}
    assert found["offence"].tolist() == ["34B", "34A"]  # the greatest first
    assert found["share"].tolist() == pytest.approx([2 / 3, 1 / 3])
    # P4, P5 and P6 are assaults, whose weight is told by offence code alone
    assert found.attrs == {"harm": 1_095, "largest_share": pytest.approx(1 / 3), "without_weight": 3}


def test_harm_of_a_neighbourhood_holds_what_no_small_area_tells() -> None:
    found = place.harm(scope(M1)).set_index("offence")
    assert found["harm"].to_dict() == {"19C": 1_825, "34B": 730, "34A": 365}
    assert found.attrs["largest_share"] == pytest.approx(1_825 / 2_920)
    assert found.attrs["without_weight"] == 4  # P7 as well


def test_a_place_without_weighed_records_has_no_harm_and_no_share() -> None:
    found = place.harm(scope(W4))
    assert found.empty
    assert found.attrs["harm"] == 0 and np.isnan(found.attrs["largest_share"])
    assert found.attrs["without_weight"] == 22  # the last month of SERIES, 21 + 1
    nothing = place.harm(scope(W3))
    assert nothing.empty and nothing.attrs["without_weight"] == 0


def test_kinds_of_place_are_those_that_records_name_and_their_shares_add_up_to_one() -> None:
    found = place.venues(scope())
    assert found["share"].sum() == pytest.approx(1)
    known = found.dropna(subset=["venue"]).set_index("venue")
    assert known["n"].to_dict() == {"Street": 2, "Shop": 1, "Car park": 1}
    assert known.loc["Street", "share"] == pytest.approx(2 / 6)
    assert found.loc[found["venue"].isna(), "n"].tolist() == [2]  # P4 and P5
    assert found["n"].is_monotonic_decreasing


def test_of_published_labels_kinds_of_place_are_told_and_never_a_street_or_a_single_venue() -> None:
    found = place.venues(scope(source="police_uk"))
    known = found.dropna(subset=["venue"]).set_index("venue")["n"].to_dict()
    assert known == {"Nightclub": 2, "Supermarket": 1}
    assert set(known) <= set(definitions.venue_labels())
    assert found.loc[found["venue"].isna(), "n"].tolist() == [2]  # High Street; The Anchor Arms


def test_a_place_without_records_has_no_kinds() -> None:
    assert place.venues(scope(W3)).empty


# ------------------------------------------------------------------------------------------------------- again


def test_records_at_spots_with_more_than_one_are_counted_to_the_metre() -> None:
    found = place.repeats(scope(), AROUND).set_index("measure")
    # P1 to P5 at one spot, P6 three metres further: 5 of 6
    assert found.loc["repeat_location", "value"] == pytest.approx(5 / 6)
    assert found.loc["repeat_location", "n"] == 6
    assert "near_repeat" not in found.index
    assert found.attrs["why_not"] == ("Near repeats: fewer than 30 events around the place have a day",)


def test_spots_tell_how_many_and_no_place() -> None:
    found = place_questions.spots(scope())
    assert found.columns.tolist() == ["n"]
    assert sorted(found["n"]) == [1, 5]


def test_pairs_that_are_near_and_soon_are_set_against_those_that_place_and_time_give_by_themselves() -> None:
    year = scope(E2, start=FIRST_DAY, end=pd.Timestamp("2022-05-01"))
    found = place.repeats(year, place.Spot(*CENTRE[E2], reach_m=100)).set_index("measure")
    # 32 events, 496 pairs; 16 of them at one spot and 16 within a fortnight: the same ones. By chance 16 x 16 / 496.
    expected = 16 * 16 / 496
    row = found.loc["near_repeat"]
    assert row["value"] == pytest.approx(16 / expected, rel=0.15)  # the mean of 999 shuffles; sd of one is about 0.7
    assert row["lower"] < row["value"] < row["upper"]
    assert row["p_value"] == pytest.approx(0.001)  # no shuffle in 999 has so many
    assert row["n"] == 32
    assert found.loc["repeat_location", "value"] == 1
    assert found.attrs["why_not"] == ()


def test_a_snapped_point_is_no_address_so_published_crime_has_no_repeat_spots() -> None:
    found = place.repeats(scope(source="police_uk"), AROUND)
    assert found.empty
    assert "a spot is no address" in found.attrs["why_not"][0]


def test_moments_are_events_within_reach_whose_day_is_known_and_that_may_be_on_a_map() -> None:
    month = scope("")
    here = place_questions.moments(month, x=MIDDLE[0], y=MIDDLE[1], reach_m=100)
    # P1, P3, P6; P2 and P4 go over midnight, P5 has no from-date, P7 and P8 are on no map
    assert sorted(here["date"].astype(str)) == ["2024-03-04", "2024-03-06", "2024-03-31"]
    assert here.columns.tolist() == ["x", "y", "date"]
    assert len(place_questions.moments(month, x=MIDDLE[0], y=MIDDLE[1], reach_m=3)) == 3  # a reach is included
    assert len(place_questions.moments(month, x=MIDDLE[0], y=MIDDLE[1], reach_m=2.9)) == 2  # P6 lies 3 m off
    assert place_questions.moments(month, x=MIDDLE[0] + 700, y=MIDDLE[1], reach_m=500).empty


# ------------------------------------------------------------------------------------------------------- around


def test_services_near_are_told_by_kind_with_the_distance_of_the_nearest_and_never_by_name() -> None:
    found = place.nearby(scope(), AROUND)  # 500 m from the edge: 600 m from the middle
    assert found.columns.tolist() == ["kind", "premises", "nearest_m"]
    assert found["kind"].tolist() == ["licensed", "pharmacy", "school"]  # the nearest first
    assert found["premises"].tolist() == [1, 1, 2]
    assert found["nearest_m"].tolist() == pytest.approx([1, 100, 500])
    assert not any(word in found.to_csv() for word in ("School", "Anchor", "Chemist", "Westmarch"))


def test_far_from_everything_nothing_is_near() -> None:
    assert place.nearby(scope(E2), place.Spot(*CENTRE[E2], reach_m=100)).empty


def test_a_factor_stands_where_it_stands_among_all_small_areas_ties_half() -> None:
    found = place.factors(scope(), AROUND, "hex").set_index("name")
    income, work = (next(name for name in found.index if name.startswith(word)) for word in ("Income", "Employment"))
    # income: W1 has 6, five of six have less and one is level: 5/6 + 1/12. Employment: none has less, three are level.
    assert found.loc[income, ["value", "standing"]].tolist() == pytest.approx([6, 11 / 12])
    assert found.loc[work, ["value", "standing"]].tolist() == pytest.approx([2, 3 / 12])
    assert found["standing"].is_monotonic_decreasing
    assert found.attrs == {"areas": 1, "of": 6}


def test_tenths_and_what_is_made_of_recorded_crime_are_no_factors() -> None:
    every = place_questions.factors(scope())
    assert set(every["area_code"]) == set(SMALL)
    assert not every["name"].str.contains("Crime").any()
    assert not every["unit"].isin(["rank", "decile"]).any()
    assert len(every) == 12  # two scores of six areas


def test_a_wide_place_has_the_mean_of_the_small_areas_whose_middles_lie_in_it() -> None:
    between = place.Spot((CENTRE[W1][0] + CENTRE[W2][0]) / 2, CENTRE[W1][1], reach_m=1_000)
    found = place.factors(scope(), between, "hex").set_index("name")
    income = next(name for name in found.index if name.startswith("Income"))
    # W1 has 6 and W2 5: the mean 5.5 is above five of six
    assert found.loc[income, ["value", "standing"]].tolist() == pytest.approx([5.5, 5 / 6])
    assert found.attrs["areas"] == 2


@pytest.mark.parametrize(
    ("code", "level", "parts"),
    [(W2, "lsoa", [W2]), (M1, "msoa", [W1, W2]), (WEST, "lad", [W1, W2, W3, W4]), ("E02999999", "msoa", [])],
)
def test_an_area_has_the_mean_of_the_small_areas_that_make_it_up(code: str, level: str, parts: list[str]) -> None:
    assert sorted(place_questions.small_areas_of(scope(), level, code)) == sorted(parts)
    found = place.factors(scope(code), AROUND, level).set_index("name")
    assert found.attrs["areas"] == len(parts)
    values = [6 - SMALL.index(part) for part in parts]  # income is 6 in W1, 5 in W2 and so on
    told = found.loc[[name for name in found.index if name.startswith("Income")], "value"]
    assert told.tolist() == ([np.mean(values)] if parts else [])


def test_small_areas_of_a_place_are_those_within_reach_and_the_nearest_at_least() -> None:
    assert place_questions.small_areas(scope(""), x=MIDDLE[0] + 10, y=MIDDLE[1], reach_m=1) == [W1]
    all_of_it = place_questions.small_areas(scope(""), x=MIDDLE[0], y=MIDDLE[1], reach_m=10_000)
    assert all_of_it[0] == W1 and set(all_of_it) == set(SMALL)


def test_a_spot_reaches_to_the_corner_of_its_hexagon_or_to_the_edge_of_a_circle_of_its_area() -> None:
    row = pd.Series({"x": 1.0, "y": 2.0, "area_km2": np.pi})
    assert place.spot_of(row, "hex", 300) == place.Spot(1.0, 2.0, pytest.approx(300 / 3**0.5))
    assert place.spot_of(row, "lsoa", 500) == place.Spot(1.0, 2.0, pytest.approx(1_000))  # pi km2: a radius of a km


# ------------------------------------------------------------------------------------------------------- its months


def test_control_limits_come_from_the_two_years_before_the_period_and_a_gap_begins_new_ones() -> None:
    found = place.control_chart(scope(W4)).set_index("month")
    assert found.index[0] == pd.Timestamp("2022-03-01")  # the 30 a month of early 2022 are not in it
    assert found.index[-1] == pd.Timestamp("2024-03-01")
    assert len(found) == 25
    assert np.isnan(found.loc["2023-03-01", "n"]) and np.isnan(found.loc["2023-03-01", "centre"])
    before, after = found.loc[:"2023-02-01"], found.loc["2023-04-01":]
    # every moving range is 2: limits at 2.66 x 2 = 5.32 on either side of the mean of each year
    for part, mean in ((before, 11), (after, 21)):
        assert part["centre"].tolist() == pytest.approx([mean] * 12)
        assert part["upper"].tolist() == pytest.approx([mean + 5.32] * 12, abs=0.001)
        assert part["lower"].tolist() == pytest.approx([mean - 5.32] * 12, abs=0.001)
    assert found["signal"].fillna("").eq("").all()


def test_months_before_the_first_delivery_are_no_part_of_the_chart() -> None:
    early = scope(W4, start=pd.Timestamp("2022-12-01"), end=pd.Timestamp("2023-02-01"))
    found = place.control_chart(early)
    assert found["month"].min() == FIRST_DAY  # PAIRS begin the deliveries; asked from December 2020
    assert found["n"].notna().iloc[0]


def test_a_place_with_few_records_a_month_has_no_control_limits_and_says_why() -> None:
    with pytest.raises(NotEnoughData, match="fewer than 5 on average"):
        place.control_chart(scope(W1))  # six records in one month of 25
    with pytest.raises(NotEnoughData, match=r"^0 events in .*fewer than 5 on average"):
        place.control_chart(scope(W3))  # none at all


def test_chance_is_fixed_so_that_a_place_says_the_same_twice() -> None:
    year = scope(E2, start=FIRST_DAY, end=pd.Timestamp("2022-05-01"))
    first, again = (place.repeats(year, place.Spot(*CENTRE[E2], reach_m=100)) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


# ------------------------------------------------------------------------------------------------------- pages

NOT_WORDS = r"\b(?:nan|None|NaT|<NA>|[a-z]+_[a-z_]+|\d+e[+-]\d+|\d+\.\d{4,})\b"
REASON = "A custody suite: what happens inside is recorded here."
YEAR = {"start": pd.Timestamp("2025-01-01"), "end": pd.Timestamp("2025-12-01")}


@pytest.fixture
def judged(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The invented partnership in a folder of its own, whose judgements nobody else sees."""
    folder = tmp_path / "judged"
    shutil.copytree(demo, folder, symlinks=True, copy_function=os.link, ignore=shutil.ignore_patterns("raw"))
    monkeypatch.setenv("EXPLORER_DATA", str(folder))
    monkeypatch.delenv("EXPLORER_PARTNERSHIP", raising=False)
    yield folder
    publish.remove(folder)


def fullest(source: str, level: str = "hex") -> pd.DataFrame:
    """The places of the newest year with most records, the fullest first."""
    year = Scope("restricted", publish.current().name, sources=(source,), **YEAR)
    if level == "hex":
        return store.cell_counts(year, size_m=500).sort_values("n", ascending=False).rename(columns={"cell_id": "key"})
    return store.area_counts(year, level=level).sort_values("n", ascending=False).rename(columns={"area_code": "key"})


def judge(app: AppTest, *, reason: str = REASON) -> AppTest:
    """The form filled in and sent."""
    next(box for box in app.text_input if box.label.startswith("Reason")).set_value(reason)
    return clicked(app, "Keep this judgement")


@pytest.mark.parametrize(
    ("source", "level", "tier"),
    [
        ("police", "hex", "restricted"),
        ("police", "lsoa", "restricted"),
        ("police_uk", "hex", "restricted"),
        ("ambulance", "msoa", "restricted"),
        ("police_uk", "hex", "partner"),
        ("police_uk", "msoa", "public"),
    ],
)
def test_each_card_of_a_place_says_its_finding_in_words_without_column_names_or_missing_values(
    on_demo: Path, source: str, level: str, tier: str
) -> None:
    key = fullest(source, level)["key"].iat[0]
    app = opened("hotspots", tier=tier, link={"source": source, "level": level, "selected": key})
    assert troubles(app) == []
    shown = {name: card for name, card in cards(app).items() if name.startswith("place_")}
    assert {"place_trend", "place_mix", "place_sources", "place_factors"} <= set(shown)
    if source == "police":
        assert {"place_week", "place_venues", "place_repeats", "place_harm"} <= set(shown)
    for name, card in shown.items():
        assert card.finding, name
        assert not re.findall(NOT_WORDS, card.finding + " " + card.note), name
    words = " ".join([m.value for m in app.markdown] + [c.value for c in app.caption] + told(app))
    assert not re.findall(NOT_WORDS, words)


def test_a_place_without_any_record_is_a_place_all_the_same(on_demo: Path) -> None:
    empty = fullest("police")
    key = empty.loc[empty["n"] == 0, "key"].iat[0]
    app = opened("hotspots", link={"source": "police", "selected": key})
    assert troubles(app) == []
    words = " ".join([m.value for m in app.markdown] + [c.value for c in app.caption] + told(app))
    assert not re.findall(NOT_WORDS, words)


def test_a_judgement_is_kept_shown_to_the_next_visitor_taken_from_the_list_and_can_be_undone(judged: Path) -> None:
    places = fullest("police")
    top, rest = places.iloc[0], places.iloc[1:]
    before = cards(opened("hotspots", link={"source": "police"}))
    assert before["list"].tables[0]["n"].tolist() == places["n"].head(25).tolist()
    assert "judged" not in before
    app = judge(opened("hotspots", link={"source": "police", "selected": top["key"]}))
    assert troubles(app) == []
    app = opened("hotspots", link={"source": "police"})  # the next one, in a session of their own
    shown = cards(app)
    assert shown["judged"].finding.startswith("1 hotspot is marked")
    assert REASON in shown["judged"].tables[0].to_csv()
    assert shown["list"].tables[0]["n"].tolist() == rest["n"].head(25).tolist()
    assert troubles(clicked(app, "Undo")) == []
    shown = cards(opened("hotspots", link={"source": "police"}))
    assert "judged" not in shown
    assert shown["list"].tables[0]["n"].tolist() == places["n"].head(25).tolist()


def test_a_judgement_is_on_its_own_source_and_size_of_cells_alone(judged: Path) -> None:
    top = fullest("police")["key"].iat[0]
    judge(opened("hotspots", link={"source": "police", "selected": top}))
    assert "judged" in cards(opened("hotspots", link={"source": "police"}))
    for other in (
        {"source": "police_uk"},
        {"source": "police", "cell_m": "1000"},
        {"source": "police", "level": "lsoa"},
    ):
        assert "judged" not in cards(opened("hotspots", link=other))


def test_a_reason_that_names_somebody_is_refused_in_words_and_not_kept(judged: Path) -> None:
    top = fullest("police")["key"].iat[0]
    app = judge(opened("hotspots", link={"source": "police", "selected": top}), reason="Records of John Smith of here.")
    assert "names of people" in app.error[0].value
    assert "judged" not in cards(opened("hotspots", link={"source": "police"}))


def test_a_partner_sees_no_judgement_on_a_closed_source_and_of_an_open_one_no_name_and_no_form(judged: Path) -> None:
    secret, open_reason = "A custody suite behind the court.", "A hospital whose car park holds the points."
    links = {source: {"source": source, "level": "msoa"} for source in ("police", "police_uk")}
    tops = {source: {"selected": fullest(source, "msoa")["key"].iat[0]} for source in links}
    for source, reason in (("police", secret), ("police_uk", open_reason)):
        assert troubles(judge(opened("hotspots", link=links[source] | tops[source]), reason=reason)) == []
    analyst = everything(opened("hotspots", link=links["police"]))
    assert secret in analyst and "Local analyst" in analyst
    for tier in ("partner", "public"):
        closed = opened("hotspots", tier=tier, link=links["police"])
        assert troubles(closed) == []
        assert secret not in everything(closed)
        published = opened("hotspots", tier=tier, link=links["police_uk"] | tops["police_uk"])
        assert "place_mix" in cards(published)  # the place is open, and the form is not under it
        assert secret not in everything(published) and open_reason in everything(published)
        assert "Local analyst" not in everything(published)
        assert not {"Undo", "Keep this judgement"} & {button.label for button in (*closed.button, *published.button)}
