"""Street-level crime as published: which rows are taken, what each becomes, and what is set aside and why."""

import gzip
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from conftest import (
    ASB,
    CENTRE,
    FORCE,
    OTHER_FORCE,
    STREET,
    VIOLENCE,
    W1,
    W2,
    crime,
    street_file,
    text_file,
)

from data import schema
from data.errors import SourceProblem
from data.sources import files, police_uk
from data.sources.files import Piece


def tidied(folder: Path, *rows: str) -> pd.DataFrame:
    return police_uk.tidy(police_uk.read(Piece(street_file(folder / "2024-01-marches-street.csv", rows))))


def test_a_row_becomes_a_record_that_claims_no_more_than_was_published(tmp_path: Path) -> None:
    row = tidied(tmp_path, crime(1, street="Mill Lane")).iloc[0]
    expected = {
        "problem": "",
        "source": "police_uk",
        "feed_id": "police_uk:marches-constabulary",
        "place_basis": "occurrence",
        "month": pd.Timestamp("2024-01-01"),
        "time_known": False,  # no day, no hour
        "precision": "snap",  # a point moved to a street
        "lsoa_code": W1,
        "location_key": "Mill Lane",
        "offence_group": "street_violence_sexual",
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("kind", "group"),
    [  # the 14 types in use since 2013, as data.police.uk/about lists them
        ("Anti-social behaviour", "street_asb"),
        ("Bicycle theft", "street_bicycle"),
        ("Burglary", "street_burglary"),
        ("Criminal damage and arson", "street_criminal_damage_arson"),
        ("Drugs", "street_drugs"),
        ("Other crime", "street_other"),
        ("Other theft", "street_other_theft"),
        ("Possession of weapons", "street_weapons"),
        ("Public order", "street_public_order"),
        ("Robbery", "street_robbery"),
        ("Shoplifting", "street_shoplifting"),
        ("Theft from the person", "street_theft_person"),
        ("Vehicle crime", "street_vehicle"),
        ("Violence and sexual offences", "street_violence_sexual"),
    ],
)
def test_every_published_type_has_its_group(tmp_path: Path, kind: str, group: str) -> None:
    assert tidied(tmp_path, crime(1, kind=kind))["offence_group"].tolist() == [group]


