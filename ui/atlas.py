"""The ground under every map of a snapshot, made once: land, borders, names, outlines, and the camera of an area."""

import streamlit as st

from data import store
from data.store import Scope
from ui import map_ground, maps
from ui.maps import Context, Shapes, View


def ground(scope: Scope) -> Context:
    """Land, borders and names of the whole partnership, whatever the area."""
    return _ground(scope.tier, scope.snapshot)


def outlines(scope: Scope, level: str) -> Shapes:
    """The outlines of the areas of a level within the scope's area."""
    return _outlines(scope.tier, scope.snapshot, scope.area, level)


def camera(scope: Scope) -> View:
    """The view that shows the scope's area whole; it changes with the area alone."""
    return _camera(scope.tier, scope.snapshot, scope.area)


def points(scope: Scope, kind: str) -> list:
    """Where places of one kind stand within the scope's area, as [lon, lat]; no names. Empty for no kind."""
    return _points(scope.tier, scope.snapshot, scope.area, kind) if kind else []


@st.cache_resource(show_spinner=False, max_entries=32)
def _points(tier: str, snapshot: str, area: str, kind: str) -> list:
    try:
        held = store.places(Scope(tier, snapshot), kind=kind)
    except store.NotHeld:
        return []
    inside = held if area == store.ALL else held[held["authority_code"] == area]
    return map_ground.degrees(inside[["x", "y"]].to_numpy(), map_ground.COARSE) if len(inside) else []


@st.cache_resource(show_spinner=False, max_entries=6)
def _ground(tier: str, snapshot: str) -> Context:
    scope = Scope(tier, snapshot)
    return maps.context(store.areas(scope, level="lad"), store.towns(scope))


@st.cache_resource(show_spinner="Preparing the map…", max_entries=48)
def _outlines(tier: str, snapshot: str, area: str, level: str) -> Shapes:
    return maps.shapes(store.areas(Scope(tier, snapshot, area=area), level=level))


@st.cache_resource(show_spinner=False, max_entries=64)
def _camera(tier: str, snapshot: str, area: str) -> View:
    import shapely

    return maps.view_of(
        shapely.union_all(store.areas(Scope(tier, snapshot, area=area), level="lad").geometry.to_numpy())
    )
