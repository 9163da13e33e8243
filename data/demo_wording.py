"""How the invented partners put things: codes, kinds of place, ages, flags, points, blanks. One value per record.

The shares are assumptions of ours, near what such files look like.
"""

import numpy as np
import pandas as pd

UNPLACED, OUTSIDE = 0.025, 0.003
ELSEWHERE = [
    (414_000, 130_000),
    (409_000, 91_500),
    (443_500, 168_900),
    (396_000, 91_000),
    (415_000, 184_500),
]  # counties

CODES = {  # offence group: codes with their weights
    "homicide": {"1": 8, "4/1": 2},
    "attempted_murder": {"2": 1},
    "threats_to_kill": {"3B": 1},
    "violence_with_injury": {"8N": 85, "5D": 6, "8S": 5, "5E": 2, "8P": 2},
    "violence_without_injury": {"105A": 92, "104": 5, "105B": 3},
    "stalking_harassment": {"8R": 45, "8L": 40, "8Q": 15},
    "rape": {"19C": 70, "19D": 12, "19E": 8, "19F": 6, "19G": 2, "19H": 2},
    "sexual_other": {"20A": 65, "20B": 18, "17A": 12, "17B": 5},
    "robbery_personal": {"34B": 1},
    "robbery_business": {"34A": 1},
    "weapons_possession": {"10C": 85, "10B": 12, "10A": 3},
    "weapons_blade": {"10D": 1},
    "public_order": {"9A": 88, "9B": 9, "62A": 3},
}
KINDS = {  # kind of place by setting: in the words of the police, and of emergency departments; the first is usual
    "home": (["Dwelling", "Garden or drive", "Hostel"], ["Home"]),
    "street": (
        ["Street", "Park", "Car park", "Public transport"],
        ["Street", "Park or open space", "Public transport"],
    ),
    "work": (["Shop", "Office", "Hospital", "Care home"], ["Shop", "Workplace", "Health or care"]),
    "school": (["School", "College"], ["School or college"]),
    "night_out": (["Licensed premises", "Street", "Takeaway"], ["Licensed premises", "Street", "Food outlet"]),
}
USUAL = 0.7
CHANCES = ["domestic", "public_space", "alcohol", "drugs", "nte", "middle", "spread", "youngest"]
BY_SETTING = {  # the chance of each flag; of ages the mean, the standard deviation and the lowest
    "home": (0.68, 0.02, 0.25, 0.06, 0.01, 35, 14, 1),
    "street": (0.14, 0.95, 0.20, 0.06, 0.03, 28, 14, 7),
    "work": (0.05, 0.55, 0.08, 0.03, 0.02, 38, 13, 16),
    "school": (0.02, 0.05, 0.00, 0.01, 0.00, 13, 2.5, 4),
    "night_out": (0.06, 0.65, 0.60, 0.10, 0.85, 27, 8, 17),
}


def chances(events: pd.DataFrame) -> pd.DataFrame:
    """The columns of CHANCES for each event, by its setting."""
    table = pd.DataFrame.from_dict(BY_SETTING, orient="index", columns=CHANCES)
    return table.loc[events["setting"]].reset_index(drop=True)


def codes(group: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """Home Office codes of offence groups."""
    found = np.empty(len(group), dtype=object)
    for name, listed in CODES.items():
        here = np.flatnonzero(group == name)
        found[here] = one_of(listed, len(here), rng)
    return found


def kinds(events: pd.DataFrame, whose: int, rng: np.random.Generator) -> np.ndarray:
    """Kinds of place by the setting. whose : 0 in the words of the police, 1 of emergency departments."""
    found = np.empty(len(events), dtype=object)
    for setting, words in KINDS.items():
        here, (usual, *others) = np.flatnonzero(events["setting"] == setting), words[whose]
        found[here] = one_of({usual: USUAL} | dict.fromkeys(others, (1 - USUAL) / max(1, len(others))), len(here), rng)
    return found


def ages(chance: pd.DataFrame, known: float, rng: np.random.Generator) -> np.ndarray:
    """Ages in whole years, with a longer tail to the old."""
    drawn = chance["middle"] + chance["spread"] * (rng.gamma(4, 0.5, len(chance)) - 2)
    return filled(drawn.clip(chance["youngest"], 97).astype(int).astype("str").to_numpy(), known, rng)


def yes(chance: pd.Series | float, known: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Y or N, by the chance of it."""
    return filled(np.where(rng.random(n) < chance, "Y", "N"), known, rng)


def filled(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The values, left blank where they are not known."""
    return np.where(rng.random(len(values)) < share, values, "")


def one_of(weights: dict[str, float], n: int, rng: np.random.Generator) -> np.ndarray:
    """So many words, drawn by their weights."""
    share = np.array(list(weights.values()), dtype=float)
    return rng.choice(np.array(list(weights), dtype=object), n, p=share / share.sum())


def points(x: pd.Series, y: pd.Series, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Eastings and northings as written: some blank, some 0, a few in other counties."""
    sort, n = rng.random(len(x)), len(x)
    far = np.array(ELSEWHERE)[rng.integers(0, len(ELSEWHERE), n)] + rng.integers(-400, 400, (n, 2))
    spots = np.where((sort > 1 - OUTSIDE)[:, None], far, np.column_stack([x, y])).astype(int).astype(str)
    spots = np.where((sort < UNPLACED)[:, None], np.where(sort < UNPLACED / 2, "", "0")[:, None], spots)
    return spots[:, 0], spots[:, 1]


def slip(rows: pd.DataFrame, column: str, wrong: str, share: float, rng: np.random.Generator) -> None:
    """Write something wrong into a share of the rows."""
    rows.loc[rng.random(len(rows)) < share, column] = wrong


def british(when: np.ndarray) -> pd.Series:
    """Day before month; with the time of day unless these are days."""
    form = "%d/%m/%Y" if when.dtype == "datetime64[D]" else "%d/%m/%Y %H:%M"
    return pd.Series(when.astype("datetime64[s]")).dt.strftime(form).fillna("")


def references(letter: str, n: int) -> pd.Series:
    """Running numbers after a letter."""
    return letter + pd.Series(np.arange(1, n + 1)).astype("str").str.zfill(7)