@pytest.mark.parametrize("name", ["plain.csv", "packed.csv.gz", "archive.zip"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_gzipped_and_zipped_files_give_the_same_rows(tmp_path: Path, name: str, end: str) -> None:
    text = "".join(line + end for line in (STREET, crime(1), crime(None, kind=ASB), crime(2, at=None, lsoa="")))
    if name == "archive.zip":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.mkdir("2024-01")
            archive.writestr("2024-01/2024-01-marches-street.csv", text)
    else:
        (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    (piece,) = files.pieces([tmp_path / name], police_uk.SUFFIXES)
    found = police_uk.tidy(police_uk.read(piece))
    wanted = tidied(tmp_path, crime(1), crime(None, kind=ASB), crime(2, at=None, lsoa=""))
    pd.testing.assert_frame_equal(found, wanted)


def test_rows_without_a_crime_id_are_records_of_their_own_even_where_they_are_alike(tmp_path: Path) -> None:
    rows = tidied(tmp_path, *[crime(None, kind=ASB)] * 3, crime(1), crime(1))
    assert rows["record_id"].nunique() == 4  # three reports that look alike, and one crime that stands twice
    assert (rows["problem"] == "").all()


def test_a_row_without_a_crime_id_is_the_same_record_in_a_later_release(tmp_path: Path) -> None:
    # later releases put rows in another order: the ids must not hang on the line they stand on
    asb = [crime(None, kind=ASB, at=CENTRE[code], lsoa=code) for code in (W1, W1, W2)]
    first = tidied(tmp_path / "one", *asb, crime(1))
    later = tidied(tmp_path / "two", crime(1), *reversed(asb))
    assert set(first["record_id"]) == set(later["record_id"])
    other = tidied(tmp_path / "three", *[row.replace("2024-01", "2024-02") for row in asb])
    assert not set(other["record_id"]) & set(first["record_id"])


def test_a_crime_id_that_is_not_64_hexadecimal_digits_still_tells_records_apart(tmp_path: Path) -> None:
    odd = [crime(1).replace(crime(1).split(",")[0], text) for text in ("A-17", "A-17", "g" * 64, "A-18")]
    rows = tidied(tmp_path, *odd)
    assert rows["record_id"].nunique() == 3
    assert (rows["record_id"] >= 0).all()


def test_a_row_without_a_point_has_no_street_and_no_precision(tmp_path: Path) -> None:
    row = tidied(tmp_path, crime(1, at=None, lsoa="")).iloc[0]
    assert row["precision"] == "none"
    assert row["problem"] == ""
    assert row[["lon", "lat", "lsoa_code", "location_key"]].isna().all()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (VIOLENCE, "Sheep stealing", police_uk.UNKNOWN_TYPE),
        (VIOLENCE, "", police_uk.UNKNOWN_TYPE),
        (VIOLENCE, VIOLENCE.upper(), police_uk.UNKNOWN_TYPE),  # wording is not guessed
        ("2024-01", "Jan 2024", police_uk.BAD_MONTH),
        ("2024-01", "2024-13", police_uk.BAD_MONTH),
        ("2024-01", "2024-01-05", police_uk.BAD_MONTH),
        ("2024-01", "0024-01", police_uk.BAD_MONTH),
        ("2024-01", "", police_uk.BAD_MONTH),
        (crime(1).split(",")[4], "west", police_uk.BAD_POINT),
        (crime(1).split(",")[4], "", police_uk.BAD_POINT),  # half a point is no point
        (crime(1).split(",")[5], "", police_uk.BAD_POINT),
    ],
)
def test_what_cannot_be_understood_is_set_aside_with_its_reason(tmp_path, old: str, new: str, reason: str) -> None:
    assert tidied(tmp_path, crime(1).replace(old, new))["problem"].tolist() == [reason]


def test_each_force_in_a_file_is_a_feed_of_its_own(tmp_path: Path) -> None:
    rows = tidied(tmp_path, crime(1), crime(2, force=OTHER_FORCE), crime(3, force="Devon & Cornwall Police"))
    assert rows["feed_id"].tolist() == [
        "police_uk:marches-constabulary",
        "police_uk:faraway-constabulary",
        "police_uk:devon-cornwall-police",
    ]
    assert rows["reported_by"].tolist() == [FORCE, OTHER_FORCE, "Devon & Cornwall Police"]


def test_a_file_with_headers_alone_gives_no_rows(tmp_path: Path) -> None:
    assert tidied(tmp_path).empty
    schema.typed(tidied(tmp_path), "incidents")


def test_a_file_of_another_kind_is_refused_with_every_missing_column(tmp_path: Path) -> None:
    path = text_file(tmp_path / "outcomes.csv", ["Crime ID,Month,Outcome type", "secret,2024-01,none"])
    with pytest.raises(SourceProblem) as raised:
        police_uk.read(Piece(path))
    message = str(raised.value)
    assert all(f"«{c}»" in message for c in ("Reported by", "Longitude", "Latitude", "LSOA code", "Crime type"))
    assert "street.csv" in message and "secret" not in message


def test_a_file_that_shares_no_header_is_refused_too(tmp_path: Path) -> None:
    path = text_file(tmp_path / "people.csv", ["code,people", "secret,12"])
    with pytest.raises(SourceProblem) as raised:
        police_uk.read(Piece(path))
    assert all(f"«{c}»" in str(raised.value) for c in police_uk.COLUMNS)
    assert "secret" not in str(raised.value)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "rows", "without_id"),
    [  # rows as the README beside the files counts them
        ("raw/2022-02-hampshire-street.csv.gz", 14_848, None),
        ("raw/2025-01-btp-street.csv", 3_304, 3_304),  # British Transport Police publish no Crime ID
        ("raw/2025-12-northern-ireland-street.csv.gz", 10_221, None),
    ],
)
def test_real_files_are_understood_row_by_row(real: Path, name: str, rows: int, without_id: int | None) -> None:
    raw = police_uk.read(Piece(real / "police_uk" / name))
    found = police_uk.tidy(raw)
    assert len(found) == rows
    assert (found["problem"] == "").all()
    assert found["record_id"].nunique() == rows  # the README: no Crime ID repeats in a month, and none is lost
    if without_id is not None:
        assert raw["Crime ID"].eq("").sum() == without_id
