"""Quse by Qabf, by arithmetic, and as a metric that must be asked for."""

import math

import numpy as np
import pytest

from literal.triples import TRIPLES
from uaabench.core.interface import Sources
from uaabench.metrics import quse
from uaabench.metrics.profiles import PROFILES
from uaabench.metrics.qabf import QABF, edges, preservation
from uaabench.metrics.quse import QUSE

PUBLISHED = PROFILES["uaabench"]


def textured(seed):
    return np.random.default_rng(seed).integers(0, 256, (40, 44)).astype(float)


@pytest.fixture
def attributed(monkeypatch):
    """Let another function stand for the segmenter's attribution."""

    def give(function):
        monkeypatch.setattr(quse, "import_object", lambda _: function)

    return give


def test_where_a_segmenter_looks_at_edges_it_is_qabf(attributed):
    attributed(lambda image: edges(image).strength)
    fused, ir, vi = (textured(seed) for seed in range(3))
    assert QUSE(fused, ir, vi) == QABF(fused, ir, vi)


def test_only_pixels_that_contribute_count(attributed):
    fused, ir, vi = (textured(seed) for seed in range(3))
    one = np.zeros((40, 44))
    one[5, 7] = 0.1
    attributed(lambda image: one * (3 if image is ir else 1))
    of_ir, of_vi = (preservation(edges(source), edges(fused))[5, 7] for source in (ir, vi))
    assert QUSE(fused, ir, vi) == pytest.approx((3 * of_ir + of_vi) / 4, rel=1e-12)


def test_without_any_contribution_it_is_undefined(attributed):
    attributed(np.zeros_like)
    assert math.isnan(QUSE(*(textured(seed) for seed in range(3))))


def test_the_attribution_of_a_fused_image_is_never_computed(attributed):
    fused, ir, vi = (textured(seed) for seed in range(3))
    asked = []
    attributed(lambda image: asked.append(image) or np.ones_like(image))
    QUSE(fused, ir, vi)
    assert [any(image is one for one in (ir, vi)) for image in asked] == [True, True]


def test_it_has_its_value_by_the_segmenter_that_ships():
    fused, ir, vi = TRIPLES["large"]()
    (found,) = PUBLISHED.score(fused, Sources(ir, vi), PUBLISHED.select(["quse"]))
    assert found.value == pytest.approx(0.16207748, rel=1e-3)


def test_all_leaves_it_out():
    assert "Quse" not in [metric.name for metric in PUBLISHED.select(["all"])]
    assert [metric.name for metric in PUBLISHED.select(["all", "Quse"])][-1] == "Quse"
