"""`uaabench explain`: one figure for any method, and one sentence for every mistake."""

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from uaabench.core import imaging
from uaabench.core.errors import unknown_name
from uaabench.reporting import figures
from uaabench.running.entries import open_dataset

PAIR = "0066N"


@pytest.fixture
def drawn(monkeypatch):
    """What the verb hands to the figure: the explanations and their options."""
    calls = []
    draw = figures.explanation

    def spy(found, **options):
        calls.append((found, options))
        return draw(found, **options)

    monkeypatch.setattr(figures, "explanation", spy)
    return calls


@pytest.fixture
def demo(tmp_path):
    dataset, _, split = open_dataset("demo", tmp_path)
    return dataset, next(pair for pair in dataset.pairs(split) if pair.id == PAIR)


def test_a_demo_pair_is_explained_without_any_data(uaabench, drawn, tmp_path):
    result = uaabench("explain", PAIR, "--method", "uaa", "--dataset", "demo", "-o", tmp_path / "page.pdf")
    assert (result.code, result.out) == (0, f"Written to {tmp_path / 'page.pdf'}\n")
    ((found, options),) = drawn
    assert found.stages == 3
    assert [entry.name for entry in options["classes"]][1] == "car"
    text = " ".join(PdfReader(tmp_path / "page.pdf").pages[0].extract_text().split())
    for fact in ("UAAFusion, weights", "Demo test, pair 0066N", "SmallSegmenter", "K", "data step on", "colour cone"):
        assert fact in text


def test_the_explained_image_is_the_artefact_of_a_run(uaabench, drawn, demo, tmp_path):
    _, pair = demo
    uaabench("explain", PAIR, "-o", tmp_path / "page.png")
    uaabench("fuse", pair.ir, pair.vi, "-o", tmp_path / "fused.png", "--method", "uaa")
    ((found, _),) = drawn
    assert (np.round(found.fused * 255) == imaging.read_grey(tmp_path / "fused.png")).all()


def test_the_label_map_of_the_pair_makes_the_regions(uaabench, drawn, demo, tmp_path):
    dataset, pair = demo
    assert uaabench("explain", PAIR, "--labels", "-o", tmp_path / "page.png").code == 0
    ((found, options),) = drawn
    assert (found.regions == dataset.read_label(pair)).all()
    assert "regions: label map" in options["caption"]


@pytest.mark.parametrize("method", ["average", "tardal"])
def test_a_method_without_segmenter_is_explained_by_that_of_uaa(uaabench, drawn, tmp_path, method):
    result = uaabench("explain", PAIR, "--method", method, "-o", tmp_path / "page.svg", "--no-caption")
    assert result.code == 0
    ((found, options),) = drawn
    assert found.stages is None
    assert options["caption"] == ""
    assert "Written to" in result.out


def test_iterates_of_a_method_that_unfolds_are_shown(uaabench, drawn, tmp_path):
    result = uaabench("explain", PAIR, "--method", "auif", "-o", tmp_path / "page.png")
    assert result.code == 0
    ((found, options),) = drawn
    assert (found.stages, len(found.iterates), len(found.attentions)) == (10, 11, 10)
    assert "N\u00a0=\u00a010" in options["caption"]
    assert "data step" not in options["caption"]
    # AUIF puts out its last iterate as it is; the fused image is that in 8 bit.
    assert np.abs(found.iterates[-1] - found.fused).max() <= 0.5 / 255 + 1e-6
    assert not found.attentions[0].any()


def test_the_images_of_a_folder_are_explained(uaabench, drawn, demo, tmp_path):
    _, pair = demo
    (tmp_path / "fused").mkdir()
    image = imaging.read_grey(pair.ir) // 2
    imaging.write_png(tmp_path / "fused" / f"{PAIR}.png", image)
    result = uaabench("explain", PAIR, "--method", f"mine={tmp_path / 'fused'}", "-o", tmp_path / "page.png")
    assert result.code == 0
    ((found, options),) = drawn
    assert (np.round(found.fused * 255) == image).all()
    assert options["caption"].startswith("mine; Demo test")
    assert "of UAAFusion, weights" in options["caption"]


def test_a_folder_of_pairs_takes_the_class_names_that_fit_the_segmenter(uaabench, drawn, pair_folder, tmp_path):
    assert uaabench("explain", 0, "-d", f"own={pair_folder}", "-o", tmp_path / "page.png").code == 0
    ((_, options),) = drawn
    assert "own all, pair 0" in options["caption"]
    assert "9 classes of MSRS" in options["caption"]


