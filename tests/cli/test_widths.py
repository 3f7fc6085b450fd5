"""No table that a verb prints ever loses a name or a number, in a pipe or on a terminal of any width."""

import re

import numpy as np
import pytest

from runs import write_run
from uaabench.methods.efficiency import Efficiency, write

LONG = "a-method-with-a-long-name-[of]-two-words"
METRICS = ("EN", "SD", "SF", "AG", "MI", "VIF", "Qabf", "SSIM")
WIDTHS = (200, 80, 12)


@pytest.fixture
def narrow(uaabench):
    """Run a verb at a width of the terminal: its standard output."""

    def call(width: int, *words: object) -> str:
        result = uaabench(*words, columns=width)
        assert result.code == 0, result.err
        return result.out

    return call


def values(seed: int) -> dict:
    generator = np.random.default_rng(seed)
    return {name: {m: generator.uniform(1, 2, 12).tolist() for m in METRICS} for name in (LONG, "uaa", "average")}


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"[+-]?\d+\.\d{4}", text))


@pytest.mark.parametrize("width", WIDTHS)
def test_compare(narrow, tmp_path, width):
    runs = [write_run(tmp_path / str(seed), values(seed)) for seed in (1, 2)]
    text = narrow(width, "compare", *runs)
    assert numbers(text) == numbers(narrow(1000, "compare", *runs))
    assert text.count(f"{LONG} ") >= len(METRICS)
    assert "…" not in text
    assert all(verdict in text for verdict in ("better", "worse"))


@pytest.mark.parametrize("width", WIDTHS)
def test_evaluate_per_pair(narrow, pair_folder, width):
    for folder in ("ir", "vi"):
        (pair_folder / folder / "0.png").rename(pair_folder / folder / f"{LONG}.png")
    words = ("evaluate", "--ir", pair_folder / "ir", "--vi", pair_folder / "vi", "--fused", pair_folder / "vi")
    words = (*words, "--per-pair", "--metrics", ",".join(METRICS))
    text = narrow(width, *words)
    assert numbers(text) == numbers(narrow(1000, *words))
    assert LONG in text
    assert "…" not in text


@pytest.mark.parametrize("width", WIDTHS)
def test_report(narrow, tmp_path, width):
    run = write_run(tmp_path / "run", values(1))
    cost = Efficiency(
        method="uaa", title="uaa", kind="learned", height=480, width=640, parameters=1, weights_bytes=0, flops=10**9,
        latency_ms=1.0, latency_q1_ms=0.9, latency_q3_ms=1.2,
    )  # fmt: skip
    write(run / "efficiency.json", [cost])
    words = ("report", run, "--format", "csv", "--vs", "uaa")
    text = narrow(width, *words)
    # Intervals are left out where they do not fit, means and differences never.
    means = set(re.findall(r"[+-]?\d+\.\d{4}(?![\d\],])", narrow(1000, *words)))
    assert means <= set(numbers(text))
    assert LONG in text.replace("\n", "")
    assert "…" not in text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "words",
    [*(f"list {kind}" for kind in ("methods", "datasets", "metrics", "segmenters", "protocols")), "weights list",
     "show qabf", "show tardal", "show msrs"],
)  # fmt: skip
def test_lists(narrow, width, words):
    text = narrow(width, *words.split())
    assert "…" not in text
    # Words may stand on other lines, but all of them are there.
    assert set(narrow(109, *words.split()).split()) <= set(text.split())


def test_names_in_square_brackets_are_no_markup(narrow, tmp_path):
    (tmp_path / "plugin.py").write_text(
        "from uaabench.core.interface import LuminanceMethod, MethodCard\n"
        "class One(LuminanceMethod):\n"
        "    card = MethodCard(name='[bold]x', title='', kind='classical', version=1, summary='')\n"
        "    def fuse_luminance(self, ir, y):\n"
        "        return y\n"
    )
    assert "[bold]x" in narrow(80, "list", "methods", "--plugin", tmp_path / "plugin.py")
