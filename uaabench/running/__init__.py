"""A run: its description, its plan, carrying it out, and what it leaves."""
