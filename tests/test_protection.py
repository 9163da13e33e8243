"""What the partner tier may hold: thresholds, rounding, and that no attacker can work a banded count back."""

import itertools

import numpy as np
import pandas as pd
import pytest

from data import protection, protection_audit

QUARTER = [("lad", "quarter")]
YEAR = [("lad", "financial_year")]
APRIL = pd.date_range("2023-04-01", periods=12, freq="MS")  # one financial year
FIRST = APRIL[:3]  # its first quarter alone: the year is then not supplied


def offer(*lines, source="police"):
    """(measure, kind, threshold, grids[, sensitive]) as `thresholds` gives them."""
    rows = [
        (source, measure, kind, threshold, bool(more), f"band{threshold}", "", tuple(grids))
        for measure, kind, threshold, grids, *more in lines
    ]
    names = ["source", "measure", "kind", "threshold", "sensitive", "rule", "words", "grids"]
    return pd.DataFrame(rows, columns=names)


def places(*lads, msoas=()):
    rows = [(lad, "lad", "E23", 100_000) for lad in lads] + [(code, "msoa", lad, 8_000) for code, lad in msoas]
    return pd.DataFrame(rows, columns=["area_code", "area_level", "parent", "population"])


def records(*rows, source="police", **same):
    """(authority_code, month, n[, offence_group]) as the store counts them."""
    frame = pd.DataFrame([(*row, None)[:4] for row in rows], columns=["authority_code", "month", "n", "offence_group"])
    return frame.assign(source=source, month=pd.to_datetime(frame["month"]), **same)


def months_of(dates, source="police"):
    return pd.DataFrame({"source": source, "month": dates})


def protected(counts, areas, offered, dates, **settings):
    supplied = months_of(dates, counts["source"].iloc[0])
    cells, _ = protection.secondary(
        protection.primary(protection.cube(counts, areas, offered, supplied=supplied)), sparse=1
    )
    return protection_audit.audit_and_repair(cells, protection.links(counts, offered), **settings)


def one(table, **wanted):
    """The only row with these values."""
    rows = table[np.logical_and.reduce([table[name].eq(value) for name, value in wanted.items()])]
    assert len(rows) == 1
    return rows.iloc[0]


# --- thresholds and rounding ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "n", "status", "displayed", "lower", "upper"),
    [
        (5, 0, "band", None, 0, 4),  # zero is inside the band
        (5, 4, "band", None, 0, 4),  # one below
        (5, 5, "shown", 5, 5, 7),  # on: 5 may stand for 5, 6, 7, not for 3, 4, which would be banded
        (5, 6, "shown", 5, 5, 7),  # one above
        (5, 7, "shown", 5, 5, 7),
        (5, 8, "shown", 10, 8, 12),
        (8, 7, "band", None, 0, 7),
        (8, 8, "shown", 10, 8, 12),
        (8, 9, "shown", 10, 8, 12),
        (8, 12, "shown", 10, 8, 12),
        (8, 13, "shown", 15, 13, 17),
        (0, 0, "shown", 0, 0, 0),  # published by its owner: as it is
        (0, 3, "shown", 3, 3, 3),
    ],
)
def test_counts_are_banded_below_and_rounded_from_the_threshold(threshold, n, status, displayed, lower, upper):
    row = protection.primary(pd.DataFrame({"n": [float(n)], "threshold": [threshold]})).iloc[0]
    assert (row["status"], row["n_lower"], row["n_upper"]) == (status, lower, upper)
    assert pd.isna(row["n_displayed"]) if displayed is None else row["n_displayed"] == displayed


def test_what_is_not_supplied_is_never_a_number():
    row = protection.primary(pd.DataFrame({"n": [np.nan], "threshold": [5]})).iloc[0]
    assert row["status"] == "not supplied"
    assert row[["n_displayed", "n_lower", "n_upper"]].isna().all()


def test_every_interval_holds_every_count_that_is_displayed_so():
    n = np.arange(0, 500, dtype=float)
    for threshold in (0, 5, 8):
        told = protection.primary(pd.DataFrame({"n": n, "threshold": threshold}))
        assert told["n"].between(told["n_lower"], told["n_upper"]).all()


