"""Census, Community Needs Index and partners' own indicators: what is read, kept and set aside. A row is one value."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import E1, EAST, M1, OLD_SPLIT, W1, W2, WEST, text_file

from data import definitions, harmonise, ingest, publish, schema, tiers
from data.errors import SourceProblem
from data.harmonise import OUTSIDE
from data.sources import census, files, needs_index, partner_indicators

TENURES = [category for share in census.TOPICS[0].shares for category in share.of]
# Output area E00160541, table TS054 of the Census 2021 as published (censusdata.uk/e00160541...): 180 households
PUBLISHED = dict(zip(TENURES, [22, 17, 7, 15, 88, 27, 4, 0], strict=True))
NOMIS = "Tenure of household: "
PARTNER = "indicator,name,kind,area_code,period,value,lower,upper,numerator,denominator,unit,polarity,source,licence"
OGL = "Open Government Licence v3.0"


def tidied(adapter, path: Path) -> pd.DataFrame:
    (piece,) = files.pieces([path], adapter.SUFFIXES)
    return adapter.tidy(adapter.read(piece))


def tenure(path: Path, counts: dict[str, dict[str, int | str]], total: int | str | None = None) -> Path:
    """A long table of tenure: counts by area and category; the total is their sum unless given."""
    lines = ["lsoa21_code,total_households,tenure,n,prop"]
    for code, by_category in counts.items():
        whole = sum(by_category.values()) if total is None else total
        lines += [f"{code},{whole},{category},{n},0" for category, n in by_category.items()]
    return text_file(path, lines)


def values(rows: pd.DataFrame, area: str) -> dict[str, float]:
    return rows[rows["area_code"] == area].set_index("indicator_id")["value"].to_dict()


# ------------------------------------------------------------------------------------------------ the census


def test_tenure_becomes_shares_of_households_with_what_they_were_counted_from(tmp_path):
    rows = tidied(census, tenure(tmp_path / "tenure.csv", {W1: PUBLISHED})).set_index("indicator_id")
    # of 180: owned 22 + 17 and 7 shared, 15 + 88 from social landlords, 27 + 4 privately, none rent free
    assert rows["numerator"].to_dict() == {
        "tenure_owned": 46, "tenure_social_rented": 103, "tenure_private_rented": 31, "tenure_rent_free": 0,
    }  # fmt: skip
    assert rows["denominator"].eq(180).all() and rows["unit"].eq("% of households").all()
    assert rows.loc["tenure_social_rented", "value"] == pytest.approx(57.2222, abs=1e-4)
    assert rows["value"].sum() == pytest.approx(100)
    assert rows["published"].eq("2021-03-21").all() and rows["licence"].eq(OGL).all()
    assert rows["problem"].eq("").all()
    schema.check(schema.typed(rows.reset_index(), "indicators"), "indicators", "tenure.csv")


@pytest.mark.parametrize("ending", ["", "; measures: Value"])
def test_tables_of_nomis_give_the_same_shares_though_their_sums_stand_beside_the_parts(tmp_path, ending):
    columns = {"Total: All households": 180, "Owned": 39, "Social rented": 103, **PUBLISHED}
    header = ["date", "geography", "geography code", *(f"{NOMIS}{c}{ending}" for c in columns)]
    path = text_file(
        tmp_path / "ts054.csv", [",".join(header), ",".join(["2021", "X", W1, *map(str, columns.values())])]
    )
    long = tidied(census, tenure(tmp_path / "long.csv", {W1: PUBLISHED}))
    pd.testing.assert_frame_equal(tidied(census, path), long)


def test_a_table_of_another_census_is_refused(tmp_path):
    header = ["date", "geography code", f"{NOMIS}Total: All households", *(NOMIS + c for c in TENURES)]
    path = text_file(tmp_path / "old.csv", [",".join(header), f"2011,{W1},8,1,1,1,1,1,1,1,1"])
    with pytest.raises(SourceProblem, match="another census than that of 2021"):
        tidied(census, path)


def test_a_table_that_lacks_a_category_or_has_a_new_one_is_refused(tmp_path):
    fewer = {c: n for c, n in PUBLISHED.items() if c != "Lives rent free"}
    for counts in (fewer, PUBLISHED | {"Caravan": 3}):
        with pytest.raises(SourceProblem, match="lacks columns or categories"):
            tidied(census, tenure(tmp_path / "tenure.csv", {W1: counts}))
    with pytest.raises(SourceProblem, match="no table of tenure"):
        tidied(census, text_file(tmp_path / "other.csv", ["lsoa21_code,colour", f"{W1},blue"]))


def test_an_area_whose_numbers_do_not_add_up_is_set_aside_and_the_others_kept(tmp_path):
    odd = {W2: PUBLISHED | {"Lives rent free": "some"}, E1: PUBLISHED | {"Lives rent free": 1}, "X01": PUBLISHED}
    path = tenure(tmp_path / "tenure.csv", {W1: PUBLISHED, **odd}, total=180)
    twice = path.read_text() + f"{WEST},180,Lives rent free,0,0\n{WEST},180,Lives rent free,0,0\n"
    path.write_text(twice)
    rows = tidied(census, path)
    assert rows.groupby("area_code")["problem"].unique().map(list).to_dict() == {
        W1: [""], W2: [census.INCOMPLETE], E1: [census.INCOMPLETE], WEST: [census.INCOMPLETE],
        "X01": [census.NOT_A_CODE],
    }  # fmt: skip
    assert rows.loc[rows["area_code"] == W2, ["value", "numerator", "denominator"]].isna().all(axis=None)
    assert rows[rows["area_code"] == W2].index.unique().tolist() == [
        8
    ]  # its first line after the header and W1's eight


def test_an_area_without_households_has_no_shares_and_is_no_fault(tmp_path):
    rows = tidied(census, tenure(tmp_path / "tenure.csv", {W1: dict.fromkeys(TENURES, 0)}))
    assert rows["value"].isna().all() and rows["numerator"].eq(0).all() and rows["problem"].eq("").all()


def test_ethnic_groups_are_context_without_a_better_side_and_say_they_are_never_factors():
    for share in census.TOPICS[2].shares:
        assert (share.kind, share.polarity) == ("context", "neutral") and share.name.endswith("never a factor")


def test_renting_has_no_better_side_and_deprived_households_have():
    told = {share.id: (share.kind, share.polarity) for topic in census.TOPICS for share in topic.shares}
    assert told["tenure_social_rented"] == told["tenure_private_rented"] == ("risk", "neutral")
    assert told["tenure_owned"] == ("context", "neutral")
    assert told["households_deprived_2plus"] == ("risk", "low_is_good")
    assert told["households_not_deprived"] == ("protective", "high_is_good")


def test_areas_of_elsewhere_are_outside_and_no_fault(tmp_path, marches):
    counts = dict.fromkeys([W1, M1, WEST, "E01000001", "W01000001", "E06000001"], PUBLISHED)
    rows = tidied(census, tenure(tmp_path / "tenure.csv", counts))
    before = rows.copy(deep=True)
    placed = census.localise(rows, marches, definitions.partnership())
    pd.testing.assert_frame_equal(rows, before)
    inside = placed[placed["problem"] == ""].drop_duplicates("area_code").set_index("area_code")["area_level"]
    assert inside[[W1, M1]].to_dict() == {W1: "lsoa", M1: "msoa"}
    assert set(placed["problem"]) == {"", OUTSIDE}


def test_the_census_is_loaded_by_the_command_and_read_back(tiny, tmp_path):
    path = tenure(tmp_path / "tenure.csv", {W1: PUBLISHED, W2: dict.fromkeys(TENURES, 1), "E01000001": PUBLISHED})
    load = ingest.ingest("census", [path]).loads[0]
    assert (load.rows_read, load.accepted, load.reasons) == (12, 8, {OUTSIDE: 4})
    held = pd.read_parquet(publish.current(tiny) / "public" / "indicators.parquet")
    # eight kinds of tenure, one household each: 3, 2, 2 and 1 of 8
    assert values(held, W2) == {
        "tenure_owned": 37.5, "tenure_social_rented": 25, "tenure_private_rented": 25, "tenure_rent_free": 12.5,
    }  # fmt: skip


def test_neighbourhoods_delivered_later_leave_the_small_areas_as_they_are(tiny, tmp_path):
    ingest.ingest("census", [tenure(tmp_path / "small.csv", {W1: PUBLISHED})])
    ingest.ingest("census", [tenure(tmp_path / "middle.csv", {M1: PUBLISHED})])
    held = pd.read_parquet(publish.current(tiny) / "restricted" / "indicators.parquet")
    assert set(held["area_code"]) == {W1, M1}


FILES = ("household_tenure21_lsoa21", "household_deprivation21_lsoa21", "ethnicity21_lsoa21")
AUTHORITIES = [*(f"E070000{n}" for n in range(84, 95)), "E06000044", "E06000045", "E06000046"]


@pytest.fixture(scope="module")
def whole(real: Path) -> dict[str, pd.DataFrame]:
    """The three tables of England and Wales, tidied."""
    return {name: tidied(census, real / "deprivation_population" / f"{name}.parquet") for name in FILES}


def small_areas(real: Path, authorities: list[str]) -> set[str]:
    """Codes of the small areas of some authorities, by the lookup of the statistics office."""
    lookup = pd.read_csv(real / "geography" / "lookup_lsoa21_ward24_ltla24.csv.gz", dtype="str")
    return set(lookup.loc[lookup["ltla24_code"].isin(authorities), "lsoa21_code"])


@pytest.mark.real
class TestRealCensus:
    def test_every_small_area_of_the_study_area_has_shares_that_add_up(self, real, whole):
        ours = small_areas(real, AUTHORITIES)
        assert len(ours) == 1231  # ../shared/real/README.md
        for name, rows in whole.items():
            here = rows[rows["area_code"].isin(ours)]
            totals = here.groupby("area_code")["value"].sum()
            assert rows["problem"].eq("").all() and rows["area_code"].nunique() == 35_672, name
            assert len(totals) == 1231 and (totals - 100).abs().max() < 1e-9, name

    def test_england_and_wales_add_up_to_what_the_statistics_office_published(self, whole):
        def shares(name: str) -> pd.Series:
            sums = whole[name].groupby("indicator_id")[["numerator", "denominator"]].sum()
            return 100 * sums["numerator"] / sums["denominator"]

        # ONS, Housing, England and Wales: Census 2021 (5 January 2023): 62.5% own, 37.3% rent
        tenures = shares("household_tenure21_lsoa21")
        assert tenures["tenure_owned"] == pytest.approx(62.5, abs=0.05)
        assert tenures[["tenure_social_rented", "tenure_private_rented"]].sum() == pytest.approx(37.3, abs=0.05)
        # 12.8 million households, 52%, deprived in at least one way (The News, Portsmouth, from the same tables)
        deprived = whole["household_deprivation21_lsoa21"]
        some = deprived[deprived["indicator_id"] != "households_not_deprived"]
        assert some["numerator"].sum() / 1e6 == pytest.approx(12.8, abs=0.05)

    def test_the_isle_of_wight_adds_up_to_its_own_table(self, real, whole):
        """44,325 owners (with shared ownership), 64,777 households: Vision of Britain, from ONS's table of authorities.

        Counts are altered by a few in every table, so sums of small areas come near and not to the unit.
        """
        rows = whole["household_tenure21_lsoa21"]
        rows = rows[rows["area_code"].isin(small_areas(real, ["E06000046"]))].set_index("indicator_id")
        owned = rows.loc["tenure_owned"]
        assert owned["numerator"].sum() == pytest.approx(44_325, abs=20)
        assert owned["denominator"].sum() == pytest.approx(64_777, abs=20)


# ---------------------------------------------------------------------------------- Community Needs Index

NEEDS = (
    "lsoa21_code,lsoa21_name,Community Needs Index 2023 Score,Community Needs Index 2023 Rank,Civic Assets Domain Score"
)


def test_scores_of_need_are_lower_the_better_and_ranks_the_other_way(tmp_path):
    # the first row of the index as published: Lincoln 007C, score 251.21, rank 1, civic assets 1.52
    rows = tidied(needs_index, text_file(tmp_path / "cni.csv", [NEEDS, f"{W1},Lincoln 007C,251.21,1,1.52"]))
    told = rows.set_index("indicator_id")
    assert told["value"].to_dict() == {"cni2023_score": 251.21, "cni2023_rank": 1, "cni2023_civic_assets_score": 1.52}
    assert told["polarity"].tolist() == ["low_is_good", "high_is_good", "low_is_good"]
    assert told["unit"].tolist() == ["score", "rank", "score"] and told["kind"].eq("risk").all()
    schema.check(schema.typed(rows, "indicators"), "indicators", "cni.csv")


def test_needs_that_are_no_numbers_or_of_no_small_area_are_set_aside_and_empty_ones_kept(tmp_path):
    lines = [f"{W1},A,,2,0.5", f"{W2},B,much,2,0.5", f"{WEST},C,1,2,0.5", f"{W1},A,1,2,0.5"]
    rows = tidied(needs_index, text_file(tmp_path / "cni.csv", [NEEDS, *lines]))
    scores = rows[rows["indicator_id"] == "cni2023_score"]
    expected = ["", needs_index.NOT_A_NUMBER, needs_index.NOT_A_CODE, "given twice"]
    assert scores["problem"].tolist() == expected and scores["value"].isna().tolist() == [True, True, False, False]
    assert scores.index.tolist() == [0, 1, 2, 3]


def test_another_edition_of_the_index_is_refused(tmp_path):
    header = NEEDS.replace("Index 2023", "Index 2019")
    with pytest.raises(SourceProblem, match="Community Needs Index 2023 Score"):
        tidied(needs_index, text_file(tmp_path / "cni.csv", [header, f"{W1},A,1,2,3"]))


def test_needs_of_elsewhere_are_outside(tmp_path, marches):
    rows = tidied(needs_index, text_file(tmp_path / "cni.csv", [NEEDS, f"{W1},A,1,2,3", "E01000001,B,1,2,3"]))
    placed = needs_index.localise(rows, marches, definitions.partnership())
    assert placed.groupby("area_code")["problem"].first().to_dict() == {W1: "", "E01000001": OUTSIDE}


@pytest.mark.real
def test_the_whole_index_is_read_and_rank_one_is_the_highest_score(real: Path):
    rows = tidied(needs_index, real / "deprivation_population" / "cni2023_england_lsoa21.csv.gz")
    assert rows["problem"].eq("").all() and rows["indicator_id"].nunique() == 8
    wide = rows.pivot(index="area_code", columns="indicator_id", values="value")
    assert len(wide) == 33_755
    for domain in ("", "civic_assets_", "connectedness_", "active_community_"):
        ranks = wide[f"cni2023_{domain}score"].rank(ascending=False, method="average")
        # scores are published with two decimals, so ranks within a tie cannot be told
        assert ranks.corr(wide[f"cni2023_{domain}rank"]) > 0.9999, domain


# --------------------------------------------------------------------------------- indicators of partners


def sent(**given: str) -> str:
    """One row of a partner's table: permanent exclusions in Westmarch, but for what is given."""
    usual = {
        "indicator": "permanent_exclusions", "name": "Permanent exclusions from school", "kind": "risk",
        "area_code": WEST, "period": "2023/24", "value": "0.12", "numerator": "12", "denominator": "10000",
        "unit": "% of pupils", "polarity": "low_is_good", "source": "Department for Education", "licence": OGL,
    }  # fmt: skip
    return ",".join('"{}"'.format((usual | given).get(column, "")) for column in PARTNER.split(","))


