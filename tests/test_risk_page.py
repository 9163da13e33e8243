"""What goes with violence, asked of the invented partnership: planted strengths, refusals, sentences, the pages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_app import cards, opened, told, troubles

from analytics import rates
from analytics.disclosure import Provenance, Rules, release
from analytics.errors import NotEnoughData
from answers import risk
from data import demo_planted, factor_questions, publish, store
from ui import risk_findings

pytestmark = pytest.mark.usefixtures("on_demo")
PLANTED = {"demo_not_in_school": 0.35, "demo_short_tenancies": 0.2, "demo_trusted_adults": -0.25}
NULL = ("demo_empty_shops", "demo_walk_to_park")


@pytest.fixture(scope="module")
def asked(demo: Path) -> store.Scope:
    """Police records of all the years held, as a named analyst sees them."""
    first, last = pd.Timestamp("2019-01-01"), pd.Timestamp("2025-12-01")
    return store.Scope("restricted", publish.current(demo).name, start=first, end=last, sources=("police",))


def test_these_are_the_factors_that_were_planted():
    effects = demo_planted.factors(demo_planted.planted())
    assert {name: effects[name] for name in PLANTED} == PLANTED
    assert all(effects[name] == 0 for name in NULL)


def test_planted_factors_stand_and_those_without_effect_do_not(asked: store.Scope):
    found = risk.correlations(asked, "lsoa").set_index("factor")
    for name, effect in PLANTED.items():
        assert found.loc[name, "side"] == ("above" if effect > 0 else "below")
    assert not found.loc[list(NULL), "side"].isin(["above", "below"]).any()
    assert (found["p_value"] >= found["p_naive"]).mean() > 0.7  # neighbours are alike, so there is less evidence


def test_planted_strengths_lie_in_the_intervals_of_the_model(asked: store.Scope):
    """Of one year: over seven, intervals of a hundredth tell the pull of town centres, which is in no factor, too."""
    year = asked.but(start=pd.Timestamp("2025-01-01"))
    found = risk.model(year, "lsoa", (*PLANTED, *NULL))
    rows = found.set_index("factor")
    ends = ["spatial_lower", "spatial_upper"] if found.attrs["clustered"] else ["lower", "upper"]
    inside = [rows.loc[f, ends[0]] <= np.exp(e) <= rows.loc[f, ends[1]] for f, e in PLANTED.items()]
    assert all(inside), rows
    assert all(rows.loc[f, ends[0]] <= 1 <= rows.loc[f, ends[1]] for f in NULL)


def test_what_is_neither_risk_nor_protection_is_never_ranked_but_may_be_held_steady(asked: store.Scope):
    found = risk.correlations(asked, "msoa")
    assert set(found["kind"]) <= {"risk", "protective"}
    assert "residents_per_km2" in risk.controls(asked, "msoa")
    held = risk.correlations(asked, "msoa", controls=("residents_per_km2",)).set_index("factor")
    free = found.set_index("factor")
    assert held.loc["demo_not_in_school", "r"] != free.loc["demo_not_in_school", "r"]


def test_between_fourteen_authorities_nothing_is_correlated_and_the_reason_is_a_number(asked: store.Scope):
    with pytest.raises(NotEnoughData, match=r"beyond 0\.53"):
        risk.refuse_few(asked)
    assert risk.needed_r(14) == pytest.approx(0.532, abs=5e-4)  # tables of Pearson's r: 12 degrees of freedom, 5%
    assert risk.needed_r(32) == pytest.approx(0.349, abs=5e-4)  # 30 degrees of freedom


def test_records_found_by_police_action_are_not_set_against_factors(asked: store.Scope):
    with pytest.raises(NotEnoughData, match="found by police action"):
        risk.refuse_found_by_police(asked.but(groups=("weapons_blade",)))
    risk.refuse_found_by_police(asked.but(groups=("robbery_personal",)))


def test_the_gradient_adds_up_to_the_areas(asked: store.Scope):
    pair = risk.pair(asked, "lsoa", "demo_not_in_school")
    tenths = risk.gradient(pair)
    assert tenths["n"].sum() == pair["n"].sum()
    assert tenths["areas"].sum() == len(pair)
    first = tenths.iloc[0]
    exact = rates.crude([first["n"]], [first["population"]], per=1_000).iloc[0]
    assert (first["rate"], first["lower"]) == (exact["rate"], exact["lower"])


def test_the_same_is_asked_of_each_authority_year_and_source(asked: store.Scope):
    found = risk.elsewhere(asked, "lsoa", "demo_not_in_school")
    assert found["part"].value_counts().to_dict() == {"authority": 14, "year": 7, "source": 4}
    year = found[found["where"] == "2023"].iloc[0]
    own = asked.but(start=pd.Timestamp("2023-01-01"), end=pd.Timestamp("2023-12-01"))
    expected = risk.correlations(own, "lsoa").set_index("factor").loc["demo_not_in_school"]
    assert year["r"] == pytest.approx(expected["r"], abs=1e-9)


def test_areas_too_few_to_tell_are_said_to_be_so(asked: store.Scope):
    with pytest.raises(NotEnoughData, match="it takes 50"):
        risk.areas(asked.but(area="E07000088"), "msoa")


def test_planted_hotspots_stand_out_from_what_their_factors_explain(asked: store.Scope):
    found = risk.unexplained(asked, "lsoa", tuple(PLANTED))
    near = np.hypot(found["x"] - 445_200, found["y"] - 113_900) < 400  # a persistent one, 3.5 times
    assert (found.loc[near, "stands_out"] == "more").mean() > 0.5
    assert found["expected"].sum() == pytest.approx(found["n"].sum(), rel=0.1)


def test_the_gap_between_tenths_is_that_of_their_records(asked: store.Scope):
    found = risk.inequality(asked)
    tenths = factor_questions.tenths(asked)["decile"]
    counts = factor_questions.outcome(asked, "lsoa")
    assert found.set_index("decile").loc[1, "n"] == counts[tenths.index[tenths == 1]].sum()
    assert found.attrs["inequality"]["sii"] < 0  # planted: more where fewer are in school, which is where it is poor


def test_a_learned_model_is_never_shown_without_its_verdict_against_deprivation(asked: store.Scope):
    for kind in ("elastic_net", "boosted_trees"):
        app = opened("risk_factors", link={"look": "model", "learned": kind})
        assert not troubles(app)
        found = cards(app)
        assert "deprivation alone" in found["scores"].finding
        assert "deprivation alone" in found["importance"].note


def test_an_index_of_risk_holds_no_record_and_turns_round_what_protects(asked: store.Scope):
    weights = (("demo_not_in_school", 1.0), ("demo_trusted_adults", 1.0))
    found = risk.index(asked, "lsoa", weights).set_index("area_code")
    factors = factor_questions.factors(asked, "lsoa", ids=["demo_not_in_school", "demo_trusted_adults"])
    assert found["score"].corr(factors["demo_trusted_adults"], method="spearman") < -0.3
    other = risk.index(asked.but(sources=("ambulance",)), "lsoa", weights).set_index("area_code")
    pd.testing.assert_series_equal(found["score"], other["score"])
    with pytest.raises(NotEnoughData, match="above nought"):
        risk.index(asked, "lsoa", (("demo_not_in_school", 0.0),))


# ------------------------------------------------------------------------------------------------- sentences


def test_the_sentence_on_areas_says_when_rates_are_mostly_chance():
    facts = {"areas": 1210, "records": 9000.0, "middle": 4.0, "busy_share": 0.0}
    assert "much of their rates is chance" in risk_findings.areas_are_not_people(facts, "lsoa")
    assert "chance" not in risk_findings.areas_are_not_people(facts | {"middle": 20.0}, "lsoa")


def test_the_sentence_on_recording_looks_at_where_the_records_lie():
    facts = {"busy_share": 0.4}
    assert "40% lie in areas" in risk_findings.recording("Police records", "where it happened", facts, 12)
    plain = risk_findings.recording("Police records", "where it happened", {"busy_share": 0.0}, 12)
    assert "where police are called" in plain
    other = risk_findings.recording("Ambulance", "where the patient was picked up", {"busy_share": 0.0}, 7)
    assert "7 months supplied" in other and "police" not in other


def test_the_sentence_on_cause_names_what_says_the_same():
    table = pd.DataFrame(
        {
            "factor": ["a", "b", "c"],
            "name": ["Income", "Employment", "Noise"],
            "r": [0.6, 0.59, 0.1],
            "side": ["above", "above", "neither"],
            "factor_cluster": [1, 1, 2],
        }
    )
    assert "Income says much the same as Employment" in risk_findings.not_cause(table)
    apart = table.assign(factor_cluster=[1, 2, 3])
    assert "as strong as each other" in risk_findings.not_cause(apart)
    assert "does not show that there is none" in risk_findings.not_cause(table.assign(side="neither"))


def made(rows: dict) -> object:
    rules, table = Rules("restricted", "", ""), pd.DataFrame(rows)
    about = Provenance("", "", (), "", "", "", "", False, ())
    return release(table, counts=[], derived=[], title="", rules=rules, provenance=about)


def test_what_falls_away_is_counted_and_not_named_as_found():
    rows = {"name": ["A", "B", "C"], "side": ["above", "faded", "faded"], "r": [0.5, 0.2, 0.1]}
    said = risk_findings.ranked(made(rows))
    assert said == "More violence goes with A. 2 more fall away once neighbours and many tests are allowed for."
    none = risk_findings.ranked(made({"name": ["B"], "side": ["faded"], "r": [0.2]}))
    assert none.startswith("None of 1 factor is told from chance. 1 would have seemed to")


# ------------------------------------------------------------------------------------------------- the pages


@pytest.mark.parametrize("part", ["factors", "model", "unexplained", "inequality", "index"])
def test_every_part_of_the_page_opens_and_says_level_n_and_what_it_does_not_prove(part: str):
    app = opened("risk_factors", link={"look": part})
    assert not troubles(app)
    notes = " ".join(card.note for card in cards(app).values())
    assert "of areas, not of the people there" in notes
    if part != "index":
        assert "1,210 small areas" in notes


def test_the_page_refuses_authorities_and_offers_small_areas():
    app = opened("risk_factors", link={"level_of_factors": "lad"})
    assert not troubles(app) and not cards(app)
    assert any("beyond 0.53" in said and "Choose small areas" in said for said in told(app))


@pytest.mark.parametrize("tier", ["partner", "public"])
def test_other_tiers_see_open_records_or_a_calm_word(tier: str):
    for link in ({"source": "police_uk"}, {"source": "police"}):
        app = opened("risk_factors", tier=tier, link=link)
        assert not troubles(app)
        assert cards(app) or told(app)
    assert not troubles(opened("factor_catalogue", tier=tier))


def test_unknown_words_in_a_link_fall_back():
    app = opened("risk_factors", link={"closer": "nothing", "place": "E01999999", "steady": "nowhere", "look": "?"})
    assert not troubles(app)
    assert "factors" in cards(app)


def test_elsewhere_is_held_against_the_sign_of_the_whole():
    rows = {"part": ["Authority"] * 3 + ["Year"], "r": [-0.5, -0.4, 0.1, 0.3], "q_value": [0.01, 0.2, 0.5, 0.01]}
    said = risk_findings.elsewhere(made(rows), 0.5)
    assert said == "1 of 3 authorities point the same way, 0 clearly, 1 clearly the other way."


def test_records_that_are_not_placed_so_finely_are_refused_or_said_to_be_left_out(asked: store.Scope):
    app = opened("risk_factors", link={"group": "rape"})
    assert not troubles(app) and not cards(app)
    assert any("told by neighbourhood" in said for said in told(app))
    notes = cards(opened("risk_factors"))["factors"].note
    n = store.left_out(asked.but(start=pd.Timestamp("2025-01-01")), "lsoa")
    assert f"{n:,} records that may not be placed this finely" in notes


def test_the_sentence_over_a_clustered_model_goes_by_the_intervals_that_allow_for_it():
    table = pd.DataFrame({"factor": ["a"], "name": ["Income"], "lower": [1.1], "upper": [1.3]})
    assert risk_findings.model(table) == "With the others held steady: more with Income."
    allowed = table.assign(spatial_lower=0.9, spatial_upper=1.2)
    assert risk_findings.model(allowed).endswith("none of these factors is told from no effect.")
    table.attrs["why_not"] = "too many areas"
    assert "is not told" in risk_findings.model(table)


def test_a_gap_between_tenths_without_limits_is_not_told():
    nothing = {"sii": -0.9, "sii_lower": np.nan, "sii_upper": np.nan, "rate_most": 1.0, "rate_least": 0.1}
    assert risk_findings.inequality(made({"n": [1]}), nothing).startswith("Too few records")


def test_the_chart_of_factors_draws_the_raw_interval_behind_the_adjusted_one():
    card = cards(opened("risk_factors"))["factors"]
    [(_, data)] = card.charts
    rows = next(r for r in data.values() if "raw_lower" in r)
    narrower = (rows["raw_upper"] - rows["raw_lower"]) <= (rows["upper"] - rows["lower"]) + 1e-9
    assert narrower.mean() > 0.7


def test_a_model_is_coloured_by_the_intervals_its_sentence_goes_by():
    table = pd.DataFrame({"lower": [1.1, 0.5], "upper": [1.3, 0.8]})
    assert risk_findings.model_sides(table) == ["above", "below"]
    assert risk_findings.model_sides(table.assign(spatial_lower=0.9, spatial_upper=1.1)) == ["neither", "neither"]


def test_an_unknown_factor_in_a_link_falls_back_to_the_factors_a_model_begins_with():
    plain, unknown = (opened("risk_factors", link={"look": "model"} | more) for more in ({}, {"factors": "nonsense"}))
    assert cards(unknown)["model"].finding == cards(plain)["model"].finding
