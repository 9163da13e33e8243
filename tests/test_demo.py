"""The invented partnership's records: as many, as patchy and as planted as they say, and loaded like anybody's."""

import json
import time
import tomllib
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data import definitions, demo, demo_planted, demo_records, publish, schema

MONTHS = pd.date_range("2019-01-01", "2025-12-01", freq="MS")
HEALTH = ["ed_istv", "ambulance"]


@pytest.fixture(scope="module")
def invented() -> demo.World:
    return demo.world(seed=0)


@pytest.fixture(scope="module")
def known(invented) -> dict[str, pd.DataFrame]:
    return demo.events(invented, seed=0)


@pytest.fixture(scope="module")
def sent(invented) -> dict[str, dict[str, pd.DataFrame]]:
    return demo.files(invented, seed=0)


@pytest.fixture(scope="module")
def planted() -> dict[str, list[demo_planted.Planted]]:
    found = demo_planted.planted()
    return {kind: [p for p in found if p.kind == kind] for kind in {p.kind for p in found}}


@pytest.fixture(scope="module")
def untouched(invented) -> np.ndarray:
    """Which doors lie in none of the planted places."""
    doors = invented.ground.doors
    placed = [p for p in demo_planted.planted() if np.isfinite(p.radius)]
    return ~np.any([demo_planted.inside(p, doors["x"], doors["y"]) for p in placed], axis=0)


