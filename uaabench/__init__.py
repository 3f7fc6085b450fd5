"""uaabench: benchmark and evaluation suite for infrared-visible image fusion."""

__version__ = "0.1.0"