def received(folder: Path, *lines: str, header: str = PARTNER) -> pd.DataFrame:
    return tidied(partner_indicators, text_file(folder / "indicators.csv", [header, *lines]))


def test_a_sound_row_of_a_partner_is_kept_under_an_identifier_of_its_own(tmp_path):
    rows = received(tmp_path, sent())
    row = rows.iloc[0]
    expected = {
        "indicator_id": "partner_permanent_exclusions", "name": "Permanent exclusions from school", "kind": "risk",
        "area_code": WEST, "area_level": "lad", "period": "2023/24", "value": 0.12, "numerator": 12.0,
        "denominator": 10_000.0, "unit": "% of pupils", "polarity": "low_is_good",
        "source": "Department for Education", "licence": OGL, "feed_id": "partner_indicators", "problem": "",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    schema.check(schema.typed(rows, "indicators"), "indicators", "indicators.csv")


def test_other_spellings_of_the_headers_and_words_are_understood(tmp_path):
    header = PARTNER.replace("indicator,name", "Indicator ID,Indicator Name").replace("area_code", "GSS code")
    rows = received(
        tmp_path, sent(kind="Risk factor", polarity="Lower is better"), header=header.replace("licence", "License")
    )
    assert rows[["kind", "polarity", "problem"]].iloc[0].tolist() == ["risk", "low_is_good", ""]


@pytest.mark.parametrize(
    ("code", "level"), [(W1, "lsoa"), (M1, "msoa"), ("E05002450", "ward"), (WEST, "lad"), ("E92000001", "country")]
)
def test_the_code_tells_the_level(tmp_path, code, level):
    assert received(tmp_path, sent(area_code=code))["area_level"].tolist() == [level]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"indicator": ""}, partner_indicators.NO_INDICATOR),
        ({"name": ""}, partner_indicators.NO_INDICATOR),
        ({"kind": "cause"}, partner_indicators.BAD_WORD),
        ({"kind": ""}, partner_indicators.BAD_WORD),
        ({"polarity": "up"}, partner_indicators.BAD_WORD),
        ({"unit": ""}, partner_indicators.NOT_SAID),
        ({"licence": "Ours alone"}, partner_indicators.NOT_OPEN),
        ({"area_code": "E10000014"}, partner_indicators.fingertips.COUNTY),
        ({"area_code": "Westmarch"}, partner_indicators.NO_AREA),
        ({"area_code": "E0600090"}, partner_indicators.NO_AREA),
        ({"period": "lately"}, partner_indicators.BAD_PERIOD),
        ({"value": "many"}, partner_indicators.BAD_NUMBER),
        ({"denominator": "all"}, partner_indicators.BAD_NUMBER),
        ({"lower": "0.2", "upper": "0.3"}, partner_indicators.BAD_LIMITS),
    ],
)
def test_what_cannot_be_used_has_its_reason_and_the_next_row_is_kept(tmp_path, given, reason):
    rows = received(tmp_path, sent(**given), sent(area_code=EAST, indicator="other"))
    assert rows["problem"].tolist() == [reason, ""]


