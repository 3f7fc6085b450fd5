"""The figure of an explanation shows the arrays it was given, on the scales its colour bars state."""

import dataclasses
import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Text

from uaabench.core import imaging
from uaabench.datasets.fmb import CLASSES as FMB
from uaabench.datasets.msrs import CLASSES as MSRS
from uaabench.methods.explanation import Explanation
from uaabench.reporting import figures
from uaabench.reporting.figures.explanation import ATTENTION, INSIDE, WEIGHTS, colour_regions

HEIGHT, WIDTH = 24, 32


def draw(stages=3, classes=9, size=(HEIGHT, WIDTH), **changes):
    """An explanation of random arrays; every class has a region, a row of pixels."""
    generator = np.random.default_rng(0)
    regions = np.arange(size[0])[:, None] % classes + np.zeros(size, int)
    a = {name: generator.random(classes) * 1e-4 for name in ("infrared", "visible", "fused")}
    share = a["infrared"] / (a["infrared"] + a["visible"])
    content = {
        "ir": generator.random(size),
        "vi": generator.random((*size, 3)),
        "regions": regions,
        "weight_ir": share[regions],
        "weight_vi": 1 - share[regions],
        "attribution": a,
        "iterates": tuple(generator.random(size) for _ in range((stages or 1) + 1)),
        "attentions": tuple(n * generator.normal(0, 1e-6, size) for n in range(stages))
        if stages
        else (generator.normal(0, 1e-6, size),),
        "fused": generator.random(size),
        "segmenter": "Small",
        "steps": 3,
        "mask": "scores",
        "stages": stages,
    }
    return Explanation(**content | changes)


def images_of(figure):
    return {axes.get_title(): axes.images[0] for axes in figure.axes if axes.images}


def test_every_image_stands_under_its_title():
    found = draw()
    images = images_of(figures.explanation(found, classes=MSRS))
    expected = {
        "Infrared $i$": found.ir,
        "Visible $v$": found.vi,
        "Weight of infrared $w_i$": found.weight_ir,
        "Weight of visible $w_v$": found.weight_vi,
        "$f^0$": found.iterates[0],
        "$f^{1}$": found.iterates[1],
        "$f^{3}$, output": found.iterates[3],
        "att$_0$ = 0": found.attentions[0],
        "att$_{2}$": found.attentions[2],
    }
    for title, array in expected.items():
        assert (np.asarray(images[title].get_array()) == array).all(), title
    assert len(images) == 5 + 4 + 3 + 1


def test_the_fused_image_is_shown_as_it_is_written():
    found = draw()
    shown = images_of(figures.explanation(found))["As written"].get_array()
    written = np.round(found.fused * 255).astype(np.uint8)
    assert (shown == imaging.colourise(written, np.round(found.vi * 255).astype(np.uint8))).all()
    rgb = np.random.default_rng(1).random((HEIGHT, WIDTH, 3))
    coloured = images_of(figures.explanation(draw(fused=rgb)))["As written"].get_array()
    assert (coloured == np.round(rgb * 255)).all()


def test_regions_have_the_colours_of_the_data_set():
    found = draw()
    shown = images_of(figures.explanation(found, classes=MSRS))["Regions $R_j$"].get_array()
    for label, entry in enumerate(MSRS):
        assert (shown[found.regions == label] == entry.colour).all()
    # A label value that is no class stays black.
    assert colour_regions(np.array([[255]]), MSRS).tolist() == [[[0, 0, 0]]]


def test_weights_share_a_scale_with_a_half_in_the_middle():
    images = images_of(figures.explanation(draw()))
    for image in (images["Weight of infrared $w_i$"], images["Weight of visible $w_v$"]):
        assert image.get_clim() == (0, 1)
        assert image.get_cmap().name == WEIGHTS


def test_attentions_share_a_scale_that_is_symmetric_about_zero():
    found = draw()
    images = [image for image in images_of(figures.explanation(found)).values() if image.get_cmap().name == ATTENTION]
    (limits,) = {image.get_clim() for image in images}
    assert len(images) == 3
    assert limits[0] == -limits[1]
    assert np.mean(np.abs(found.attentions[1:]) <= limits[1]) == pytest.approx(INSIDE, abs=2e-3)


def test_attentions_that_are_all_zero_are_drawn():
    zeros = (np.zeros((HEIGHT, WIDTH)),) * 3
    figures.explanation(draw(attentions=zeros)).draw_without_rendering()


def test_bars_are_the_attributions_of_the_regions_there_are():
    found = draw()
    regions = np.where(found.regions > 4, 0, found.regions)
    found = dataclasses.replace(found, regions=regions)
    (chart,) = (axes for axes in figures.explanation(found, classes=MSRS).axes if axes.patches)
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in chart.containers}
    assert heights == {name: values[:5].tolist() for name, values in found.attribution.items()}
    texts = [text.get_text() for text in chart.texts]
    assert [entry.name for entry in MSRS if entry.name in texts] == [entry.name for entry in MSRS[:5]]
    # Rows 1, 10 and 19 of 24 are of class 1.
    assert "12.5%" in texts
    assert f"{found.weight_ir[1, 0]:.2f}" in texts


def test_a_region_without_attribution_leaves_no_bar_and_no_error():
    none = {name: np.zeros(9) for name in ("infrared", "visible", "fused")}
    figures.explanation(draw(attribution=none)).draw_without_rendering()


def test_the_image_of_another_method_takes_one_row():
    images = images_of(figures.explanation(draw(stages=None)))
    assert len(images) == 5 + 4
    assert "Fused luminance $f$" in images
    assert any("Gradient" in title for title in images)


@pytest.mark.parametrize(
    ("stages", "classes", "size"),
    [(3, MSRS, (240, 320)), (5, FMB, (480, 640)), (5, FMB, (768, 1024)), (None, FMB, (480, 640)), (1, (), (40, 30))],
)
def test_no_two_texts_overlap_and_none_leaves_the_page(stages, classes, size):
    found = draw(stages, len(classes) or 30, size)
    figure = figures.explanation(found, classes=classes, caption="UAAFusion, weights 0123456789ab; " * 6)
    with mpl.rc_context({"figure.dpi": 300}):
        figure.set_dpi(300)
        figure.draw_without_rendering()
        texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
        boxes = {text: text.get_window_extent() for text in texts}
    for (first, box), (second, other) in itertools.combinations(boxes.items(), 2):
        # What touches by a third of a point does not overlap to the eye.
        common = box.intersection(box, other)
        assert common is None or min(common.width, common.height) < 300 / 72 / 3, (first, second)
    for text, box in boxes.items():
        assert box.x0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y0 >= 0, text
        assert box.y1 <= figure.bbox.y1, text


@pytest.mark.parametrize("size", [(240, 320), (768, 1024), (40, 30)])
def test_images_keep_their_aspect(size):
    figure = figures.explanation(draw(size=size))
    for axes in figure.axes:
        if axes.images:
            box = axes.get_window_extent()
            assert box.height / box.width == pytest.approx(size[0] / size[1], rel=1e-6)


def test_the_same_explanation_gives_the_same_file(tmp_path):
    for name in ("first.svg", "second.svg"):
        figures.save(figures.explanation(draw(), caption="n"), tmp_path / name)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
