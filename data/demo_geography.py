"""The invented partnership's map: small areas drawn around a hand-written list of settlements. A row is an area.

The authorities and their numbers of residents are real; every line on the map and every small area is invented
and only indicative. The settlements and the coast were written down from general knowledge, to about a kilometre.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from string import ascii_uppercase

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data import definitions, schema

HERE = Path(__file__).parent / "definitions"
FEED, VINTAGE, CRS = "demo", "2021", 27700
SMALL_AREA, GROUP = 1_650, 5  # residents of a small area; small areas in a group: about the national averages
GRID_M = 1.0  # every corner sits on this grid, so that neighbours share their edges exactly
PERSON = 20  # residents per scattered point: 80 points a small area are enough to place it
TOWN_DENSITY = 3_500  # residents per square kilometre of a built-up place
FORCE_AREA = ("E23000030", "Hampshire and Isle of Wight")
YEARS = range(2021, 2027)


@cache
def settlements() -> pd.DataFrame:
    """Named places inside the area.

    Returns one row per place: `name`, `authority_code`, `x`, `y` (EPSG:27700 metres, good to about 1 km),
    `population` (rough; of a town its centre, since its suburbs have their own rows), `kind` (town, suburb, village,
    hamlet; the towns are the ones to label on a map).
    """
    places = _places()
    return places[places["authority_code"] != ""].drop(columns="authority").reset_index(drop=True)
