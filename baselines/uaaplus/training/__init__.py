"""Training of UAAFusion+, found by the harness through the card; its segmenter stays as it is."""
