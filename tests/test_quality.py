"""Months that depart from their source's own history: found, said in words, and silence where nothing happened."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data import quality, schema
from data.sources import files, police_uk

REAL = Path(__file__).parent.parent.parent / "shared" / "real" / "police_uk"
AREAS = [f"E070000{n}" for n in range(84, 94)]  # Basingstoke and Deane to Test Valley
GROUPS = ["violence_without_injury", "stalking_harassment", "public_order", "robbery_personal", "weapons_blade"]


def months(number: int, start: str = "2019-01") -> pd.DatetimeIndex:
    return pd.date_range(start, periods=number, freq="MS")


def coverage(held: pd.DatetimeIndex, *, source: str = "police", feed: str = "police") -> pd.DataFrame:
    return pd.DataFrame({"source": source, "feed_id": feed, "month": held})


def incidents(folder: Path, counts: dict[pd.Timestamp, int], **columns) -> Path:
    """Records: the values of a column are repeated in turn, or made by a function of the month and n."""
    parts = []
    for month, n in counts.items():
        part = pd.DataFrame({"month": [month] * n})
        for name, value in columns.items():
            part[name] = value(month, n) if callable(value) else np.resize(np.array(value, dtype=object), n)
        parts.append(part)
    rows = pd.concat(parts, ignore_index=True)
    given = {"source": "police", "feed_id": "police", "place_basis": "occurrence", "precision": "exact"}
    given |= {"offence_group": "public_order", "authority_code": AREAS[0], "time_known": True, "sv_local": False}
    rows = rows.assign(**{k: v for k, v in given.items() if k not in rows}, record_id=range(len(rows)))
    folder.mkdir(parents=True, exist_ok=True)
    schema.typed(rows, "incidents").to_parquet(folder / "police.parquet", index=False)
    return folder


def level(number: int, n: int = 1000, **other: int) -> dict[pd.Timestamp, int]:
    """The same count every month, but for the months given as _YYYY_MM."""
    counts = dict.fromkeys(months(number), n)
    return counts | {pd.Timestamp(name[1:].replace("_", "-")): value for name, value in other.items()}


def found(folder: Path, counts: dict[pd.Timestamp, int], **columns) -> list[tuple[str, str, str]]:
    flagged = quality.flags(incidents(folder, counts, **columns), coverage(pd.DatetimeIndex(list(counts))))
    return [(f"{row.month:%Y-%m}", row.kind, row.reason) for row in flagged.itertuples()]


def share(of: float, inside: object, outside: object, when: str, usually: float):
    """A column that holds `inside` on a share of the rows, another share in one month."""

    def column(month: pd.Timestamp, n: int) -> list[object]:
        k = round(n * (of if f"{month:%Y-%m}" == when else usually))
        return [inside] * k + [outside] * (n - k)

    return column


# ------------------------------------------------------------------------------------------------- profile


def test_a_profile_counts_what_months_are_made_of_and_leaves_gaps_empty(tmp_path: Path) -> None:
    january, march, april = (pd.Timestamp(f"2024-0{m}-01") for m in (1, 3, 4))
    folder = incidents(
        tmp_path,
        {january: 4, march: 2, pd.Timestamp("2023-06-01"): 3},  # June 2023 was never supplied: late records of it
        offence_group=["homicide", "public_order", "public_order", "public_order"],
        authority_code=[None, AREAS[0], AREAS[1], AREAS[1]],
        precision=["none", "exact", "exact", "exact"],
        victim_sex=["female", None, None, None],
    )
    held = pd.DatetimeIndex([january, march, april])
    rows = quality.profile(folder, coverage(held)).set_index(["month", "kind", "part"])
    assert set(rows.index.get_level_values("month")) == set(pd.date_range("2024-01-01", "2024-04-01", freq="MS"))
    totals = rows.xs("total", level="kind").droplevel("part")["n"]
    assert totals[january] == 4 and totals[march] == 2
    assert totals[april] == 0  # supplied, and empty
    assert np.isnan(totals[pd.Timestamp("2024-02-01")])  # not supplied: a gap
    assert tuple(rows.loc[(january, "group", "public_order"), ["n", "of"]]) == (3, 4)
    assert tuple(rows.loc[(january, "area", AREAS[1]), ["n", "of"]]) == (2, 3)  # one of the four has no place
    assert tuple(rows.loc[(january, "completeness", "victim_sex"), ["n", "of"]]) == (1, 4)
    assert tuple(rows.loc[(january, "unplaced", ""), ["n", "of"]]) == (1, 4)


def test_nothing_loaded_gives_no_flags_and_the_same_columns(tmp_path: Path) -> None:
    nothing = coverage(months(0))
    for files_given in (tmp_path, []):
        answer = quality.flags(files_given, nothing)
        assert list(answer.columns) == ["source", "month", "kind", "reason"] and answer.empty
        assert str(answer["month"].dtype) == schema.DAY
        assert quality.profile(files_given, nothing).empty


# ---------------------------------------------------------------------------------------- single departures


def test_a_month_that_lost_records_is_flagged_with_how_many_and_no_other_month_is(tmp_path: Path) -> None:
    # 620 of 1,000: 38% below. Everything else is level.
    assert found(tmp_path, level(36, _2020_06=620)) == [
        ("2020-06", "total", "Total 38% below the 12 months around it (620 records, about 1,000 expected)")
    ]


def test_the_newest_month_is_compared_with_those_before_it(tmp_path: Path) -> None:
    assert found(tmp_path, level(36, _2021_12=1500)) == [
        ("2021-12", "total", "Total 50% above the 12 months before it (1,500 records, about 1,000 expected)")
    ]


def test_a_supplied_month_without_records_says_so(tmp_path: Path) -> None:
    folder = incidents(tmp_path, {m: n for m, n in level(36).items() if m != pd.Timestamp("2020-06-01")})
    flagged = quality.flags(folder, coverage(months(36)))
    reasons = flagged[flagged["kind"] == "total"]["reason"].tolist()
    assert reasons == ["No records, though the month was supplied; about 1,000 expected"]


def test_a_share_of_an_offence_group_is_flagged_by_its_label(tmp_path: Path) -> None:
    group = share(0.45, "violence_without_injury", "public_order", "2020-06", usually=0.33)
    assert found(tmp_path, level(36), offence_group=group) == [
        ("2020-06", "group", "Violence without injury 45% of records, usually 33%")
    ]


def test_an_area_that_fell_away_is_flagged_by_its_name(tmp_path: Path) -> None:
    area = share(0.02, AREAS[2], AREAS[0], "2020-06", usually=0.10)
    assert found(tmp_path, level(36), authority_code=area) == [
        ("2020-06", "area", "Eastleigh 2.0% of the records that have a place, usually 10%")
    ]


def test_missing_places_are_said_once_and_not_again_of_their_points_and_areas(tmp_path: Path) -> None:
    columns = {
        "precision": share(0.41, "none", "exact", "2020-06", usually=0.03),
        "easting": share(0.41, None, 450_000.0, "2020-06", usually=0.03),
        "lsoa_code": share(0.41, None, "E01000001", "2020-06", usually=0.03),
        "authority_code": share(0.41, None, AREAS[0], "2020-06", usually=0.03),
    }
    assert found(tmp_path, level(36), **columns) == [
        ("2020-06", "unplaced", "Place missing on 41% of records, usually 3.0%")
    ]


def test_a_field_left_empty_is_flagged_from_fifteen_points_on(tmp_path: Path) -> None:
    age = share(0.41, "20-24", None, "2020-06", usually=0.93)
    sex = share(0.82, "male", None, "2020-06", usually=0.93)  # 11 points: people fill in forms unevenly
    assert found(tmp_path, level(36), victim_age_band=age, victim_sex=sex) == [
        ("2020-06", "completeness", "“Age of victim” filled in on 41% of records, usually 93%")
    ]


def test_small_sources_do_not_shout(tmp_path: Path) -> None:
    # 12 a month: 5 or 20 happen by chance within seven years (Poisson: 2% and 2%); so does a month without one area
    counts = level(84, n=12, _2020_06=6, _2021_03=20, _2023_05=5)
    area = share(0.0, AREAS[1], AREAS[0], "2020-09", usually=0.25)
    assert found(tmp_path, counts, authority_code=area) == []


# ------------------------------------------------------------------------------------- gaps, and few months


def test_a_month_not_supplied_is_no_flag_on_it_or_on_others(tmp_path: Path) -> None:
    counts = {m: n for m, n in level(36).items() if m.month != 8}
    assert found(tmp_path, counts) == []


def test_with_few_months_only_gross_departures_are_flagged(tmp_path: Path) -> None:
    assert found(tmp_path / "a", level(8, _2019_05=600)) == []
    assert found(tmp_path / "b", level(8, _2019_05=480)) == [
        ("2019-05", "total", "Total 52% below the 7 months around it (480 records, about 1,000 expected)")
    ]
    assert [f[:2] for f in found(tmp_path / "c", level(8, _2019_05=2100))] == [("2019-05", "total")]


def test_a_month_with_none_near_it_is_compared_with_none(tmp_path: Path) -> None:
    counts = level(12) | {pd.Timestamp("2022-02-01"): 3000}
    assert found(tmp_path, counts) == []


# ----------------------------------------------------------------------------- season, trend, lasting change


def profiled(n: np.ndarray, groups: np.ndarray | None = None) -> pd.DataFrame:
    """The profile of one source from its totals, and from counts by group (one row per month)."""
    held = months(len(n))
    total = pd.DataFrame({"source": "police", "month": held, "kind": "total", "part": "", "n": n, "of": n})
    if groups is None:
        return total
    parts = [total.assign(kind="group", part=g, n=groups[:, j]) for j, g in enumerate(GROUPS[: groups.shape[1]])]
    return pd.concat([total, *parts], ignore_index=True).astype({"n": float, "of": float})


def flagged(profile: pd.DataFrame) -> list[str]:
    return [f"{row.month:%Y-%m} {row.kind}" for row in quality.departures(profile).itertuples()]


def season(number: int, size: float) -> np.ndarray:
    return 1 + size * np.cos(2 * np.pi * (np.arange(number) - 6) / 12)  # highest in July


def test_a_season_is_no_departure_and_a_departure_shows_through_it() -> None:
    rng = np.random.default_rng(0)
    n = rng.poisson(1000 * season(84, 0.3)).astype(float)
    assert flagged(profiled(n)) == []
    july = 6 + 12 * 4
    assert 1000 * 1.3 * 0.75 == 975  # a quarter of July 2023 lost: an ordinary count for the year, low for a July
    n[july] = 975
    assert flagged(profiled(n)) == ["2023-07 total"]


def test_a_bad_month_last_year_does_not_make_this_year_look_odd() -> None:
    n = np.random.default_rng(1).poisson(1000, 36).astype(float)
    n[12 + 7] = 400  # August 2020
    assert flagged(profiled(n)) == ["2020-08 total"]


def test_a_trend_is_no_departure() -> None:
    n = np.random.default_rng(2).poisson(1000 * 1.15 ** (np.arange(84) / 12)).astype(float)
    assert flagged(profiled(n)) == []


def test_a_recording_change_is_flagged_once_where_it_starts() -> None:
    rng = np.random.default_rng(3)
    groups = rng.poisson(np.outer(season(72, 0.1), [300, 250, 200, 150, 100])).astype(float)
    start = 40  # May 2022: from then on a quarter more stalking is recorded
    groups[start:, 1] = rng.poisson(250 * 1.25 * season(72, 0.1)[start:])
    rows = quality.departures(profiled(groups.sum(axis=1), groups))
    assert len(rows) == 1 and rows["kind"].iat[0] == "group"
    assert abs((rows["month"].iat[0] - pd.Timestamp("2022-05-01")).days) <= 31
    # 250 of 1,000 before; 312.5 of 1,062.5 after: 29%
    assert rows["reason"].iat[0].startswith("Stalking and harassment ")
    assert rows["reason"].iat[0].endswith("% of records from here on, before 25%")


def test_a_total_that_moves_for_good_is_flagged_once() -> None:
    n = np.where(np.arange(60) < 30, 1000, 1300) + np.tile([7.0, -5, 3, -6, 2], 12)
    rows = quality.departures(profiled(n))
    assert [f"{m:%Y-%m}" for m in rows["month"]] == ["2021-07"]  # the 31st month
    assert rows["reason"].iat[0] == "From here on the total stays about 30% above the months before"


def test_a_change_is_flagged_at_once_and_not_only_when_it_has_lasted() -> None:
    rng = np.random.default_rng(4)
    groups = rng.poisson(np.tile([600.0, 400.0], (40, 1))).astype(float)
    groups[39, 1] = 700  # the newest month only
    assert "2022-04 group" in flagged(profiled(groups.sum(axis=1), groups))


def dispersed(rng: np.random.Generator, number: int, n: float, scatter: float) -> pd.DataFrame:
    """A well-behaved source: season of 15%, groups with seasons of their own, more scatter than chance alone."""
    total = n * season(number, 0.15) * np.exp(rng.normal(0, scatter, number))
    turn = 2 * np.pi * (np.arange(number)[:, None] + rng.uniform(0, 12, 5)) / 12
    mix = (
        np.array([0.3, 0.25, 0.2, 0.15, 0.1]) * (1 + 0.15 * np.sin(turn)) * np.exp(rng.normal(0, scatter, (number, 5)))
    )
    groups = rng.poisson(total[:, None] * mix / mix.sum(axis=1, keepdims=True)).astype(float)
    rows = [profiled(groups.sum(axis=1), groups)]
    of = groups.sum(axis=1)
    for kind, parts, usually in (("completeness", quality.FIELDS[3:13], 0.8), ("unplaced", [""], 0.04)):
        for part in parts:
            odds = usually / (1 - usually) * np.exp(rng.normal(0, 0.15, number))
            k = rng.binomial(of.astype(int), odds / (1 + odds)).astype(float)
            rows.append(profiled(of).assign(kind=kind, part=part, n=k, of=of))
    area = rng.dirichlet(np.full(10, 30.0))
    counts = np.array([rng.multinomial(int(m), area) for m in of]).astype(float)
    rows += [profiled(of).assign(kind="area", part=a, n=counts[:, j], of=of) for j, a in enumerate(AREAS)]
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize(("number", "n"), [(84, 13_000), (84, 400), (84, 60), (30, 5_000), (18, 5_000), (13, 400)])
def test_well_behaved_sources_are_seldom_flagged(number: int, n: int) -> None:
    flags = [
        quality.departures(dispersed(np.random.default_rng(seed), number, n, 0.05))["month"].nunique()
        for seed in range(6)
    ]
    assert sum(flags) <= 6 * number / 50


def test_planted_departures_are_found_in_a_source_that_scatters() -> None:
    found_all = []
    for seed in range(5):
        rows = dispersed(np.random.default_rng(100 + seed), 84, 5_000, 0.05)
        at = rows["month"] == pd.Timestamp("2022-05-01")
        rows.loc[at, ["n", "of"]] *= 0.62
        rows.loc[at & (rows["kind"] == "unplaced"), "n"] = 0.41 * rows.loc[at, "of"].iat[0]
        rows.loc[at & (rows["part"] == "location_type"), "n"] *= 0.5
        flags = quality.departures(rows)
        found_all.append(set(flags.loc[flags["month"] == pd.Timestamp("2022-05-01"), "kind"]))
    assert all({"total", "unplaced", "completeness"} <= kinds for kinds in found_all)


# ----------------------------------------------------------------------------- late recording, missing feeds


def recorded(month: pd.Timestamp, n: int) -> list[pd.Timestamp]:
    """A fifth of a month's records arrive in the month after."""
    late = n // 5
    return [month + pd.DateOffset(days=10)] * (n - late) + [month + pd.DateOffset(days=40)] * late


