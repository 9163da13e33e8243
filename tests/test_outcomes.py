"""The outcomes framework: every line of the logic model, and numbers that agree with a second way to count.

The records by hand, in the small invented area of conftest: a police extract of April 2023 to March 2024 and of May
2024 (April 2024 was not supplied), one assault without a knife a month, and besides:
    April 2023  with a knife: two assaults, a rape, a homicide, a common assault, possession; a robbery of which no
                one says
    May 2023    the one assault does not say
    homicides   April 2023 not domestic, September domestic, December unknown, March 2024 not domestic; May 2024 one
Admissions for a sharp object: Westmarch 10, withheld, 15; Eastmarch 0, 0, 10 in 2021/22, 2022/23, 2023/24.
"""

import csv
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import EAST, EXTRACT, ROOT, WEST, record, text_file

from answers import outcomes
from data import definitions, ingest, publish, store
from data.definitions.outcomes import Measure, framework
from data.store import NotHeld, Scope

LOGIC_MODEL = Path(__file__).parents[2] / "shared" / "logic-model.txt"
SECTIONS = {  # heading of the logic model, and the stage of what stands under it
    "Inputs": "input",
    "Activities": "activity",
    "Outputs": "output",
    "Outcomes (Medium-term)": "medium_outcome",
    "Impacts (Long-term)": "impact",
    "Rationale": "",
}
# The offences that police may flag as knife-enabled: homicide, attempted murder, assault with injury and with intent,
# robbery, threats to kill, rape, sexual assault (gov.uk, Knife-enabled crime proxy note, April 2026). Not possession.
FLAGGABLE = {"homicide", "attempted_murder", "violence_with_injury", "robbery_personal", "robbery_business"}
FLAGGABLE |= {"threats_to_kill", "rape", "sexual_other"}
KNIFE, SERIOUS, KILLED, ADMITTED, SHARING = (
    "knife_crime",
    "local_serious_violence",
    "non_domestic_homicides",
    "knife_admissions",
    "partners_sharing",
)
UNASKED = ("informed", "heard")  # questions that the invented surveys do not ask
TIERS = ("restricted", "partner", "public")
SOUTHAMPTON = "E06000045"
RECORDING_CHANGE = pd.Timestamp("2022-04-01")  # planted.toml: a quarter more violence without injury from then on


def on(day: str, number: int, **more: object) -> str:
    return record(f"{day}-{number}", when=f"{day} 14:00", recorded=day, **more)


SAID = [
    f"{m:%Y-%m}-03"
    for m in pd.date_range("2023-04", "2024-05", freq="MS")
    if f"{m:%Y-%m}" not in ("2023-05", "2024-04")
]
POLICE = [
    *[on(day, 1) for day in SAID],
    on("2023-05-03", 1, knife=""),
    on("2023-04-10", 1, knife="Y"),
    on("2023-04-10", 2, knife="Y"),
    on("2023-04-10", 3, knife="Y", code="19C"),
    on("2023-04-10", 4, knife="Y", code="1"),
    on("2023-04-10", 5, knife="Y", code="105A"),
    on("2023-04-10", 6, knife="Y", code="10D"),
    on("2023-04-10", 7, knife="", code="34B"),
    on("2023-09-10", 1, code="4/1", domestic="Y"),
    on("2023-12-10", 1, code="1", domestic=""),
    on("2024-03-10", 1, code="1"),
    on("2024-05-10", 1, code="1"),
]
YEARS = ("2021/22", "2022/23", "2023/24")
ADMISSIONS = ["AuthorityCode,Period,AgeBand,Sex,ICD10,Episodes,Persons,IMDDecile"]
ADMISSIONS += [f"{WEST},{y},All,All,X99,{n},{n}," for y, n in zip(YEARS, ("10", "*", "15"), strict=True)]
ADMISSIONS += [f"{EAST},{y},All,All,X99,{n},{n}," for y, n in zip(YEARS, ("0", "0", "10"), strict=True)]
ADMISSIONS += [f"{WEST},2020/21,All,All,X99,10,10,"]  # Eastmarch gave no row for the year


