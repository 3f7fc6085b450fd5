"""Judging fused images by the objects that a detector finds in them."""
