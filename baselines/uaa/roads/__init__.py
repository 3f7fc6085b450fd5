"""The shipped segmenter of roads: what it learns from, how it is trained, and how it is read."""