@pytest.fixture(scope="module")
def by_hand(tiny_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with the records above."""
    home = tmp_path_factory.mktemp("outcomes")
    shutil.copytree(tiny_template / "data", home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        ingest.ingest("police_extract", [text_file(home / "police.csv", [EXTRACT, *POLICE])])
        ingest.ingest("admissions", [text_file(home / "admissions.csv", ADMISSIONS)])
    return home / "data"


@pytest.fixture
def few(by_hand: Path, tiny_template: Path, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """All of the records above, for a named analyst."""
    monkeypatch.setenv("EXPLORER_DATA", str(by_hand))
    monkeypatch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
    return Scope("restricted", publish.current().name)


@pytest.fixture
def invented(on_demo: Path) -> Scope:
    """All of the invented partnership, for a named analyst."""
    return Scope("restricted", publish.current(on_demo).name)


@pytest.fixture
def police(on_demo: Path) -> pd.DataFrame:
    """Every police record of the invented partnership, read past the store."""
    return pd.read_parquet(publish.current(on_demo) / "restricted" / "incidents" / "police.parquet")


def standing(scope: Scope, measure: Measure | str) -> pd.Series:
    return pd.Series(outcomes.standing(scope, framework()[measure] if isinstance(measure, str) else measure))


def by_period(rows: pd.DataFrame, column: str) -> dict[str, float | None]:
    values = [None if pd.isna(v) else float(v) for v in rows[column]]
    return dict(zip(rows["period"], values, strict=True))


# --------------------------------------------------------------------------------------------------------- the file


def lines_of_the_logic_model() -> list[tuple[str, str]]:
    """Every element in its words, with the stage it stands under; headings are left out."""
    found, stage, unmarked = [], "", False
    for line in filter(None, map(str.strip, LOGIC_MODEL.read_text(encoding="utf-8").splitlines())):
        if line in SECTIONS:
            stage = SECTIONS[line]
        elif line in ("VRP model", "Resources"):
            unmarked = line == "VRP model"  # its four lines stand without a dash
        elif stage and (line.startswith("-") or unmarked) and not line.endswith("working:"):
            found.append((line.removeprefix("-").strip(), stage))
    return found


def test_every_line_of_the_logic_model_is_one_measure_in_its_own_words_and_nothing_else_is() -> None:
    if not LOGIC_MODEL.exists():
        pytest.skip("../shared is not here")
    assert [(m.words, m.stage) for m in framework().values()] == lines_of_the_logic_model()


def test_no_target_is_invented_and_stated_numbers_are_those_of_the_logic_model() -> None:
    stated = {m.words: m.stated for m in framework().values() if m.kind == "stated"}
    assert not [m.measure_id for m in framework().values() if m.target is not None]
    for words, number in stated.items():
        assert f"£{number:,}" in words or (number == 9 and "nine" in words)
    assert len(stated) == 4


def test_every_measure_is_defined_owned_and_says_what_would_fill_it() -> None:
    kinds = {"stated", "monthly_count", "three_year_rate", "yearly_count", "register", "survey", "none"}
    for m in framework().values():
        assert m.label and m.objective and m.owner, m.measure_id
        for text in (m.definition, m.needs, m.caveats or ".", m.protected_note or "."):
            assert text.endswith("."), m.measure_id
        assert m.kind in kinds and m.direction in ("decrease", "increase", "neutral")
        assert bool(m.source) == (m.kind in ("monthly_count", "three_year_rate", "yearly_count"))
        assert m.unit or not m.fillable, m.measure_id
    assert len({m.label for m in framework().values()}) == len(framework())


def test_what_measures_refer_to_exists() -> None:
    with (definitions.HERE / "disclosure.toml").open("rb") as file:
        offered = {(o["source"], name) for o in tomllib.load(file)["offer"] for name in o["measures"]}
    changes = {event.date for event in definitions.events() if event.rebase}
    for m in framework().values():
        assert set(m.groups) <= set(definitions.offence_groups())
        assert not m.source or m.source in definitions.sources()
        assert not m.flag or definitions.columns()[m.flag].type == "boolean"
        assert not m.cause or m.cause in definitions.columns()["icd_group"].values
        assert not m.protected or (m.source, m.protected) in offered
        assert set(m.unmoved_by) <= changes, m.measure_id


def test_knife_enabled_violence_is_of_the_offences_that_may_be_flagged_and_never_possession() -> None:
    assert set(framework()[KNIFE].groups) == FLAGGABLE
    moved = {"violence_without_injury", "stalking_harassment"}  # what the recording changes in events.toml are about
    serious = {key for key, group in definitions.offence_groups().items() if group.sv_local}
    assert not moved & (FLAGGABLE | serious)  # so limits of these measures need not begin anew there


# ---------------------------------------------------------------------------------------------------- records by hand


def test_knife_records_are_counted_by_month_and_unknown_markers_apart(few: Scope) -> None:
    rows = outcomes.series(few, KNIFE)
    # April: two assaults and the rape; not the homicide, the common assault or possession. May says nothing.
    assert by_period(rows, "n") == {
        "2023-04": 3,
        "2023-05": None,
        **{f"{m:%Y-%m}": 0 for m in pd.date_range("2023-06", "2024-03", freq="MS")},
        "2024-04": None,
        "2024-05": 0,
    }
    assert by_period(rows, "n_unknown")["2023-04"] == 1  # the robbery
    assert rows.loc[rows["n"].isna(), "status"].tolist() == ["not supplied"] * 2
    assert standing(few, KNIFE)["variation"] == "too few to chart"
    assert rows.attrs["why"].startswith("3 events in 12 months, fewer than 5 on average")


def test_serious_violence_is_counted_by_its_column_without_homicide(few: Scope) -> None:
    found = by_period(outcomes.series(few, SERIOUS), "n")
    assert found["2023-04"] == 5  # three assaults, the rape, the robbery; not the common assault, nor possession
    assert found["2023-05"] == 1 and found["2023-09"] == 1 and found["2024-04"] is None


def test_homicides_are_told_by_whole_years_with_their_interval(few: Scope) -> None:
    rows = outcomes.series(few, KILLED)
    assert by_period(rows, "n") == {"2023/24": 2} and rows["n_unknown"].tolist() == [1]
    # Exact Poisson limits (Pearson & Hartley, Biometrika Tables I, table 40): of 2 from 0.242, of 3 up to 8.77
    assert rows[["lower", "upper"]].iloc[0].tolist() == pytest.approx([0.2422, 8.7673], abs=5e-5)
    assert rows["month"].dt.month.tolist() == [4] and rows["end"].dt.month.tolist() == [3]


@pytest.mark.parametrize("end", ["2024-02-01", "2023-12-01"])
def test_a_year_that_has_not_ended_tells_no_homicide(few: Scope, end: str) -> None:
    with pytest.raises(NotHeld, match="whole financial years"):
        outcomes.series(few.but(end=pd.Timestamp(end)), KILLED)


def test_homicides_are_never_told_of_one_authority(few: Scope) -> None:
    assert "whole area" in standing(few.but(area=WEST), KILLED)["reason"]
    with pytest.raises(NotHeld, match="whole area"):
        outcomes.series(few.but(area=WEST), KILLED)


def byar(n: float, z: float) -> float:
    """Breslow & Day (1987), Statistical Methods in Cancer Research II, 69; z = -1.96 for the lower limit."""
    m = n + (z > 0)
    return m * (1 - 1 / (9 * m) + z / (3 * np.sqrt(m))) ** 3


def test_admissions_are_pooled_and_a_withheld_number_is_one_to_seven(few: Scope) -> None:
    whole = outcomes.series(few, ADMITTED).iloc[-1]
    # 10 + 15 + 0 + 0 + 10 = 35 and one withheld, 36 to 42, over three years of 2,100 residents (Census of conftest)
    assert (whole["period"], whole["n_lower"], whole["n_upper"]) == ("2021/22-2023/24", 36, 42)
    assert pd.isna(whole["value"]) and whole["status"] == "hidden"
    limits = [byar(36, -1.959964) / 6_300 * 1e5, byar(42, 1.959964) / 6_300 * 1e5]
    assert whole[["lower", "upper"]].tolist() == pytest.approx(limits, rel=1e-6)
    east = outcomes.series(few.but(area=EAST), ADMITTED).iloc[-1]
    assert east["value"] == pytest.approx(10 / 3_300 * 1e5)  # 500 + 600 residents
    assert east["lower"] == pytest.approx(byar(10, -1.959964) / 3_300 * 1e5, rel=1e-6)
    assert standing(few.but(area=EAST), ADMITTED)["data_confidence"] == "whole"


def test_a_year_without_a_row_of_every_authority_is_not_supplied(few: Scope) -> None:
    rows = outcomes.series(few, ADMITTED)
    assert rows["status"].tolist() == ["not supplied", "hidden"]  # 2020/21 has Westmarch alone
    assert rows.loc[0, ["value", "lower", "upper", "n_lower"]].isna().all()
    west = outcomes.series(few.but(area=WEST), ADMITTED)
    assert west["n_lower"].tolist() == [21, 26]  # 10 + 10 + 1 and 10 + 1 + 15


def test_admissions_of_years_that_end_later_than_asked_are_not_told(few: Scope) -> None:
    rows = outcomes.series(few.but(end=pd.Timestamp("2024-02-01")), ADMITTED)
    assert rows["period"].tolist() == ["2020/21-2022/23"]
    for end, words in (("2023-02-01", "Fewer than three"), ("2021-02-01", "this cause and period")):
        with pytest.raises(NotHeld, match=words):
            outcomes.series(few.but(end=pd.Timestamp(end)), ADMITTED)


def test_sources_that_share_are_counted_by_month(few: Scope) -> None:
    found = by_period(outcomes.series(few, SHARING), "n")
    assert found["2024-03"] == 1 and found["2024-04"] == 0 and found["2024-05"] == 1


@pytest.mark.parametrize("tier", TIERS)
def test_an_empty_snapshot_tells_what_the_logic_model_states_and_what_is_needed(tiny: Path, tier: str) -> None:
    found = outcomes.measures(Scope(tier, publish.current().name))
    assert set(found.loc[found["value"].notna(), "unit"]) == {"£", "kinds of authority"}
    fillable = {m.measure_id for m in framework().values() if m.fillable and m.kind != "stated"}
    assert set(found.loc[found["reason"].ne(""), "measure_id"]) == fillable
    assert found.loc[found["value"].isna(), "needs"].str.len().min() > 10


# ------------------------------------------------------------------------------------------- the invented partnership


def test_knife_counts_agree_with_a_second_way_to_count(invented: Scope, police: pd.DataFrame) -> None:
    ours = police[police["offence_group"].isin(FLAGGABLE - {"homicide"})]
    months = ours["month"].rename("month")
    knife, unknown = ours["knife"].eq(True), ours["knife"].isna()
    rows = outcomes.series(invented, KNIFE).set_index("month")
    assert len(rows) == 84
    assert rows["n"].tolist() == knife.groupby(months).sum().tolist()
    assert rows["n_unknown"].tolist() == unknown.groupby(months).sum().tolist()
    here = ours["authority_code"].eq(SOUTHAMPTON)
    there = outcomes.series(invented.but(area=SOUTHAMPTON), KNIFE)
    assert there["n"].tolist() == (knife & here).groupby(months).sum().tolist()


def test_serious_violence_and_homicides_agree_with_a_second_way_to_count(invented: Scope, police: pd.DataFrame) -> None:
    with (ROOT / "data" / "definitions" / "offence_groups.csv").open(encoding="utf-8", newline="") as file:
        serious = {r["group"] for r in csv.DictReader(file) if r["sv_local"] == "1"} - {"homicide"}
    ours = police[police["offence_group"].isin(serious)]
    assert outcomes.series(invented, SERIOUS)["n"].tolist() == ours.groupby("month").size().tolist()
    killed = police[police["offence_group"].eq("homicide") & police["domestic"].eq(False)]
    years = killed["month"].dt.year - (killed["month"].dt.month < 4)
    rows = outcomes.series(invented, KILLED)
    assert rows["period"].tolist() == ["2019/20", "2020/21", "2021/22", "2022/23", "2023/24", "2024/25"]
    assert rows["n"].tolist() == [int((years == y).sum()) for y in range(2019, 2025)]


def test_admissions_are_set_against_the_residents_of_their_years(invented: Scope) -> None:
    restricted = publish.current() / "restricted"
    people, admitted = (pd.read_parquet(restricted / f"{t}.parquet") for t in ("population", "admissions"))
    here = people[people["area_code"].eq(SOUTHAMPTON) & people["pop_type"].eq("resident")]
    residents = here.groupby("year")["population"].sum()
    ours = admitted[admitted["authority_code"].eq(SOUTHAMPTON) & admitted["icd_group"].eq("X99")]
    episodes = ours[ours["period_type"].eq("financial_year")].set_index("period")["episodes"]
    rows = outcomes.series(invented.but(area=SOUTHAMPTON), ADMITTED).set_index("period")
    late = episodes[["2022/23", "2023/24", "2024/25"]].sum() / residents[[2022, 2023, 2024]].sum()
    early = episodes[["2019/20", "2020/21", "2021/22"]].sum() / (3 * residents[2021])  # the first year held
    assert rows["value"][["2019/20-2021/22", "2022/23-2024/25"]].tolist() == pytest.approx([early * 1e5, late * 1e5])


def test_filters_of_the_page_and_its_first_month_change_no_measure(invented: Scope) -> None:
    other = invented.but(start=pd.Timestamp("2025-01-01"), groups=("rape",), sources=("police_uk",), time="night")
    pd.testing.assert_frame_equal(outcomes.measures(invented), outcomes.measures(other.but(age="18-24")))


def test_a_month_still_incomplete_is_counted_and_not_judged(invented: Scope) -> None:
    rows, row = outcomes.series(invented, KNIFE), standing(invented, KNIFE)
    assert not rows["complete"].iloc[-1] and rows["complete"].iloc[:-1].all()
    assert rows["n"].notna().all() and pd.isna(rows["value"].iloc[-1])
    assert (row["period"], row["newest_complete"], row["data_confidence"]) == ("2025-11", False, "with care")
    assert row["value"] == rows["n"].iloc[-2]
    earlier = standing(invented.but(end=pd.Timestamp("2025-11-01")), KNIFE)
    assert (earlier["newest_complete"], earlier["data_confidence"], earlier["supplied"]) == (True, "whole", 1)


def test_the_planted_recording_change_is_no_change_of_violence(invented: Scope) -> None:
    moved = replace(framework()[SERIOUS], groups=("violence_without_injury",), flag="", unmoved_by=())
    rows = outcomes.told(invented, moved).set_index("month")
    (start,) = rows.index[rows["note"].ne("")]
    assert start == RECORDING_CHANGE
    after = rows[(rows.index >= start) & rows["complete"]]
    assert after["signal"].eq("").all()
    # without the register it is told as seven months and more that got worse
    deaf = replace(moved, unmoved_by=(RECORDING_CHANGE.date(),))
    told = outcomes.told(invented, deaf).set_index("month")["signal"]
    assert told[start : start + pd.DateOffset(months=6)].eq("concern").all()
    # and a baseline on its other side is not set against what came after
    assert pd.isna(standing(invented, replace(moved, baseline="2021/22"))["baseline"])
    assert standing(invented, replace(deaf, baseline="2021/22"))["baseline"] > 0


def test_measures_that_the_recording_change_does_not_concern_keep_their_limits(invented: Scope) -> None:
    rows = outcomes.series(invented, SERIOUS)
    assert rows["note"].eq("").all() and rows["segment"].dropna().unique().tolist() == [1]


def test_limits_begin_anew_where_the_knife_marker_is_set_in_another_way(invented: Scope) -> None:
    rows = outcomes.series(invented, KNIFE)
    marked = rows.loc[rows["note"].ne(""), ["period", "note"]]
    assert marked["period"].tolist() == ["2021-04"]  # demo_files.BY_TOOL_FROM
    assert "NDQIS" in marked["note"].iat[0]
    assert rows.loc[rows["period"] < "2021-04", "segment"].eq(1).all()
    assert rows.loc[rows["value"].notna() & (rows["period"] >= "2021-04"), "segment"].eq(2).all()


def test_how_a_marker_is_set_is_asked_of_the_whole_force(invented: Scope) -> None:
    rows = outcomes.series(invented.but(area="E07000089"), KNIFE)  # too few of its own to tell a lasting change
    assert rows.loc[rows["note"].ne(""), "period"].tolist() == ["2021-04"]


def test_flagged_months_of_the_newest_year_ask_for_care(invented: Scope) -> None:
    row = standing(invented.but(end=pd.Timestamp("2021-03-01")), KNIFE)
    # lockdowns of demo_records: April and May 2020, January and February 2021 are far below the months around them
    assert row["flagged"] == 4 and row["data_confidence"] == "with care"
    assert row["supplied"] == 1 and row["newest_complete"]


def test_one_stray_month_of_another_method_begins_nothing() -> None:
    months = pd.date_range("2020-01", periods=9, freq="MS")
    assert outcomes._switches(pd.Series(list("aaabaaaab"), months)) == []
    assert [m for m, _ in outcomes._switches(pd.Series(list("aaabababb"), months))] == []
    assert [m for m, _ in outcomes._switches(pd.Series(list("aaababbbb"), months))] == [months[5]]
    assert outcomes._switches(pd.Series([], dtype="str")) == []


def test_months_not_supplied_are_gaps_and_never_a_signal(invented: Scope) -> None:
    attended = replace(framework()[SERIOUS], source="ambulance", groups=("amb_assault",), flag="", unmoved_by=())
    rows = outcomes.told(invented, attended)
    gaps = rows["period"].isin(["2021-09", "2021-10"])  # events.toml: not supplied
    assert rows.loc[gaps, ["n", "value", "upper"]].isna().all(axis=None)
    assert (rows.loc[gaps, "status"] == "not supplied").all() and rows.loc[~gaps, "n"].gt(0).all()
    assert rows.loc[gaps, "signal"].isna().all()
    assert rows.loc[rows["period"] == "2021-11", "segment"].item() == 2
    row = standing(invented, attended)
    assert row["supplied"] == pytest.approx(82 / 84) and row["data_confidence"] == "with care"


def test_a_baseline_is_the_mean_of_its_year_in_the_unit_of_the_value(invented: Scope, police: pd.DataFrame) -> None:
    row = standing(invented, KNIFE)
    ours = police[police["offence_group"].isin(FLAGGABLE - {"homicide"}) & police["knife"].eq(True)]
    year = ours["month"].between(pd.Timestamp("2022-04-01"), pd.Timestamp("2023-03-01"))
    assert row["baseline"] == pytest.approx(year.sum() / 12)
    assert (row["baseline_period"], row["unit"]) == ("2022/23", "records a month")
    assert standing(invented, ADMITTED)["baseline_period"] == "2020/21-2022/23"
    partly = replace(framework()[SERIOUS], baseline="2018/19")  # three months of it are held
    assert pd.isna(standing(invented, partly)["baseline"])


def test_a_target_is_judged_by_the_limits_that_hold_now(invented: Scope) -> None:
    row = standing(invented, KNIFE)
    assert row["assurance"] is None  # no target is stated
    for target, verdict in (
        (row["upper"] + 1, "passes"),  # fewer is better: even the upper limit lies below it
        (row["lower"] - 1, "fails"),
        ((row["lower"] + row["upper"]) / 2, "hit_and_miss"),
    ):
        assert standing(invented, replace(framework()[KNIFE], target=target))["assurance"] == verdict


def test_the_newest_point_alone_makes_the_signal(invented: Scope) -> None:
    rows = outcomes.series(invented, SERIOUS)
    locked = rows.set_index("period")["signal"]["2020-04"]
    assert locked == "improvement"  # planted: the first lockdown
    then = standing(invented.but(end=pd.Timestamp("2020-04-01")), SERIOUS)
    assert (then["period"], then["signal"], then["rule"]) == ("2020-04", "improvement", "outside")
    assert then["variation"] == "special_cause"
    now = standing(invented.but(end=pd.Timestamp("2025-11-01")), SERIOUS)
    assert (now["signal"], now["rule"], now["variation"]) == ("", "", "common_cause")


# --------------------------------------------------------------------------------------------------------------- tiers


@pytest.mark.parametrize("measure", [KNIFE, SERIOUS])
@pytest.mark.parametrize("area", [store.ALL, SOUTHAMPTON])
def test_partners_are_told_quarters_of_the_protected_table_and_nothing_else(
    invented: Scope, police: pd.DataFrame, measure: str, area: str
) -> None:
    rows = outcomes.series(invented.but(tier="partner", area=area), measure)
    table = pd.read_parquet(publish.current() / "partner" / "protected.parquet")
    name = framework()[measure].protected
    level = "area" if area == store.ALL else "lad"
    held = table[table["measure"].eq(name) & table["source"].eq("police") & table["period_type"].eq("quarter")]
    held = held[held["area_level"].eq(level) & held["area_code"].eq(area)].sort_values("month")
    assert rows["month"].tolist() == held["month"].tolist() and len(rows) == 28
    assert rows["n"].fillna(-1).tolist() == held["n"].astype(float).fillna(-1).tolist()
    # the true counts, homicide and every other marked record among them, lie in the bounds
    true = police[police[name].eq(True) & (police["authority_code"].eq(area) | (area == store.ALL))]
    true = true.groupby(true["month"].dt.to_period("Q").dt.start_time).size()
    assert true.reindex(rows["month"], fill_value=0).between(rows["n_lower"].array, rows["n_upper"].array).all()


def test_where_partners_are_told_bands_there_are_no_limits_and_the_newest_band_is_told(invented: Scope) -> None:
    hart = invented.but(tier="partner", area="E07000089")
    rows, row = outcomes.series(hart, KNIFE), standing(hart, KNIFE)
    assert rows.attrs["chart"] == "too few to chart" and rows["centre"].isna().all()
    assert (rows["status"] == "band").any()
    newest = rows[rows["complete"]].iloc[-1]
    assert row["period"] == newest["period"] and newest["status"] == "band"
    assert pd.isna(row["value"]) and (row["lower"], row["upper"]) == (0, 7)  # disclosure.toml: band8
    assert "quarter" in row["caveats"] and row["data_confidence"] == "with care"


def test_limits_are_never_made_of_the_larger_numbers_alone(invented: Scope) -> None:
    kept_back = 0
    for code in definitions.partnership().codes:
        rows = outcomes.series(invented.but(tier="partner", area=code), KNIFE)
        if rows["status"].isin(["band", "hidden"]).any():
            kept_back += rows["n"].count() >= 13  # enough are shown that limits could be made
            assert rows["centre"].isna().all() and rows["signal"].isna().all()
    assert kept_back


def test_a_rate_of_years_kept_back_is_not_told_to_partners(few: Scope) -> None:
    rows = outcomes.series(few.but(tier="partner", area=EAST), ADMITTED)
    assert rows["status"].ne("shown").all() and len(rows)  # 0, 0 and 10: two of three are small
    assert rows[["value", "lower", "upper"]].isna().all(axis=None)


def test_partners_too_are_not_told_a_judgement_of_a_quarter_still_incomplete(invented: Scope) -> None:
    row = standing(invented.but(tier="partner"), SERIOUS)  # December 2025 is flagged, why they are not told
    assert (row["period"], row["newest_complete"]) == ("2025-07 to 2025-09", False)
    asked = invented.but(tier="partner", end=pd.Timestamp("2025-11-01"))  # no part of a quarter is a quarter
    assert outcomes.series(asked, SERIOUS)["period"].iloc[-1] == "2025-07 to 2025-09"


def test_partners_are_told_no_homicides_that_are_not_in_their_tables(invented: Scope) -> None:
    row = standing(invented.but(tier="partner"), KILLED)
    assert pd.isna(row["value"]) and "all homicides of a year together" in row["reason"] and row["needs"]


@pytest.mark.parametrize("area", [store.ALL, SOUTHAMPTON, "E07000089"])
@pytest.mark.parametrize("tier", TIERS)
def test_every_measure_has_a_value_or_says_why_not_in_every_tier(invented: Scope, tier: str, area: str) -> None:
    found = outcomes.measures(invented.but(tier=tier, area=area))
    assert list(found.columns) == outcomes.COLUMNS and found["measure_id"].tolist() == list(framework())
    told = found[["value", "upper"]].notna().any(axis=1)
    assert found.loc[~told, ["reason", "needs"]].ne("").any(axis=1).all()
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        name: str(kind) for name, kind in outcomes.measures(invented).dtypes.items()
    }
    limits = found.dropna(subset=["lower", "upper"])
    assert (limits["lower"] <= limits["upper"]).all()


def test_the_public_is_told_nothing_of_closed_sources(invented: Scope) -> None:
    public = invented.but(tier="public")
    found = outcomes.measures(public).set_index("measure_id")
    for name in (KNIFE, SERIOUS, KILLED, ADMITTED, SHARING):
        assert found.loc[name, ["value", "lower", "upper", "baseline"]].isna().all()
        assert "level of access" in found.loc[name, "reason"]
        with pytest.raises(NotHeld):
            outcomes.series(public, name)


def test_a_measure_nobody_knows_or_without_data_is_refused_in_words(invented: Scope) -> None:
    with pytest.raises(NotHeld, match="no such measure"):
        outcomes.series(invented, "happiness")
    with pytest.raises(NotHeld, match="survey repeated"):
        outcomes.series(invented, "young_people_views")
    with pytest.raises(NotHeld, match="do not ask this question"):
        outcomes.series(invented, "better_informed")


@pytest.mark.parametrize(
    "measure", [m.measure_id for m in framework().values() if m.fillable and m.question not in UNASKED]
)
def test_every_series_has_the_same_columns_oldest_first(invented: Scope, measure: str) -> None:
    rows = outcomes.series(invented, measure)
    assert list(rows.columns) == outcomes.SERIES and len(rows)
    assert rows["month"].is_monotonic_increasing or rows["month"].isna().all()
    assert {"unit", "every", "chart"} <= set(rows.attrs)
