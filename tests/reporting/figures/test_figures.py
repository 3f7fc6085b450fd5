"""Figures hold what they were given, print without losses, and look the same every time."""

import re
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.text import Annotation
from pypdf import PdfReader

from uaabench.core.errors import StorageError, UsageError
from uaabench.reporting import figures
from uaabench.reporting.figures import Box, Panel, Point
from uaabench.reporting.figures.tradeoff import front
from uaabench.statistics import rank_methods

NAMES = ["uaa", "tardal", "SeAFusion", "DenseFuse", "a long method name", "IFCNN", "LRRNet", "ReFusion", "MMDR", "U2F"]
FIXED = {"uaa": "#0077bb"}
COLOURS = figures.colours([(name, False) for name in NAMES], FIXED)


def point(number: int, latency: float, quality: float) -> Point:
    return Point(
        title=NAMES[number],
        colour=COLOURS[NAMES[number]],
        latency_ms=latency,
        latency_q1_ms=latency * 0.9,
        latency_q3_ms=latency * 1.1,
        quality=quality,
        low=quality - 0.01,
        high=quality + 0.01,
    )


@pytest.fixture(scope="module")
def ranking():
    generator = np.random.default_rng(0)
    values = {name: generator.normal(0.1 * place, 0.5, 40).tolist() for place, name in enumerate(NAMES)}
    return rank_methods(values, higher_is_better=True)


@pytest.fixture(scope="module")
def drawn(ranking):
    images = [np.full((60, 80), shade, np.uint8) for shade in (0, 100, 200)]
    return {
        "distributions": figures.distributions(
            {name: [0.1, 0.2, 0.4] for name in NAMES}, colours=COLOURS, xlabel="Qabf", caption="n = 3"
        ),
        "tradeoff": figures.tradeoff(
            [point(n, 10.0 + n, 0.5 + n / 100) for n in range(10)],
            xlabel="ms",
            ylabel="Qabf",
            higher_is_better=True,
            caption="n = 3",
        ),
        "cd": figures.critical_difference(
            ranking, titles={name: name for name in NAMES}, colours=COLOURS, caption="n = 40"
        ),
        "montage": figures.montage(
            [[Panel(str(n), image) for n, image in enumerate(images)]],
            row_titles=["00537D"],
            insets=[Box(5, 5, 20, 10)],
        ),
    }


@pytest.mark.parametrize("name", ["distributions", "tradeoff", "cd", "montage"])
def test_fonts_are_embedded_in_the_pdf(drawn, name, tmp_path):
    figures.save(drawn[name], tmp_path / "figure.pdf")
    resources = PdfReader(tmp_path / "figure.pdf").pages[0]["/Resources"]
    fonts = [font.get_object() for font in resources["/Font"].get_object().values()]
    assert fonts
    for font in fonts:
        descendants = [entry.get_object() for entry in font.get("/DescendantFonts", [font])]
        descriptors = [entry["/FontDescriptor"].get_object() for entry in descendants]
        assert all("/FontFile2" in entry or "/FontFile3" in entry for entry in descriptors)