def test_the_newest_month_may_still_grow_where_records_come_late(tmp_path: Path) -> None:
    counts = level(36, _2021_12=800)  # the fifth recorded in January is not in the delivery yet
    on_time = incidents(
        tmp_path, counts, dt_recorded=lambda m, n: recorded(m, n) if n == 1000 else [m + pd.DateOffset(days=10)] * n
    )
    flags = quality.flags(on_time, coverage(months(36)))
    assert [(f"{r.month:%Y-%m}", r.reason) for r in flags.itertuples()] == [
        ("2021-12", "Not complete: usually 20% of a month's records arrive later")
    ]


def test_a_newest_month_that_lost_records_is_flagged_beyond_those_still_to_come(tmp_path: Path) -> None:
    counts = level(36, _2021_12=400)  # half of the 800 that should be there
    rows = incidents(
        tmp_path, counts, dt_recorded=lambda m, n: recorded(m, n) if n == 1000 else [m + pd.DateOffset(days=10)] * n
    )
    flags = quality.flags(rows, coverage(months(36)))
    assert flags["reason"].tolist() == [
        "Total 50% below the 12 months before it (400 records, about 800 expected); "
        "Not complete: usually 20% of a month's records arrive later"
    ]


def test_a_feed_that_did_not_deliver_is_named_as_the_reason(tmp_path: Path) -> None:
    def feeds(month: pd.Timestamp, n: int) -> list[str]:
        return ["ed:a"] * n if n < 1000 else ["ed:a"] * 700 + ["ed:b"] * 300

    folder = incidents(tmp_path, level(36, _2020_06=700), feed_id=feeds)
    flags = quality.flags(folder, coverage(months(36)))
    assert flags["reason"].tolist() == [
        "Total 30% below the 12 months around it (700 records, about 1,000 expected); "
        "One of its 2 feeds did not deliver, usually 30% of records"
    ]


