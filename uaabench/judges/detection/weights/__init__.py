"""Weights of the detectors that come with the package, and their cards."""
