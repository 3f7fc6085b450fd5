"""Rows that papers print, beside ours: read (`papers`), compared digit by digit (`comparison`), shown (`formats`)."""
