"""The partnership's own registers: what their files may say, what each tier holds of them, and the measures they fill.

By hand, in the small invented area of conftest (two authorities, Westmarch and Eastmarch), and the invented registers
of `data demo`, loaded alone.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from conftest import EAST, WEST, text_file

from answers import outcomes, registers
from data import demo, demo_registers, ingest, publish, schema
from data.definitions.outcomes import framework
from data.errors import SourceProblem
from data.sources import attendance, dates, mapping, programme_returns, surveys, written
from data.sources.files import Piece
from data.store import NotHeld, Scope

MEETINGS = "Date,Forum,AuthorityClass,Organisation,Attended,Deputy"
ASKED = "Wave,AreaCode,Cohort,Question,Respondents,Percent,Lower,Upper"
RETURNS = "ProgrammeID,Quarter,Referred,Started,Completed,YoungPeopleReached,FamiliesReached,ProfessionalsReached"
CLASS_WORDS = ("Police", "Fire and rescue", "ICB", "Local authority", "Youth offending team", "Probation", "Prison")
CLASS_WORDS += ("Youth custody", "Education")
FILLED = ("attendance_svrp", "attendance_tvrp", "attendance_dawg", "attendance_engagement", "people_reached")
FILLED += ("public_trust", "trust_built", "willingness", "feelings_of_safety")
HEADS = {"attendance": MEETINGS, "surveys": ASKED, "programme_returns": RETURNS}
ADAPTERS = {"attendance": attendance, "surveys": surveys, "programme_returns": programme_returns}


def tidied(source: str, folder: Path, *lines: str) -> pd.DataFrame:
    path = text_file(folder / f"{source}.csv", [HEADS[source], *lines])
    return ADAPTERS[source].tidy(ADAPTERS[source].read(Piece(path)))


def refused(source: str, folder: Path, *lines: str) -> str:
    with pytest.raises(SourceProblem) as raised:
        tidied(source, folder, *lines)
    return str(raised.value)


def load(source: str, folder: Path, *lines: str, name: str = "file", head: str = "") -> ingest.Summary:
    return ingest.ingest(source, [text_file(folder / f"{source}-{name}.csv", [head or HEADS[source], *lines])])


def counts(summary: ingest.Summary) -> tuple[int, ...]:
    return tuple(summary.total(name) for name in ("rows_read", "accepted", "quarantined", "duplicate"))


def meeting(day: str, there: int, *, forum: str = "SVRP", said: int = 9) -> list[str]:
    """A meeting at which the first so many of the classes were there, and the register speaks of so many."""
    return [f"{day},{forum},{word},,{'Y' if k < there else 'N'}," for k, word in enumerate(CLASS_WORDS[:said])]


def returned(programme: str, quarter: str, young: object, families: object = "", professionals: object = "") -> str:
    return f"{programme},{quarter},,,,{young},{families},{professionals}"


def scope(tier: str = "restricted", **more: object) -> Scope:
    return Scope(tier, publish.current().name, **more)


# -------------------------------------------------------------------------------------------------- files: attendance


def test_a_meeting_is_read_by_class_and_a_deputy_counts_as_there(tmp_path: Path) -> None:
    found = tidied(
        "attendance",
        tmp_path,
        "12/04/2023,SVRP,Police,,Yes,No",
        "2023-04-12,Serious Violence Reduction Partnership,Youth offending team,,N,Y",
        "12-Apr-2023,dawg,PROBATION SERVICE,,,Y",
        "12/04/2023,Comms,Education,,N,",
    )
    assert found["problem"].tolist() == [""] * 4
    assert found["date"].unique().tolist() == [pd.Timestamp("2023-04-12")]
    assert found["forum"].tolist() == ["SVRP", "SVRP", "DAWG", "Comms"]
    assert found["authority_class"].tolist() == ["police", "youth_justice", "probation", "education"]
    assert found["attended"].tolist() == [True, True, True, False]
    assert found["deputy"].tolist()[:3] == [False, True, True] and pd.isna(found["deputy"][3])
    schema.check(schema.typed(found, "attendance"), "attendance", "attendance.csv")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("12/04/2023,Board of everybody,Police,,Y,N", f"Forum: {written.BAD_WORDING}"),
        ("12/04/2023,SVRP,Post office,,Y,N", f"Class of authority: {written.BAD_WORDING}"),
        ("12/04/2023,SVRP,,,Y,N", f"Class of authority: {written.BAD_WORDING}"),
        ("12/04/2023,SVRP,Police,,perhaps,N", f"Attended: {written.BAD_WORDING}"),
        ("12/04/2023,SVRP,Police,,Y,somebody", f"By deputy: {written.BAD_WORDING}"),
        ("12/04/2023,SVRP,Police,,,", attendance.NOT_SAID),
        ("12/04/2023,SVRP,Police,,unknown,N", attendance.NOT_SAID),
        ("31/02/2023,SVRP,Police,,Y,N", dates.BAD_DATE),
        (",SVRP,Police,,Y,N", attendance.NO_DATE),
        ("13/04/2023,SVRP,Fire,,N,N", written.REPEATED),
    ],
)
def test_an_answer_that_breaks_a_rule_is_set_aside_with_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    assert tidied("attendance", tmp_path, "13/04/2023,SVRP,Fire,,Y,N", line)["problem"].tolist() == ["", reason]


def test_organisations_of_one_class_each_answer_and_are_not_kept(tmp_path: Path) -> None:
    found = tidied(
        "attendance",
        tmp_path,
        "12/04/2023,SVRP,Local authority,Westmarch Council,N,N",
        "12/04/2023,SVRP,Local authority,Eastmarch Council,Y,N",
        "12/04/2023,SVRP,Local authority,EASTMARCH COUNCIL,N,N",
    )
    assert found["problem"].tolist() == ["", "", written.REPEATED]
    assert "organisation" not in found


@pytest.mark.parametrize(
    ("source", "good"),
    [
        ("attendance", "12/04/2023,SVRP,Police,,Y,N"),
        ("surveys", f"2024,{WEST},All,trust,500,62,,"),
        ("programme_returns", "P01,2023/24 Q1,60,50,40,80,20,10"),
    ],
)
@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Contact name", ["somebody"] * 4),
        ("Who", ["John Smith", "Sarah Jones", "David Brown", "Emma Green"]),
        ("E-mail", ["a"] * 4),
        ("Notes", ["ring 023 8083 3000", "", "", ""]),
        ("Remarks", ["see Mrs Smith", "", "", ""]),
    ],
)
def test_names_of_people_and_how_to_reach_them_refuse_the_file(
    tmp_path: Path, source: str, good: str, header: str, values: list[str]
) -> None:
    lines = [f"{good.replace('2023', year).replace('2024', year)},{v}" for year, v in zip("1234", values, strict=True)]
    path = text_file(tmp_path / "file.csv", [f"{HEADS[source]},{header}", *lines])
    with pytest.raises(SourceProblem, match="must not be sent") as raised:
        ADAPTERS[source].read(Piece(path))
    assert not any(value in str(raised.value) for value in values if len(value) > 1)


@pytest.mark.parametrize("source", HEADS)
def test_a_file_without_what_a_register_needs_is_refused_by_column(tmp_path: Path, source: str) -> None:
    path = text_file(tmp_path / "file.csv", ["Colour,Shape", "red,round"])
    with pytest.raises(SourceProblem) as raised:
        ADAPTERS[source].read(Piece(path))
    needed = {"attendance": 4, "surveys": 5, "programme_returns": 3}[source]
    assert str(raised.value).count("this column is missing") == needed and mapping.HINT in str(raised.value)


@pytest.mark.parametrize("source", HEADS)
def test_no_rows_give_no_rows(tmp_path: Path, source: str) -> None:
    assert len(tidied(source, tmp_path)) == 0


def test_excel_and_csv_say_the_same(tmp_path: Path) -> None:
    lines = ["12/04/2023,SVRP,Police,,Y,N", "12/04/2023,SVRP,Fire,,N,N"]
    book = openpyxl.Workbook()
    for line in (["Attendance of the forums"], MEETINGS.split(","), *(line.split(",") for line in lines)):
        book.active.append(line)
    book.save(tmp_path / "attendance.xlsx")
    from_excel = attendance.tidy(attendance.read(Piece(tmp_path / "attendance.xlsx"))).reset_index(drop=True)
    pd.testing.assert_frame_equal(from_excel, tidied("attendance", tmp_path, *lines), check_dtype=False)


# ----------------------------------------------------------------------------------------------------- files: surveys


def test_shares_are_read_as_written_and_what_its_owner_withheld_is_missing(tmp_path: Path) -> None:
    found = tidied(
        "surveys",
        tmp_path,
        f'2024,{WEST},10 to 17,Trust,"1,200",62.5%,59.7,65.2',
        f"2024-05,{WEST.lower()},,Feel safe after dark,300,55,,",
        f"2024,{EAST},18-24,willingness,*,*,,",
        f"2024,{EAST},25+,trust,0,,,",
    )
    assert found["problem"].tolist() == [""] * 4
    assert found.iloc[0][["n", "pct", "lower", "upper"]].tolist() == [1200, 62.5, 59.7, 65.2]
    assert found["cohort"].tolist() == ["10-17", "all", "18-24", "25_plus"]
    assert found["question"].tolist() == ["trust", "safety", "willingness", "trust"]
    assert found["area_code"].tolist() == [WEST, WEST, EAST, EAST]
    assert found.loc[2, ["n", "pct"]].isna().all() and found.loc[3, "n"] == 0
    schema.check(schema.typed(found, "survey"), "survey", "surveys.csv")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"2024,{WEST},All,trust,500,101,,", surveys.BAD_SHARE),
        (f"2024,{WEST},All,trust,500,-1,,", surveys.BAD_SHARE),
        (f"2024,{WEST},All,trust,500,most,,", surveys.BAD_SHARE),
        (f"2024,{WEST},All,trust,500,62,58,100.5", surveys.BAD_SHARE),
        (f"2024,{WEST},All,trust,500,62,63,70", surveys.BAD_LIMITS),
        (f"2024,{WEST},All,trust,many,62,,", surveys.BAD_NUMBER),
        (f"2024,{WEST},All,trust,10.5,62,,", surveys.BAD_NUMBER),
        (f"2024,{WEST},All,trust,500,,,", surveys.NOT_GIVEN),
        (f"2024,{WEST},All,trust,,62,,", surveys.NOT_GIVEN),
        (f"24,{WEST},All,trust,500,62,,", surveys.BAD_WAVE),
        (f"2024-13,{WEST},All,trust,500,62,,", surveys.BAD_WAVE),
        (f"2024,{WEST},16-24,trust,500,62,,", f"Age cohort: {written.BAD_WORDING}"),  # straddles two cohorts
        ("2024,E12000008,All,trust,500,62,,", surveys.NOT_AUTHORITY),  # a region
        (f"2024,{WEST},All,likes the colour,500,62,,", surveys.OTHER_QUESTION),
        (f"2024,{EAST},All,trust,500,40,,", written.REPEATED),
    ],
)
def test_a_share_that_breaks_a_rule_is_set_aside_with_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    assert tidied("surveys", tmp_path, f"2024,{EAST},All,trust,500,62,,", line)["problem"].tolist() == ["", reason]


def test_a_file_of_fractions_is_refused_rather_than_told_a_hundredth_of_it(tmp_path: Path) -> None:
    lines = [f"2024,{WEST},All,trust,500,0.62,,", f"2024,{EAST},All,trust,500,0.41,,"]
    message = refused("surveys", tmp_path, *lines)
    assert surveys.FRACTIONS in message and "0.62" not in message


def test_surveys_ask_more_than_measures_do_and_are_taken_all_the_same(bare: Path, tmp_path: Path) -> None:
    lines = [f"2024,{WEST},All,{asked},500,62,," for asked in ("trust", "likes the colour", "has a dog")]
    summary = load(
        "surveys", tmp_path, *lines, "2024,E06000044,All,trust,500,62,,", "2024,E92000001,All,trust,500,62,,"
    )
    assert counts(summary) == (5, 1, 4, 0)


# ------------------------------------------------------------------------------------------------------ files: returns


@pytest.mark.parametrize(
    "text",
    [
        "2023/24 Q2",
        "Q2 2023/24",
        "Q2 2023-24",
        "Quarter 2, 2023/24",
        "Jul-Sep 2023",
        "July to September 2023",
        "2023-07 to 2023-09",
    ],
)
def test_quarters_are_written_one_way(tmp_path: Path, text: str) -> None:
    row = tidied("programme_returns", tmp_path, f'P01,"{text}",60,50,40,80,20,10').iloc[0]
    assert (row["period"], row["problem"]) == ("2023-07 to 2023-09", "")
    assert row[programme_returns.COUNTS].tolist() == [60, 50, 40, 80, 20, 10]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("P01,2023/24,1,1,1,1,1,1", programme_returns.BAD_QUARTER),
        ("P01,2023/24 Q5,1,1,1,1,1,1", programme_returns.BAD_QUARTER),
        ("P01,2023/25 Q1,1,1,1,1,1,1", programme_returns.BAD_QUARTER),
        ("P01,Q1 2023,1,1,1,1,1,1", programme_returns.BAD_QUARTER),  # January to March, or April to June
        ("P01,Feb-Apr 2023,1,1,1,1,1,1", programme_returns.BAD_QUARTER),
        ("P01,2023-04 to 2023-07,1,1,1,1,1,1", programme_returns.BAD_QUARTER),
        ("P01,2023-10 to 2024-12,1,1,1,1,1,1", programme_returns.BAD_QUARTER),
        ("P01,summer,1,1,1,1,1,1", programme_returns.BAD_QUARTER),
        (",2023/24 Q1,1,1,1,1,1,1", programme_returns.NO_PROGRAMME),
        ("P01,2023/24 Q1,1,1,1,-1,1,1", programme_returns.BAD_COUNT),
        ("P01,2023/24 Q1,1,1,1,some,1,1", programme_returns.BAD_COUNT),
        ("P01,2023/24 Q1,1.5,1,1,1,1,1", programme_returns.BAD_COUNT),
        ("P01,2023/24 Q1,,,,,,", programme_returns.NO_COUNT),
        ("P09,Apr-Jun 2023,2,2,2,2,2,2", written.REPEATED),
    ],
)
def test_a_return_that_breaks_a_rule_is_set_aside_with_its_reason(tmp_path: Path, line: str, reason: str) -> None:
    found = tidied("programme_returns", tmp_path, "P09,2023/24 Q1,1,1,1,1,1,1", line)
    assert found["problem"].tolist() == ["", reason]


def test_a_count_not_given_is_missing_and_nought_is_nought(tmp_path: Path) -> None:
    row = tidied("programme_returns", tmp_path, "P01,2023/24 Q1,,,,0,,5").iloc[0]
    assert row["reached_yp"] == 0 and row["reached_professionals"] == 5
    assert row[["referred", "started", "completed", "reached_families"]].isna().all()


# ---------------------------------------------------------------------------------------------------------- the way in


@pytest.mark.parametrize(
    ("source", "row", "bad"),
    [
        ("attendance", "{day:02}/04/2023,SVRP,Police,,Y,N", "01/04/2023,Nobody's,Police,,Y,N"),
        ("surveys", f"20{{day:02}},{WEST},All,trust,500,62,,", f"2024,{EAST},All,trust,500,120,,"),
        ("programme_returns", "P{day:02},2023/24 Q1,1,1,1,1,1,1", "P99,2023,1,1,1,1,1,1"),
    ],
)
def test_every_row_is_accepted_or_set_aside_and_too_many_bad_ones_refuse_the_file(
    bare: Path, tmp_path: Path, source: str, row: str, bad: str
) -> None:
    good = [row.format(day=day) for day in range(1, 26)]
    assert counts(load(source, tmp_path, *good, bad)) == (26, 25, 1, 0)  # 1 of 26 is less than a twentieth
    current = publish.current()
    held = pd.read_parquet(current / "restricted" / f"{ADAPTERS[source].TABLE}.parquet")
    assert len(held) == 25
    with pytest.raises(SourceProblem, match="More than 5%"):
        load(source, tmp_path, *good[:15], bad, name="worse")  # 1 of 16
    assert publish.current() == current


def test_a_meeting_delivered_again_is_replaced_and_no_other(bare: Path, tmp_path: Path) -> None:
    load("attendance", tmp_path, *meeting("12/04/2023", 5), *meeting("12/07/2023", 6))
    load("attendance", tmp_path, *meeting("12/07/2023", 9), name="again")
    assert outcomes.series(scope(), "attendance_svrp")["n"].tolist() == [5, 9]


# ------------------------------------------------------------------------------------------------- attendance, by hand


def test_the_share_of_the_nine_classes_has_the_limits_of_a_p_chart(bare: Path, tmp_path: Path) -> None:
    present = [5, 6, 4, 7, 5, 6, 9]
    days = [f"10/{month:02}/2023" for month in range(1, 8)]
    load("attendance", tmp_path, *(line for day, k in zip(days, present, strict=True) for line in meeting(day, k)))
    rows = outcomes.series(scope(), "attendance_svrp")
    assert rows["period"].iloc[0] == "2023-01-10" and rows["n"].tolist() == present
    assert rows["value"].tolist() == pytest.approx([100 * k / 9 for k in present])
    # Montgomery (2009) 7.2: p = 42/63 = 2/3; 3 root(p (1 - p)/9) = 3 root(2)/9 = 0.4714
    assert rows["centre"].unique().tolist() == pytest.approx([100 * 2 / 3])
    assert rows["lower"].unique().tolist() == pytest.approx([100 * (2 / 3 - np.sqrt(2) / 3)])
    assert rows["upper"].unique().tolist() == [100]
    row = outcomes.standing(scope(), framework()["attendance_svrp"])
    assert row["variation"] == "too few to chart"  # of 7 meetings limits are not yet relied on
    assert pd.isna(row["lower"]) and pd.isna(row["upper"])  # nor taken for the interval of a share
    assert (row["value"], row["unit"]) == (100, "% of the nine kinds of authority")


def test_a_meeting_of_which_the_register_does_not_say_all_has_no_share(bare: Path, tmp_path: Path) -> None:
    lines = [*meeting("10/01/2023", 6), *meeting("10/02/2023", 4, said=7), *meeting("10/03/2023", 6)]
    load("attendance", tmp_path, *lines)
    rows = outcomes.series(scope(), "attendance_svrp")
    assert rows["complete"].tolist() == [True, False, True]
    assert rows.loc[1, ["n", "n_lower", "n_upper", "n_unknown"]].tolist() == [4, 4, 6, 2] and pd.isna(rows["value"][1])
    assert rows["centre"].dropna().tolist() == pytest.approx([100 * 2 / 3] * 2)  # the limits go on


def test_a_class_was_there_when_any_of_its_organisations_was(bare: Path, tmp_path: Path) -> None:
    answers = [("A", "N"), ("B", "Y"), ("C", "N")]
    lines = [f"10/01/2023,TVRP,Local authority,Council {name},{yes}," for name, yes in answers]
    load("attendance", tmp_path, *lines, "10/01/2023,TVRP,Police,,N,", "12/08/2023,TVRP,Police,,N,Y")
    found = outcomes.attendance_matrix(scope(), "TVRP").set_index(["authority_class", "quarter"])
    first, second, third = pd.date_range("2023-01-01", periods=3, freq="QS")
    assert len(found) == 9 * 3 and found.index.get_level_values(0).unique().tolist() == list(schema.CLASSES)
    assert found.loc[("local_authority", first)].tolist() == [1, 1, 1]
    assert found.loc[("police", first)].tolist() == [1, 0, 0]
    assert found.loc[("police", third)].tolist() == [1, 1, 1]  # by a deputy
    for key in (("police", second), ("fire", first)):  # no meeting; a meeting, and nothing said of this class
        assert found.loc[key, ["meetings", "meetings_attended"]].tolist() == [0, 0] and pd.isna(found.loc[key, "share"])


def test_two_working_groups_of_one_measure_are_told_meeting_by_meeting(bare: Path, tmp_path: Path) -> None:
    load(
        "attendance", tmp_path, *meeting("10/01/2023", 3, forum="Comms"), *meeting("10/01/2023", 9, forum="Engagement")
    )
    rows = outcomes.series(scope(), "attendance_engagement")
    assert rows["period"].tolist() == ["2023-01-10 Comms", "2023-01-10 Engagement"] and rows["n"].tolist() == [3, 9]
    with pytest.raises(NotHeld, match="no meeting of this forum"):
        outcomes.series(scope(), "attendance_svrp")
    assert outcomes.attendance_matrix(scope())["meetings"].eq(2).all()
    with pytest.raises(NotHeld, match="no such forum"):
        outcomes.attendance_matrix(scope(), "Parliament")


def test_meetings_after_the_period_are_not_told(bare: Path, tmp_path: Path) -> None:
    load("attendance", tmp_path, *meeting("28/02/2023", 6), *meeting("01/03/2023", 9))
    to_february = scope(end=pd.Timestamp("2023-02-01"))
    assert outcomes.series(to_february, "attendance_svrp")["n"].tolist() == [6]
    with pytest.raises(NotHeld, match="up to the end"):
        outcomes.series(scope(end=pd.Timestamp("2023-01-01")), "attendance_svrp")


# ---------------------------------------------------------------------------------------------------- surveys, by hand


def test_the_interval_of_a_share_is_wilsons(bare: Path, tmp_path: Path) -> None:
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I: 81 of 263 by Wilson's score 0.2553 to 0.3662
    load("surveys", tmp_path, f"2024,{WEST},All,trust,263,{100 * 81 / 263:.6f},,")
    row = outcomes.standing(scope(area=WEST), framework()["public_trust"])
    assert [row[name] for name in ("value", "lower", "upper")] == [31, 26, 37]  # whole per cent below 4,000 people
    assert (row["period"], row["method"], row["unit"]) == ("2024", "Wilson 95%", "% of those asked")


def test_shares_of_4000_people_and_more_are_told_to_one_decimal(bare: Path, tmp_path: Path) -> None:
    from statsmodels.stats.proportion import proportion_confint

    load("surveys", tmp_path, f"2024,{WEST},All,safety,4000,61.25,,", f"2023,{WEST},All,safety,3999,61.25,,")
    rows = outcomes.series(scope(area=WEST), "feelings_of_safety")
    theirs = [100 * limit for limit in proportion_confint(2450, 4000, method="wilson")]
    assert rows.loc[1, ["value", "lower", "upper"]].tolist() == [61.3, *(round(limit, 1) for limit in theirs)]
    assert rows["value"][0] == 61


def test_the_whole_area_counts_each_answer_once(bare: Path, tmp_path: Path) -> None:
    load(
        "surveys",
        tmp_path,
        f"2024,{WEST},All,trust,300,50,,",  # 150 yes; its cohorts are not added on top
        f"2024,{WEST},10-17,trust,100,20,,",
        f"2024,{EAST},10-17,trust,60,50,,",  # 30 yes
        f"2024,{EAST},25+,trust,140,80,,",  # 112 yes
    )
    rows = outcomes.series(scope(), "public_trust")
    assert (rows["n"][0], rows["value"][0]) == (500, 58)  # 292 of 500: 58.4
    east = outcomes.series(scope(area=EAST), "public_trust")
    assert (east["n"][0], east["value"][0]) == (200, 71)  # 142 of 200
    young = outcomes.survey_cohorts(scope(), "trust").set_index("cohort")
    assert young.index.tolist() == ["10-17"] and young["n"].tolist() == [160]  # 25 and over: one authority alone
    assert young["value"].tolist() == [31]  # 20 + 30 of 160: 31.25


def test_shares_of_fewer_than_100_people_are_not_told(bare: Path, tmp_path: Path) -> None:
    load("surveys", tmp_path, f"2024,{WEST},All,trust,99,50,,", f"2024,{EAST},All,trust,100,50,,")
    west = outcomes.series(scope(area=WEST), "public_trust").iloc[0]
    assert west[["value", "lower", "upper"]].isna().all() and west["status"] == "hidden"
    assert "may not be told" in outcomes.standing(scope(area=WEST), framework()["public_trust"])["reason"]
    assert outcomes.series(scope(area=EAST), "public_trust")["value"].tolist() == [50]


def test_a_wave_not_asked_in_every_authority_is_not_supplied_for_the_whole_area(bare: Path, tmp_path: Path) -> None:
    both = [f"2023,{code},All,trust,500,60,," for code in (WEST, EAST)]
    load("surveys", tmp_path, *both, f"2024,{WEST},All,trust,500,90,,")
    rows = outcomes.series(scope(), "public_trust")
    assert rows["status"].tolist() == ["shown", "not supplied"] and pd.isna(rows["value"][1])
    row = outcomes.standing(scope(), framework()["public_trust"])
    assert (row["period"], row["value"], row["supplied"], row["data_confidence"]) == ("2023", 60, 0.5, "with care")


def test_a_share_withheld_by_its_owner_leaves_the_area_without_one(bare: Path, tmp_path: Path) -> None:
    load("surveys", tmp_path, f"2024,{WEST},All,trust,*,*,,", f"2024,{EAST},All,trust,500,60,,")
    assert outcomes.series(scope(), "public_trust")["status"].tolist() == ["hidden"]


def test_waves_after_the_period_are_not_told(bare: Path, tmp_path: Path) -> None:
    waves = [f"{wave},{code},All,trust,500,60,," for wave in ("2023", "2024-05") for code in (WEST, EAST)]
    load("surveys", tmp_path, *waves)
    assert outcomes.series(scope(), "public_trust")["end"].tolist() == [
        pd.Timestamp("2023-12-01"),
        pd.Timestamp("2024-05-01"),
    ]
    assert outcomes.series(scope(end=pd.Timestamp("2024-04-01")), "public_trust")["period"].tolist() == ["2023"]
    with pytest.raises(NotHeld, match="do not ask this question"):
        outcomes.series(scope(end=pd.Timestamp("2022-04-01")), "public_trust")


def raw(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Rows of the table `survey`: area, cohort, people, per cent; one wave and question."""
    frame = pd.DataFrame(rows, columns=["area_code", "cohort", "n", "pct"])
    return frame.assign(wave="2024", question="trust", feed_id="surveys")