def together(files: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(files.values(), ignore_index=True)


def days(text: pd.Series) -> pd.Series:
    """Of dates written day/month/year, with or without a time, or as ISO."""
    return pd.to_datetime(text.str[:10], format="%d/%m/%Y" if text.str.contains("/").any() else "ISO8601")


@pytest.fixture(scope="module")
def times(invented, untouched):
    """How many times as many events lie in a place as one would think from all untouched doors and their weights."""

    def ratio(one: demo_planted.Planted, source: str, events: pd.DataFrame) -> float:
        doors, weights = invented.ground.doors, demo_records.weights(source, invented.ground).sum(axis=1)
        inside = demo_planted.inside(one, doors["x"], doors["y"])
        usual = untouched[events["door"]].sum() / weights[untouched].sum()
        return inside[events["door"]].sum() / (weights[inside].sum() * usual)

    return ratio


def between(events: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    return events[(events["when"] >= first) & (events["when"] < pd.Timestamp(last) + pd.Timedelta(days=1))]


# -------------------------------------------------------------------------------------- how many, where and when


def test_about_400_000_incidents_reach_the_four_sources(sent) -> None:
    counts = ("admissions", "fingertips")  # of people and of areas, no records
    rows = {source: sum(map(len, files.values())) for source, files in sent.items() if source not in counts}
    assert set(rows) == {"police_extract", "istv", "ambulance", "police_uk"}
    assert 385_000 <= sum(rows.values()) <= 420_000
    assert rows["police_extract"] > rows["police_uk"] > rows["istv"] > rows["ambulance"] > 25_000


def test_the_same_seed_gives_the_same_files_and_another_seed_others(invented, sent) -> None:
    again = demo.files(invented, seed=0)
    for source, files in sent.items():
        assert list(files) == list(again[source])
        for name, rows in files.items():
            pd.testing.assert_frame_equal(rows, again[source][name])
    other = demo.files(invented, seed=1)
    assert not together(other["ambulance"]).equals(together(sent["ambulance"]))


def test_every_small_area_has_records_and_every_door_lies_in_its_own(invented, known) -> None:
    lsoas = invented.areas[invented.areas["area_level"] == "lsoa"].set_index("area_code")
    codes, doors = invented.ground.areas["area_code"], invented.ground.doors
    assert set(codes) == set(lsoas.index)
    assert set(known["police"]["area"]) == set(range(len(lsoas)))
    sample = doors.sample(2_000, random_state=0)
    shapes = lsoas.geometry.reindex(codes.iloc[sample["area"]])
    assert all(shape.intersects(point) for shape, point in zip(shapes, points(sample), strict=True))


def points(rows: pd.DataFrame) -> np.ndarray:
    import shapely

    return shapely.points(rows["x"], rows["y"])


def test_coordinates_are_whole_metres_on_some_8_000_streets_and_crime_gathers_on_few_of_them(invented, known) -> None:
    doors, streets = invented.ground.doors, invented.ground.streets
    assert 7_500 <= len(streets) <= 9_000
    assert doors[["x", "y"]].mod(1).eq(0).all(axis=None)
    street = doors["street"].to_numpy()[known["police"]["door"]]
    counts = np.sort(np.bincount(street, minlength=len(streets)))[::-1]
    half = (counts.cumsum() < counts.sum() / 2).mean()
    assert 0.05 <= half <= 0.2  # half of crime on a fifth of streets at most; the law of concentration says 2 to 6%


def test_summer_and_december_are_busier_and_spring_2020_is_quiet(known) -> None:
    for source in ("police", *HEALTH):
        by_month = known[source].groupby(known[source]["when"].dt.to_period("M")).size()
        per_day = by_month / by_month.index.days_in_month
        usual = per_day[(per_day.index.year != 2020) & (per_day.index.year != 2021)]
        number = usual.groupby(usual.index.month).mean()
        assert number[[6, 7, 8]].mean() > 1.08 * number[[1, 2, 3]].mean()
        assert number[12] > number[11]
        assert per_day["2020-04"] < 0.75 * per_day["2019-04"]
        assert per_day["2021-01"] < 0.9 * per_day["2019-01"]


def test_nights_out_are_friday_and_saturday_and_the_young_are_hurt_after_school(known) -> None:
    events = known["police"]
    out = events.loc[events["setting"] == "night_out", "when"] - pd.Timedelta(hours=6)  # a night belongs to its evening
    assert out.dt.day_of_week.isin([4, 5]).mean() > 0.5  # 2 days of 7 are 29%
    school = events.loc[events["setting"] == "school", "when"]
    assert school.dt.hour.isin([15, 16]).mean() > 0.3  # 2 hours of 24 are 8%
    assert school.dt.day_of_week.lt(5).mean() > 0.97
    assert (school.dt.month == 8).mean() < 0.03


def test_there_are_about_14_homicides_a_year(known) -> None:
    assert 10 <= (known["police"]["group"] == "homicide").sum() / 7 <= 18


# -------------------------------------------------------------------------------------------- what is in the files


def test_headers_are_those_of_the_default_mappings(sent) -> None:
    for source, name in (("police_extract", "police"), ("istv", "ed_istv"), ("ambulance", "ambulance")):
        default = definitions.mappings(name)[0]
        understood = {header for headers in default.columns.values() for header in headers}
        for rows in sent[source].values():
            assert set(rows.columns) - {"delivered", "site"} <= understood


def test_months_are_missing_where_it_is_said(sent) -> None:
    def lacking(text: pd.Series, months: pd.DatetimeIndex = MONTHS) -> list[str]:
        held = set(days(text).dt.to_period("M"))
        return [f"{m:%Y-%m}" for m in months if m.to_period("M") not in held]

    police, emergency = together(sent["police_extract"]), together(sent["istv"])
    assert lacking(police["RecordedDate"]) == []
    gaps = {site: lacking(rows["ArrivalDateTime"]) for site, rows in emergency.groupby("site")}
    assert gaps == {"XED01": [], "XED02": ["2022-08"], "XED03": [], "XED04": []}
    assert lacking(together(sent["ambulance"])["CallDateTime"]) == ["2021-09", "2021-10"]
    assert lacking(together(sent["police_uk"])["Month"] + "-01", MONTHS[48:]) == ["2024-05"]
    assert len(sent["police_uk"]) == 35


def test_no_file_reaches_over_a_missing_month(sent) -> None:
    assert {"istv_XED02_2019-01_2022-07", "istv_XED02_2022-09_2024-12"} <= set(sent["istv"])
    assert {"ambulance_2021-01_2021-08", "ambulance_2021-11_2021-12"} <= set(sent["ambulance"])


def test_some_crimes_are_recorded_months_late_and_none_before_it_happened(sent) -> None:
    rows = together(sent["police_extract"])
    late = (days(rows["RecordedDate"]) - days(rows["DateTimeFrom"])).dt.days
    assert late.min() == 0
    assert late.le(2).mean() > 0.8
    assert 0.02 < late.gt(60).mean() < 0.08
    sexual = rows["OffenceTitle"].isin(["Rape", "Other sexual offences"])
    assert late[sexual].gt(30).mean() > 4 * late[~sexual].gt(30).mean()


def test_places_and_particulars_are_as_incomplete_as_is_usual(sent) -> None:
    police, emergency, calls = (together(sent[s]) for s in ("police_extract", "istv", "ambulance"))
    for rows, column in ((police, "Easting"), (calls, "PickupEasting")):
        assert rows[column].isin(["", "0"]).mean() == pytest.approx(0.025, abs=0.003)
    assert together(sent["police_uk"])["LSOA code"].eq("").mean() == pytest.approx(0.025, abs=0.003)
    assert 0.15 < emergency["Easting"].eq("").mean() < 0.25  # a place is often not told there
    assert police["VictimAge"].ne("").mean() == pytest.approx(0.85, abs=0.01)
    assert 0.28 < police["DomesticFlag"].eq("Y").mean() < 0.38
    start, end = (pd.to_datetime(police[c], format="%d/%m/%Y %H:%M") for c in ("DateTimeFrom", "DateTimeTo"))
    assert (end - start).between("30min", "20h").mean() == pytest.approx(0.15, abs=0.015)  # whole days are longer


def test_street_level_crime_has_no_days_and_anti_social_behaviour_no_ids(invented, sent) -> None:
    rows = together(sent["police_uk"])
    asb = rows["Crime type"] == "Anti-social behaviour"
    assert asb.any() and rows.loc[asb, "Crime ID"].eq("").all()
    classed = rows["Crime type"].isin(definitions.offence_codes("police_uk"))
    assert rows.loc[~asb & classed, "Crime ID"].str.fullmatch("[0-9a-f]{64}").all()
    placed = rows[rows["Longitude"] != ""]
    assert placed[["Longitude", "Latitude"]].drop_duplicates().shape[0] <= len(invented.ground.streets)
    assert set(placed["LSOA code"]) <= set(invented.ground.areas["area_code"])
    assert rows["Crime type"].eq("Violence and sexual offences").mean() > 0.5


def test_admissions_of_1_to_7_are_withheld_and_the_others_rounded_to_5(sent) -> None:
    assert sent["admissions"].keys() == {"admissions_months", "admissions_years", "admissions_three_years"}
    for rows in sent["admissions"].values():
        shown = rows["Episodes"][rows["Episodes"] != "*"].astype(int)
        assert shown.mod(5).eq(0).all() and shown.eq(0).any() and shown.gt(5).any()
        assert rows["Episodes"].eq("*").eq(rows["Persons"].eq("*")).all()
        assert set(rows["AuthorityCode"]) == set(definitions.partnership().codes)
        assert not rows.duplicated(["AuthorityCode", "Period", "AgeBand", "Sex", "ICD10"]).any()
    years = sent["admissions"]["admissions_years"]
    whole = years[(years["ICD10"] == "X85-Y09") & (years["Episodes"] != "*")]
    assert 600 < whole["Episodes"].astype(int).groupby(whole["Period"]).sum().mean() < 1_000  # 42 per 100,000 of 2 m


# ------------------------------------------------------------------------------------------------ planted truths


def test_everything_that_was_asked_for_is_planted(planted) -> None:
    assert {kind: len(found) for kind, found in planted.items()} == {
        "persistent": 3,
        "emerging": 1,
        "fading": 1,
        "night": 1,
        "hidden": 1,
        "recording_change": 1,
        "intervention": 1,
        "factor": 5,
    }
    assert len({p.place.split(",")[0] for p in planted["persistent"]}) == 3  # three different towns
    assert sum(p.effect == 0 for p in planted["factor"]) == 2


@pytest.mark.parametrize("number", range(3))
def test_persistent_places_have_that_many_times_as_many_in_every_source(number, planted, known, times) -> None:
    one = planted["persistent"][number]
    for source in one.source:
        assert times(one, source, known[source]) == pytest.approx(one.effect, rel=0.2)
    for year in range(2019, 2026):
        events = known["police"][known["police"]["when"].dt.year == year]
        assert times(one, "police", events) > 0.7 * one.effect


def test_the_emerging_place_rises_from_nothing_special(planted, known, times) -> None:
    (one,) = planted["emerging"]
    before = between(known["police"], "2019-01-01", "2024-06-30")
    half_way = between(known["police"], "2025-01-01", "2025-06-30")  # sqrt(6) = 2.4 in the middle of the rise
    last = between(known["police"], "2025-10-01", "2025-12-31")
    found = [times(one, "police", events) for events in (before, half_way, last)]
    assert found[0] == pytest.approx(1, abs=0.25)
    assert found[1] == pytest.approx(2.4, rel=0.4)
    assert found[2] == pytest.approx(5.2, rel=0.35)  # 6 to the power of 16.5/18


def test_the_fading_place_falls_to_nothing_special(planted, known, times) -> None:
    (one,) = planted["fading"]
    before, after = (
        between(known["police"], "2019-01-01", "2020-12-31"),
        between(known["police"], "2024-01-01", "2025-12-31"),
    )
    assert times(one, "police", before) == pytest.approx(one.effect, rel=0.15)
    assert times(one, "police", after) == pytest.approx(1, abs=0.25)


def test_the_night_time_place_is_special_at_night_alone(planted, known, times, untouched) -> None:
    (one,) = planted["night"]
    events = pd.concat([known[source] for source in one.source], ignore_index=True)
    night = events["when"].dt.hour.isin(one.hours)
    inside = demo_planted.inside(one, events["x"], events["y"])
    here, usual = (pd.crosstab(events["setting"][m], night[m]) for m in (inside, untouched[events["door"]]))
    expected = here[False] * usual[True] / usual[False]  # in each setting, from what happens there by day
    assert here[True].sum() / expected.sum() == pytest.approx(one.effect, rel=0.2)
    day = known["police"][~known["police"]["when"].dt.hour.isin(one.hours)]
    assert times(one, "police", day) == pytest.approx(1, abs=0.35)


def _ring(one: demo_planted.Planted, radius: float) -> demo_planted.Planted:
    return demo_planted.Planted(one.kind, one.effect, one.source, x=one.x, y=one.y, radius=radius)


def test_the_hidden_place_is_seen_by_emergency_departments_alone(planted, known, times) -> None:
    (one,) = planted["hidden"]
    assert times(one, "ed_istv", known["ed_istv"]) == pytest.approx(one.effect, rel=0.2)
    assert times(one, "police", known["police"]) == pytest.approx(1, abs=0.2)
    assert times(one, "ambulance", known["ambulance"]) == pytest.approx(1, abs=0.4)


def test_more_is_recorded_of_one_group_everywhere_from_the_day_of_the_change(planted, known) -> None:
    (one,) = planted["recording_change"]
    counts = known["police"].groupby(["group", known["police"]["when"] >= pd.Timestamp(one.start)]).size().unstack()
    change = counts[True] / counts[False]
    others = counts.drop(index=list(one.groups)).sum()
    assert change[one.groups[0]] / (others[True] / others[False]) == pytest.approx(1.25, abs=0.03)


def test_the_programme_lowers_one_group_where_it_runs_and_no_other(planted, known) -> None:
    (one,) = planted["intervention"]
    events = known["police"]
    inside = demo_planted.inside(one, events["x"], events["y"])
    counts = events.groupby(
        [events["group"].isin(one.groups), inside, events["when"] >= pd.Timestamp(one.start)]
    ).size()
    change = counts.xs(True, level=2) / counts.xs(False, level=2)
    assert change[True, True] / change[True, False] == pytest.approx(one.effect, abs=0.1)
    assert change[False, True] / change[False, False] == pytest.approx(1, abs=0.1)


def test_factors_have_their_log_rate_ratios_and_two_have_none(planted, known, invented, untouched) -> None:
    import statsmodels.api as sm

    areas = invented.ground.areas
    names = [p.indicator for p in planted["factor"]]
    calm = np.isin(areas.index, invented.ground.doors["area"][~untouched], invert=True)
    calm &= (invented.ground.doors.groupby("area")["pull"].mean() < 0.2).to_numpy()  # away from town centres
    for source in ("police", *HEALTH):
        counts = np.bincount(known[source]["area"], minlength=len(areas))
        x = sm.add_constant(areas.loc[calm, names])
        model = sm.GLM(
            counts[calm], x, sm.families.NegativeBinomial(alpha=0.06), offset=np.log(areas["population"][calm])
        )
        found = model.fit().params
        for one in planted["factor"]:
            assert found[one.indicator] == pytest.approx(one.effect, abs=0.04), (source, one.indicator)


def test_factors_are_alike_in_neighbours_and_unlike_each_other(invented, planted) -> None:
    from scipy.spatial import cKDTree

    areas = invented.ground.areas
    factors = areas[[p.indicator for p in planted["factor"]]].to_numpy()
    _, nearest = cKDTree(areas[["x", "y"]]).query(areas[["x", "y"]], k=6)
    for values in factors.T:
        assert np.corrcoef(values, values[nearest[:, 1:]].mean(axis=1))[0, 1] > 0.5
    assert np.allclose(np.corrcoef(factors.T), np.eye(5), atol=1e-6)


def test_planting_needs_no_more_than_its_own_place_time_hours_and_group() -> None:
    where = {"x": 0, "y": 0, "radius": 100, "start": date(2020, 1, 1), "hours": (23,), "groups": ("rape",)}
    one = demo_planted.Planted("night", 4.0, ("police",), **where)
    events = [
        (100, "2020-01-01T23:59", "rape", 4),  # on the edge, on the first day
        (101, "2020-01-01T23:00", "rape", 1),  # beyond it
        (0, "2019-12-31T23:00", "rape", 1),  # a day early
        (0, "2020-01-02T00:00", "rape", 1),  # an hour late
        (0, "2020-06-01T23:30", "rape", 4),
        (0, "2020-06-01T23:30", "homicide", 1),
    ]
    x, when, group, expected = (np.array(values) for values in zip(*events, strict=True))
    given = (x, np.zeros(len(x)), when.astype("datetime64[m]"), group)
    assert demo_planted.effects((one,), "police", *given).tolist() == expected.tolist()
    assert demo_planted.effects((one,), "ambulance", *given).tolist() == [1] * len(x)


# ---------------------------------------------------------------------------------- what goes with it, and the way in


def test_places_and_indicators_keep_to_their_tables(invented) -> None:
    places = schema.typed(demo.demo_ground.places(invented.ground, invented.areas, demo.demo_files.SITES), "places")
    indicators = schema.typed(demo.demo_ground.indicators(invented.ground), "indicators")
    schema.check(places, "places", "places")
    schema.check(indicators, "indicators", "indicators")
    assert places["place_id"].is_unique
    assert (places["kind"] == "hospital").sum() == 4
    assert set(places["area_code"]) <= set(invented.ground.areas["area_code"])
    assert indicators["name"].str.contains("invented").all()
    assert indicators.groupby("indicator_id").size().eq(len(invented.ground.areas)).all()
    decile = indicators[indicators["indicator_id"] == "demo_deprivation_decile"]["value"]
    assert decile.value_counts().between(120, 122).all() and set(decile) == set(range(1, 11))  # 1,210 in tenths


def test_events_say_what_was_planted_and_what_was_not_supplied(planted) -> None:
    events = tomllib.loads((definitions.HERE / "events.toml").read_text(encoding="utf-8"))["events"]
    kinds = {"recording_change", "policy", "operation", "programme", "covid", "data_gap"}
    for event in events:
        assert set(event) - {"until"} == {"date", "kind", "scope", "note", "rebase", "invented"}
        assert event["kind"] in kinds
        assert event["scope"] in ("all", *definitions.partnership().codes)
        assert event["invented"] == ("invented" in event["note"])
    ours = {(e["kind"], e["date"]) for e in events if e["invented"]}
    assert ("recording_change", planted["recording_change"][0].start) in ours
    assert ("programme", planted["intervention"][0].start) in ours
    gaps = {f"{e['date']:%Y-%m}" for e in events if e["kind"] == "data_gap"}
    assert gaps == {months[0] for months in demo.demo_files.MISSING.values()}


@pytest.mark.slow
def test_it_is_published_through_the_one_way_in(tmp_path: Path, planted) -> None:
    started = time.process_time()
    name = demo.publish_invented(tmp_path, seed=0)
    assert time.process_time() - started < 90  # of processor time; under 60 s where nobody else is at work
    snapshot = publish.current(tmp_path)
    said = publish.manifest(snapshot)
    assert snapshot.name == name and said["invented"] is True
    assert 380_000 <= said["rows"]["incidents"] <= 420_000
    assert sorted(p.name for p in (tmp_path / "raw" / "demo").iterdir()) == sorted(demo.SOURCES)

    loads = pd.read_parquet(snapshot / "restricted" / "loads.parquet")
    beside = {"attendance", "surveys", "programme_returns", "fingertips"}
    assert set(loads["source"]) == {"police", "ed_istv", "ambulance", "admissions", "police_uk"} | beside
    assert (loads["rows_read"] == loads["accepted"] + loads["quarantined"] + loads["duplicate"]).all()
    total = loads.groupby("source")[["rows_read", "quarantined", "duplicate", "unplaced"]].sum()
    assert (total["quarantined"] / total["rows_read"]).max() < 0.01
    assert total.drop(["admissions", *beside])["duplicate"].gt(0).all()
    reasons = [json.loads(text)["set aside"] for text in loads.loc[loads["source"] == "police", "reasons"]]
    counted = pd.DataFrame(reasons).sum()
    assert {"outside the area", "offence code is not in the list", "the to-date lies before the from-date"} <= set(
        counted.index
    )
    assert counted.sum() == total.loc["police", "quarantined"]

    coverage = pd.read_parquet(snapshot / "restricted" / "coverage.parquet")
    months = {feed: set(rows["month"]) for feed, rows in coverage.groupby("feed_id")}
    assert pd.Timestamp("2022-08-01") not in months["ed_istv:xed02"] and len(months["ed_istv:xed02"]) == 83
    assert set(MONTHS) - months["ambulance"] == {pd.Timestamp("2021-09-01"), pd.Timestamp("2021-10-01")}
    assert months["police"] == set(MONTHS)

    police = pd.read_parquet(snapshot / "restricted" / "incidents" / "police.parquet")
    assert set(police["authority_code"].dropna()) == set(definitions.partnership().codes)
    assert police["lsoa_code"].isna().mean() == pytest.approx(0.025, abs=0.003)
    assert police["time_known"].mean() == pytest.approx(0.95, abs=0.01)
    assert [p.name for p in (snapshot / "public" / "incidents").iterdir()] == ["police_uk.parquet"]

    (hidden,) = planted["hidden"]
    ed = pd.read_parquet(snapshot / "restricted" / "incidents" / "ed_istv.parquet")
    per_crime = {}
    for name, radius in (("inside", hidden.radius), ("around", 4_000)):
        counts = [demo_planted.inside(_ring(hidden, radius), r["easting"], r["northing"]).sum() for r in (ed, police)]
        per_crime[name] = counts[0] / counts[1]
    assert per_crime["inside"] > 2.5 * per_crime["around"]
