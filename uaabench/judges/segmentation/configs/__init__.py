"""Segmenters as mmsegmentation configuration files; the number of classes is filled in when a model is built."""
