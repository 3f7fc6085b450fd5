"""Fusion methods, one module each; their cards are the TOML files beside them."""
