"""The version of uaabench: where packaging and every module read it, so that nobody imports the package for it."""

__version__ = "0.1.0"
