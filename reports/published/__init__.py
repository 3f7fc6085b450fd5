"""Rows that papers print, one TOML file a paper, read by `uaabench published`; see docs/published.md."""