@pytest.mark.parametrize(
    ("source", "measure", "threshold", "grids"),
    [
        ("police", "violence_with_injury", 5, {("lad", "quarter"), ("msoa", "financial_year")}),
        ("police", "homicide", 5, {("area", "financial_year")}),
        ("police", "rape", 8, {("lad", "financial_year")}),
        ("police", "domestic", 8, {("lad", "financial_year")}),
        ("police", "child_victim", 8, {("lad", "financial_year")}),
        ("police", "hate", 8, {("lad", "financial_year")}),
        ("police", "knife", 8, {("lad", "quarter"), ("msoa", "financial_year")}),
        ("ed_istv", "all", 8, {("lad", "quarter")}),
        ("ambulance", "all", 8, {("lad", "quarter")}),
        ("admissions", "X99", 8, {("lad", "financial_year")}),
        ("police_uk", "all", 0, set()),
    ],
)
def test_the_partner_tier_offers_what_the_table_of_minimums_says(source, measure, threshold, grids):
    row = one(protection.thresholds("partner"), source=source, measure=measure)
    assert row["threshold"] == threshold
    assert set(row["grids"]) == grids
    assert row["words"]


def test_a_tier_that_is_not_named_holds_nothing():
    assert not protection.thresholds("public")["grids"].map(bool).any()


# --- the cube ---------------------------------------------------------------------------------------------------------


def test_margins_are_counted_from_the_records_not_from_what_is_displayed():
    # 6 + 6 + 6 = 18 is displayed as 20 (18..22); the sum of the displayed 5 + 5 + 5 would be 15.
    counts = records(("A", "2023-04-01", 6), ("B", "2023-05-01", 6), ("C", "2023-06-01", 6))
    table, _ = protected(counts, places("A", "B", "C"), offer(("all", "group", 5, QUARTER)), FIRST)
    whole = one(table, area_code="all", period_type="quarter")
    assert (whole["n_displayed"], whole["n_lower"], whole["n_upper"]) == (20, 18, 22)
    assert (
        table.loc[table["area_level"].eq("lad") & table["period_type"].eq("quarter"), "n_displayed"].tolist() == [5] * 3
    )


def test_a_record_without_a_small_area_is_in_the_totals_above_it():
    counts = records(("A", "2023-04-01", 3), ("A", "2023-04-01", 2)).assign(msoa_code=["M1", None])
    offered = offer(("all", "group", 5, [("msoa", "financial_year")]))
    cells = protection.cube(counts, places("A", msoas=[("M1", "A")]), offered, supplied=months_of(APRIL))
    assert cells.set_index("area_code")["n"].to_dict() == {"M1": 3, "A": 5, "all": 5}


def test_a_small_area_of_another_authority_is_not_believed():
    counts = records(("A", "2023-04-01", 3)).assign(msoa_code="M2")
    offered = offer(("all", "group", 5, [("msoa", "financial_year")]))
    areas = places("A", "B", msoas=[("M1", "A"), ("M2", "B")])
    cells = protection.cube(counts, areas, offered, supplied=months_of(APRIL))
    assert cells.set_index("area_code")["n"].to_dict() == {"M1": 0, "M2": 0, "A": 3, "B": 0, "all": 3}


def test_places_where_people_live_and_nothing_happened_are_zero():
    cells = protection.cube(
        records(("A", "2023-04-01", 9)), places("A", "B"), offer(("all", "group", 5, YEAR)), supplied=months_of(APRIL)
    )
    assert one(cells, area_code="B")["n"] == 0


def test_a_place_where_nobody_lives_has_no_cell():
    areas = places("A", "B").assign(population=[100, 0])
    cells = protection.cube(
        records(("A", "2023-04-01", 9)), areas, offer(("all", "group", 5, YEAR)), supplied=months_of(APRIL)
    )
    assert set(cells["area_code"]) == {"A", "all"}


def test_a_period_with_a_missing_month_is_not_supplied_and_never_zero():
    dates = [month for month in APRIL if month != pd.Timestamp("2023-08-01")]
    counts = records(*[("A", month, 20) for month in dates])
    table, _ = protected(counts, places("A"), offer(("all", "group", 5, QUARTER)), dates)
    here = table[table["area_code"].eq("A")]
    gaps = here[here["n"].isna()]
    assert set(zip(gaps["period_type"], gaps["month"].dt.month, strict=True)) == {("quarter", 7), ("financial_year", 4)}
    assert gaps["status"].eq("not supplied").all()
    assert gaps[["n_displayed", "n_lower", "n_upper"]].isna().all(axis=None)


