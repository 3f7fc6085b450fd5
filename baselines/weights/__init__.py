"""Weights that come with the package, and their cards."""
