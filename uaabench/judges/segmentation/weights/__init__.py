"""Weights of the segmenters that come with the package, and their cards."""
