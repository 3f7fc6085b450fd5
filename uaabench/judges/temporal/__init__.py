"""How steady fused videos are."""
