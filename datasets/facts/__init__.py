"""Names, hashes and splits of released data sets."""
