import importlib.util
from pathlib import Path

import pytest

from uaabench.core.errors import UsageError
from uaabench.metrics import catalogue
from uaabench.metrics.profiles import PROFILES, metrics
from uaabench.metrics.profiles.published import PUBLISHED
from uaabench.metrics.profiles.vifb import VIFB

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_a_definition_is_the_published_one_or_that_of_the_first_profile_that_has_it() -> None:
    assert catalogue.definition("ssim") is PUBLISHED.metrics["SSIM"]
    assert catalogue.definition("EI") is VIFB.metrics["EI"]


def test_a_variant_says_rule_distance_and_checks() -> None:
    variants = {variant.profile.name: variant for variant in catalogue.variants("sf")}
    assert set(variants) == set(PROFILES)
    assert variants["uaabench"].rule == "As defined."
    assert variants["uaabench"].distance == ""
    # of grey levels 0..1, it is 1/255 of the others: 0.39 %
    assert variants["tang-legacy"].distance == "-100 to -100 %, median -100 %, compared with uaabench"
    assert "18 values of tang_matlab_pre202303@octave to 1e-12" in variants["tang-legacy"].checks


def test_a_metric_that_no_profile_has_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="no metric 'Qabff'; did you mean 'Qabf'"):
        catalogue.variants("Qabff")


def test_every_metric_that_departs_from_its_definition_says_how() -> None:
    for name, definition in metrics().items():
        for variant in catalogue.variants(name):
            computes = variant.metric.compute, variant.metric.features
            if variant.distance.startswith("the same") or computes == (definition.compute, definition.features):
                continue
            assert variant.metric.note, (variant.profile.name, name)


def test_what_was_measured_is_of_metrics_and_profiles_that_are_there() -> None:
    for found in (catalogue.divergences(), catalogue.goldens()):
        assert all(metric in PROFILES[profile].metrics for metric, profile in found)


def test_every_number_of_a_toolbox_was_compared_with_it() -> None:
    compared = catalogue.goldens()
    shared = {"cddfuse-ssim255": "cddfuse"}  # the same but for SSIM
    elsewhere = {("tang", "FMI_edge"), ("tang", "FMI_dct"), ("tang", "FMI_w")}  # the functions of the profile uaabench
    for profile in PROFILES.values():
        for name in profile.metrics:
            if profile is PUBLISHED or (profile.name, name) in elsewhere:
                continue
            assert (name, profile.name) in compared or (name, shared.get(profile.name, "")) in compared


def test_the_page_of_the_metrics_is_the_one_that_the_code_writes() -> None:
    spec = importlib.util.spec_from_file_location("make_metrics", DOCS / "make_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert (DOCS / "metrics.md").read_text(encoding="utf-8") == maker.page(), "run: python docs/make_metrics.py"
