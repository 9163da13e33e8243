"""What leaves the app: a table or a picture, with everything a reader needs to judge it inside the file."""

import io
import math
import re
import unicodedata
from datetime import datetime
from xml.sax.saxutils import escape

import altair as alt
import pandas as pd

from analytics.disclosure import Release
from ui import words
from ui.picture import LegendEntry, Picture

INVENTED = "INVENTED DATA: made up to show how this tool works. Not about any real person or place."
REPORTED = "Figures show what was reported and recorded, not all violence that happened; recording changes over time."
NO_COMBINING = "Do not combine with other tables to identify people."
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet would run instead of showing
SCALE = 2  # pixels of the file per pixel of the picture: sharp on a slide


# ---------------------------------------------------------------------------------------------- words


def provenance(release: Release, exported: datetime | None = None, exporter: str = "") -> list[tuple[str, str]]:
    """What every file says of where its figures come from, in order: heading and text."""
    p, rules = release.provenance, release.rules
    counted = (
        words.number(release.n) if release.n is not None else "not stated: some rows have no figure that may be shown"
    )
    taken = [f"{exported:%d %b %Y, %H:%M}" if exported else "", f"by {exporter}" if exporter else ""]
    return [
        *([("Warning", INVENTED)] if p.invented else []),
        ("Area", p.area),
        ("Period", p.period),
        *(("Source", source) for source in p.sources),
        ("What the place means", p.basis),
        *([("Records (n)", counted)] if release.counts else []),
        *(("Note", note) for note in p.notes),
        ("Caveat", REPORTED),
        ("Held", p.freshness),
        ("Snapshot", f"{p.snapshot}, published {p.published}"),
        ("Rule", f"{rules.words.rstrip('.')} ({rules.tier} tier)"),
        ("Use", NO_COMBINING),
        *([("Exported", " ".join(part for part in taken if part))] if any(taken) else []),
        ("Marking", rules.mark),
    ]


def file_name(release: Release, extension: str) -> str:
    """A name that says what, where, when and of which snapshot, in letters every system takes."""
    p = release.provenance
    parts = [_slug(part)[:60].strip("-") for part in (release.title, p.area, p.period, p.snapshot)]
    return "_".join(part for part in parts if part) + f".{extension}"


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


# ---------------------------------------------------------------------------------------------- table


def csv(release: Release, finding: str, exported: datetime | None = None, *, exporter: str = "") -> bytes:
    """The table as CSV: lines that begin with # say what it is, then one heading line and the rows.

    finding : the sentence the card says. exported : when; exporter : who, as a pseudonym, and the export's number.
    The last # line holds the machine names of the columns. UTF-8 with a byte-order mark, so that Excel on Windows
    reads it right (pandas: `read_csv(file, comment="#", encoding="utf-8-sig")`).
    """
    table = release.table.drop(columns="geometry", errors="ignore")
    about = [("Title", release.title), ("Finding", finding), *provenance(release, exported, exporter)]
    notes = [f"# {heading}: {text}" for heading, text in about if text]
    notes.append("# " + ",".join(table.columns))
    safe = pd.DataFrame({name: _cells(table[name]) for name in table})
    safe.columns = _headings(list(table.columns))
    body = io.StringIO()
    safe.to_csv(body, index=False, lineterminator="\r\n", date_format="%Y-%m-%d")
    return ("\r\n".join(_one_line(note) for note in notes) + "\r\n" + body.getvalue()).encode("utf-8-sig")


def _headings(columns: list[str]) -> list[str]:
    """Headings in words; a share says that it is a fraction, and no heading comes twice."""
    named = [words.heading(c) + (" (0 to 1)" if words.kind(c) == "share" else "") for c in columns]
    return [f"{n} ({c})" if named.count(n) > 1 else n for n, c in zip(named, columns, strict=True)]


def _cells(column: pd.Series) -> pd.Series:
    """Text that no spreadsheet runs, counts without a decimal point; other numbers as they are."""
    whole = words.kind(str(column.name)) == "integer" and pd.api.types.is_float_dtype(column)
    if whole and (column.dropna() % 1 == 0).all():
        return column.astype("Int64")  # a missing count would turn the others into 12.0
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    return column.astype(object).map(lambda cell: _shown_not_run(cell) if isinstance(cell, str) else cell)


