import math

import numpy as np
import pytest

from uaabench.core import registry
from uaabench.core.errors import DataError, UsageError
from uaabench.core.interface import Metric, Sources
from uaabench.metrics.profiles import PROFILES, Value, profile
from uaabench.metrics.profiles.cddfuse import CDDFUSE


def random_sources(height: int = 48, width: int = 50) -> Sources:
    generator = np.random.default_rng(0)
    ir = generator.integers(0, 256, (height, width), dtype=np.uint8)
    return Sources(ir, generator.integers(0, 256, (height, width, 3), dtype=np.uint8))


def odd_metric(compute: object) -> Metric:
    return Metric(
        name="Odd",
        title="odd",
        compute=compute,  # type: ignore[arg-type]
        higher_is_better=True,
        range=(0, 1),
        gameable_by_noise=False,
        version=7,
        reference="",
    )


def test_profiles_are_found_by_name() -> None:
    assert profile("cddfuse") is CDDFUSE
    assert all(name == entry.name for name, entry in PROFILES.items())
    with pytest.raises(UsageError, match="did you mean 'cddfuse'"):
        profile("cdfuse")


def test_all_metrics_are_selected_unless_some_are_named() -> None:
    assert [metric.name for metric in CDDFUSE.select()] == ["EN", "SD", "SF", "VIF", "Qabf"]
    assert [metric.name for metric in CDDFUSE.select(["sf", "EN", "SF"])] == ["SF", "EN"]
    with pytest.raises(UsageError, match="no metric 'XY'"):
        CDDFUSE.select(["XY"])


def test_a_metric_of_a_plugin_can_be_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = odd_metric(lambda fused, ir, vi: 0.5)
    monkeypatch.setattr(registry, "extra_metrics", lambda: {"Odd": odd})
    assert CDDFUSE.select(["odd"]) == (odd,)


def test_the_key_holds_every_version() -> None:
    odd = odd_metric(lambda fused, ir, vi: 0.5)
    assert CDDFUSE.key([CDDFUSE.metrics["EN"], odd]) == {
        "name": "cddfuse",
        "version": 1,
        "metrics": {"EN": 1, "Odd": 7},
    }


def test_a_colour_image_is_scored_by_its_rounded_luminance() -> None:
    # 0.299 * 10 + 0.587 * 20 + 0.114 * 30 = 18.15, rounded 18
    colour = np.full((2, 2, 3), (10, 20, 30), np.uint8)
    colour[0] = 0
    grey = np.array([[0, 0], [18, 18]], np.uint8)
    sources = Sources(grey, colour)
    for image in (colour, grey):
        assert CDDFUSE.score(image, sources, CDDFUSE.select(["SD"])) == [Value("SD", 9.0)]


def test_the_infrared_image_comes_before_the_visible_one() -> None:
    metric = odd_metric(lambda fused, ir, vi: float(fused[0, 0] + 10 * ir[0, 0] + 100 * vi[0, 0]))
    sources = Sources(np.full((1, 1), 2, np.uint8), np.full((1, 1, 3), 3, np.uint8))
    assert CDDFUSE.score(np.full((1, 1), 1, np.uint8), sources, [metric])[0].value == 321


def test_images_of_different_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="fused image is 50x47, the infrared 50x48 and the visible 50x48"):
        CDDFUSE.score(np.zeros((47, 50), np.uint8), random_sources(), CDDFUSE.select())


def test_an_image_below_the_least_size_has_no_value_but_a_reason() -> None:
    sources = random_sources(40, 60)
    vif, sd = CDDFUSE.score(sources.ir, sources, CDDFUSE.select(["VIF", "SD"]))
    assert vif.status == "undefined"
    assert vif.reason == "60x40 is smaller than the 41x41 it needs"
    assert math.isnan(vif.value)
    assert sd.status == "ok"


def test_zero_over_zero_is_a_missing_value_with_a_reason() -> None:
    black = Sources(np.zeros((48, 50), np.uint8), np.zeros((48, 50, 3), np.uint8))
    (value,) = CDDFUSE.score(random_sources().ir, black, CDDFUSE.select(["Qabf"]))
    assert (value.status, value.reason) == ("undefined", "neither source has a gradient")
    assert math.isnan(value.value)


def test_a_metric_that_raises_has_failed_and_the_others_count() -> None:
    def broken(fused: object, ir: object, vi: object) -> float:
        raise ZeroDivisionError("no pixels")

    sources = random_sources()
    odd, en = CDDFUSE.score(sources.ir, sources, [odd_metric(broken), CDDFUSE.metrics["EN"]])
    assert (odd.status, odd.reason) == ("failed", "ZeroDivisionError: no pixels")
    assert en.status == "ok"
