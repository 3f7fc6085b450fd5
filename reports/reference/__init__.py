"""Reference rows: records of many methods, made by `uaabench reference make`; see README.md."""
