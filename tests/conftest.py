"""A small invented area that tests load through the real adapters, and the text of files partners would send.

Two authorities on squares of two kilometres (EPSG:27700), X0, Y0 the south-west corner, today's codes in the squares:

    W3 | W4 | E2        W1..W4 lie in Westmarch, E1 and E2 in Eastmarch. Neighbourhoods (MSOA): M1 = W1 + W2,
    ---+----+---        M2 = W3 + W4, M3 = E1 + E2. In 2011 W3 and W4 were one area, OLD_SPLIT; what is now E2 was
    W1 | W2 | E1        two, OLD_MERGED; the rest have kept their codes.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pyproj import Transformer

from data import harmonise, ingest, publish

ROOT = Path(__file__).parent.parent
X0, Y0, SIDE = 440_000, 110_000, 2_000
WEST, EAST = "E06000901", "E06000902"
W1, W2, W3, W4 = "E01900001", "E01900002", "E01900011", "E01900012"
E1, E2 = "E01900003", "E01900004"
M1, M2, M3 = "E02900001", "E02900002", "E02900003"
OLD_SPLIT, OLD_MERGED = "E01900010", ("E01900007", "E01900008")
SQUARES = {W1: (0, 0), W2: (1, 0), E1: (2, 0), W3: (0, 1), W4: (1, 1), E2: (2, 1)}
CENTRE = {code: (X0 + (c + 0.5) * SIDE, Y0 + (r + 0.5) * SIDE) for code, (c, r) in SQUARES.items()}
AUTHORITY = {W1: WEST, W2: WEST, W3: WEST, W4: WEST, E1: EAST, E2: EAST}
FORCE, OTHER_FORCE = "Marches Constabulary", "Faraway Constabulary"

PARTNERSHIP = f"""
id = "marches"
name = "Marches Violence Reduction Partnership"
forces = ["{FORCE}"]
police_uk_force = "marches"
box = [400000, 70000, 500000, 170000]
[[authorities]]
code = "{WEST}"
name = "Westmarch"
[[authorities]]
code = "{EAST}"
name = "Eastmarch"
"""
LOOKUPS = {
    "recode.csv": ["LSOA11CD,LSOA21CD,CHGIND"]
    + [f"{code},{code},U" for code in (W1, W2, E1)]
    + [f"{OLD_SPLIT},{code},S" for code in (W3, W4)]
    + [f"{code},{E2},M" for code in OLD_MERGED],
    "authorities.csv": ["LSOA21CD,LAD24CD,LAD24NM"]
    + [f"{code},{lad},{'Westmarch' if lad == WEST else 'Eastmarch'}" for code, lad in AUTHORITY.items()],
    "neighbourhoods.csv": ["msoa21cd,msoa21hclnm", f"{M1},Harbourside", f"{M2},Northgate", f"{M3},Eastway"],
}
# 100 residents in W1, 200 in W2 ... 600 in E2, all of them 20 years old, half of each sex.
RESIDENTS = {code: 100 * (place + 1) for place, code in enumerate((W1, W2, W3, W4, E1, E2))}
POPULATION = ["geography_code,date,c_age_name,gender_name,obs_value"] + [
    f"{code},2021,Aged 20 years,{sex},{people // 2}" for code, people in RESIDENTS.items() for sex in ("Male", "Female")
]

STREET = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Crime type,"
    "Last outcome category,Context"
)
VIOLENCE, ROBBERY, ASB = "Violence and sexual offences", "Robbery", "Anti-social behaviour"
EXTRACT = (
    "CrimeRef,OffenceCode,DateTimeFrom,RecordedDate,Easting,Northing,LSOA,KnifeFlag,DomesticFlag,SexualFlag,"
    "PublicSpaceFlag,VictimAge"
)
TO_DEGREES = Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)


def crime(
    number: int | None = None,
    *,
    month: str = "2024-01",
    at: tuple[float, float] | None = CENTRE[W1],
    lsoa: str = W1,
    kind: str = VIOLENCE,
    force: str = FORCE,
    street: str = "High Street",
) -> str:
    """One line of a street file. number : makes the Crime ID, none for none. at : metres, none for no point."""
    lon, lat = (f"{v:.6f}" for v in TO_DEGREES.transform(*at)) if at else ("", "")
    identity = "" if number is None else f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}".ljust(64, "0")
    label = f"On or near {street}" if at else "No Location"
    return f"{identity},{month},{force},{force},{lon},{lat},{label},{lsoa},,{kind},,"


def street_file(path: Path, rows: Iterable[str], *, end: str = "\n") -> Path:
    """A street file of these lines, in a folder that is made where it is missing."""
    return text_file(path, [STREET, *rows], end=end)


def text_file(path: Path, lines: Iterable[str], *, end: str = "\n") -> Path:
    """A text file of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def record(
    ref: str,
    *,
    code: str = "8N",
    when: str = "2024-01-10 14:00",
    recorded: str = "2024-01-11",
    at: tuple[float, float] | None = CENTRE[W1],
    lsoa: str = "",
    knife: str = "N",
    domestic: str = "N",
    sexual: str = "N",
    public: str = "Y",
    age: str = "",
) -> str:
    """One line of a police extract, under the headers of EXTRACT."""
    x, y = (f"{v:.0f}" for v in at) if at else ("", "")
    return f"{ref},{code},{when},{recorded},{x},{y},{lsoa},{knife},{domestic},{sexual},{public},{age}"


