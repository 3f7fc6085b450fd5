"""Writes docs/metrics.md from the metrics and profiles themselves, so that the page cannot differ from the code.

python docs/make_metrics.py
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from uaabench.core.columns import Metric
from uaabench.metrics import catalogue
from uaabench.metrics.catalogue import Variant
from uaabench.metrics.profiles import PROFILES, Profile, metrics
from uaabench.reporting.markdown import escape

PAGE = Path(__file__).with_name("metrics.md")
EXCEPTIONS = Path(__file__).parents[1] / "tests" / "support" / "oracle_exceptions.csv"
INTRODUCTION = """\
# Metrics and profiles

<!-- Written by docs/make_metrics.py from the code; change that, not this page. -->

A **profile** is a complete convention for computing metrics: how a file becomes a grey image, which formula stands
behind each name, how values towards two sources become one. The same name means different things in different
toolboxes, so numbers of two profiles never share a table. How to use them, and how to read the numbers, is in
[scoring.md](scoring.md); `uaabench show NAME` prints what is here on the terminal.

F is the fused image, A the infrared and B the visible one, X either of them; images are grey levels 0..255 unless it
says otherwise. Differences between profiles were measured on 8 real triples of images from MSRS, RoadScene, TNO and
VIFB. Golden values are those of 18 triples, 10 of them synthetic (constants, ramps, chessboards, saturated levels).

Beside them every profile has golden values of small triples that the tests make by whole-number arithmetic, grey and in
colour, in `tests/support/golden_values.csv`: each names its source, an implementation run elsewhere or the literal
formulas in `tests/support/literal/`. These share no code with the metrics, and are themselves compared with the values
of the implementations on the synthetic triples."""
COST = """\
## What they cost

`python benchmarks/metrics.py` scores the five default metrics of a pair of 480x640 in turns with a literal reference,
which computes what CDDFuse's evaluator does as it does it, on one thread. The machine, an AMD EPYC of 2 virtual
processors, mostly had other work (loads of 2 to 10), so that only ratios within one process mean anything. Each
figure is the median of 9 rounds with quartiles; four runs of the state before and four of
this one, the last with nothing else on the machine:

| times the speed of the literal reference | before | now |
| --- | --- | --- |
| one fused image, sources included | 14.4 (14.1 to 15.7), 11.8, 13.0, 13.3 | 17.1, 15.6, 18.3, 18.4 (16.6 to 19.5) |
| each of 7 methods that share sources | 30.3 (29.7 to 32.3), 24.7, 23.9, 27.0 | 37.1, 35.5, 45.5, 41.5 (40.0 to 43.5) |

In time of the processor, which other work disturbs less, one image took 107 ms and takes 79, each of 7 methods 55 and
34. Of the 79 ms some 30 go into memory that the system hands out anew for each image, not into arithmetic. Formulas of
pixels are therefore computed in strips that stay in the cache (`uaabench/metrics/strips.py`), to the same bits. With
nothing else on the machine two workers have 1.80 (1.76 to 1.86) times the throughput of one.

Images of more than 2 million pixels are scored in strips by metrics that are sums over pixels with a border, to 1e-9 of
the whole image: VIF, Qabf and SSIM where its window is used only where it fits. Others of `cddfuse` need less than 2 GB
whole. Not in strips, and so in memory that grows with the image: what transforms it as a whole or stretches it by its
own range (Qcb, Qcv, FMI), what has scales with borders of their own (VIFF, MS-SSIM, VIF of `ivif-zoo`), Nabf, networks
(Quse, LPIPS, DISTS) and the indices of piq. `python benchmarks/large.py`, a pair of 6000x4000 in a process of its own,
most memory and time, loads of 5 to 7:

| metrics of `cddfuse` | before | now |
| --- | --- | --- |
| the default five | 5.63 GB, 115 s | 1.10 GB, 29 s |
| VIF | 4.11 GB, 62 s | 1.10 GB, 53 s |
| Qabf | 3.34 GB, 49 s | 1.01 GB, 27 s |
| SSIM | 2.35 GB, 51 s | 1.01 GB, 23 s |
| AG | 1.58 GB | 1.39 GB |
| MI | 1.58 GB | 1.13 GB |
| SCD | 1.39 GB | 1.58 GB |
| CC | 1.20 GB | 1.39 GB |
| EN, SD, SF, MSE, PSNR | 1.0 GB | 1.0 GB |

