"""Training of UAAFusion: its segmenter first, then both networks together; found by the harness through the card."""
