"""Kinds of preprocessing that several parts ask about, by the names that settings give them."""

from __future__ import annotations

WHITENINGS = ("whitened", "zca")
"""Those with components and a floor: as principal components, or turned back into pixels."""
