"""The stages of a run: fuse, score, report; each reads only what the one before left on disk."""
