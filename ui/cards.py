"""What a card is made of: the picture with its legend, the note beneath, the table and the downloads."""

import html
import zlib
from datetime import datetime

import streamlit as st

from analytics.disclosure import Release
from ui import export, words
from ui.access import Visitor
from ui.picture import Picture

PNG, CSV = "image/png", "text/csv"


def picture(drawn: Picture, key: str) -> str | None:
    """The picture and its legend; the id of what was clicked in it."""
    clicked = None
    if drawn.kind == "altair":
        st.altair_chart(drawn.live, width="stretch", key=key)
    elif drawn.kind == "areas":
        from ui import area_canvas

        clicked = area_canvas.mount(drawn.live, key=key, height=drawn.height)
    else:
        from ui import maps

        event = st.pydeck_chart(
            drawn.live,
            width="stretch",
            height=drawn.height,
            key=key,
            on_select="rerun" if drawn.selects else "ignore",
            selection_mode="single-object",
            alt=drawn.alt,
        )
        clicked = maps.clicked(event, drawn.selects, drawn.live) if drawn.selects else None
    if drawn.legend:
        st.html(_legend(drawn))
    return clicked


def _legend(drawn: Picture) -> str:
    """Swatches and words; the colours are ours, the words are escaped."""
    box = "display:inline-block;width:1em;height:1em;margin:0 .4em 0 1em;vertical-align:-.12em;border:1px solid #8888"
    entries = "".join(
        f'<span style="white-space:nowrap"><i style="{box};background:{html.escape(e.colour)}"></i>'
        f"{html.escape(e.label)}</span> "
        for e in drawn.legend
    )
    return f'<div style="font-size:.9rem"><b>{html.escape(drawn.legend_title)}</b> {entries}</div>'


def note(release: Release) -> str:
    """Source, place basis, area, period, n, caveats and freshness in one paragraph."""
    p = release.provenance
    counted = f"n = {release.n:,}" if release.n is not None else ""
    parts = ["; ".join(p.sources), p.basis, p.area, p.period, counted, *p.notes, p.freshness and f"Held: {p.freshness}"]
    sentences = ". ".join(part.rstrip(".") for part in parts if part)
    return f"{'INVENTED DATA. ' if p.invented else ''}{sentences}. {release.rules.mark}."


def numbers(
    release: Release,
    drawn: Picture | None,
    finding: str,
    key: str,
    columns: tuple[str, ...],
    rows_select: str,
    visitor: Visitor,
    open_table: bool,
    kept_back: str,
) -> str | None:
    """The table behind a picture and what can be taken away; the id of the row that was clicked."""
    chosen = None
    if release.table.empty:
        return None
    if open_table:
        chosen = _table(release, key, columns, rows_select)
    with st.container(horizontal=True, key=f"take_{key}"):
        if not open_table:
            drawer = st.popover("Numbers", icon=":material/table:", on_change="rerun", key=f"numbers_{key}")
            if drawer.open:  # a closed table is not sent
                with drawer:
                    _table(release, key, columns, "")
        now, who = datetime.now(), visitor.name
        if not kept_back:
            st.download_button(
                "CSV",
                data=lambda: export.csv(release, finding, now, exporter=who),
                file_name=export.file_name(release, "csv"),
                mime=CSV,
                icon=":material/download:",
                on_click="ignore",
                key=f"csv_{key}",
            )
        if drawn and (drawn.classes_only or not kept_back):  # charts and maps of counts hold numbers
            st.download_button(
                "Picture",
                data=lambda: export.png(release, drawn, finding, now, exporter=who),
                file_name=export.file_name(release, "png"),
                mime=PNG,
                icon=":material/image:",
                on_click="ignore",
                key=f"png_{key}",
            )
    if kept_back:
        st.caption(words.plain(f"{kept_back}."))
    return chosen


def _table(release: Release, key: str, columns: tuple[str, ...], rows_select: str) -> str | None:
    """The rows people may see, with headings in words; only the columns shown are sent."""
    wanted = list(columns) or [c for c in release.table.columns if c not in ("n_lower", "n_upper", "shown")]
    config = {c: words.column_config(c) for c in wanted}
    shares = {c: 100 * release.table[c] for c in wanted if words.kind(c) == "share"}  # a column has one unit: percent
    ids = "|".join(map(str, release.table[rows_select])) if rows_select else ""  # new rows: a new table
    event = st.dataframe(
        release.table[wanted].assign(**shares),
        hide_index=True,
        width="stretch",
        column_config=config,
        key=f"table_{key}_{zlib.crc32(ids.encode())}",
        on_select="rerun" if rows_select else "ignore",
        selection_mode="single-row",
        placeholder="–",
    )
    row = str(release.table[rows_select].iat[event.selection.rows[0]]) if rows_select and event.selection.rows else None
    before = st.session_state.get(f"row_{key}")
    st.session_state[f"row_{key}"] = row  # a row stays selected: only the run of the click tells it
    return row if row != before else None
