"""Lookups and postcodes: recognised by their headers, kept for the partnership. A row is one pair, or one postcode."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from data import schema
from data.definitions import Authority, Partnership, partnership
from data.errors import SourceProblem
from data.harmonise import OUTSIDE, Geography
from data.sources import codepoint, files, lookups

REAL = Path(__file__).parents[2] / "shared" / "real" / "geography"
real = [pytest.mark.real, pytest.mark.skipif(not REAL.exists(), reason="../shared is not here")]

OURS, THEIRS = "E07000091", "E07000049"
PLACE = Partnership("t", "T", "T", (), "t", "E23000030", (4e5, 7e4, 5e5, 1.7e5), (Authority(OURS, "Ours", 0),))
EMPTY = [schema.typed(pd.DataFrame(), t) for t in ("areas", "areas", "areas", "lookups", "postcodes")]
NOWHERE = Geography(*EMPTY, box=PLACE.box, forces=())


def loaded(path: Path, module=lookups, place: Partnership = PLACE) -> pd.DataFrame:
    """Every table of the file through read, tidy and localise."""
    pieces = files.pieces([path], module.SUFFIXES)
    return pd.concat(module.localise(module.tidy(module.read(p)), NOWHERE, place) for p in pieces)


def written(tmp_path: Path, text: str, name: str = "lookup.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def kept(rows: pd.DataFrame, kind: str) -> dict[str, str]:
    """From code to code, of the rows without a problem."""
    found = rows[(rows["problem"] == "") & (rows["kind"] == kind)]
    return dict(zip(found["from_code"], found["to_code"], strict=True))


def test_old_to_new_small_areas_as_the_statistics_office_heads_them(tmp_path):
    path = written(
        tmp_path,
        "LSOA11CD,LSOA11NM,LSOA21CD,LSOA21NM,CHGIND,LAD22CD,LAD22NM\n"
        "E01000001,Test 001A,E01000001,Test 001A,U,E07000091,Ours\n"  # unchanged
        "E01000002,Test 001B,E01000008,Test 001F,S,E07000091,Ours\n"  # split in two
        "E01000002,Test 001B,E01000009,Test 001G,S,E07000091,Ours\n"
        "E01000003,Far 001A,E01000003,Far 001A,U,E07000049,Theirs\n",  # another authority
    )
    rows = loaded(path)
    pairs = rows[rows["kind"] == "lsoa11_lsoa21"].set_index("to_code")
    assert pairs["change"].tolist() == ["U", "S", "S", "U"]
    assert pairs.loc["E01000009", ["from_code", "name"]].tolist() == ["E01000002", "Test 001G"]
    assert pairs.loc["E01000003", "problem"] == OUTSIDE
    # the same file says in which authority each of today's small areas lies
    assert kept(rows, "lsoa_lad") == {"E01000001": OURS, "E01000008": OURS, "E01000009": OURS}
    good = schema.typed(rows[rows["problem"] == ""], "lookups")
    schema.check(good, "lookups", "test")


@pytest.mark.parametrize(
    ("header", "row", "kind", "pair"),
    [
        (
            "lsoa21_code,ward24_code,ltla24_code",
            "E01000001,E05000001,E07000091",
            "lsoa_ward",
            ("E01000001", "E05000001"),
        ),
        ("LSOA21CD,WD24CD,WD24NM,LAD24CD", "E01000001,E05000001,W,E07000091", "lsoa_ward", ("E01000001", "E05000001")),
        ("LSOA21CD,MSOA21CD,LAD22CD", "E01000001,E02000001,E07000091", "lsoa_msoa", ("E01000001", "E02000001")),
        ("lsoa11_code,msoa11_code", "E01000001,E02000001", "lsoa_msoa", ("E01000001", "E02000001")),
        ("MSOA11CD,MSOA21CD,LAD22CD", "E02000001,E02000002,E07000091", "msoa11_msoa21", ("E02000001", "E02000002")),
        ("LAD24CD,PFA24CD,PFA24NM", "E07000091,E23000030,Hampshire", "lad_pfa", ("E07000091", "E23000030")),
        ("LADCD,LADCD_ACTIVE", "E07000100,E07000091", "lad_lad", ("E07000100", "E07000091")),
    ],
)
def test_each_kind_is_recognised_by_its_header(tmp_path, header, row, kind, pair):
    assert kept(loaded(written(tmp_path, f"{header}\n{row}\n")), kind) == {pair[0]: pair[1]}


def test_everyday_names_are_read_in_spite_of_a_byte_order_mark_and_a_comma_in_a_name(tmp_path):
    text = '\ufeffmsoa21cd,msoa21nm,msoa21hclnm\nE02000001,Test 001,"Hill, Dale & Moor"\n'
    row = loaded(written(tmp_path, text)).iloc[0]
    assert (row["kind"], row["from_code"], row["name"], row["problem"]) == (
        "msoa_name",
        "E02000001",
        "Hill, Dale & Moor",
        "",
    )


def test_a_pair_that_stands_in_many_rows_is_one_pair(tmp_path):
    # a lookup of output areas: two of them lie in one small area
    same = "E01000001,E02000001,E07000091\n"
    text = f"OA21CD,LSOA21CD,MSOA21CD,LAD22CD\nE00000001,{same}E00000002,{same}"
    assert len(loaded(written(tmp_path, text))) == 2  # one lsoa_msoa, one lsoa_lad


def test_codes_and_changes_that_are_none_are_set_aside(tmp_path):
    text = "LSOA11CD,LSOA21CD,CHGIND\nE01000001,,U\nE01000002,E01000002,Q\n"  # no new code; an unknown change
    assert loaded(written(tmp_path, text))["problem"].tolist() == [lookups.NOT_A_CODE, lookups.BAD_CHANGE]


def test_a_table_with_no_pair_of_codes_is_refused_without_quoting_it(tmp_path):
    with pytest.raises(SourceProblem, match="no pair of codes") as refusal:
        loaded(written(tmp_path, "LSOA21CD,colour\nE01000001,blue\n"))
    assert "blue" not in str(refusal.value)


def test_an_empty_table_gives_no_rows(tmp_path):
    assert loaded(written(tmp_path, "LSOA11CD,LSOA21CD,CHGIND,LAD22CD\n")).empty


def test_postcodes_are_read_without_a_header_and_written_one_way(tmp_path):
    path = written(
        tmp_path,
        '"SO140AA",10,442312,112123,"E92000001","E19000002","E18000009","","E06000045","E05002455"\n'  # in the box
        '"BT1 1AA",10,146000,530000,"N92000002","","","","",""\n'  # Belfast: far outside
        '"SO14 9ZZ",90,0,0,"E92000001","","","","",""\n'  # quality 90: no coordinates published
        '"HELLO",10,442312,112123,"E92000001","","","","",""\n',  # not a postcode
        "so.csv",
    )
    rows = loaded(path, codepoint)
    assert rows["postcode"].tolist() == ["SO140AA", "BT11AA", "SO149ZZ", "HELLO"]
    assert rows["problem"].tolist() == ["", OUTSIDE, codepoint.NO_POINT, codepoint.BAD_POSTCODE]
    assert rows.loc[0, ["easting", "northing", "feed_id"]].tolist() == [442312, 112123, "codepoint:so"]
    schema.check(schema.typed(rows[rows["problem"] == ""], "postcodes"), "postcodes", "test")


def test_the_page_of_headings_that_comes_with_the_postcodes_gives_no_rows(tmp_path):
    text = "PC,PQ,EA,NO,CY,RH,LH,CC,DC,WC\nPostcode,Positional_quality_indicator,Eastings,Northings,a,b,c,d,e,f\n"
    assert loaded(written(tmp_path, text, "Column_Headers.csv"), codepoint).empty


def test_a_table_that_is_no_list_of_postcodes_is_refused(tmp_path):
    with pytest.raises(SourceProblem, match="not a Code-Point Open table"):
        loaded(written(tmp_path, "a,b\n1,2\n"), codepoint)


class TestReal:
    pytestmark = real

    # From ../shared/real/README.md: 1,194 small areas of 2011 became 1,231: 1,166 unchanged, 28 split into 65.
    def test_the_study_areas_small_areas_and_their_splits_are_counted_as_published(self):
        rows = loaded(REAL / "lookup_lsoa11_lsoa21_ltla22.csv.gz", place=partnership())
        ours = rows[(rows["kind"] == "lsoa11_lsoa21") & (rows["problem"] == "")]
        assert (ours["from_code"].nunique(), ours["to_code"].nunique()) == (1194, 1231)
        assert ours["change"].value_counts().to_dict() == {"U": 1166, "S": 65}
        assert ours.loc[ours["change"] == "S", "from_code"].nunique() == 28
        assert (rows["kind"] == "lsoa11_lsoa21").sum() == 35795

    @pytest.mark.parametrize(
        ("file", "kind", "ours"),
        [
            ("lookup_lsoa21_ward24_ltla24.csv.gz", "lsoa_ward", 1231),
            ("lookup_lsoa21_ward24_ltla24.csv.gz", "lsoa_lad", 1231),
            ("lookup_msoa11_msoa21_ltla22.csv.gz", "msoa11_msoa21", 243),
            ("lookup_ltla24_csp24_pfa24.csv", "lad_pfa", 14),
            ("la_all_codes.csv", "lad_lad", 14),
            ("lookup_lsoa11_msoa11.csv.gz", "lsoa_msoa", 41729),  # names no authority: kept whole, Scotland too
            ("msoa2021_names_hclnm.csv", "msoa_name", 7264),
        ],
    )
    def test_each_published_lookup_loads(self, file, kind, ours):
        rows = loaded(REAL / file, place=partnership())
        assert len(kept(rows, kind)) == ours
        assert set(rows["problem"]) <= {"", OUTSIDE}

    def test_postcodes_load_from_the_zip_with_its_headings(self):
        rows = loaded(REAL / "codepoint_open_so_po_rg_gu_sp_bh.zip", codepoint, partnership())
        assert len(rows) == 110003  # from ../shared/real/README.md
        assert set(rows["problem"]) == {"", OUTSIDE}

    def test_plain_and_gzipped_files_give_the_same(self, tmp_path):
        packed = REAL / "lookup_lsoa11_lsoa21_ltla22.csv.gz"
        plain = tmp_path / "lookup.csv"
        plain.write_bytes(gzip.decompress(packed.read_bytes()))
        pd.testing.assert_frame_equal(loaded(plain), loaded(packed))