@pytest.mark.parametrize("suffix", [".pdf", ".png", ".svg"])
def test_the_same_figure_gives_the_same_bytes(drawn, suffix, tmp_path):
    for name in ("first", "second"):
        figures.save(drawn["distributions"], tmp_path / f"{name}{suffix}")
    first, second = (tmp_path / f"{name}{suffix}" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_another_suffix_and_a_missing_folder_are_refused(drawn, tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.pdf, \.png or \.svg"):
        figures.save(drawn["cd"], tmp_path / "figure.jpg")
    with pytest.raises(StorageError, match="name another place"):
        figures.save(drawn["cd"], tmp_path / "none" / "figure.pdf")


def test_a_method_keeps_its_colour_and_no_two_share_one():
    assert len(set(COLOURS.values())) == len(NAMES)
    assert figures.colours([("mine", False), ("uaa", False)], FIXED)["uaa"] == COLOURS["uaa"]
    floor = figures.colours([("average", True), ("maximum", True), ("uaa", False)], FIXED)
    assert all(len({floor[name][k : k + 2] for k in (1, 3, 5)}) == 1 for name in ("average", "maximum"))


def test_an_inline_drawing_takes_colour_and_width_of_the_page(drawn):
    first, second = (figures.inline_svg(drawn["cd"], prefix=prefix) for prefix in ("a", "b"))
    head = first[: first.index(">")]
    assert head.startswith("<svg")
    assert "viewBox" in head
    assert " width=" not in head
    assert "currentColor" in first
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", first).replace("DOCTYPE", "")
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for used in re.findall(r'(?:href="#|url\(#)([^")]+)', first):
        assert used in ids[0]


def test_labels_of_a_tradeoff_cover_neither_each_other_nor_leave_the_figure():
    generator = np.random.default_rng(3)
    points = [point(n, 10 * generator.uniform(1, 3), generator.uniform(0.5, 0.6)) for n in range(10)]
    figure = figures.tradeoff(points, xlabel="ms", ylabel="Qabf", higher_is_better=True)
    figure.draw_without_rendering()
    boxes = [artist.get_window_extent() for artist in figure.axes[0].findobj(Annotation)]
    assert len(boxes) == 10
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1


def test_the_front_holds_what_nothing_beats_in_both():
    points = [point(0, 10, 0.5), point(1, 20, 0.6), point(2, 30, 0.55), point(3, 15, 0.4)]
    assert [entry.title for entry in front(points, higher_is_better=True)] == ["uaa", "tardal"]
    assert [entry.title for entry in front(points, higher_is_better=False)] == ["uaa", "DenseFuse"]


def test_the_diagram_joins_exactly_the_groups_of_the_ranking(ranking, drawn):
    (axes,) = drawn["cd"].axes
    thick = [np.sort(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 2]
    bars = {(float(ends[0]), float(ends[-1])) for ends in thick}
    assert bars == {(ranking.mean_ranks[group[0]], ranking.mean_ranks[group[-1]]) for group in ranking.groups}


def test_every_method_stands_in_the_diagram_with_its_rank(ranking, drawn):
    texts = " ".join(text.get_text() for text in drawn["cd"].axes[0].texts)
    for name, rank in ranking.mean_ranks.items():
        assert name in texts
        assert f"({rank:.2f})" in texts


def test_an_inset_shows_the_pixels_of_its_region():
    image = np.arange(60 * 80, dtype=np.uint32).reshape(60, 80).astype(np.uint8)
    figure = figures.montage([[Panel("a", image)]], row_titles=["1"], insets=[Box(10, 20, 8, 6)])
    (axes,) = figure.axes
    (inset,) = axes.child_axes
    assert (np.asarray(inset.images[0].get_array()) == image[20:26, 10:18]).all()
    assert inset.images[0].get_clim() == (0, 255)


def test_titles_stand_above_the_first_row_only():
    images = [[Panel(name, np.zeros((4, 6), np.uint8)) for name in ("Infrared", "UAAFusion")] for _ in range(2)]
    figure = figures.montage(images, row_titles=["1", "2"], insets=[None, None])
    assert [axes.get_title() for axes in figure.axes] == ["Infrared", "UAAFusion", "", ""]


@pytest.mark.parametrize("box", [Box(-1, 0, 5, 5), Box(0, 0, 81, 5), Box(75, 0, 6, 5), Box(0, 0, 0, 5)])
def test_a_region_outside_the_image_is_refused(box):
    with pytest.raises(UsageError, match="is not inside an image of 80x60"):
        figures.montage([[Panel("a", np.zeros((60, 80), np.uint8))]], row_titles=["1"], insets=[box])


def test_captions_are_written_below(drawn):
    assert drawn["tradeoff"].get_supxlabel() == "n = 3"


HOSTILE = [
    r"$\frac$",
    r"\i",
    "a$b$c",
    r"\$x",
    "_x",
    "<b id='x'>",
    "#010203",
    'id="a"',
    "方法一",
    "方法二",
    "a\nb",
    "{x}",
    "100%",
]


@pytest.fixture(scope="module")
def hostile():
    """Every figure with names that are mathematics, markup, or beyond the font."""
    colours = figures.colours([(name, False) for name in HOSTILE])
    generator = np.random.default_rng(0)
    values = {name: generator.normal(place, 0.5, 40).tolist() for place, name in enumerate(HOSTILE)}
    points = [
        Point(
            title=name, colour=colours[name], latency_ms=1.0 + n, latency_q1_ms=None, latency_q3_ms=None,
            quality=n / 10, low=None, high=None,
        )
        for n, name in enumerate(HOSTILE)
    ]  # fmt: skip
    image = np.zeros((20, 20), np.uint8)
    return {
        "distributions": figures.distributions(values, colours=colours, xlabel=HOSTILE[0], caption=HOSTILE[0]),
        "tradeoff": figures.tradeoff(points, xlabel="ms", ylabel=HOSTILE[0], higher_is_better=True, caption=HOSTILE[2]),
        "cd": figures.critical_difference(
            rank_methods(values, higher_is_better=True),
            titles={name: name for name in HOSTILE},
            colours=colours,
            caption=HOSTILE[0],
        ),
        "montage": figures.montage(
            [[Panel(name, image) for name in HOSTILE]], row_titles=[HOSTILE[0]], insets=[None], caption=HOSTILE[0]
        ),
    }


@pytest.mark.filterwarnings("error:constrained_layout")
def test_long_names_leave_the_ranks_of_a_critical_difference_room(tmp_path):
    names = [f"A method of a long name {n} (a file of a long name {n}.safetensors)" for n in range(9)]
    values = {name: [float(n + pair) for pair in range(8)] for n, name in enumerate(names)}
    diagram = figures.critical_difference(
        rank_methods(values, higher_is_better=True),
        titles={name: name for name in names},
        colours=dict.fromkeys(names, "#009988"),
    )
    figures.save(diagram, tmp_path / "figure.png")
    assert diagram.axes[0].get_window_extent().width / diagram.dpi > 0.5


KINDS = ("distributions", "tradeoff", "cd", "montage")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("error:Glyph")
def test_names_are_text_in_every_figure(hostile, tmp_path, kind):
    for suffix in (".pdf", ".png"):
        figures.save(hostile[kind], tmp_path / f"f{suffix}")
    printed = PdfReader(tmp_path / "f.pdf").pages[0].extract_text()
    assert r"$\frac$" in printed
    # Ticks are taken from their axis anew; only the page has them.
    if kind != "distributions":
        assert "U+65B9U+6CD5U+4E00" in printed
        assert "U+65B9U+6CD5U+4E8C" in printed


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_text_in_the_figures_of_a_page(hostile, kind):
    svg = figures.inline_svg(hostile[kind], "chart-1")
    texts = {
        "".join(element.itertext()).strip() for element in ElementTree.fromstring(svg).iter() if "text" in element.tag
    }
    shown = "|".join(texts)
    assert {r"$\frac$", "#010203", 'id="a"', "<b id='x'>"} <= {text.split(" (")[0].split(") ")[-1] for text in texts}, (
        shown
    )
    ids = re.findall(r'<[^>]*\bid="([^"]*)"', svg)
    assert all(re.fullmatch(r"chart-1-[\w.-]+", name) for name in ids)


def test_the_users_settings_of_matplotlib_do_not_send_names_to_latex(tmp_path):
    with mpl.rc_context({"text.usetex": True}):
        figure = figures.distributions({r"\i_$": [1, 2]}, colours={r"\i_$": "#000000"}, xlabel="x")
        figures.save(figure, tmp_path / "f.pdf")
    assert r"\i_$" in PdfReader(tmp_path / "f.pdf").pages[0].extract_text()