def test_periods_begin_on_their_first_and_end_on_their_last_day():
    cells = protection.cube(
        records(("A", "2024-02-01", 9)), places("A"), offer(("all", "group", 5, QUARTER)), supplied=months_of(APRIL)
    )
    year, winter = (
        one(cells, area_code="A", period_type="financial_year"),
        cells[cells["period_type"].eq("quarter")].iloc[-1],
    )
    assert (year["month"], year["period_end"]) == (pd.Timestamp("2023-04-01"), pd.Timestamp("2024-03-31"))
    assert (winter["month"], winter["period_end"]) == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-03-31"))


def test_a_flag_that_no_record_fills_in_is_left_out_not_shown_as_zero():
    counts = records(("A", "2023-04-01", 9)).assign(knife=None, domestic=True)
    offered = offer(("all", "group", 5, YEAR), ("knife", "flag", 8, YEAR), ("domestic", "flag", 8, YEAR))
    cells = protection.cube(counts, places("A"), offered, supplied=months_of(APRIL))
    assert set(cells["measure"]) == {"all", "domestic"}


def test_groups_are_left_out_where_no_record_has_one():
    offered = offer(("all", "group", 5, YEAR), ("homicide", "group", 5, YEAR))
    cells = protection.cube(records(("A", "2023-04-01", 9)), places("A"), offered, supplied=months_of(APRIL))
    assert set(cells["measure"]) == {"all"}


def test_open_sources_are_not_passed_through_the_bands():
    offered = offer(("all", "group", 0, YEAR), source="police_uk")
    counts = records(("A", "2023-04-01", 1), source="police_uk")
    assert protection.cube(counts, places("A"), offered, supplied=months_of(APRIL, "police_uk")).empty


def admissions_table(*rows):
    """(authority, cause, persons or None for suppressed[, age band])"""
    names = ["authority_code", "icd_group", "persons", "age_band5"]
    frame = pd.DataFrame([(*row, "all")[:4] for row in rows], columns=names)
    frame = frame.assign(period="2023/24", period_type="financial_year", sex="all", imd_decile=pd.NA)
    return frame.assign(suppressed=frame["persons"].isna())


def released(areas, **more):
    table, report = protection.protect(records(("A", "2023-04-01", 1)).iloc[:0], areas, **more)
    assert protection_audit.publishable(report)
    return table, {(row.measure, row.area_code): (row.status, row.n) for row in table.itertuples()}


def test_suppressed_admissions_stay_hidden_and_so_do_their_totals():
    rows = [("A", "X85_Y09", 40), ("B", "X85_Y09", None), ("A", "X99", 11), ("B", "X99", 9)]
    table, told = released(places("A", "B"), admissions=admissions_table(*rows))
    assert told["all", "A"] == ("shown", 40)
    assert told["all", "B"][0] == told["all", "all"][0] == "hidden"
    assert table.loc[table["status"].eq("hidden"), ["n", "n_lower", "n_upper"]].isna().all(axis=None)
    assert told["X99", "A"] == ("shown", 10)
    assert told["X99", "all"] == ("shown", 20)  # 11 + 9


def test_an_authority_without_admissions_in_the_file_is_not_supplied_and_never_zero():
    _, told = released(places("A", "B"), admissions=admissions_table(("A", "X85_Y09", 40)))
    assert told["all", "A"] == ("shown", 40)
    assert told["all", "B"][0] == told["all", "all"][0] == "not supplied"


def test_a_total_over_ages_counts_alone_where_it_stands_beside_its_parts():
    rows = [("A", "X85_Y09", 40, "all"), ("A", "X85_Y09", 31, "20-24"), ("A", "X85_Y09", None, "25-29")]
    rows += [("B", "X85_Y09", 21, "20-24"), ("B", "X85_Y09", 22, "25-29")]  # 43 without a total
    _, told = released(places("A", "B"), admissions=admissions_table(*rows))
    assert (told["all", "A"], told["all", "B"]) == (("shown", 40), ("shown", 45))


def test_admissions_by_month_are_not_added_up_to_people_in_a_year():
    months = admissions_table(("A", "X85_Y09", 40)).assign(period="2023-04", period_type="month")
    table, _ = released(places("A"), admissions=months)
    assert table.empty


# --- secondary --------------------------------------------------------------------------------------------------------


def test_a_level_with_more_than_half_its_cells_in_the_band_is_not_offered():
    counts = records(*[(lad, "2023-04-01", n) for lad, n in zip("ABCD", (4, 4, 9, 9), strict=True)])
    offered = offer(("all", "group", 5, YEAR))
    for third, kept in ((9, True), (4, False)):  # 2 of 4 is half: stays; 3 of 4 goes
        counts.loc[2, "n"] = third
        cells = protection.primary(protection.cube(counts, places(*"ABCD"), offered, supplied=months_of(APRIL)))
        cells, dropped = protection.secondary(cells)
        assert cells.loc[cells["area_level"].eq("lad"), "offered"].all() == kept
        assert cells.loc[cells["area_level"].eq("area"), "offered"].all()
        assert dropped["share"].tolist() == ([] if kept else [0.75])