def told_to_partners(rows: pd.DataFrame, codes: list[str]) -> dict[tuple[str, str], float | None]:
    found = surveys.released(rows, codes)
    keys = zip(found["area_code"], found["cohort"], strict=True)
    return {key: None if pd.isna(v) else v for key, v in zip(keys, found["pct"], strict=True)}


def test_what_partners_are_not_told_is_not_had_by_subtraction() -> None:
    rows = raw(("A", "all", 500, 60), ("B", "all", 60, 10), ("C", "all", 150, 40), ("D", "all", 120, 30))
    # B is small: the whole less A, C and D would tell it, so D, the next smallest, is not told either
    assert told_to_partners(rows, ["A", "B", "C", "D"]) == {
        ("A", "all"): 60,
        ("B", "all"): None,
        ("C", "all"): 40,
        ("D", "all"): None,
        ("all", "all"): 48,  # 300 + 6 + 60 + 36 of 830: 48.4
    }


def test_two_small_ones_that_are_100_people_together_need_no_third() -> None:
    rows = raw(("A", "all", 500, 60), ("B", "all", 60, 10), ("C", "all", 50, 40))
    assert [k for k, v in told_to_partners(rows, ["A", "B", "C"]).items() if v is None] == [("B", "all"), ("C", "all")]


