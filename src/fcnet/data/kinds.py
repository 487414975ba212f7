"""Kinds of preprocessing that several parts ask about, by the names that settings give them."""

WHITENINGS = ("whitened", "zca")
"""Those with components and a floor: as principal components, or turned back into pixels."""
