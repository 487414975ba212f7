"""Figures: they read run records and never train."""
