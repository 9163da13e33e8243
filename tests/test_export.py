"""Exports: a file says everything a reader needs to judge it, and no spreadsheet runs what it holds."""

import csv
import io
import re
import struct
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import altair as alt
import pandas as pd
import pytest

from analytics.disclosure import Provenance, Release, Rules, release
from ui import charts, export
from ui.picture import LegendEntry, Picture

FINDING = "1,800 records in the 12 months to Dec 2025: 50% more than in the 12 months before."
WHEN = datetime(2026, 11, 23, 14, 5)
RULES = Rules(
    "partner",
    "7 or fewer shown as <8; others to the nearest 5; totals may not add.",
    "OFFICIAL-SENSITIVE: partnership use",
)
PROVENANCE = Provenance(
    area="Portsmouth",
    period="Jan 2024 to Dec 2025",
    sources=("Police records (Hampshire Constabulary, sharing agreement 12)", "Ambulance (South Central, agreement 9)"),
    basis="Where it happened",
    snapshot="2026-11-20-a3f9",
    published="2026-11-20",
    freshness="Police records to Dec 2025",
    invented=True,
    notes=("Mar 2024 was not supplied.", "Recording of stalking changed in Apr 2024."),
)
EVERYTHING = [  # what a file has to carry, by the disclosure rules
    "Recorded violence", FINDING, "Portsmouth", "Jan 2024 to Dec 2025", *PROVENANCE.sources, "Where it happened",
    *PROVENANCE.notes, "2026-11-20-a3f9", "published 2026-11-20", "Police records to Dec 2025",
    "7 or fewer shown as <8", "partner tier", "OFFICIAL-SENSITIVE: partnership use", "reported and recorded",
    "Do not combine with other tables to identify people", "INVENTED DATA", "23 Nov 2026, 14:05",
    "member 4f2a, export 17",
]  # fmt: skip


def made(frame: pd.DataFrame, **more) -> Release:
    settings = {"title": "Recorded violence", "rules": RULES, "provenance": PROVENANCE, "counts": ["n"]} | more
    return release(frame, **settings)


def monthly() -> Release:
    frame = pd.DataFrame({"month": pd.date_range("2024-01", periods=24, freq="MS"), "n": range(100, 124)})
    frame = frame.astype({"n": "float64"}).assign(status="shown", n_lower=0.0, n_upper=7.0)
    frame.loc[2, ["n", "status"]] = [None, "not supplied"]
    frame.loc[5, "status"] = "band"
    return made(frame)


def written(kept: Release) -> tuple[list[str], list[str], list[list[str]]]:
    """The notes, the headings and the rows of a CSV."""
    lines = export.csv(kept, FINDING, WHEN, exporter="member 4f2a, export 17").decode("utf-8-sig").splitlines()
    notes = [line for line in lines if line.startswith("#")]
    rows = list(csv.reader(lines[len(notes) :]))
    return notes, rows[0], rows[1:]


# ---------------------------------------------------------------------------------------------- table


@pytest.mark.parametrize("part", EVERYTHING)
def test_the_table_carries_everything_a_reader_needs(part):
    notes, _, _ = written(monthly())
    assert part in "\n".join(notes)


def test_the_table_reads_back_as_it_was_with_pandas():
    kept = monthly()
    back = pd.read_csv(io.BytesIO(export.csv(kept, FINDING)), comment="#", encoding="utf-8-sig", parse_dates=["Month"])
    assert list(back["Records"].dropna()) == list(kept.table["n"].dropna())
    assert list(back["Month"]) == list(kept.table["month"])


def test_headings_are_words_and_the_machine_names_stand_just_above_them():
    notes, headings, _ = written(monthly())
    assert headings == ["Month", "Records", "Status", "Records, at least", "Records, at most", "Records, as shown"]
    assert notes[-1] == "# month,n,status,n_lower,n_upper,shown"


def test_what_may_not_be_shown_is_not_in_the_file():
    _, headings, rows = written(monthly())
    number, shown = headings.index("Records"), headings.index("Records, as shown")
    assert (rows[5][number], rows[5][shown]) == ("", "<8")  # it was 105
    assert (rows[2][number], rows[2][shown]) == ("", "not supplied")
    assert "105" not in export.csv(monthly(), "").decode("utf-8-sig")


def test_counts_have_no_decimal_point_even_beside_a_missing_one():
    _, _, rows = written(monthly())
    assert rows[0][:4] == ["2024-01-01", "100", "shown", "0"]


