r"""Text as LaTeX prints it, with pdfLaTeX, XeLaTeX and LuaLaTeX, and labels that `\ref` finds.

Every character is kept, so that two names stay two: what plain pdfLaTeX is sure to set stands as it is or as a command,
everything else inside `\uaabenchchar`, which sets the character where the engine and its font can, and else prints its
number, for example U+65B9.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from uaabench.reporting.names import number

SYMBOLS = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}", '"': r"{\char34}", "''": "'{}'",
    "--": "-{}-", "  ": r" \ ", "–": "--", "—": "---", "“": "``", "”": "''", "’": "'", "…": r"\ldots{}", "[": "{[}",
    "]": "{]}", "*": "{*}", "×": r"$\times$", "±": r"$\pm$", "°": r"$^{\circ}$", "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}", "−": "$-$", "→": r"$\rightarrow$", "←": r"$\leftarrow$", "↑": r"$\uparrow$",
    "↓": r"$\downarrow$", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$", "∞": r"$\infty$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip
# Those that look like Latin ones have no command.
GREEK = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
# Letters that LaTeX sets in any encoding of fonts: some of their own, and Latin ones with one of these accents: grave,
# acute, circumflex, tilde, macron, breve, dot, diaeresis, ring, double acute, caron, cedilla.
LETTERS = frozenset("ÆØßæøŁłŒœı")
ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
# The packages luatexja and xeCJK, which look for glyphs beyond the font, are trusted. The macro can be expanded, as a
# list of tables is read before the table that defines it.
DEFINITION = r"""% A character that the engine or its font lacks is printed as its number. With a package that sets it,
% write \newcommand\uaabenchchar[2]{#1} before \input.
\providecommand*\uaabenchchar[2]{%
  \ifdefined\Umathcode
    \ifcsname ltjsetparameter\endcsname #1\else\ifcsname xeCJKsetup\endcsname #1\else
    \iffontchar\font`#1 #1\else U+#2\fi\fi\fi
  \else U+#2\fi}
"""


def _greek(letter: str) -> str:
    """The command of a Greek letter, as Unicode and TeX name it alike."""
    name = unicodedata.name(letter).split()[-1].replace("LAMDA", "LAMBDA")
    return rf"$\{name.lower() if letter.islower() else name.capitalize()}$"


COMMANDS = SYMBOLS | {letter: _greek(letter) for letter in GREEK}
SPECIAL = re.compile("|".join([*map(re.escape, sorted(COMMANDS, key=len, reverse=True)), r"[^\x20-\x7e]"]))


def escape(text: str) -> str:
    r"""Text that LaTeX prints as it is.

    Example:
        >>> print(escape("a_b & 95 % in C:\\x, é, 方"))
        a\_b \& 95 \% in C:\textbackslash{}x, é, \uaabenchchar{方}{65B9}
    """
    return SPECIAL.sub(lambda match: COMMANDS.get(match.group()) or _character(match.group()), text)


def definition(body: str) -> str:
    r"""What a file must define before the LaTeX in it, if anything."""
    return DEFINITION if r"\uaabenchchar" in body else ""


def distinct_labels(names: Iterable[str]) -> list[str]:
    r"""Labels of letters, digits and hyphens for `\label`, one for each name, no two the same.

    Example:
        >>> distinct_labels(["ranks-a b", "ranks-a%b", "ranks-夜"])
        ['ranks-a-b', 'ranks-a-b-2', 'ranks-591C']
    """
    labels: list[str] = []
    for name in names:
        spelt = "".join(c if c.isascii() else f"{ord(c):04X}" for c in name)
        plain = re.sub(r"[^A-Za-z0-9]+", "-", spelt).strip("-")
        place = 1
        while (label := plain if place == 1 else f"{plain}-{place}") in labels:
            place += 1
        labels.append(label)
    return labels


def _character(character: str) -> str:
    """A character beyond ASCII: as it is, by the macro, or as its number where nobody could see it."""
    letter, *accents = list(unicodedata.normalize("NFD", character))
    if character in LETTERS or (
        letter.isascii() and len(accents) == 1 and accents[0] in ACCENTS and ord(character) < 0x180
    ):
        return character
    if unicodedata.category(character)[0] in "CZ":
        return number(character)
    return rf"\uaabenchchar{{{character}}}{{{number(character).removeprefix('U+')}}}"