def test_a_sensitive_kind_that_makes_up_nearly_all_of_a_total_is_hidden():
    # A: 33 of 40 domestic leaves 7 others, fewer than 8; B: 32 of 40 leaves 8.
    counts = pd.concat(
        [
            records(("A", "2023-04-01", 33), ("B", "2023-04-01", 32)).assign(domestic=True),
            records(("A", "2023-04-01", 7), ("B", "2023-04-01", 8)).assign(domestic=False),
        ]
    )
    offered = offer(("all", "group", 5, YEAR), ("domestic", "flag", 8, YEAR, True))
    cells = protection.primary(protection.cube(counts, places("A", "B"), offered, supplied=months_of(APRIL)))
    cells, _ = protection.secondary(cells)
    status = cells[cells["measure"].eq("domestic")].set_index("area_code")["status"]
    assert status.to_dict() == {"A": "hidden", "B": "shown", "all": "shown"}


# --- audit and repair -------------------------------------------------------------------------------------------------


def test_a_count_that_its_sibling_and_total_give_away_is_repaired():
    # A = 7 is displayed 5 (5..7), B = 4 is banded (0..4), the total 11 is displayed 10 (8..12): B >= 8 - 7 = 1, so it
    # is not zero. Hiding A frees B, but then A >= 8 - 4 = 4; hiding B too leaves both anywhere from 0 to 12.
    counts = records(("A", "2023-04-01", 7), ("B", "2023-04-01", 4))
    table, report = protected(counts, places("A", "B"), offer(("all", "group", 5, QUARTER)), FIRST)
    status = table[table["period_type"].eq("quarter")].set_index("area_code")["status"]
    assert status.to_dict() == {"A": "hidden", "B": "hidden", "all": "shown"}
    assert (report["repairs"], report["not_safe"]) == (2, 0)
    assert 5 <= report["minimum_width"] <= 13
    assert protection_audit.publishable(report)


def test_a_count_that_a_low_total_limits_is_repaired():
    # A = 5 is displayed 5 (5..7), B = 0 is banded (0..4), the total 5 is displayed 5 (5..7): B <= 7 - 5 = 2, three
    # values.
    counts = records(("A", "2023-04-01", 5))
    table, report = protected(counts, places("A", "B"), offer(("all", "group", 5, QUARTER)), FIRST)
    assert one(table, area_code="A", period_type="quarter")["status"] == "hidden"
    assert report["repairs"] >= 1
    assert protection_audit.publishable(report)


def test_nothing_is_hidden_where_nothing_can_be_worked_back():
    # A = 10 (8..12), B = 2 (0..4), total 12 (8..12): B may be 0 (8 + 0) and 4 (8 + 4 = 12).
    counts = records(("A", "2023-04-01", 10), ("B", "2023-04-01", 2))
    table, report = protected(counts, places("A", "B"), offer(("all", "group", 5, QUARTER)), FIRST)
    status = table[table["period_type"].eq("quarter")].set_index("area_code")["status"]
    assert status.to_dict() == {"A": "shown", "B": "band", "all": "shown"}
    assert report["repairs"] == 0


def test_what_is_least_missed_is_hidden_and_what_was_hidden_before_goes_first():
    # A = C = 7 are displayed 5 (5..7), the total 18 is displayed 20 (18..22): B >= 18 - 7 - 7 = 4. A and C are alike
    # but for the number of people who live there.
    counts = records(("A", "2023-04-01", 7), ("B", "2023-04-01", 4), ("C", "2023-04-01", 7))
    areas = places("A", "B", "C").assign(population=[100, 100, 90])
    offered = offer(("all", "group", 5, QUARTER))
    table, _ = protected(counts, areas, offered, FIRST)
    assert one(table, area_code="C", period_type="quarter")["status"] == "hidden"
    before = table.assign(status=np.where(table["area_code"].eq("A"), "hidden", "shown"))
    again, _ = protected(counts, areas, offered, FIRST, previous=before)
    assert one(again, area_code="A", period_type="quarter")["status"] == "hidden"