def test_excel_on_windows_is_told_the_encoding():
    kept = made(pd.DataFrame({"name": ["Ñandú Café"], "n": [1]}))
    data = export.csv(kept, "é")
    assert data.startswith(b"\xef\xbb\xbf")  # the UTF-8 byte-order mark: without it Excel assumes a code page
    assert "Ñandú Café" in data.decode("utf-8-sig")


@pytest.mark.parametrize("text", ["=1+1", "+44", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1"])
def test_text_that_a_spreadsheet_would_run_is_shown_instead(text):
    """The characters OWASP lists under CSV injection, plain and behind blanks."""
    _, _, rows = written(made(pd.DataFrame({"name": [text, "plain"], "n": [1, 2]})))
    read = list(
        csv.reader(io.StringIO(export.csv(made(pd.DataFrame({"name": [text], "n": [1]})), "").decode("utf-8-sig")))
    )
    assert read[-1][0].startswith("'")
    assert rows[-1][0] == "plain"


def test_negative_numbers_stay_numbers():
    kept = made(pd.DataFrame({"n": [3], "slope": [-1.25]}), derived=["slope"])
    _, _, rows = written(kept)
    assert rows[0][1] == "-1.25"


@pytest.mark.parametrize("note", ["x,=1+1", "x, @SUM(A1)", "two\nlines,=1", "a\r=1"])
def test_notes_keep_to_one_line_and_hold_no_formula_where_excel_splits_them(note):
    kept = made(pd.DataFrame({"n": [1]}), provenance=replace(PROVENANCE, notes=(note,)))
    text = export.csv(kept, note).decode("utf-8-sig")
    for line in text.splitlines()[:-2]:
        assert line.startswith("#")
        assert not [cell for cell in line.split(",") if cell.lstrip().startswith(("=", "+", "-", "@"))]


def test_a_share_says_that_it_is_a_fraction_and_no_heading_comes_twice():
    kept = made(pd.DataFrame({"n": [1], "share": [0.25], "place_id": ["a"], "place": ["b"]}), derived=["share"])
    _, headings, _ = written(kept)
    assert headings[:4] == ["Records", "Share (0 to 1)", "Place (place_id)", "Place (place)"]


def test_an_empty_table_is_still_a_file_with_its_words():
    kept = Release(pd.DataFrame({"month": [], "n": []}), "Nothing", ("n",), (), RULES, PROVENANCE)
    notes, headings, rows = written(kept)
    assert (headings, rows) == (["Month", "Records"], [])
    assert "# Title: Nothing" in notes


def test_without_a_time_or_a_name_the_file_does_not_make_one_up():
    assert "Exported" not in export.csv(monthly(), FINDING).decode("utf-8-sig")
    assert export.csv(monthly(), FINDING) == export.csv(monthly(), FINDING)


def test_real_data_is_not_called_invented():
    kept = made(pd.DataFrame({"n": [1]}), provenance=replace(PROVENANCE, invented=False))
    assert "INVENTED" not in export.csv(kept, FINDING).decode("utf-8-sig")
    assert "INVENTED" not in export.svg(kept, charts.trend(monthly()), FINDING)


def test_writing_changes_nothing_in_the_release():
    kept = monthly()
    before = kept.table.copy(deep=True)
    export.csv(kept, FINDING)
    pd.testing.assert_frame_equal(kept.table, before)


# ---------------------------------------------------------------------------------------------- picture


def lines(drawing: str) -> list[str]:
    found = re.findall(r"<text[^>]*>(.*?)</text>", drawing, flags=re.S)
    return [re.sub("<[^>]+>", " ", t).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for t in found]


def size(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def of_size(width: int, height: int) -> Picture:
    chart = alt.Chart(pd.DataFrame({"a": [1], "b": [1]})).mark_point().encode(x="a:Q", y="b:Q")
    return Picture("altair", chart, lambda: charts.on_paper(chart.properties(height=height), width=width), "a point")


@pytest.mark.parametrize("part", EVERYTHING)
def test_the_picture_carries_everything_a_reader_needs(part):
    drawing = export.svg(monthly(), charts.trend(monthly()), FINDING, WHEN, exporter="member 4f2a, export 17")
    assert part in " ".join(" ".join(lines(drawing)).split())


def test_the_picture_holds_the_chart_and_the_finding_above_it():
    said = lines(export.svg(monthly(), charts.trend(monthly()), FINDING))
    assert "not supplied" in said  # on the gap in the chart
    assert said.index("Records") > next(i for i, t in enumerate(said) if FINDING.startswith(t))


@pytest.mark.parametrize(("width", "height"), [(900, 340), (200, 150), (2400, 200), (500, 1800)])
def test_wide_tall_and_small_pictures_are_whole_and_twice_as_sharp(width, height):
    picture = of_size(width, height)
    wide, tall = size(export.png(monthly(), picture, FINDING))
    _, chart_wide, chart_tall = export._drawn(picture)
    assert wide == 2 * max(export.SMALLEST, -int(-chart_wide // 1) + 2 * export.EDGE)
    assert tall > 2 * (chart_tall + 300)  # there is more than the chart: the words above and beneath
    left, top = map(int, re.search(r'<svg x="(\d+)" y="(\d+)"', export.svg(monthly(), picture, FINDING)).groups())
    assert left + chart_wide <= wide / 2 and top + chart_tall <= tall / 2


def test_no_line_of_words_runs_out_of_the_picture():
    """Oracle: the font itself, measured by Pillow."""
    found = [p for p in map(Path, FONTS) if p.exists()]
    if len(found) < 2:
        pytest.skip("Liberation Sans is not installed where it can be measured")
    from PIL import ImageFont

    long = "Recording of violence changed, W and M are wide: " + "WMWM iiii 1,234 (56%) Ampersands & @ – " * 12
    kept = made(pd.DataFrame({"n": [1]}), provenance=replace(PROVENANCE, notes=(long, "x" * 400)))
    drawing = export.svg(kept, of_size(300, 100), long)
    own = drawing[: drawing.index("<svg x=")] + drawing[drawing.rindex("</svg><") :]
    checked = 0
    for x, pixels, bold, text in re.findall(
        r'<text x="(\d+)" y="\d+" font-size="(\d+)"( font-weight="bold")?[^>]*>([^<]*)', own
    ):
        font = ImageFont.truetype(str(found[1] if bold else found[0]), int(pixels))
        assert int(x) + font.getlength(text.replace("&amp;", "&")) <= export.SMALLEST - export.EDGE + 1, text
        checked += 1
    assert checked > 20


FONTS = [f"/usr/share/fonts/truetype/liberation/LiberationSans-{cut}.ttf" for cut in ("Regular", "Bold")]


def test_wrapping_loses_nothing_and_breaks_words_that_are_too_long():
    text = "Figures show what was reported and recorded, not all violence that happened"
    assert " ".join(export.wrap(text, 200, 13)) == text
    broken = export.wrap("x" * 500, 200, 13)
    assert "".join(broken) == "x" * 500 and len(broken) > 10
    assert export.wrap("", 200, 13) == []


def test_the_legend_of_a_map_is_drawn_under_it_with_its_title_and_units():
    entries = tuple(LegendEntry(f"#00000{k}", f"{k} to {k + 9} records per square kilometre") for k in range(6))
    picture = replace(of_size(300, 100), legend=entries, legend_title="Records in each cell")
    drawing = export.svg(monthly(), picture, FINDING)
    said = lines(drawing)
    assert {"Records in each cell", *(e.label for e in entries)} <= set(said)
    assert all(f'fill="{e.colour}"' in drawing for e in entries)
    right = [
        int(x) + export.measured(label, 14) for x, label in re.findall(r'<text x="(\d+)"[^>]*>(\d to [^<]*)<', drawing)
    ]
    assert len(right) == 6 and max(right) <= export.SMALLEST - export.EDGE


def test_words_from_data_cannot_become_markup():
    evil = '</text><image href="http://example.org/x.png"/><text>&'
    drawing = export.svg(made(pd.DataFrame({"n": [1]}), title=evil), of_size(300, 100), evil + "\x00")
    assert "<image" not in drawing and "\x00" not in drawing
    assert (
        size(export.png(made(pd.DataFrame({"n": [1]}), title=evil), of_size(300, 100), evil))[0] == 2 * export.SMALLEST
    )


def test_a_still_with_many_rows_can_be_exported():
    many = pd.DataFrame({"a": range(6_000), "b": range(6_000)})  # altair refuses more than 5,000 unless told
    chart = alt.Chart(many).mark_point().encode(x="a:Q", y="b:Q")
    assert export.svg(monthly(), Picture("altair", chart, lambda: chart, "points"), FINDING).startswith("<svg")


# ---------------------------------------------------------------------------------------------- name


def test_file_names_say_what_where_when_and_suit_every_system():
    assert export.file_name(monthly(), "csv") == "recorded-violence_portsmouth_jan-2024-to-dec-2025_2026-11-20-a3f9.csv"
    odd = replace(PROVENANCE, area="../Ñandú: <all> | 'x'", period="")
    name = export.file_name(made(pd.DataFrame({"n": [1]}), provenance=odd, title="A" * 300), "png")
    assert re.fullmatch(r"[a-z0-9_.-]+\.png", name) and ".." not in name and len(name) < 200
