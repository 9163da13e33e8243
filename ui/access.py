"""Who is this, and which tier of data may they see. With no sign-in configured only this machine is served."""

from dataclasses import dataclass

import streamlit as st

TIERS = {"restricted": "Analyst or tactical member", "partner": "Partner", "public": "Public"}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
VIEW_AS = "view_as"  # session state: the tier a local analyst looks through


@dataclass(frozen=True)
class Visitor:
    """Who looks: what to call them, and the tier of data they see."""

    name: str
    tier: str


def visitor() -> Visitor | None:
    """The visitor, or None for a stranger. Without sign-in, someone at this machine is taken for a local analyst."""
    if st.get_option("server.address") not in LOOPBACK:
        return None
    tier = st.session_state.get(VIEW_AS, "restricted")
    return Visitor("Local analyst", tier if tier in TIERS else "restricted")