That is for one pair at a time: a process that scores with several threads has a pair for each. Of several methods one
fused image after the other is in memory."""
CONVENTIONS = {
    "reader": "Reader",
    "scale": "Scale",
    "rounding": "Rounding",
    "sources": "Two sources",
    "logarithm": "Logarithm",
    "ssim": "SSIM",
    "undefined": "Undefined",
    "aggregation": "Pairs",
    "reference": "Equals",
    "omitted": "Left out",
}


def page() -> str:
    """The whole page."""
    blocks = [
        INTRODUCTION,
        "## Which profile has which metric",
        "`=` as defined below, `≠` something else under the same name.",
        _overview(),
        "## Profiles",
        *(block for profile in PROFILES.values() for block in _profile(profile)),
        "## Metrics",
        *(block for metric in metrics().values() for block in _metric(metric)),
        COST,
        "## Golden values that are not met to 1e-6",
        "Relative differences. Where no tolerance is given, the value is not compared.",
        _exceptions(),
    ]
    return "\n\n".join(blocks) + "\n"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in GitHub's Markdown."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _overview() -> str:
    head = ["metric", "better", "noise", *(f"`{name}`" for name in PROFILES)]
    rows = []
    for metric in metrics().values():
        here = {variant.profile.name: variant for variant in catalogue.variants(metric.name)}
        marks = [_mark(metric, here.get(name)) for name in PROFILES]
        gameable = "can improve it" if metric.gameable_by_noise else ""
        rows.append(
            [f"[{metric.name}](#{metric.name.lower()})", "↑" if metric.higher_is_better else "↓", gameable, *marks]
        )
    return table(head, rows)


def _mark(definition: Metric, variant: Variant | None) -> str:
    if variant is None:
        return ""
    same = (variant.metric.compute, variant.metric.features) == (definition.compute, definition.features)
    only_undefined_differs = variant.divergence is not None and variant.divergence.text == "the same"
    return "=" if same or only_undefined_differs else "≠"


def _profile(profile: Profile) -> Iterator[str]:
    yield f"### `{profile.name}`, version {profile.version}"
    yield escape(profile.summary)
    lines = [
        f"- **{title}.** {_sentence(getattr(profile, key))}"
        for key, title in CONVENTIONS.items()
        if getattr(profile, key)
    ]
    yield "\n".join([*lines, f"- **Table.** {', '.join(profile.headline)} unless `--metrics` names others."])


def _metric(metric: Metric) -> Iterator[str]:
    better = "higher is better" if metric.higher_is_better else "lower is better"
    noise = "; noise can improve it" if metric.gameable_by_noise else ""
    yield f"### {metric.name}"
    yield f"{metric.title[0].upper()}{escape(metric.title[1:])}: {better}, {_range(metric)}{noise}."
    yield f"    {metric.name} = {metric.formula}"
    undefined = f" Undefined: {escape(metric.undefined)}." if metric.undefined != Metric.undefined else ""
    size = f" Needs {metric.min_size}x{metric.min_size} pixels." if metric.min_size > 1 else ""
    yield f"{escape(metric.reference)}.{undefined}{size}"
    rows = [
        [f"`{v.profile.name}`", escape(v.rule), escape(v.distance), escape(v.checks)]
        for v in catalogue.variants(metric.name)
    ]
    yield table(["profile", "computes", "on real images", "golden values"], rows)


def _range(metric: Metric) -> str:
    low, high = (f"{limit:.4g}".replace("inf", "∞") for limit in metric.range)
    return f"{low} to {high}"


def _sentence(text: str) -> str:
    """A convention as a sentence."""
    plain = escape(text[0].upper() + text[1:])
    return plain if plain.endswith(".") else plain + "."


def _exceptions() -> str:
    with EXCEPTIONS.open(encoding="utf-8") as file:
        rows = [
            [row["implementation"], row["metric"], escape(row["triple"]), row["tolerance"], escape(row["reason"])]
            for row in csv.DictReader(file)
        ]
    return table(["implementation", "metric", "triple", "tolerance", "why"], rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Written: {PAGE}")
