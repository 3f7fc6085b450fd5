"""Each format is read back, and must show the numbers of the table."""

import csv
import io
import json
import re
from itertools import pairwise

import pytest
from rich.console import Console

from uaabench.reporting import latex as latex_module
from uaabench.reporting.build import build_table
from uaabench.reporting.csv_table import COLUMNS, csv_table
from uaabench.reporting.files import texts, write
from uaabench.reporting.json_table import json_table
from uaabench.reporting.latex import latex
from uaabench.reporting.latex_text import escape
from uaabench.reporting.markdown import markdown
from uaabench.reporting.names import visible
from uaabench.reporting.numbers import Numbers
from uaabench.reporting.table import DatasetHead, MethodRow
from uaabench.reporting.terminal import print_table

# Worked out by hand from the values in conftest.py, in row order: SD, Nabf with marks.
PRINTED = [
    ("UAAFusion", ("2.5000", None), ("0.2500", "best")),
    ("TarDAL", ("5.0000", "best"), ("0.5000", "second")),
    ("my_method & co", ("4.0000", "second"), ("0.5000", "second")),
    ("Average", ("40.0000", None), ("0.1000", None)),
]


def mark_in(text: str, best: str, second: str) -> str | None:
    return "best" if best in text else "second" if second in text else None


def first_number(text: str) -> str:
    return re.search(r"\d+\.\d{4}", text).group()


def test_csv_holds_full_precision_and_reads_back(complete):
    lines = list(csv.DictReader(io.StringIO(csv_table(complete))))
    assert tuple(lines[0]) == COLUMNS
    assert [line["method"] for line in lines] == ["uaa"] * 2 + ["tardal"] * 2 + ["mine"] * 2 + ["average"] * 2
    cells = [row.cells[name] for row in complete.sections[0].rows for name in ("SD", "Nabf")]
    assert [float(line["mean"]) for line in lines] == [2.5, 0.25, 5, 0.5, 4, 0.5, 40, 0.1]
    assert [(float(line["ci_low"]), float(line["ci_high"])) for line in lines] == [(c.low, c.high) for c in cells]
    assert [line["mark"] or None for line in lines] == [cell.mark for cell in cells]
    assert {(line["dataset"], line["split"], line["profile"], line["n"]) for line in lines} == {
        ("msrs", "test", "cddfuse", "4")
    }


def test_latex_stacks_blocks_of_metrics_that_a_page_cannot_hold_side_by_side(complete, monkeypatch):
    assert latex(complete).count(r"\begin{tabular}") == 1
    monkeypatch.setattr(latex_module, "MOST_COLUMNS", 1)
    blocks = latex(complete).split(r"\begin{tabular}")[1:]
    assert [re.search(r"Method & (\w+)", block).group(1) for block in blocks] == ["SD", "Nabf"]
    for block, numbers in zip(blocks, zip(*(row[1:] for row in PRINTED), strict=True), strict=True):
        assert all(number in block for number, _ in numbers)


def test_csv_leaves_missing_numbers_empty(records_of, table_of):
    table = table_of(records_of({"uaa": {"SD": ["no contrast"] * 4}}))
    line = next(csv.DictReader(io.StringIO(csv_table(table))))
    assert (line["mean"], line["ci_low"], line["ci_high"], line["n"], line["n_planned"]) == ("", "", "", "0", "4")


def test_json_agrees_with_csv(incomplete):
    lines = csv.DictReader(io.StringIO(csv_table(incomplete)))
    from_csv = {
        (line["dataset"], line["method"], line["metric"]): (float(line["mean"]), int(line["n"]), line["mark"] or None)
        for line in lines
    }
    content = json.loads(json_table(incomplete))
    from_json = {
        (data["dataset"], row["method"], name): (cell["mean"], cell["n"], cell["mark"])
        for data in content["datasets"]
        for row in data["rows"]
        for name, cell in row["values"].items()
    }
    assert from_json == from_csv
    assert content["profile"] == {"name": "cddfuse", "version": 1}
    assert [metric["higher_is_better"] for metric in content["metrics"]] == [True, False]


def test_markdown_shows_the_numbers_and_marks(complete):
    lines = [line for line in markdown(complete).splitlines() if line.startswith("|")][: 2 + len(PRINTED)]
    assert lines[0] == "| Method | SD ↑ | Nabf ↓ |"
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines[2:]]
    shown = [
        (row[0].strip("*").replace("\\", ""), *((first_number(c), mark_in(c, "**", "<ins>")) for c in row[1:]))
        for row in rows
    ]
    assert shown == PRINTED


def test_markdown_escapes_what_would_break_a_row(complete):
    assert "my\\_method & co" in markdown(complete)