def test_inputs_are_left_as_they_were() -> None:
    rows = dispersed(np.random.default_rng(0), 24, 400, 0.05)
    before = rows.copy()
    quality.departures(rows)
    pd.testing.assert_frame_equal(rows, before)


# --------------------------------------------------------------------------------------- a month delivered again


def snapshot(folder: Path, rows: dict[str, int]) -> Path:
    place = folder / "parts" / "incidents" / "police" / "police"
    place.mkdir(parents=True)
    for month, n in rows.items():
        pd.DataFrame({"record_id": range(n)}).to_parquet(place / f"{month}.abc.parquet")
    return folder


def test_a_month_delivered_again_with_far_fewer_or_more_rows_is_noted_and_no_other(tmp_path: Path) -> None:
    before = snapshot(tmp_path / "1", {"2024-01": 1000, "2024-02": 1000, "2024-03": 10, "2024-04": 500, "2024-06": 100})
    after = snapshot(tmp_path / "2", {"2024-01": 650, "2024-02": 750, "2024-03": 3, "2024-04": 700, "2024-05": 9})
    assert quality.held_for_review(before, after) == [
        "Police records, Jan 2024: 650 records, 1,000 when last delivered (35% fewer). "
        "Ask its owner before relying on it.",
        "Police records, Apr 2024: 700 records, 500 when last delivered (40% more). "
        "Ask its owner before relying on it.",
    ]
    assert quality.held_for_review(None, after) == []