def test_people_of_no_cohort_told_are_the_rest_that_subtraction_would_tell() -> None:
    rows = raw(("A", "all", 500, 60), ("A", "10-17", 200, 50), ("A", "18-24", 220, 50))  # 80 are of neither
    told = told_to_partners(rows, ["A"])
    assert told[("all", "10-17")] is None and told[("all", "18-24")] == 50 and told[("A", "all")] == 60


def test_partners_get_no_cohort_of_one_authority_and_whole_per_cent() -> None:
    rows = raw(*[(area, cohort, 400, 33.4) for area in "AB" for cohort in ("10-17", "25_plus")])
    found = surveys.released(rows, ["A", "B"])
    assert set(zip(found["area_code"], found["cohort"], strict=True)) == {
        ("A", "all"),
        ("B", "all"),
        ("all", "10-17"),
        ("all", "25_plus"),
        ("all", "all"),
    }
    assert found["pct"].eq(33).all() and set(found.columns) == set(surveys.POOLED)


def test_no_share_of_fewer_than_100_people_can_be_had_of_random_surveys() -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        codes = [f"A{k}" for k in range(rng.integers(1, 8))]
        cells = [(code, c, float(rng.integers(0, 160)), 50.0) for code in codes for c in ("10-17", "18-24", "25_plus")]
        found = surveys.released(raw(*cells), codes)
        whole = found[found["area_code"].eq("all") & found["cohort"].eq("all")]["n"].iat[0]
        for inside in (found["cohort"].eq("all"), found["area_code"].eq("all")):
            part = found[inside & ~(found["area_code"].eq("all") & found["cohort"].eq("all"))]
            rest = whole - part["n"].sum()
            assert pd.isna(whole) or rest == 0 or rest >= 100
        assert found["n"].dropna().ge(100).all() and found["n"].isna().eq(found["pct"].isna()).all()