def test_a_breakdown_that_needs_too_many_repairs_is_left_out_at_that_level():
    counts = records(("A", "2023-04-01", 7), ("B", "2023-04-01", 4))
    offered = offer(("all", "group", 5, QUARTER))
    table, report = protected(counts, places("A", "B"), offered, FIRST, most_repairs=1)
    assert not table.loc[table["area_level"].eq("lad") & table["period_type"].eq("quarter"), "offered"].any()
    assert table.loc[table["area_level"].eq("area"), "offered"].all()
    left_out = {"source": "police", "measure": "all", "area_level": "lad", "period_type": "quarter"}
    assert report["left_out"] == [{**left_out, "reason": "too many repairs"}]
    assert protection_audit.publishable(report)


def test_a_kind_that_is_not_offered_cannot_be_shown_to_have_happened():
    # All 11 is displayed 10 (8..12), assaults 7 as 5 (5..7): the one kind left, not offered, would be at least 8 - 7.
    counts = records(("A", "2023-04-01", 7, "assault"), ("A", "2023-04-01", 4, "rape"))
    offered = offer(
        ("all", "group", 5, QUARTER),
        ("assault", "group", 5, QUARTER),
        ("rape", "group", 8, [("area", "financial_year")]),
    )
    table, report = protected(counts, places("A"), offered, FIRST)
    here = table[table["period_type"].eq("quarter") & table["offered"]]
    assert report["repairs"] > 0
    for level in ("lad", "area"):
        row = here[here["area_level"].eq(level)].set_index("measure")
        lower = row["n_lower"].where(row["status"].ne("hidden"), 0)
        upper = row["n_upper"].where(row["status"].ne("hidden"), np.inf)
        assert lower["all"] - upper["assault"] < 1


def test_records_without_a_small_area_or_a_kind_give_nothing_away():
    # A has 3 records of which 1 has no neighbourhood; B has 50, and its only robbery has none, and 2 are of no kind.
    # Who knows how many lack a place does not know which, nor of what kind they are.
    rows = [("A", "2023-04-01", 2, "assault"), ("B", "2023-04-01", 47, "assault"), ("B", "2023-04-01", 2)]
    nowhere = [("A", "2023-04-01", 1, "assault"), ("B", "2023-04-01", 1, "robbery")]
    counts = pd.concat([records(*rows).assign(msoa_code=["M1", "M2", "M2"]), records(*nowhere).assign(msoa_code=None)])
    grids = [("msoa", "financial_year")]
    offered = offer(*[(name, "group", 5, grids) for name in ("all", "assault", "robbery")])
    table, report = protected(counts, places("A", "B", msoas=[("M1", "A"), ("M2", "B")]), offered, APRIL)
    assert protection_audit.publishable(report)
    assert one(table, area_code="B", measure="robbery")["status"] in ("band", "hidden")
    assert table["status"].eq("shown").any()


def test_only_a_table_that_agrees_with_every_sum_and_interval_counts_as_proof():
    # One whole, 6 (5..7), of two parts, 2 and 4 (0..4): (7, 3, 4) agrees; (6, 3, 4) does not add up; (8, 4, 4) is
    # outside its interval; (6.5, 2.5, 4) is not whole.
    from scipy import sparse

    def system():
        sums, truth = sparse.csc_array(np.array([[1.0, -1.0, -1.0]])), np.array([6.0, 2.0, 4.0])
        small = np.array([False, True, True])
        return protection_audit.System(
            sums, np.arange(3), truth, np.array([5.0, 0, 0]), np.array([7.0, 4, 4]), small, small, 5
        )

    for counts, high in (((7, 3, 4), 3), ((6, 3, 4), 2), ((8, 4, 4), 2), ((6.5, 2.5, 4), 2)):
        tried = system()
        tried.accept(np.array(counts, dtype=float))
        assert tried.high[1] == high
    tried = system()
    tried.accept(None)  # no table found
    assert tried.weak().tolist() == [False, True, True]


def test_an_audit_with_anything_left_over_is_not_publishable():
    good = {"not_safe": 0, "outside": 0, "minimum_width": 5, "narrowest": 5}
    assert protection_audit.publishable(good)
    assert protection_audit.publishable({**good, "minimum_width": None})  # nothing had to be kept back
    for fault in ({"not_safe": 1}, {"outside": 1}, {"minimum_width": 4}):
        assert not protection_audit.publishable({**good, **fault})


# --- an attacker who tries every table --------------------------------------------------------------------------------


def interval(row, most):
    """What the reader of the release knows of a count; `most` is more than any count can be."""
    if not row["offered"] or row["status"] == "hidden":
        return 0, most
    return int(row["n_lower"]), int(row["n_upper"])


