"""Dorset as another partnership: by a partnership file alone, with ultra-generalised small areas and authorities."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest
from in_app import cards, everything, opened, told, troubles

from data import ingest, publish, store
from ui.frame import PAGES

pytestmark = [pytest.mark.real, pytest.mark.slow]
POOLE, DORSET = "E06000058", "E06000059"
FILE = f"""
id = "dorset"
name = "Dorset Violence Reduction Partnership"
short_name = "Dorset & Bournemouth"
forces = ["Dorset Police"]
police_uk_force = "dorset"
box = [330000, 60000, 430000, 140000]
[[authorities]]
code = "{POOLE}"
name = "Bournemouth, Christchurch and Poole"
[[authorities]]
code = "{DORSET}"
name = "Dorset"
"""
VIOLENT = ("Violence and sexual offences", "Robbery")


@pytest.fixture(scope="module")
def summaries(real: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What each load said; the data and the partnership file lie under `home`."""
    home = tmp_path_factory.mktemp("dorset")
    (home / "partnership.toml").write_text(FILE)
    geography, people = real / "geography", real / "deprivation_population"
    loads = {
        "lookups": [geography / f"lookup_{n}.csv.gz" for n in ("lsoa11_lsoa21_ltla22", "lsoa21_ward24_ltla24")],
        "boundaries": [
            geography / "lsoa2021_ew_ultra_generalised.parquet",
            geography / "lad2024_uk_ultra_generalised.gpkg",
        ],
        "population": [people / "population20_lsoa11.parquet"],
        "deprivation": [people / "imd2025_england_lsoa21.csv.gz"],
        "police_uk": [real / "police_uk" / "dorset_street_2025-01_2025-12.zip"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(home / "partnership.toml"))
        said = {source: ingest.ingest(source, paths) for source, paths in loads.items()}
    return said | {"home": home}


@pytest.fixture
def scope(summaries: dict, monkeypatch: pytest.MonkeyPatch) -> store.Scope:
    """All of Dorset's street crime of 2025, asked of the store by an analyst."""
    monkeypatch.setenv("EXPLORER_DATA", str(summaries["home"] / "data"))
    monkeypatch.setenv("EXPLORER_PARTNERSHIP", str(summaries["home"] / "partnership.toml"))
    start, end = pd.Timestamp("2025-01-01"), pd.Timestamp("2025-12-01")
    return store.Scope("restricted", publish.current().name, start=start, end=end, sources=("police_uk",))


@pytest.fixture(scope="module")
def published(real: Path) -> pd.DataFrame:
    """The crimes as pandas reads them, each Crime ID once, with the authority of their small area."""
    with zipfile.ZipFile(real / "police_uk" / "dorset_street_2025-01_2025-12.zip") as archive:
        months = [pd.read_csv(archive.open(name)) for name in archive.namelist() if name.endswith(".csv")]
    lookup = pd.read_csv(real / "geography" / "lookup_lsoa21_ward24_ltla24.csv.gz")
    crimes = pd.concat(months, ignore_index=True)
    crimes = crimes[crimes["Crime ID"].isna() | ~crimes["Crime ID"].duplicated()]
    return crimes.merge(lookup[["lsoa21_code", "ltla24_code"]], left_on="LSOA code", right_on="lsoa21_code", how="left")


def test_every_row_of_the_year_is_accounted_for(summaries: dict) -> None:
    load = summaries["police_uk"]
    assert load.total("rows_read") == 56_023  # as published beside the file
    counted = [load.total(name) for name in ("accepted", "quarantined", "duplicate")]
    assert sum(counted) == load.total("rows_read")
    assert load.total("unplaced") == 160  # rows without coordinates and without a small area, counted by pandas


def test_both_authorities_hold_the_small_areas_and_the_violence_that_pandas_counts(
    scope: store.Scope, published: pd.DataFrame
) -> None:
    small = store.area_counts(scope, level="lsoa")
    assert small.groupby("authority_code").size().to_dict() == {POOLE: 240, DORSET: 223}  # of the published lookup
    ours = store.area_counts(scope, level="lad").set_index("area_code")["n"]
    violent = published[published["Crime type"].isin(VIOLENT)]
    assert ours.to_dict() == violent.groupby("ltla24_code").size().reindex([POOLE, DORSET]).to_dict()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_and_speaks_of_nobody_else(scope: store.Scope, name: str) -> None:
    app = opened(name)
    assert troubles(app) == []
    assert cards(app)
    if name != "methods":  # whose documents tell what was measured, and where
        assert "Hampshire" not in everything(app)


def test_pages_say_what_is_not_held(scope: store.Scope) -> None:
    app = opened("hotspots")
    assert "Not held here: neighbourhoods (MSOA)" in cards(app)["map"].note
    found = cards(opened("area_profile", link={"area": DORSET, "part": "people"}))
    assert found["admissions"].finding == "No hospital admissions for assault are held."
    overview = opened("overview")
    assert any("No month to compare with" in caption.value for caption in overview.caption)
    assert told(opened("trends")) == [
        "Which weekday or hour is not known here: the source chosen gives no more than the month."
    ]