# ------------------------------------------------------------------------------------------------- real, and size


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="../shared is not here")
def test_of_the_real_hampshire_months_only_august_2025_is_flagged(tmp_path: Path) -> None:
    """That month 11,633 of 14,538 published crimes are "violence and sexual offences" (80%; 38% to 46% in the other
    months of 2025) and 734 are possession of weapons (5%; 1% otherwise): counted in the files themselves."""
    rows = [
        police_uk.tidy(police_uk.read(piece))
        for piece in files.pieces([*REAL.glob("hampshire_street_*.zip"), *REAL.glob("raw/*hampshire*")], (".csv",))
    ]
    schema.typed(pd.concat(rows), "incidents").to_parquet(tmp_path / "police_uk.parquet")
    held = pd.DatetimeIndex(sorted(pd.concat(rows)["month"].unique()))
    assert len(held) == 22
    flags = quality.flags(tmp_path, coverage(held, source="police_uk", feed="police_uk:hampshire"))
    assert flags[["month", "kind"]].to_numpy().tolist() == [[pd.Timestamp("2025-08-01"), "group"]]
    assert flags["reason"].iat[0].startswith("Violence and sexual offences 80% of records, usually 4")
    assert "Possession of weapons 5.0% of records" in flags["reason"].iat[0]