def test_the_same_area_and_period_twice_is_kept_once_and_other_periods_stay(tmp_path):
    rows = received(tmp_path, sent(), sent(value="0.5"), sent(period="2022/23"))
    assert rows["problem"].tolist() == ["", "given twice", ""]


def test_rows_that_say_something_else_of_their_indicator_are_set_aside(tmp_path):
    rows = received(tmp_path, sent(), sent(area_code=EAST, unit="per 1,000"), sent(area_code=W1, polarity="neutral"))
    assert rows["problem"].tolist() == ["", partner_indicators.UNLIKE, partner_indicators.UNLIKE]


@pytest.mark.parametrize("mark", ["", "c", "[x]", "*", ".."])
def test_a_value_withheld_is_missing_and_zero_is_zero(tmp_path, mark):
    rows = received(tmp_path, sent(value=mark, numerator=mark), sent(area_code=EAST, value="0"))
    assert rows["problem"].tolist() == ["", ""]
    assert rows["value"].isna().tolist() == [True, False] and rows["value"].iloc[1] == 0


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2023", "2023"), ("2023/24", "2023/24"), ("2024-05", "2024-05"), ("2021 - 2023", "2021-2023"),
        ("2021/22 to 2023/24", "2021/22-2023/24"),
    ],
)  # fmt: skip
def test_years_months_and_several_years_are_periods(tmp_path, text, period):
    assert received(tmp_path, sent(period=text))["period"].tolist() == [period]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Pupils of Black ethnic groups"},
        {"name": "Residents who are Muslim"},
        {"indicator": "share_no_religion", "name": "Residents who named none"},
        {"name": "Knife crime per 1,000"},
        {"name": "Arrests of under 18s"},
        {"name": "Admissions for assault"},
    ],
)
def test_groups_of_people_and_records_of_crime_are_context_whatever_the_file_says(tmp_path, given):
    row = received(tmp_path, sent(**given)).iloc[0]
    assert (row["kind"], row["problem"]) == ("context", "") and row["name"].endswith("never a factor")