def test_latex_shows_the_numbers_and_marks(complete):
    lines = [line for line in latex(complete).splitlines() if re.match(r"[^ ].*\d\.\d{4}", line)]
    rows = [[part.strip() for part in re.split(r"(?<!\\)&", line)] for line in lines]
    shown = [
        (
            re.sub(r"\\textit\{(.*)\}", r"\1", row[0]).replace("\\", ""),
            *((first_number(c), mark_in(c, r"\textbf", r"\underline")) for c in row[1:]),
        )
        for row in rows
    ]
    assert shown == PRINTED
    assert r"SD $\uparrow$ & Nabf $\downarrow$" in latex(complete)


def test_latex_explains_what_is_missing(incomplete):
    text = latex(incomplete)
    assert r"2.0000\rlap{\textsuperscript{a}}" in text
    assert r"n = 3 of 4 (1 failed: out of memory: 5\_000 \& more)." in text


@pytest.mark.parametrize(
    ("plain", "escaped"),
    [
        ("100 % & $5 #1 {x}_y", r"100 \% \& \$5 \#1 \{x\}\_y"),
        (r"C:\fused", r"C:\textbackslash{}fused"),
        ("~a^b", r"\textasciitilde{}a\textasciicircum{}b"),
        ("a<b>c|d", r"a\textless{}b\textgreater{}c\textbar{}d"),
        ("--limit", r"-{}-limit"),
        ("[mine]*", "{[}mine{]}{*}"),
        ("μ-Net ű", r"$\mu$-Net ű"),
        ("融 é", r"\uaabenchchar{融}{878D} é"),
        ("a\nb\u202ec", "aU+000AbU+202Ec"),
    ],
)
def test_latex_escapes_special_characters(plain, escaped):
    assert escape(plain) == escaped


def test_files_are_written_whole_and_the_same_every_time(complete, tmp_path):
    paths = write(texts(complete), tmp_path / "report")
    first = {path.name: path.read_bytes() for path in paths}
    again = {path.name: path.read_bytes() for path in write(texts(complete), tmp_path / "report")}
    assert first == again
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "results.csv",
        "results.json",
        "results.md",
        "results.tex",
        "supplement.tex",
    ]
    assert first["results.csv"].decode() == csv_table(complete)


NAMES = [
    "a|b", "a\nb", "a\r\nb", "a\rb", "=1+1", "+x", "-x", "@x", "*x*", "_x_", "<b>x</b>", "&lt;", "`x`", "[x](y)", "# x",
    "$x$", "~~x~~", 'x"y', "x,y", "\\", "\x1b[31mred", "\u202ecba", "![i](j)", "> x", "1. x", "https", "方", ":smile:",
]  # fmt: skip


@pytest.fixture
def hostile(records_of, metrics):
    head = DatasetHead(name="d\n|s", title="d\n|s", split="test", planned=4)
    return build_table(
        Numbers(records_of({name: {"SD": [1, 2, 3, 4 + n]} for n, name in enumerate(NAMES)}, head.name), "cddfuse", 1),
        methods=[MethodRow(label=name, title=name, kind="learned", weights="w") for name in NAMES],
        datasets=[head],
        metrics=metrics[:1],
    )


def test_csv_reads_back_every_name(hostile):
    lines = list(csv.DictReader(io.StringIO(csv_table(hostile), newline="")))
    assert [line["method"] for line in lines] == NAMES
    assert {line["dataset"] for line in lines} == {"d\n|s"}


def test_markdown_shows_every_name_in_a_row_of_its_own(hostile):
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(markdown(hostile))
    first = next(place for place, token in enumerate(tokens) if token.type == "tbody_open")
    last = next(place for place, token in enumerate(tokens) if token.type == "tbody_close")
    cells = [
        "".join(child.content for child in token.children if child.type in ("text", "text_special"))
        for before, token in pairwise(tokens[first:last])
        if before.type == "td_open"
    ]
    assert cells[::2] == [visible(name) for name in NAMES]
    # The only HTML is that which makes a character text.
    html = {child.content for token in tokens for child in token.children or () if child.type == "html_inline"}
    assert html <= {"<span>", "</span>", "<ins>", "</ins>", "<sup>", "</sup>"}


def test_names_do_not_command_a_terminal(hostile, capsys):
    print_table(hostile, Console(width=80))
    shown = capsys.readouterr().out
    assert not set(shown) & {"\x1b", "\r", "\u202e"}
    lines = [line.rsplit(maxsplit=1)[0].strip() for line in shown.splitlines() if line.rstrip().endswith("00")]
    assert lines == [visible(name) for name in NAMES]