@pytest.mark.parametrize("count", [surveys.pooled, surveys.released])
def test_what_is_given_is_left_as_it_was(count: object) -> None:
    rows = raw(("A", "all", 500, 60), ("B", "10-17", 60, 10))
    before = rows.copy(deep=True)
    count(rows, ["A", "B"])
    pd.testing.assert_frame_equal(rows, before)
    returns = pd.DataFrame([returns_of("P1", "2023-04", 5)])
    before = returns.copy(deep=True)
    programme_returns.released(returns)
    pd.testing.assert_frame_equal(returns, before)


# ---------------------------------------------------------------------------------------------------- returns, by hand


def returns_of(programme: str, first: str, young: float, families: float = np.nan) -> dict[str, object]:
    last = pd.Timestamp(first) + pd.DateOffset(months=2)
    told = {"reached_yp": young, "reached_families": families, "reached_professionals": np.nan}
    return {"programme_id": programme, "period": f"{first} to {last:%Y-%m}", **told}


def of_kind(rows: list[dict], kind: str) -> pd.DataFrame:
    found = programme_returns.totals(pd.DataFrame(rows))
    return found[found["reached_kind"].eq(kind)].set_index("period")


def test_a_late_return_leaves_its_quarter_incomplete_and_says_how_many_came() -> None:
    rows = [returns_of("P1", m, 10) for m in ("2023-04", "2023-07", "2023-10")]
    rows += [returns_of("P2", m, 20) for m in ("2023-04", "2023-10")]
    found = of_kind(rows, "reached_yp")
    assert found["programmes"].tolist() == [2, 2, 2] and found["returned"].tolist() == [2, 1, 2]
    assert found["n"].tolist() == [30, 10, 30]