@pytest.mark.slow
def test_four_million_records_take_less_than_three_seconds(tmp_path: Path) -> None:
    import time

    import duckdb

    given = {
        "source": "'police_uk'",
        "feed_id": "'police_uk:' || (i % 41)",
        "month": "TIMESTAMP '2019-01-01' + to_months((i // 48000)::INT)",
        "precision": "'snap'",
        "authority_code": "'E' || (i % 331)",
        "offence_group": "'g' || (i % 14)",
        "time_known": "false",
        "easting": "450000.0",
    }
    types = {schema.TEXT: "VARCHAR", schema.NUMBER: "DOUBLE", schema.DAY: "TIMESTAMP", schema.WHOLE: "BIGINT"}
    select = ", ".join(
        f"({given.get(c, 'NULL')})::{types.get(f.type, 'BOOLEAN')} AS {c}" for c, f in schema.INCIDENTS.items()
    )
    file = tmp_path / "police_uk.parquet"
    duckdb.sql(f"COPY (SELECT {select} FROM range(4000000) t(i)) TO '{file.as_posix()}' (FORMAT parquet)")
    held = coverage(months(84), source="police_uk")
    seconds = []
    for _ in range(3):  # the best of three: other work on the machine is not ours
        start = time.perf_counter()
        quality.flags([file], held)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 3
