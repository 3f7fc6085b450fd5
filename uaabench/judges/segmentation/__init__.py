"""Semantic segmentation of fused images: segmenters of mmsegmentation, protocols, and mIoU."""
