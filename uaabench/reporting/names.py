"""Names are text: of methods, data sets and pairs, chosen by users and files, with any character in them."""

from __future__ import annotations

import unicodedata


def visible(name: str) -> str:
    r"""A name in one line, in which characters that nobody sees stand by their numbers.

    Control and format characters could break a row, colour a terminal or turn its text round, and make two names one.

    Example:
        >>> visible("a\tb\u202ec"), visible("夜间 50%")
        ('aU+0009bU+202Ec', '夜间 50%')
    """
    return "".join(number(c) if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" else c for c in name)


def number(character: str) -> str:
    """A character by its number in Unicode, such as U+65B9."""
    return f"U+{ord(character):04X}"
