"""What the hotspots page asks, on the invented partnership: planted histories are told, and the parts agree."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_app import cards, opened

from analytics.errors import NotEnoughData
from answers import clusters, hotspots, over_time, sureness, surfaces
from data import demo_planted, publish, store

FIRST, LAST = pd.Timestamp("2019-01-01"), pd.Timestamp("2025-12-01")
pytestmark = pytest.mark.usefixtures("on_demo")


@pytest.fixture(scope="module")
def every(demo: Path) -> store.Scope:
    """All police records of the seven years, as a named analyst sees them."""
    return store.Scope("restricted", publish.current(demo).name, start=FIRST, end=LAST, sources=("police",))


def planted(kind: str) -> demo_planted.Planted:
    return next(p for p in demo_planted.planted() if p.kind == kind)


def inside(kind: str, cells: pd.DataFrame) -> np.ndarray:
    return demo_planted.inside(planted(kind), cells["x"].to_numpy(), cells["y"].to_numpy())


def test_the_surface_holds_every_cell_with_its_counts_names_and_verdict(every: store.Scope) -> None:
    year = every.but(start=pd.Timestamp("2025-01-01"))
    found = hotspots.surface(year, "hex", 500)
    assert found["n"].sum() == store.cell_counts(year, size_m=500)["n"].sum()
    assert found.loc[found["n"] > 0, "area"].notna().all()
    assert (found.loc[inside("persistent", found), "confidence"] >= 2).all()  # 95% sure, among 14,000 cells
    areas = hotspots.surface(year, "lsoa", 500)
    assert {"rate", "lower", "upper", "population", "q_value", "rank"} <= set(areas)


def test_a_place_is_in_the_nearest_town_or_in_none(every: store.Scope) -> None:
    towns = store.towns(every)
    city = towns[towns["name"] == "Southampton"].iloc[0]
    spots = pd.DataFrame(
        {"x": city["x"] + [0.0, 500.0, 60_000.0], "y": city["y"] + [0.0, 0.0, -60_000.0]}, index=[5, 2, 9]
    )
    found = hotspots.nearest_town(every, spots)
    assert found.tolist()[:2] == ["Southampton", "Southampton"] and pd.isna(found.iloc[2])
    assert found.index.tolist() == [5, 2, 9]


def test_the_emerging_place_is_told_as_emerging_and_the_fading_one_as_former(every: store.Scope) -> None:
    cells = store.cell_counts(every, size_m=500)
    found = over_time.emerging(every, "hex", 500).merge(cells[["cell_id", "x", "y"]], on="cell_id")
    assert (found.loc[inside("emerging", found), "emergence"] == 2).any()
    assert (found.loc[inside("fading", found), "emergence"] == -1).any()
    assert (found.loc[inside("persistent", found), "class"] == "persistent").any()
    assert (found["emergence"] != 0).mean() < 0.02  # a map that calls every cell something would find anything
    assert "sporadic" in over_time.emerging(every.but(area="E06000044"), "hex", 500).attrs["method"]


def test_fewer_than_ten_months_have_no_kind(every: store.Scope) -> None:
    with pytest.raises(NotEnoughData, match="at least 10"):
        over_time.emerging(every.but(start=pd.Timestamp("2025-04-01")), "msoa", 500)


def test_a_persistent_place_is_hot_in_more_months_than_any_other_part_of_its_city(every: store.Scope) -> None:
    city = every.but(area="E06000045", start=pd.Timestamp("2024-01-01"))
    cells = store.cell_counts(city, size_m=500)
    found = over_time.persistence(city, "hex", 500).merge(cells[["cell_id", "x", "y"]], on="cell_id")
    there = inside("persistent", found)
    assert found["periods"].eq(24).all()
    assert found.loc[there, "periods_hot"].max() >= 8
    assert found.loc[~there, "periods_hot"].median() == 0


def test_change_compares_months_held_in_both_years_and_agrees_with_the_counts(every: store.Scope) -> None:
    street = every.but(sources=("police_uk",), start=pd.Timestamp("2025-01-01"))
    found = over_time.change(street, "lad", 500)
    held = set(store.held_months(street, "police_uk"))
    both = [m for m in sorted(held) if m >= street.start and m - pd.DateOffset(years=1) in held]
    assert found.attrs["months"] == tuple(both)
    assert len(both) == 11  # one month of 2024 was not supplied
    total = sum(store.area_counts(street.but(start=m, end=m), level="lad")["n"].sum() for m in both)
    assert found["n_now"].sum() == total
    with pytest.raises(store.NotHeld, match="no month to compare with"):
        over_time.change(street.but(start=pd.Timestamp("2023-01-01"), end=pd.Timestamp("2023-06-01")), "lad", 500)


def test_the_emerging_place_has_clearly_more_than_before_it_rose(every: store.Scope) -> None:
    year = every.but(start=pd.Timestamp("2025-01-01"))
    cells = store.cell_counts(year, size_m=500)
    found = over_time.change(year, "hex", 500).merge(cells[["cell_id", "x", "y"]], on="cell_id")
    there = found[inside("emerging", found)]
    # from 1 in July 2024 to 6 at the end of 2025, evenly in the logarithm: on average about 3.9 against 1.5
    assert there["n_now"].sum() > 1.5 * there["n_before"].sum()
    assert (found["changed"] != 0).mean() < 0.001  # one year is like the other everywhere else


def test_a_persistent_place_stays_hot_on_other_grids_and_quiet_country_never_is(every: store.Scope) -> None:
    cells = store.cell_counts(every, size_m=500)
    found = sureness.robustness(every, "hex", 500).merge(cells[["cell_id", "x", "y", "n"]], on="cell_id")
    assert found["variants"].eq(16).all()  # four origins by three sizes, and by a wider neighbourhood
    assert found.loc[inside("persistent", found), "robustness"].max() == 1
    assert found.loc[found["n"] == 0, "robustness"].mean() < 0.001


def test_the_hidden_place_is_told_as_hidden_and_no_other_part_of_the_country_is(every: store.Scope) -> None:
    cells = store.cell_counts(every, size_m=500)
    found = sureness.hidden(every, "hex", 500).merge(cells[["cell_id", "x", "y"]], on="cell_id")
    there = inside("hidden", found)
    assert (found.loc[there, "agreement"] == "hidden").any()
    assert (found.loc[~there, "agreement"] == "hidden").sum() <= 2  # neighbours of the place, pooled with it
    assert (found.loc[inside("persistent", found), "agreement"] == "both").any()
    assert sureness.health_source(every) == "ed_istv"
    assert sureness.health_source(every.but(tier="partner")) == ""
    assert sureness.health_source(every.but(sources=("ambulance",))) == ""


def test_the_scoreboard_holds_months_out_and_says_what_chance_would_catch(every: store.Scope) -> None:
    year = every.but(start=pd.Timestamp("2025-01-01"))
    found = over_time.scoreboard(year, "hex", 1000).set_index("ranked_by")
    assert found["months"].tolist() == [12, 12, 12, 12]
    assert found.loc["Chance", "hit_rate"] == pytest.approx(over_time.COVERED)
    assert found.loc[over_time.PLAIN, "hit_rate"] > 10 * over_time.COVERED
    assert found.loc[over_time.DENSITY, "hit_rate"] > 10 * over_time.COVERED
    assert found.loc[over_time.GI, "hit_rate"] > 10 * over_time.COVERED  # a random order would catch what chance does
    assert found["pei"].lt(1).all()  # the best choice is made afterwards
    # one month by hand: its records in the cells that held most in the twelve months before it, as many as 1% allow
    march = year.but(start=pd.Timestamp("2025-03-01"), end=pd.Timestamp("2025-03-01"))
    alone = over_time.scoreboard(march, "hex", 1000).set_index("ranked_by")
    before = store.cell_counts(
        every.but(start=pd.Timestamp("2024-03-01"), end=pd.Timestamp("2025-02-01")), size_m=1000
    ).set_index("cell_id")["n"]
    later = store.cell_counts(march, size_m=1000).set_index("cell_id")["n"]
    chosen = before.nlargest(round(over_time.COVERED * len(before))).index
    assert alone.attrs["months"] == (pd.Timestamp("2025-03-01"),)
    assert alone.loc[over_time.PLAIN, "hit_rate"] == pytest.approx(later.reindex(chosen).sum() / later.sum(), abs=0.01)
    with pytest.raises(NotEnoughData, match="6 months before"):
        over_time.scoreboard(every.but(end=pd.Timestamp("2019-05-01")), "msoa", 500)


def test_density_is_highest_where_records_are_and_adds_up_to_about_all_of_them(every: store.Scope) -> None:
    year = every.but(start=pd.Timestamp("2025-01-01"))
    found = surfaces.density(year, "hex", 500)
    cells = store.cell_counts(year, size_m=500).merge(found, on="cell_id")
    km2 = 500**2 * 3**0.5 / 2 / 1e6
    # with the mass beyond the coast put back on land, what is summed over the land is about what was recorded there
    assert (cells["density"] * km2).sum() == pytest.approx(cells["n"].sum(), rel=0.03)
    assert cells["density"].rank().corr(cells["n"].rank()) > 0.4
    assert "1,000 m" in found.attrs["method"]


def test_the_scan_finds_the_cities_and_no_cluster_where_records_follow_residents(every: store.Scope) -> None:
    year = every.but(start=pd.Timestamp("2025-01-01"))
    found = clusters.clusters(year, "msoa", 500)
    areas = store.area_counts(year, level="msoa")
    assert found["area_code"].tolist() == areas["area_code"].tolist()  # one row each, in order
    assert found.loc[found["cluster"] == 1, "in_cluster"].eq(3).all()
    inside_, all_ = found["cluster"].notna().to_numpy(), areas["population"].to_numpy()
    rate_in = areas.loc[inside_, "n"].sum() / all_[inside_].sum()
    assert rate_in > 1.5 * areas.loc[~inside_, "n"].sum() / all_[~inside_].sum()
    assert found.loc[found["cluster"].notna(), "cluster_p"].max() < 0.05


def test_a_month_without_any_record_is_a_month_in_which_nothing_was_hot(every: store.Scope) -> None:
    rare = every.but(groups=("attempted_murder",), start=pd.Timestamp("2025-01-01"))
    assert (store.monthly_counts(rare)["n"] == 0).any()  # supplied, and none recorded
    assert over_time.persistence(rare, "msoa", 500)["periods"].eq(12).all()


def test_health_and_police_are_compared_over_the_months_that_both_supplied(every: store.Scope) -> None:
    assert sureness.hidden(every, "msoa", 500).attrs["months"][0] == FIRST
    with pytest.raises(store.NotHeld, match="choose all violence"):
        sureness.hidden(every.but(groups=("rape",)), "msoa", 500)


@pytest.mark.parametrize("months", range(10, 40, 3))
def test_any_period_of_ten_months_or_more_has_kinds_of_hotspots(every: store.Scope, months: int) -> None:
    end = pd.Timestamp("2025-10-01")
    period = every.but(area="E06000044", start=end - pd.DateOffset(months=months - 1), end=end)
    found = over_time.emerging(period, "msoa", 500)
    assert found.attrs["step"] == ("quarter" if months >= 31 else "month")  # April 2023 to September 2025: ten quarters


def test_the_card_of_hidden_violence_is_marked_as_both_its_sources_ask(every: store.Scope) -> None:
    card = cards(opened("hotspots", link={"source": "police_uk", "show": "hidden", "area": "E06000044"}))["map"]
    assert "Emergency departments" in card.note
    assert card.note.endswith("OFFICIAL-SENSITIVE: partnership use.")
