"""Data sets on disk: layouts, checks, bringing a download into place."""