def test_a_quarter_without_any_return_is_there_and_a_programme_is_awaited_from_its_first() -> None:
    found = of_kind([returns_of("P1", "2023-04", 10), returns_of("P2", "2023-10", 0)], "reached_yp")
    assert found["programmes"].tolist() == [1, 1, 2] and found["returned"].tolist() == [1, 0, 1]
    assert pd.isna(found["n"].iloc[1]) and found["n"].iloc[2] == 0  # nought came in, and nought is told


@pytest.mark.parametrize(("newest", "awaited"), [("2024-01", [2, 2, 2, 2]), ("2024-04", [2, 1, 1, 1, 1])])
def test_a_programme_silent_for_a_year_had_ended_with_its_last_return(newest: str, awaited: list[int]) -> None:
    quarters = pd.date_range("2023-04", newest, freq="QS").strftime("%Y-%m")
    rows = [returns_of("P1", m, 10) for m in quarters] + [returns_of("P2", "2023-04", 5)]
    assert of_kind(rows, "reached_yp")["programmes"].tolist() == awaited


def test_a_programme_that_never_counts_families_is_not_awaited_for_them() -> None:
    rows = [returns_of("P1", "2023-04", 10, 3), returns_of("P2", "2023-04", 10)]
    assert of_kind(rows, "reached_families")[["n", "programmes", "returned"]].iloc[0].tolist() == [3, 1, 1]
    nobody = of_kind(rows, "reached_professionals").iloc[0]
    assert nobody["programmes"] == 0 and pd.isna(nobody["n"])


