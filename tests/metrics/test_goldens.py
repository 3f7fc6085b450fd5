"""Every metric of every profile against the implementation it stands for, on every triple of the oracle."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle import GOLDENS, Golden, cases, difference, read_triple
from uaabench import evaluate
from uaabench.core.interface import Sources
from uaabench.metrics import mi
from uaabench.metrics.nmi import NMI
from uaabench.metrics.profiles import Scene, profile
from uaabench.metrics.profiles.vifb import VIFB


@pytest.fixture(scope="session")
def oracle(shared: Path) -> Path:
    return shared / "oracle" / "metrics"


@cache
def scene(folder: Path, profile_name: str, triple: str) -> tuple[np.ndarray, Scene]:
    fused, sources = read_triple(folder, triple)
    return fused, profile(profile_name).prepare(sources)


@pytest.mark.shared
@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: f"{golden.profile}-{golden.implementation}")
def test_a_profile_has_the_values_of_its_implementation(oracle: Path, golden: Golden) -> None:
    convention, compared, wrong = profile(golden.profile), 0, []
    for case in cases(oracle, golden):
        if case.tolerance is None:
            continue
        fused, prepared = scene(oracle, golden.profile, case.triple)
        (value,) = prepared.score(fused, [convention.metrics[case.metric]])
        compared += 1
        if not difference(value.value, case.expected) <= case.tolerance:
            wrong.append((case.metric, case.triple, value.value, case.expected))
    assert compared > 0
    assert wrong == []


@pytest.mark.shared
@pytest.mark.parametrize("triple", ["syn_checker_inv", "syn_checker_same"])
def test_what_octave_reads_as_0_and_1_explains_the_values_of_vifb_that_are_left_out(oracle: Path, triple: str) -> None:
    fused, sources = read_triple(oracle, triple)
    as_octave = Sources(sources.ir // 255, sources.vi // 255)
    left_out = [
        case for case in cases(oracle, Golden("vifb", "vifb_matlab@octave")) if case.triple == triple and case.reason
    ]
    assert len(left_out) == 7
    for case in left_out:
        (value,) = VIFB.score(fused // 255, as_octave, [VIFB.metrics[case.metric]])
        assert difference(value.value, case.expected) <= 1e-6, case.metric


@pytest.mark.shared
@pytest.mark.parametrize("method", ["SeAFusion", "DenseFuse"])
def test_tang_legacy_has_the_values_that_were_published_for_tno(shared: Path, method: str) -> None:
    """Qabf too, to 1e-12, although it hangs on rounding errors: MATLAB's order of summation is known."""
    names = ["EN", "SF", "SD", "AG", "MI", "VIF", "SCD", "CC", "MSE", "PSNR", "Qabf"]
    data = shared / "data"
    fused = data / "TNO_fused" / method
    scored = evaluate(data / "TNO" / "ir", data / "TNO" / "vi", fused, metrics=names, profile="tang-legacy").pairs
    published = pd.read_csv(shared / "facts" / "tno_published_metrics.csv").query("method == @method")
    expected = published.assign(pair=published["image"].map(lambda name: Path(name).stem)).set_index("pair")
    ours = scored.loc[scored["status"] == "ok", names]
    assert len(expected) == len(ours) == 14
    np.testing.assert_allclose(ours, expected.loc[ours.index, names], rtol=1e-6, atol=0)
    np.testing.assert_allclose(ours["Qabf"], expected.loc[ours.index, "Qabf"], rtol=0, atol=1e-12)


@pytest.mark.shared
def test_nmi_of_stretched_images_is_that_of_the_code_of_liu(oracle: Path) -> None:
    """His code stretches each image first, which the definition does not."""
    rows = pd.read_csv(oracle / "oracle.csv").query("implementation == 'zliu_metricMI@octave'").dropna()
    assert len(rows) == 16
    for triple, expected in zip(rows["triple"], rows["value"], strict=True):
        fused, sources = read_triple(oracle, triple)
        images = (fused[..., 0], sources.ir, sources.vi[..., 0])
        value = NMI.compute(*(mi.stretched_levels(image.astype(float)) for image in images))
        assert difference(value, expected) <= 1e-6, triple
