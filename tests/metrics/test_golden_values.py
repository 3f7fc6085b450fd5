"""Every metric of every profile has the golden values of small triples that the test makes, on any machine."""

import zlib
from functools import cache
from pathlib import Path

import pytest

import golden_values
from golden_values import GoldenValue, triples_of
from literal.profiles import METRICS, compute
from literal.triples import TRIPLES
from oracle import GOLDENS, Golden, cases, difference, read_triple
from uaabench.core.interface import Sources
from uaabench.metrics.profiles import PROFILES, Profile, Scene

VALUES = golden_values.read()
# Of fused, infrared and visible image, so that a changed triple is not taken for a changed metric.
CHECKSUMS = {
    "grey": [1006925585, 3236815080, 930990989],
    "colour": [3746535472, 3445100765, 2276314954],
    "large": [2244423230, 2641434471, 1676495044],
    "syn_ramp": [3893830384, 3893830384, 3964584830],
    "syn_checker_inv": [1652108880, 1652108880, 430580421],
}
# FMI window by window takes seconds: its literal formulas are computed once, and not for each profile and triple.
LITERAL = [
    golden
    for golden in VALUES
    if golden.source == golden_values.LITERAL
    and (not golden.metric.startswith("FMI") or (golden.profile, golden.triple) == ("uaabench", "grey"))
]


@cache
def scene(profile: str, triple: str) -> Scene:
    _, ir, vi = TRIPLES[triple]()
    return PROFILES[profile].prepare(Sources(ir, vi))


@pytest.mark.parametrize("triple", TRIPLES)
def test_triples_are_the_same_on_every_machine(triple: str) -> None:
    assert [zlib.crc32(image.tobytes()) for image in TRIPLES[triple]()] == CHECKSUMS[triple]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("triple", TRIPLES)
def test_a_profile_has_its_golden_values(profile: str, triple: str) -> None:
    goldens = [golden for golden in VALUES if (golden.profile, golden.triple) == (profile, triple)]
    metrics = [PROFILES[profile].metrics[golden.metric] for golden in goldens]
    found = scene(profile, triple).score(TRIPLES[triple]()[0], metrics)
    wrong = [
        (golden.metric, golden.source, value.value, golden.value)
        for golden, value in zip(goldens, found, strict=True)
        if not difference(value.value, golden.value) <= golden.tolerance
    ]
    assert wrong == []


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_metric_has_golden_values(profile: Profile) -> None:
    known = {(golden.metric, golden.triple) for golden in VALUES if golden.profile == profile.name}
    needed = {(metric, triple) for metric in profile.metrics for triple in triples_of(metric)}
    assert {(metric, triple) for metric, triple in needed - known if metric not in golden_values.LEFT_OUT} == set()


@pytest.mark.parametrize("golden", LITERAL, ids=lambda golden: f"{golden.profile}-{golden.metric}-{golden.triple}")
def test_golden_values_are_those_of_the_literal_formulas(golden: GoldenValue) -> None:
    value = compute(golden.profile, golden.metric, *TRIPLES[golden.triple]())
    # Rounding errors of sums, which come in another order with another version of a library.
    assert difference(value, golden.value) <= 1e-11


@cache
def of_the_oracle(folder: Path, profile: str, metric: str, triple: str) -> float:
    fused, sources = read_triple(folder, triple)
    return compute(profile, metric, fused[..., 0], sources.ir, sources.vi[..., 0])


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: f"{golden.profile}-{golden.implementation}")
def test_the_literal_formulas_have_the_values_of_the_oracle(shared: Path, golden: Golden) -> None:
    folder, wrong, compared = shared / "oracle" / "metrics", [], 0
    for case in cases(folder, golden):
        # Only MS-SSIM needs a larger image than the synthetic ones.
        wanted = case.triple.startswith("tno37_" if case.metric == "MS-SSIM" else "syn_")
        if case.tolerance is None or not wanted or case.metric not in METRICS[golden.profile]:
            continue
        value = of_the_oracle(folder, golden.profile, case.metric, case.triple)
        compared += 1
        if not difference(value, case.expected) <= case.tolerance:
            wrong.append((case.metric, case.triple, value, case.expected))
    assert wrong == []
    assert compared > 0 or golden.implementation in {"tang_published_matlab_2022", "bfliu_published_matlab"}
