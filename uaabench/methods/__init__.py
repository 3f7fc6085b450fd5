"""Fusion methods as the harness sees them: loaded, checked, measured, explained."""