@pytest.mark.parametrize(
    ("n", "shown", "lower", "upper", "status"),
    [  # below 8 a band; others to the nearest 5: 8 and 12 are told as 10, which stands for 8 to 12
        (0, None, 0, 7, "band"),
        (7, None, 0, 7, "band"),
        (8, 10, 8, 12, "shown"),
        (12, 10, 8, 12, "shown"),
        (13, 15, 13, 17, "shown"),
    ],
)
def test_partners_are_told_bands_and_numbers_rounded_to_five(n, shown, lower, upper, status) -> None:
    found = programme_returns.released(pd.DataFrame([returns_of("P1", "2023-04", n)]))
    row = found[found["reached_kind"].eq("reached_yp")].iloc[0]
    assert (row["n_lower"], row["n_upper"], row["status"]) == (lower, upper, status)
    assert pd.isna(row["n"]) if shown is None else row["n"] == shown


def test_partners_get_no_number_of_a_quarter_that_lacks_a_return() -> None:
    rows = [returns_of("P1", m, 40) for m in ("2023-04", "2023-07")] + [returns_of("P2", "2023-04", 50)]
    found = programme_returns.released(pd.DataFrame(rows))
    late = found[found["reached_kind"].eq("reached_yp") & found["period"].str.startswith("2023-07")].iloc[0]
    assert (late["returned"], late["programmes"], late["status"]) == (1, 2, "not supplied")
    assert late[["n", "n_lower", "n_upper"]].isna().all()
    assert "programme_id" not in found


def test_a_late_return_that_comes_in_completes_its_quarter(bare: Path, tmp_path: Path) -> None:
    quarters = ("2023/24 Q1", "2023/24 Q2", "2023/24 Q3")
    first = [returned("P1", q, 40) for q in quarters] + [returned("P2", q, 50) for q in quarters[::2]]
    load("programme_returns", tmp_path, *first)
    rows = outcomes.series(scope(), "people_reached")
    assert rows["value"].fillna(-1).tolist() == [90, -1, 90] and rows["n_lower"].tolist() == [90, 40, 90]
    assert rows["status"].tolist() == ["shown", "not supplied", "shown"]
    assert rows.attrs["why"] == "Not complete: 2023-07 to 2023-09 (1 of 2 programmes returned)"
    load("programme_returns", tmp_path, returned("P2", "2023/24 Q2", 60), name="late")
    rows = outcomes.series(scope(), "people_reached")
    assert rows["value"].tolist() == [90, 100, 90] and rows.attrs["why"] == ""


def test_kinds_of_people_are_each_told_by_themselves_and_a_quarter_not_over_is_not(bare: Path, tmp_path: Path) -> None:
    load("programme_returns", tmp_path, returned("P1", "2023/24 Q1", 40, 20, 10), returned("P1", "2023/24 Q2", 41))
    found = outcomes.people_reached(scope(end=pd.Timestamp("2023-08-01")))
    assert found.set_index("reached_kind")["n"].to_dict() == {
        "reached_families": 20,
        "reached_professionals": 10,
        "reached_yp": 40,
    }
    every = outcomes.people_reached(scope())
    assert every.loc[every["month"].eq("2023-07-01"), "complete"].tolist() == [False, False, True]