def _shown_not_run(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def _one_line(note: str) -> str:
    """A note on one line; where a spreadsheet would split it at a comma, no part can be a formula."""
    return re.sub(r",(\s*)(?=[=+\-@])", r",\1'", " ".join(note.split()))


# ---------------------------------------------------------------------------------------------- picture

EDGE, SMALLEST = 28, 760  # pixels around the picture; and the narrowest file, so that words have room
INK, QUIET, AMBER = "#1f2933", "#4a5361", "#ffd75e"
FAMILY = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"  # the first comes with the renderer


def png(
    release: Release, picture: Picture, finding: str, exported: datetime | None = None, *, exporter: str = ""
) -> bytes:
    """The picture as PNG, with its finding above it and where it comes from beneath it, all in the pixels."""
    import vl_convert  # takes a second, and only exports need it

    return vl_convert.svg_to_png(svg(release, picture, finding, exported, exporter=exporter), scale=SCALE)


def svg(
    release: Release, picture: Picture, finding: str, exported: datetime | None = None, *, exporter: str = ""
) -> str:
    """The same as SVG: a page that grows with what stands on it, so that nothing is cut."""
    drawn, wide, tall = _drawn(picture)
    width = max(SMALLEST, math.ceil(wide) + 2 * EDGE)
    page = _Page(width)
    if release.provenance.invented:
        page.band(INVENTED)
    p = release.provenance
    page.lines(finding, size=23, bold=True, colour=INK)
    page.lines(f"{release.title} · {p.area} · {p.period}", size=15, colour=QUIET, after=14)
    page.put(drawn, wide, tall)
    page.legend(picture.legend_title, picture.legend)
    page.rule()
    for heading, text in provenance(release, exported, exporter):
        if text and heading not in ("Area", "Period"):  # they stand above the picture
            page.lines(f"{heading}: {text}", size=13, bold=heading in ("Warning", "Marking"), colour=QUIET, after=2)
    return page.svg()


def _drawn(picture: Picture) -> tuple[str, float, float]:
    """The still as SVG, its width and its height."""
    import vl_convert

    with alt.data_transformers.enable("default", max_rows=None):  # a still is drawn here: no browser to spare
        spec = picture.still().to_dict()
    drawn = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    head = drawn[: drawn.index(">")]
    wide, tall = (float(re.search(rf'\b{name}="([\d.]+)', head).group(1)) for name in ("width", "height"))
    return drawn, wide, tall


class _Page:
    """An SVG page filled from the top; `y` is where the next thing goes."""

    def __init__(self, width: int):
        self.width, self.y, self.parts = width, EDGE, []

    def lines(self, text: str, *, size: int, colour: str, bold: bool = False, after: int = 8) -> None:
        """Words in as many lines as they need."""
        weight = ' font-weight="bold"' if bold else ""
        for line in wrap(text, self.width - 2 * EDGE, size, bold=bold):
            self.y += round(size * 1.25)
            place = f'x="{EDGE}" y="{self.y - round(size * 0.3)}"'
            self.parts.append(f'<text {place} font-size="{size}"{weight} fill="{colour}">{escape(line)}</text>')
        self.y += after

    def band(self, text: str) -> None:
        """Words on amber, across the whole page."""
        start, at = self.y - EDGE, len(self.parts)
        self.y += 8 - EDGE
        self.lines(text, size=15, bold=True, colour=INK, after=6)
        self.parts.insert(at, f'<rect y="{start}" width="{self.width}" height="{self.y - start}" fill="{AMBER}"/>')
        self.y += 12

    def put(self, drawn: str, wide: float, tall: float) -> None:
        """A finished drawing, in the middle."""
        left = max(EDGE, (self.width - wide) / 2)
        self.parts.append(drawn.replace("<svg ", f'<svg x="{left:.0f}" y="{self.y}" ', 1))
        self.y += math.ceil(tall) + 12

    def legend(self, title: str, entries: tuple[LegendEntry, ...]) -> None:
        """Swatches with their words, in rows as wide as the page."""
        if not entries:
            return
        if title:
            self.lines(title, size=14, bold=True, colour=INK, after=2)
        x = EDGE
        for entry in entries:
            step = 22 + measured(entry.label, 14) + 22
            if x > EDGE and x + step > self.width - EDGE:
                x, self.y = EDGE, self.y + 24
            place = f'x="{x:.0f}" y="{self.y}" width="15" height="15"'
            self.parts.append(f'<rect {place} fill="{escape(entry.colour)}" stroke="#8c979e"/>')
            place = f'x="{x + 22:.0f}" y="{self.y + 13}" font-size="14" fill="{INK}"'
            self.parts.append(f"<text {place}>{escape(entry.label)}</text>")
            x += step
        self.y += 34

    def rule(self) -> None:
        """A thin line across."""
        line = f'x1="{EDGE}" x2="{self.width - EDGE}" y1="{self.y}" y2="{self.y}"'
        self.parts.append(f'<line {line} stroke="#c3c9d1"/>')
        self.y += 8

    def svg(self) -> str:
        """The page, as tall as it has become."""
        size = f'width="{self.width}" height="{self.y + EDGE - 8}"'
        paper = '<rect width="100%" height="100%" fill="white"/>'
        start = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {size}'
        return f'{start} font-family="{FAMILY}">{paper}{"".join(self.parts)}</svg>'


# Widths of Liberation Sans (those of Arial), in thousandths of the size; what is not listed counts as wide as "n".
WIDTHS = {c: w for w, cs in {
    222: "ijl'’‘|", 278: " !,./:;[]\\ftI·", 333: "()-r`“”\"*", 500: "cksvxyzJ", 667: "ABEKPSVXY&", 611: "FTZ",
    722: "CDHNRUw", 778: "GOQ", 833: "mM", 889: "%", 944: "W", 1000: "—…", 1015: "@", 584: "+=<>~−", 556: "–",
}.items() for c in cs}  # fmt: skip


def measured(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide the words will be, in pixels; a little too wide rather than too narrow."""
    return sum(WIDTHS.get(c, 560 if ord(c) < 0x250 else 1000) for c in text) * size / 1000 * (1.10 if bold else 1.03)


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """The words in lines no wider than `width` pixels; a single longer word is broken."""
    lines = [""]
    for word in _printable(text).split():
        while measured(word, size, bold=bold) > width:
            fits = max(1, sum(measured(word[:k], size, bold=bold) <= width for k in range(1, len(word))))
            lines.append(word[:fits])
            word = word[fits:]
        longer = f"{lines[-1]} {word}".strip()
        if measured(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]


def _printable(text: str) -> str:
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
