"""The walls between layers, and what pages may not call, read from every file's imports and calls."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("analytics", "data", "answers", "ui", "pages")
FORBIDDEN = {
    "answers": {"streamlit", "duckdb", "ibis", "geopandas", "ui", "pages"},
    "analytics": {"streamlit", "geopandas", "ibis", "duckdb", "data", "answers", "ui", "pages"},
    "data": {"streamlit", "analytics", "answers", "ui", "pages"},
    "ui": {"answers", "pages", "duckdb", "ibis", "geopandas"},
    "pages": {"duckdb", "ibis", "geopandas", "pydeck", "altair"},
}
UI_MAY_USE = {
    "analytics.disclosure",
    "analytics.errors",
    "data.store",
    "data.definitions",
    "data.tracker",
    "data.event_register",
}
SHOWING = {"dataframe", "data_editor", "write", "metric", "download_button", "table", "map", "pydeck_chart"}
SLOW = {"sklearn", "statsmodels", "numba", "geopandas", "matplotlib", "pandera", "pyogrio", "pyproj", "vl_convert"}


def modules() -> list[Path]:
    found = [p for layer in LAYERS for p in (ROOT / layer).rglob("*.py") if "local" not in p.parts]
    assert len(found) > 10, "the walls test found no code to read"
    return found


def imported(tree: ast.AST) -> set[str]:
    """Full dotted names, so that `from data import store` reads data.store."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def tops(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_nothing_from_beyond_its_wall(layer: str) -> None:
    for path in modules():
        if path.relative_to(ROOT).parts[0] == layer:
            crossed = tops(imported(ast.parse(path.read_text(encoding="utf-8")))) & FORBIDDEN[layer]
            assert not crossed, f"{path.relative_to(ROOT)} imports {crossed}"


def ours(names: set[str]) -> set[str]:
    """Names of our own modules, as module paths (`data.store.Scope` is data.store)."""
    found = set()
    for name in names:
        parts = name.split(".")
        if parts[0] in ("data", "analytics") and len(parts) > 1:
            found.add(".".join(parts[:2]))
    return found


def test_the_ui_uses_only_the_doors_it_is_given() -> None:
    for path in (ROOT / "ui").rglob("*.py"):
        used = ours(imported(ast.parse(path.read_text(encoding="utf-8"))))
        assert used <= UI_MAY_USE, f"{path.name} uses {used - UI_MAY_USE}"


def test_pages_use_analytics_the_ui_and_the_store_alone() -> None:
    for path in (ROOT / "pages").rglob("*.py"):
        names = imported(ast.parse(path.read_text(encoding="utf-8")))
        used = {n for n in ours(names) if n.startswith("data.")}
        assert used <= {"data.store"}, f"{path.name} uses {used}"


def test_numbers_leave_a_page_only_through_the_page() -> None:
    for path in (ROOT / "pages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "st":
                bad = node.attr in SHOWING or node.attr.endswith("_chart")
                assert not bad, f"{path.name} calls st.{node.attr}"


def test_slow_packages_are_imported_only_where_they_are_needed() -> None:
    for path in [*modules(), ROOT / "app.py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        at_start = ast.Module([n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], [])
        slow = tops(imported(at_start)) & SLOW
        assert not slow, f"{path.relative_to(ROOT)} imports {slow} when it starts"


def test_pages_stay_short() -> None:
    for path in (ROOT / "pages").glob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 120, f"{path.name} has {lines} lines"


def test_only_the_front_door_draws_the_filter_bar() -> None:
    for path in [*modules()]:
        if path.name != "filters.py":
            assert "filters.bar(" not in path.read_text(encoding="utf-8"), path