# --------------------------------------------------------------------------------------- the invented registers, loaded


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that holds the invented registers and nothing else."""
    home = tmp_path_factory.mktemp("registers")
    demo.write_files(home / "raw", demo_registers.files(seed=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.delenv("EXPLORER_PARTNERSHIP", raising=False)
        for source in demo_registers.SOURCES:
            summary = ingest.ingest(source, [home / "raw" / source])
            read, accepted, *_ = counts(summary)
            assert read == accepted > 0  # invented registers have no slips
    yield home / "data"
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def on_loaded(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXPLORER_DATA", str(loaded))
    monkeypatch.delenv("EXPLORER_PARTNERSHIP", raising=False)
    return publish.current()


def test_the_same_seed_gives_the_same_files() -> None:
    one, again, other = (demo_registers.files(seed) for seed in (0, 0, 1))
    for source, named in one.items():
        for name, rows in named.items():
            pd.testing.assert_frame_equal(rows, again[source][name])
    assert not one["attendance"]["attendance"].equals(other["attendance"]["attendance"])


def test_the_invented_registers_are_as_large_as_they_say() -> None:
    files = demo_registers.files()
    meetings = files["attendance"]["attendance"]
    held = meetings.drop_duplicates(["Date", "Forum"])["Forum"].value_counts()
    assert held.to_dict() == {"TVRP": 33, "DAWG": 33, "SVRP": 11, "Engagement": 11, "Comms": 11}
    days = pd.to_datetime(meetings["Date"], format="%d/%m/%Y")
    assert days.min() >= pd.Timestamp("2023-04-01") and days.max() <= pd.Timestamp("2025-12-31")
    assert list(files["surveys"]) == [f"survey_{wave}" for wave in (2022, 2023, 2024, 2025)]
    returns = pd.concat(files["programme_returns"].values())
    assert returns["Programme"].nunique() == 8 and len(returns) == 8 * 19 - 1


def test_the_planted_rise_of_attendance_is_told_and_other_forums_show_none(on_loaded: Path) -> None:
    change = demo_registers.planted()["attendance"]
    rows = outcomes.series(scope(), "attendance_tvrp")
    since = rows["month"] >= pd.Timestamp(change["from"])
    assert rows["value"][since].mean() > rows["value"][~since].mean() + 20
    assert rows.loc[rows["signal"].eq("improvement"), "month"].min() >= pd.Timestamp(change["from"])
    row = outcomes.standing(scope(), framework()["attendance_tvrp"])
    assert (row["signal"], row["variation"]) == ("improvement", "special_cause")
    assert outcomes.standing(scope(), framework()["attendance_dawg"])["variation"] == "common_cause"


def test_the_matrix_shows_who_comes_more_often_and_who_hardly_comes(on_loaded: Path) -> None:
    found = outcomes.attendance_matrix(scope())
    year = found["quarter"].dt.year
    sums = found.groupby(["authority_class", year])[["meetings_attended", "meetings"]].sum()
    share = (sums["meetings_attended"] / sums["meetings"]).unstack()
    for name in ("probation", "education"):  # drift up by 35 points between the first meeting and the last
        assert share.loc[name, 2025] > share.loc[name, 2023] + 0.15
    assert share.mean(axis=1).idxmin() == "youth_custody"
    assert found["share"].dropna().between(0, 1).all()


def test_the_planted_fall_of_safety_is_more_than_chance_and_nothing_else_moved_so(on_loaded: Path) -> None:
    assert demo_registers.planted()["surveys"]["question"] == "safety"
    safety = outcomes.series(scope(), "feelings_of_safety").set_index("period")
    assert safety.loc["2025", "upper"] < safety.loc["2024", "lower"]
    willing = outcomes.series(scope(), "willingness").set_index("period")
    for rows in (willing, safety.loc[:"2024"]):
        assert rows["lower"].max() <= rows["upper"].min()  # no two waves are apart


def test_the_planted_growth_of_a_programme_is_told_and_the_late_return_is_a_gap(on_loaded: Path) -> None:
    change = demo_registers.planted()["programme_returns"]
    rows = outcomes.series(scope(), "people_reached").set_index("month")
    (gap,) = rows.index[rows["status"].eq("not supplied")]
    assert gap == demo_registers.LATE[1] and rows.loc[gap, ["n", "value", "upper"]].isna().all()
    assert "2023-07 to 2023-09 (7 of 8 programmes returned)" in rows.attrs["why"]
    since = rows.index >= pd.Timestamp(change["from"])
    assert rows.loc[since, "rule"].eq("outside").all() and rows.loc[since, "signal"].eq("improvement").all()
    assert not rows.loc[~since, "signal"].eq("improvement").any()
    assert outcomes.standing(scope(), framework()["people_reached"])["supplied"] == pytest.approx(18 / 19)


def test_totals_agree_with_a_second_way_to_count(on_loaded: Path) -> None:
    sent = pd.concat(demo_registers.files()["programme_returns"].values())
    quarter = sent["Quarter"].eq("2025/26 Q3")
    newest = outcomes.people_reached(scope()).groupby("reached_kind").last()["n"]
    for kind, header in zip(programme_returns.REACHED, sent.columns[-3:], strict=True):
        assert newest[kind] == sent.loc[quarter, header].astype(int).sum()
    asked = pd.concat(demo_registers.files()["surveys"].values())
    ours = asked[asked["Wave"].eq("2025") & asked["Question"].eq("trust")]
    n, yes = ours["Respondents"].astype(int), ours["Respondents"].astype(int) * ours["Percent"].astype(float) / 100
    row = outcomes.standing(scope(), framework()["public_trust"])
    assert row["value"] == pytest.approx(100 * yes.sum() / n.sum(), abs=0.05) and n.sum() > 4_000


def test_small_cohorts_of_one_authority_are_not_told(on_loaded: Path) -> None:
    held = pd.read_parquet(on_loaded / "restricted" / "survey.parquet")
    small = held[held["wave"].eq("2025") & held["question"].eq("trust") & held["n"].lt(100)].iloc[0]
    found = outcomes.survey_cohorts(scope(area=small["area_code"]), "trust").set_index("cohort")
    assert found.loc[small["cohort"], "n"] == small["n"]
    assert found.loc[small["cohort"], ["value", "lower", "upper"]].isna().all()
    assert found.loc[small["cohort"], "status"] == "hidden" and found["value"].notna().any()


# --------------------------------------------------------------------------------------------------------------- tiers


def test_the_public_tier_holds_nothing_of_the_registers(on_loaded: Path) -> None:
    names = {f.stem for f in (on_loaded / "public").rglob("*.parquet")}
    assert not names & {"attendance", "survey", "programme_returns"}
    assert pd.read_parquet(on_loaded / "public" / "loads.parquet").empty
    found = outcomes.measures(scope("public")).set_index("measure_id").loc[list(FILLED)]
    assert found[["value", "lower", "upper"]].isna().all(axis=None)
    assert found["reason"].str.contains("not held at your level of access").all() and found["needs"].ne("").all()
    for ask in (outcomes.attendance_matrix, outcomes.people_reached, lambda s: outcomes.survey_cohorts(s, "trust")):
        with pytest.raises(NotHeld):
            ask(scope("public"))


def test_partners_hold_no_return_of_one_programme_and_no_true_total(on_loaded: Path) -> None:
    held = pd.read_parquet(on_loaded / "partner" / "programme_returns.parquet")
    assert "programme_id" not in held and not {"referred", "started", "completed"} & set(held)
    shown = held[held["status"].eq("shown")]
    assert len(shown) and (shown["n"] % 5 == 0).all() and held.loc[~held["status"].eq("shown"), "n"].isna().all()
    true = programme_returns.totals(pd.read_parquet(on_loaded / "restricted" / "programme_returns.parquet"))
    both = held.merge(true, on=["period", "reached_kind"], suffixes=("", "_true"))
    told = both[both["n_lower"].notna()]
    assert told["n_true"].between(told["n_lower"], told["n_upper"]).all()


def test_partners_hold_no_small_share_and_no_cohort_of_one_authority(on_loaded: Path) -> None:
    held = pd.read_parquet(on_loaded / "partner" / "survey.parquet")
    assert set(held.columns) == set(surveys.POOLED)
    assert (held["area_code"].eq("all") | held["cohort"].eq("all")).all()
    assert held["n"].dropna().ge(100).all()
    whole = held[held["n"].lt(4_000)]["pct"].dropna()
    assert len(whole) and (whole % 1 == 0).all()
    with pytest.raises(NotHeld, match="No age cohorts of this area"):
        outcomes.survey_cohorts(scope("partner", area="E06000045"), "trust")


def test_partners_and_named_members_are_told_the_same_shares_and_meetings(on_loaded: Path) -> None:
    for name in ("feelings_of_safety", "willingness"):
        ours, theirs = (outcomes.series(scope(tier), name) for tier in ("restricted", "partner"))
        assert ours["value"].tolist() == theirs["value"].tolist()
        assert (ours["upper"] - theirs["upper"]).abs().max() <= 1  # theirs are of shares in whole per cent
    pd.testing.assert_frame_equal(*(outcomes.attendance_matrix(scope(t), "SVRP") for t in ("restricted", "partner")))


def test_every_measure_of_a_register_keeps_the_columns_and_types_of_the_others(on_loaded: Path) -> None:
    for tier in ("restricted", "partner"):
        found = outcomes.measures(scope(tier)).set_index("measure_id")
        assert found.loc[list(FILLED), "value"].notna().all() and found.loc[list(FILLED), "needs"].eq("").all()
        for name in FILLED:
            rows = outcomes.series(scope(tier), name)
            assert list(rows.columns) == outcomes.SERIES and rows["month"].is_monotonic_increasing
            assert {"unit", "every", "chart"} <= set(rows.attrs)
    unasked = found.loc["better_informed"]
    assert "do not ask this question" in unasked["reason"] and unasked["needs"]


def test_meetings_and_returns_are_not_told_of_one_authority(on_loaded: Path) -> None:
    found = outcomes.measures(scope(area="E06000045")).set_index("measure_id")
    for name in ("attendance_tvrp", "people_reached"):
        assert pd.isna(found.loc[name, "value"]) and "not told by authority" in found.loc[name, "reason"]
    assert found.loc["public_trust", "value"] > 0


@pytest.mark.parametrize("tier", ["restricted", "partner", "public"])
def test_without_a_register_a_measure_says_what_would_fill_it(tiny: Path, tier: str) -> None:
    found = outcomes.measures(scope(tier)).set_index("measure_id").loc[list(FILLED)]
    assert found["value"].isna().all() and found["needs"].str.len().min() > 10
    assert found["reason"].str.contains("not held at your level of access, or not loaded").all()


def test_every_feed_of_the_framework_has_a_way_to_be_told() -> None:
    told = {m.feed for m in framework().values() if m.feed}
    assert told == set(registers.OF_FEED)
    for m in framework().values():
        assert set(m.forums) <= set(schema.FORUMS) and bool(m.forums) == (m.feed == "attendance")
        assert (m.question in schema.QUESTIONS) == (m.feed == "survey")
        assert (m.counted in programme_returns.REACHED) == (m.feed == "programme_returns")


def test_partners_hold_the_registers_that_were_loaded_and_no_other(bare: Path, tmp_path: Path) -> None:
    load("attendance", tmp_path, *meeting("10/01/2023", 6))
    for tier, names in (("restricted", {"attendance"}), ("partner", {"attendance"}), ("public", set())):
        held = {file.stem for file in (publish.current() / tier).glob("*.parquet")}
        assert held & {"attendance", "survey", "programme_returns"} == names
    assert outcomes.series(scope("partner"), "attendance_svrp")["n"].tolist() == [6]


def test_a_quarter_once_told_to_partners_stays_as_it_was_told() -> None:
    """From two snapshots a programme that came late would be had by subtraction."""
    first = pd.DataFrame([returns_of("P1", m, 100) for m in ("2023-04", "2023-07")])
    late = pd.concat([first, pd.DataFrame([returns_of("P2", m, 4) for m in ("2023-04", "2023-07", "2023-10")])])
    late = pd.concat([late, pd.DataFrame([returns_of("P1", "2023-10", 100)])])
    then, now = programme_returns.released(first), programme_returns.released(late)
    told = programme_returns.frozen(now, then)
    assert sorted(told["period"].unique()) == sorted(now["period"].unique())
    both = told.merge(then, on=["period", "reached_kind"], suffixes=("", "_then"))
    assert both["n"].equals(both["n_then"])
    newest = told[told["period"].str.startswith("2023-10")]
    assert newest["n"].notna().any()