@pytest.mark.parametrize("name", ["Claimant count", "Unauthorised absence", "Free school meals", "Food bank parcels"])
def test_other_factors_keep_the_kind_they_were_given(tmp_path, name):
    row = received(tmp_path, sent(name=name)).iloc[0]
    assert (row["kind"], row["name"]) == ("risk", name)


def test_a_table_on_small_areas_of_2011_is_refused_with_what_to_do(tmp_path, marches):
    rows = received(tmp_path, sent(area_code=W1), sent(area_code=OLD_SPLIT))
    with pytest.raises(SourceProblem, match=r"small areas of 2011 \(1 row\). Ask for it on those of 2021"):
        partner_indicators.localise(rows, marches, definitions.partnership())


def test_wards_need_the_lookup_that_says_which_are_ours(tmp_path, marches):
    rows = received(tmp_path, sent(area_code="E05009001"), sent(area_code="E05009999"))
    with pytest.raises(SourceProblem, match="Load the lookup of small areas to wards first"):
        partner_indicators.localise(rows, marches, definitions.partnership())
    ward = {"kind": ["lsoa_ward"], "from_code": [W1], "to_code": ["E05009001"], "feed_id": ["lookups"]}
    lookups = pd.concat([marches.lookups, schema.typed(pd.DataFrame(ward), "lookups")])
    fields = {name: getattr(marches, name) for name in harmonise.Geography.__dataclass_fields__}
    knowing = harmonise.Geography(**fields | {"lookups": lookups})
    placed = partner_indicators.localise(rows, knowing, definitions.partnership())
    assert placed["problem"].tolist() == ["", OUTSIDE]