def test_a_method_of_a_plugin_explains_itself(uaabench, drawn, pair_folder, tmp_path):
    (tmp_path / "own.py").write_text(
        "import torch\n"
        "from uaabench.baselines.uaa.explain import explain_fused\n"
        "from uaabench.core.interface import LuminanceMethod, MethodCard\n"
        "class Two(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return torch.cat([x, 1 - x], 1)\n"
        "class Own(LuminanceMethod):\n"
        "    card = MethodCard(name='own', title='Own', kind='classical', version=1, summary='s')\n"
        "    def fuse_luminance(self, ir, y):\n"
        "        return ir\n"
        "    def explain(self, ir, vi, *, fused=None, mask=None, iterates=()):\n"
        "        return explain_fused(Two(), ir, vi, ir if fused is None else fused, steps=2, mask=mask)\n"
    )
    words = ("explain", 0, "-d", f"mine={pair_folder}", "--plugin", tmp_path / "own.py", "-o", tmp_path / "page.png")
    assert uaabench(*words, "--method", "own").code == 0
    assert uaabench(*words, "--method", "maximum", "--segmenter-of", "own").code == 0
    (own, options), (maximum, _) = drawn
    assert own.segmenter == maximum.segmenter == "Two"
    assert own.classes == 2
    assert options["classes"] == ()
    assert (maximum.fused >= own.fused).all()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("0067N",), 2, "There is no pair of demo '0067N'; did you mean"),
        ((PAIR, "-o", "page.jpg"), 2, "name a file that ends in .pdf, .png or .svg"),
        ((PAIR, "--dataset", "demp"), 2, "There is no data set 'demp'; did you mean 'demo'?"),
        ((PAIR, "--dataset", "msrs"), 4, "The data set 'msrs' is not in"),
        ((PAIR, "--method", "uaaa"), 2, "There is no method 'uaaa'; did you mean 'uaa'?"),
        ((PAIR, "--method", "uaa@none.pth"), 2, "There is no weights file none.pth"),
        ((PAIR, "--method", "lrrnet"), 4, "LRRNet comes without weights"),
        ((PAIR, "--method", "mine=nowhere"), 2, "There is no folder nowhere"),
        ((PAIR, "--segmenter-of", "average"), 2, "Average has no segmenter that explains"),
        ((PAIR, "--plugin", "none.py"), 2, "There is no plugin file none.py"),
        ((PAIR, "--device", "cuda:99"), 2, "There is no device 'cuda:99'"),
    ],
)
def test_a_mistake_is_one_sentence(uaabench, tmp_path, words, code, sentence):
    result = uaabench("explain", "-o", tmp_path / "page.png", *words)
    assert result.code == code
    assert result.err.startswith("uaabench: ")
    assert result.err.count("\n") == 1
    assert sentence in result.err
    assert not list(tmp_path.glob("page*"))


def test_labels_of_a_pair_without_them_or_of_unknown_classes_are_refused(uaabench, pair_folder, tmp_path):
    words = ("explain", 0, "-d", f"mine={pair_folder}", "--labels", "-o", tmp_path / "page.png")
    result = uaabench(*words)
    assert result.code == 2
    assert "has no label map; leave out --labels" in result.err
    (pair_folder / "labels").mkdir()
    cv2.imwrite(str(pair_folder / "labels" / "0.png"), np.zeros((48, 64), np.uint8))
    assert "has a label map of unknown classes" in uaabench(*words).err


def test_labels_of_other_classes_than_the_segmenter_are_refused(uaabench, pair_folder, tmp_path):
    (tmp_path / "own.py").write_text(
        "from uaabench.datasets.folder import Folder\n"
        "from uaabench.core.interface import DatasetCard, LabelClass\n"
        "class Two(Folder):\n"
        "    card = DatasetCard(name='two', title='Two', version=1, summary='s', splits={'all': None},\n"
        "        default_split='all', classes=(LabelClass('a', (0, 0, 0)), LabelClass('b', (9, 9, 9))))\n"
        "    @classmethod\n"
        "    def locate(cls, data_root):\n"
        "        return data_root / 'pairs'\n"
    )
    (pair_folder / "labels").mkdir()
    cv2.imwrite(str(pair_folder / "labels" / "0.png"), np.zeros((48, 64), np.uint8))
    words = ("explain", 0, "-d", "two", "--plugin", tmp_path / "own.py", "--data-root", pair_folder.parent, "--labels")
    result = uaabench(*words, "-o", tmp_path / "page.png")
    assert result.code == 2
    assert "is of 2 classes but the segmenter scores 9" in result.err


def test_of_very_many_names_some_are_listed():
    known = [f"{number:03}" for number in range(361)]
    assert str(unknown_name("pair", "zzz", known)).endswith("037, 038, 039 and 321 more.")


def test_the_help_has_examples(uaabench):
    out = uaabench("explain", "--help").out
    assert "uaabench explain 0066N -o page.png" in out
    assert "--segmenter-of" in out