def grid(intervals):
    """Every vector of whole numbers within the intervals."""
    return np.array(list(itertools.product(*[range(low, high + 1) for low, high in intervals])))


def within(vectors, intervals):
    low, high = np.array(intervals).T
    return ((vectors >= low) & (vectors <= high)).all(axis=1)


def worked_back(table, measures, vectors):
    """Least and greatest value of every count over all tables of two authorities that agree, by trying them all.

    vectors : given what is known of one authority's counts (one interval per measure), every vector of them.
    """
    most = int(2 * table["n"].max() + 10)
    told = {(r["area_code"], r["measure"]): interval(r, most) for _, r in table.iterrows()}
    known = {place: [told[place, measure] for measure in measures] for place in ("A", "B", "all")}
    limit = [min(high, most) for _, high in known["all"]]  # no authority has more than the whole
    a, b = (vectors([(low, min(high, top)) for (low, high), top in zip(known[p], limit, strict=True)]) for p in "AB")
    a, b = a[within(a, known["A"])], b[within(b, known["B"])]
    first, second = (index.ravel() for index in np.meshgrid(np.arange(len(a)), np.arange(len(b))))
    fits = within(a[first] + b[second], known["all"])
    found = {"A": a[first][fits], "B": b[second][fits], "all": (a[first] + b[second])[fits]}
    return {(p, m): (v[:, i].min(), v[:, i].max()) for p, v in found.items() for i, m in enumerate(measures)}


def check(row, least, greatest):
    """A count that is kept back may not be shown to be more than 0, nor be left with fewer than five values."""
    assert least <= row["n"] <= greatest
    if row["offered"] and row["status"] in ("band", "hidden"):
        assert (least, greatest >= 4) == (0, True)
    elif not row["offered"] and row["n"] < row["threshold"]:
        assert least == 0


def some_counts(rng, size):
    """Small counts, most of them around a threshold of 5."""
    return rng.choice([0, 1, 3, 4, 4, 5, 6, 7, 8], size=size)


def supplied_only(table):
    return table[table["status"].ne("not supplied")]


@pytest.mark.parametrize("seed", range(16))
def test_no_attacker_pins_a_count_between_places_and_kinds(seed):
    n = some_counts(np.random.default_rng(seed), (2, 2))
    counts = records(*[(lad, "2023-04-01", n[i, j], kind) for i, lad in enumerate("AB") for j, kind in enumerate("gh")])
    second = QUARTER if seed % 2 else [("area", "quarter")]  # every other time offered for the whole area only
    offered = offer(("all", "group", 5, QUARTER), ("g", "group", 5, QUARTER), ("h", "group", 5, second))
    table, report = protected(counts, places("A", "B"), offered, FIRST)

    def vectors(known):
        kinds = grid(known[:2])
        return np.column_stack([kinds, kinds.sum(axis=1)])

    ends = worked_back(supplied_only(table), ["g", "h", "all"], vectors)
    for _, row in supplied_only(table).iterrows():
        check(row, *ends[row["area_code"], row["measure"]])
    assert protection_audit.publishable(report)


@pytest.mark.parametrize("seed", range(9))
def test_no_attacker_pins_a_count_between_kinds_and_a_flag(seed):
    # Kind h lies wholly inside the flag, kind g partly: flag = h + g's flagged part, all = g + h.
    rng = np.random.default_rng(seed)
    n = rng.choice([0, 1, 2, 4, 5], size=(2, 3))
    n[0, 2], n[1, 2] = 1, 1  # g lies partly in the flag, or the sums were others
    rows = [(lad, "2023-04-01", n[i, j], kind) for i, lad in enumerate("AB") for j, kind in enumerate("ghg")]
    counts = records(*rows).assign(flag=[False, True, True] * 2)
    names = ("all", "g", "h")
    offered = offer(*[(name, "group", 5, QUARTER) for name in names], ("flag", "flag", 5, QUARTER))
    table, report = protected(counts, places("A", "B"), offered, FIRST)

    def vectors(known):
        kinds = grid(known[:2])
        kinds = kinds[kinds.sum(axis=1) <= known[3][1]]
        part = np.array([(g, h, h + part, g + h) for g, h in kinds for part in range(g + 1)])
        return part[within(part, known)]

    ends = worked_back(supplied_only(table), ["g", "h", "flag", "all"], vectors)
    for _, row in supplied_only(table).iterrows():
        check(row, *ends[row["area_code"], row["measure"]])
    assert protection_audit.publishable(report)