def test_a_file_of_a_partner_is_loaded_and_other_areas_only_counted(tiny, tmp_path):
    lines = [sent(), sent(area_code=EAST), sent(area_code="E06000001"), sent(area_code="E92000001")]
    load = ingest.ingest("partner_indicators", [text_file(tmp_path / "exclusions.csv", [PARTNER, *lines])]).loads[0]
    assert (load.rows_read, load.accepted, load.reasons) == (4, 3, {OUTSIDE: 1})
    held = pd.read_parquet(publish.current(tiny) / "restricted" / "indicators.parquet")
    assert set(held["area_code"]) == {WEST, EAST, "E92000001"}


def test_what_no_open_licence_covers_never_reaches_the_table_that_everybody_sees(tiny, tmp_path):
    assert "indicators" in tiers.OPEN_TABLES  # why partners' rows need an open licence
    path = text_file(tmp_path / "closed.csv", [PARTNER, sent(licence="Information sharing agreement")])
    with pytest.raises(SourceProblem, match="licence does not let everybody see it"):
        ingest.ingest("partner_indicators", [path])


def test_a_table_with_personal_identifiers_is_refused(tmp_path):
    header = PARTNER + ",Victim name"
    with pytest.raises(SourceProblem, match="names of people"):
        received(tmp_path, sent() + ",Jo Bloggs", header=header)


@pytest.mark.parametrize("adapter", [census, needs_index, partner_indicators])
def test_what_has_to_be_loaded_first_is_said(adapter):
    with pytest.raises(SourceProblem, match="Load boundaries first"):
        adapter.localise(pd.DataFrame({"problem": [], "area_code": []}), ingest.nowhere(), definitions.partnership())
