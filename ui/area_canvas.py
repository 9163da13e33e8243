"""All small areas at once: a canvas whose outlines travel once, and after that only classes and words; a row is an area.

Two mounts of one component: the first carries what never changes (outlines, land, borders, names), so Streamlit sends a
reference to it from the second run on; the second carries one digit and one short text per area. Places are whole
steps of the web's world square, 2^23 wide (about 3 m here).
"""

import base64
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ui import palettes

if TYPE_CHECKING:
    from ui.map_ground import Context, Shapes, View
    from ui.maps import Drawn

WORLD_STEPS = 2**23
SCRIPT = Path(__file__).with_suffix(".js")
STYLE = Path(__file__).with_suffix(".css")
PAGE = '<div class="map"><canvas tabindex="0" role="application"></canvas><div class="tip" role="status"></div></div>'


def geometry(areas: pd.DataFrame) -> dict:
    """Outlines for the canvas: one row per area, with area_code, name and geometry (shapely, EPSG:27700).

    Returns `codes` and `names` in the order of the areas, `packed` (see `_packed`) and an `id` of all that.
    """
    packed = base64.b64encode(_packed(areas["geometry"])).decode()
    codes, names = areas["area_code"].astype(str).tolist(), areas["name"].astype(str).tolist()
    mark = zlib.crc32("|".join([*codes, *names, packed]).encode())
    return {"id": f"{mark:x}", "codes": codes, "names": names, "packed": packed, "world": WORLD_STEPS}