def boundary_file(path: Path, level: str, shapes: dict[str, list[str]]) -> Path:
    """A GeoJSON of areas, each the square (or the squares together) of the small areas named for its code."""
    features = []
    for code, parts in shapes.items():
        columns, rows = zip(*(SQUARES[part] for part in parts), strict=True)
        west, south = X0 + min(columns) * SIDE, Y0 + min(rows) * SIDE
        east, north = X0 + (max(columns) + 1) * SIDE, Y0 + (max(rows) + 1) * SIDE
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        named = {f"{level}CD": code, f"{level}NM": f"Area {code[-3:]}"}
        features.append(
            {"type": "Feature", "properties": named, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        )
    metres = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": metres, "features": features}))
    return path


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small invented area loaded once, by the same commands as a real one: lookups, boundaries, residents."""
    home = tmp_path_factory.mktemp("marches")
    files = home / "files"
    (home / "partnership.toml").write_text(PARTNERSHIP)
    lookups = [text_file(files / name, lines) for name, lines in LOOKUPS.items()]
    shapes = [
        boundary_file(files / "small.geojson", "LSOA21", {code: [code] for code in SQUARES}),
        boundary_file(files / "middle.geojson", "MSOA21", {M1: [W1, W2], M2: [W3, W4], M3: [E1, E2]}),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_DATA", str(home / "data"))
        patch.setenv("EXPLORER_PARTNERSHIP", str(home / "partnership.toml"))
        ingest.ingest("lookups", lookups)
        for shape in shapes:  # the neighbourhoods lie in what the small areas make up
            ingest.ingest("boundaries", [shape])
        ingest.ingest("population", [text_file(files / "people.csv", POPULATION)])
    return home


@pytest.fixture(scope="session")
def marches(tiny_template: Path) -> harmonise.Geography:
    """The areas of the small invented partnership, as records are placed in them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
        return ingest.geography_of(publish.current(tiny_template / "data"))


@pytest.fixture
def bare(tiny_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the small invented partnership in which nothing has been loaded yet."""
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("EXPLORER_PARTNERSHIP", str(tiny_template / "partnership.toml"))
    return tmp_path / "data"


@pytest.fixture
def tiny(bare: Path, tiny_template: Path) -> Path:
    """A data folder that holds the areas and residents of the small invented partnership, and no records yet."""
    shutil.copytree(tiny_template / "data", bare)
    return bare


@pytest.fixture(scope="session")
def real() -> Path:
    """Real open data beside the project."""
    found = Path(__file__).parents[2] / "shared" / "real"
    if not found.is_dir():
        pytest.skip("../shared is not here")
    return found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with the invented partnership, published once for all tests by the command of the README."""
    folder = tmp_path_factory.mktemp("invented")
    here = {name: value for name, value in os.environ.items() if not name.startswith("EXPLORER_")}
    command = [sys.executable, "-m", "data", "demo"]
    subprocess.run(command, cwd=ROOT, env=here | {"EXPLORER_DATA": str(folder)}, check=True, capture_output=True)
    yield folder
    publish.remove(folder)


@pytest.fixture
def on_demo(demo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app and the store read the invented partnership."""
    monkeypatch.setenv("EXPLORER_DATA", str(demo))
    monkeypatch.delenv("EXPLORER_PARTNERSHIP", raising=False)
    return demo