def sums_of(pairs, size):
    """Which (A, B) can be reached by adding one pair from each set; sets are 0/1 squares."""
    from scipy.signal import convolve2d

    reached = np.zeros((size, size))
    reached[0, 0] = 1
    for square in pairs:
        reached = (convolve2d(reached, square)[:size, :size] > 0).astype(float)
    return reached > 0


@pytest.mark.parametrize("seed", range(9))
def test_no_attacker_pins_a_count_between_places_and_quarters(seed):
    from scipy.signal import correlate2d

    # Tries every whole table of two authorities and four quarters, one quarter at a time: a pair of counts is possible
    # in a quarter when some sum of the other three, made of possible pairs, leads to years that agree.
    n = some_counts(np.random.default_rng(seed), (2, 4))
    starts = APRIL[::3]
    counts = records(*[(lad, start, n[i, j]) for i, lad in enumerate("AB") for j, start in enumerate(starts)])
    table, report = protected(counts, places("A", "B"), offer(("all", "group", 5, QUARTER)), APRIL)
    size = int(table["n"].max()) + 15
    a, b = np.indices((size, size))

    def agree(period, month):
        square = np.ones((size, size), dtype=bool)
        for place, value in (("A", a), ("B", b), ("all", a + b)):
            low, high = interval(one(table, area_code=place, period_type=period, month=month), 2 * size)
            square &= (value >= low) & (value <= high)
        return square

    quarters, years = [agree("quarter", start) for start in starts], agree("financial_year", starts[0])
    possible = {("financial_year", starts[0]): sums_of(quarters, size) & years}
    for i, start in enumerate(starts):
        others = sums_of(quarters[:i] + quarters[i + 1 :], size).astype(float)
        ways = correlate2d(years.astype(float), others)[
            size - 1 :, size - 1 :
        ]  # sums of the others that lead to a year
        possible["quarter", start] = quarters[i] & (ways > 0.5)
    for _, row in table.iterrows():
        here = possible[row["period_type"], row["month"]]
        values = {"A": a, "B": b, "all": a + b}[row["area_code"]][here]
        check(row, values.min(), values.max())
    assert protection_audit.publishable(report)


def test_the_attack_does_work_where_nothing_was_repaired():
    # The same attacker on the bands alone: it finds counts that are not safe, or the tests above could not fail.
    beaten = []
    for a, b in ((7, 4), (5, 0), (6, 4)):
        counts = records(("A", "2023-04-01", a), ("B", "2023-04-01", b))
        cells = protection.cube(
            counts, places("A", "B"), offer(("all", "group", 5, QUARTER)), supplied=months_of(FIRST)
        )
        least, greatest = worked_back(supplied_only(protection.primary(cells)), ["all"], grid)["B", "all"]
        beaten.append(least >= 1 or greatest < 4)
    assert beaten == [True, True, True]


# --- the whole way ----------------------------------------------------------------------------------------------------


def partnership(rng, *, lads=4, msoas=5, months=24, a_month=150):
    """An invented county: incidents thrown at random over places, months, kinds and flags."""
    codes = [f"L{i}" for i in range(lads)]
    small = [(f"M{i}{j}", lad) for i, lad in enumerate(codes) for j in range(msoas)]
    size = a_month * months
    kinds = ["violence_with_injury", "violence_without_injury", "robbery_personal", "rape", "homicide", "public_order"]
    at = rng.choice(len(small), size, p=rng.dirichlet(np.full(len(small), 1.5)))
    frame = pd.DataFrame(
        {
            "source": "police",
            "offence_group": rng.choice(kinds, size, p=[0.35, 0.4, 0.08, 0.05, 0.005, 0.115]),
            "authority_code": np.array([lad for _, lad in small])[at],
            "msoa_code": np.array([code for code, _ in small], dtype=object)[at],
            "month": pd.date_range("2022-04-01", periods=months, freq="MS").to_numpy()[rng.integers(0, months, size)],
            "domestic": rng.random(size) < 0.2,
        }
    )
    frame["knife"] = frame["offence_group"].isin(["violence_with_injury", "robbery_personal"]) & (
        rng.random(size) < 0.2
    )
    frame.loc[rng.random(size) < 0.03, "msoa_code"] = None
    counts = frame.groupby(list(frame.columns), dropna=False).size().rename("n").reset_index()
    return counts, places(*codes, msoas=small)


@pytest.fixture(scope="module")
def release():
    return protection.protect(*partnership(np.random.default_rng(1)))


