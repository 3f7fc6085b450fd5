"""The stages of a run: fuse, score, segment, report; each reads only what the one before left on disk."""