def test_the_release_holds_no_true_small_count_in_any_column(release):
    table, report = release
    assert list(table.columns) == protection.RELEASED
    shown = table["status"].eq("shown")
    assert table.loc[~shown, "n"].isna().all()
    assert (table.loc[shown, "n"] % 5 == 0).all()
    assert (table.loc[shown, "n"] >= 5).all()
    bands = table[table["status"].eq("band")]
    assert bands["n_lower"].eq(0).all()
    assert (bands["n_upper"] + 1).eq(bands["rule"].str.removeprefix("band").astype(int)).all()
    assert table.loc[table["status"].eq("hidden"), ["n_lower", "n_upper"]].isna().all(axis=None)
    assert shown.any() and len(bands)
    assert protection_audit.publishable(report)


def test_the_release_holds_only_the_tables_it_offers(release):
    table, report = release
    grids = table.groupby("measure")[["area_level", "period_type"]].apply(lambda t: set(map(tuple, t.to_numpy())))
    assert grids["homicide"] == {("area", "financial_year")}
    assert grids["rape"] <= {("area", "financial_year"), ("lad", "financial_year")}
    assert ("msoa", "quarter") not in grids["all"]
    assert {"left_out", "repairs", "minimum_width"} <= set(report)


def test_the_release_is_the_same_every_time_and_whatever_the_order_of_the_records():
    counts, areas = partnership(np.random.default_rng(2), months=12)
    before = counts.copy()
    table, report = protection.protect(counts, areas)
    pd.testing.assert_frame_equal(counts, before)
    again, second = protection.protect(counts.sample(frac=1, random_state=0), areas)
    pd.testing.assert_frame_equal(table, again)
    assert report == second


def test_nothing_supplied_gives_an_empty_release():
    counts, areas = partnership(np.random.default_rng(2), months=3)
    table, report = protection.protect(counts.iloc[:0], areas)
    assert table.empty and list(table.columns) == protection.RELEASED
    assert protection_audit.publishable(report)


def test_an_attacker_with_linear_programmes_finds_no_more_than_the_audit_allows():
    # An attacker of our own, written from the release alone: one variable per released or offered-elsewhere count, sums
    # over places, quarters and kinds as equations (as inequalities where the release leaves parts out).
    from scipy.optimize import linprog

    counts, areas = partnership(np.random.default_rng(5), months=12, a_month=90)
    counts = counts[counts["msoa_code"].notna()]
    table, report = protection.protect(counts, areas)
    assert report["repairs"] > 0
    cells = list(table[["measure", "area_code", "period_type", "month"]].itertuples(index=False, name=None))
    at = {cell: i for i, cell in enumerate(cells)}
    parent = dict(zip(table["area_code"], table["parent"], strict=True))
    known = table["status"].isin(["shown", "band"])
    lower = np.where(known, table["n_lower"].fillna(0).astype(float), 0)
    upper = np.where(known, table["n_upper"].fillna(0).astype(float), np.inf)
    equal, most = [], []
    for whole in cells:
        measure, area, period, month = whole
        below = [c for c in cells if (c[0], c[2], c[3]) == (measure, period, month) and parent[c[1]] == area]
        if below:
            equal.append((whole, below))
        if period == "financial_year":
            quarters = [c for c in cells if c[:3] == (measure, area, "quarter")]
            if quarters:
                equal.append((whole, quarters))
        if measure == "all":
            kinds = [c for c in cells if c[1:] == whole[1:] and c[0] not in ("all", "knife", "domestic")]
            most.append((whole, kinds))
            most += [(whole, [("knife", *whole[1:])])] if ("knife", *whole[1:]) in at else []

    def matrix(sums):
        rows = np.zeros((len(sums), len(cells)))
        for i, (whole, parts) in enumerate(sums):
            rows[i, at[whole]] = -1
            rows[i, [at[part] for part in parts]] = 1
        return rows

    a_eq, a_ub, bounds = matrix(equal), matrix(most), np.column_stack([lower, upper])
    kept_back = np.flatnonzero(table["status"].isin(["band", "hidden"]))
    assert len(kept_back) > 20
    for i in kept_back:
        for sign in (1, -1):
            cost = np.zeros(len(cells))
            cost[i] = sign
            found = linprog(
                cost, A_ub=a_ub, b_ub=np.zeros(len(most)), A_eq=a_eq, b_eq=np.zeros(len(equal)), bounds=bounds
            )
            assert found.status in (0, 3)  # solved, or without end
            assert found.status == 3 or (found.fun < 1e-6 if sign > 0 else -found.fun > 4 - 1e-6)
