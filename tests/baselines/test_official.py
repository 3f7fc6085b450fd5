"""Every learned baseline with its official checkpoint gives the images of its authors' code."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from official_images import GOLDENS, REAL_PAIRS, SCENES, agree, drawn_state, golden_file, scene
from uaabench.core import imaging
from uaabench.core.errors import MethodError
from uaabench.core.registry import method_card, method_class
from uaabench.core.weights import resolve, sha256
from uaabench.methods import conformance

CPU = torch.device("cpu")
# Checkpoint of the card, folder of the development data, its file (none: all files of the folder), golden outputs.
OFFICIAL = {
    "auif": ("official", "AUIF", "", ""),
    "datfuse": ("official", "DATFuse", "model_10.pth", ""),
    "densefuse": ("official", "DenseFuse", "densefuse_gray.model", ""),
    "didfuse": ("official", "DIDFuse", "", ""),
    "fuse87": ("official", "Fuse87", "Fuse87_b4_lr1e-2_ep50_lf0.1_recons2.pth", ""),
    "gifnet": ("official", "GIFNet", "Final.model", ""),
    "ifcnn": ("max", "IFCNN", "IFCNN-MAX.pth", "imagenet_norm"),
    "lrrnet": ("official", "LRRNet", "final_lrr_net_lam2_1.5_wir_3.0_lam3_gram_2000_epoch_4_block_4.model", ""),
    "mmdrfuse": ("official", "MMDRFuse", "student.model", ""),
    "mufusion": ("tno", "MUFusion", "TNO.model", ""),
    "reconet": ("official", "ReCoNet", "params.pth", ""),
    "refusion": ("official", "ReFusion", "ReFusion_IVIF.pth", ""),
    "res2fusion": ("1e3", "Res2Fusion", "Final_epoch_4_1e3.model", ""),
    "sage": ("official", "SAGE", "checkpoints.pt", ""),
    "seafusion": ("official", "SeAFusion", "SeAFusion.pth", ""),
    "sfdfusion": ("official", "SFDFusion", "model-1_1_10_1.pth", ""),
    "ship": ("official", "SHIP", "SHIP_model.pth", ""),
    "siba": ("official", "SIBA", "SIBA_epoch60.pth", ""),
    "ydtr": ("official", "YDTR", "model_10.pth", ""),
}
# Their golden images are as saved and lie beside these tests: of scenes of the demo, and of real pairs only facts.
KEPT = ("fuse87", "gifnet", "mufusion", "sage", "sfdfusion", "siba")
# Their checkpoint is not among the development data; the authors' code fused the scenes by drawn parameters.
DRAWN = ("cddfuse", "emma", "itfuse", "lutfuse")
# In grey levels: float32 is right to 1e-6 or so, hence 1e-4 of the pixels lie so close to the border of two levels that
# the order of summation decides; which these are depends on the processor. Another level at more than 1e-2 of them is
# another computation.
EQUAL = 0.99
# Of the small scenes even a network that takes its queries from the wrong branch has 0.991 equal, the right one 0.9999.
EQUAL_SCENES = 0.999
# By drawn parameters a stretch can make ten levels of one.
EQUAL_DRAWN = 0.998
# Full images take them from ten seconds to minutes: compared by `benchmarks/official.py` only.
SLOWEST = {"cddfuse", "emma", "gifnet", "mufusion", "res2fusion", "siba"}
# One of the three golden pairs; `benchmarks/official.py` compares all.
PAIR = "MSRS_01190N"


def loaded(shared: Path, name: str, **options):
    _, folder, file, _ = OFFICIAL[name]
    method = method_class(name)(**options)
    method.load(shared / "weights" / folder / file, CPU)
    return method


def fuse(method, ir: np.ndarray, vi: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return imaging.quantise(method.fuse(imaging.to_tensor(ir), imaging.to_tensor(vi)))[0]


def fuse_pair(shared: Path, method, pair: str) -> np.ndarray:
    folder = shared / "oracle" / "methods" / "sources" / pair
    return fuse(method, imaging.read_grey(folder / "ir.png"), imaging.read_rgb(folder / "vi.png"))


def fuse_grey(shared: Path, method, pair: str) -> np.ndarray:
    fused = fuse_pair(shared, method, pair)
    return imaging.grey(fused) if fused.ndim == 3 else fused


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "folder", "file", "checkpoint"),
    [
        *(("res2fusion", "Res2Fusion", f"Final_epoch_4_{name}.model", name) for name in ("1e0", "1e1", "1e2", "1e3")),
        ("mufusion", "MUFusion", "RoadScene.model", "roadscene"),
    ],
)
def test_every_file_of_a_method_is_known_and_fits(
    shared: Path, name: str, folder: str, file: str, checkpoint: str
) -> None:
    path = shared / "weights" / folder / file
    assert resolve(method_card(name), str(path)).name == checkpoint
    method_class(name)().load(path, CPU)


@pytest.mark.shared
@pytest.mark.parametrize("name", OFFICIAL)
def test_checkpoints_are_the_files_of_the_card(shared: Path, name: str) -> None:
    checkpoint, folder, file, _ = OFFICIAL[name]
    assert sha256(shared / "weights" / folder / file) == method_card(name).checkpoints[checkpoint].sha256


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(OFFICIAL.keys() - SLOWEST - set(KEPT)))
def test_fused_images_are_those_of_the_authors_code(shared: Path, name: str) -> None:
    _, folder, _, variant = OFFICIAL[name]
    golden = imaging.read_grey(shared / "oracle" / "methods" / folder / variant / f"{PAIR}.png").astype(int)
    agree(fuse_grey(shared, loaded(shared, name), PAIR), golden, EQUAL)


@pytest.mark.shared
@pytest.mark.parametrize("pair", SCENES)
@pytest.mark.parametrize("name", KEPT)
def test_scenes_of_the_demo_are_fused_as_by_the_authors_code(shared: Path, name: str, pair: str) -> None:
    with np.load(golden_file(name)) as goldens:
        agree(fuse(loaded(shared, name), *scene(pair, name)), goldens[pair], EQUAL_SCENES)


def as_published(name: str) -> dict:
    """Drawn parameters in the layout of the authors' file, which may hold parts of a network apart."""
    state, parts = drawn_state(name), method_class(name).parts
    return {
        part: {key.replace(f"{part}.", "module."): value for key, value in state.items() if key.startswith(part)}
        for part in parts
    } or state


@pytest.fixture
def drawn(request: pytest.FixtureRequest, tmp_path: Path):
    """A method that has loaded drawn parameters from a file like its authors'."""
    torch.save(as_published(request.param), tmp_path / "drawn.pth")
    method = method_class(request.param)()
    method.load(tmp_path / "drawn.pth", CPU)
    return method


@pytest.mark.parametrize("pair", SCENES)
@pytest.mark.parametrize("drawn", DRAWN, indirect=True)
def test_by_drawn_parameters_scenes_are_fused_as_by_the_authors_code(drawn, pair: str) -> None:
    with np.load(golden_file(drawn.card.name)) as goldens:
        agree(fuse(drawn, *scene(pair, drawn.card.name)), goldens[pair], EQUAL_DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_entries_are_those_of_the_authors_file(name: str) -> None:
    method = method_class(name)()
    state, theirs = method._network.state_dict(), method.adapt(drawn_state(name))
    assert {key: value.shape for key, value in state.items()} == {key: value.shape for key, value in theirs.items()}


@pytest.mark.parametrize("drawn", sorted(set(DRAWN) - SLOWEST), indirect=True)
def test_drawn_parameters_keep_the_contract_of_methods(drawn) -> None:
    findings = conformance.check(drawn, CPU)
    assert [f"{finding.name}: {finding.detail}" for finding in findings if not finding.passed] == []


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(KEPT) - SLOWEST))
def test_real_pairs_have_mean_and_deviation_of_the_authors_images(shared: Path, name: str) -> None:
    with (GOLDENS / REAL_PAIRS).open(encoding="utf-8") as file:
        facts = {(row["method"], row["pair"]): row for row in csv.DictReader(file)}[name, PAIR]
    fused = fuse_pair(shared, loaded(shared, name), PAIR)
    # Printed to four decimals; one level more at one pixel in a hundred moves them by 0.01.
    assert fused.mean() == pytest.approx(float(facts["mean"]), abs=0.01)
    assert fused.std() == pytest.approx(float(facts["deviation"]), abs=0.01)


@pytest.mark.shared
@pytest.mark.slow
def test_ifcnn_without_normalisation_is_the_literal_script(shared: Path) -> None:
    golden = imaging.read_grey(shared / "oracle" / "methods" / "IFCNN" / f"{PAIR}.png").astype(int)
    agree(fuse_grey(shared, loaded(shared, "ifcnn", normalise=False), PAIR), golden, EQUAL)


@pytest.mark.shared
@pytest.mark.parametrize("name", OFFICIAL)
def test_official_weights_keep_the_contract_of_methods(shared: Path, name: str) -> None:
    findings = conformance.check(loaded(shared, name), CPU)
    assert [f"{finding.name}: {finding.detail}" for finding in findings if not finding.passed] == []


@pytest.mark.parametrize("name", [*OFFICIAL, *DRAWN])
def test_the_card_counts_the_parameters_of_the_network(name: str) -> None:
    method = method_class(name)()
    assert sum(parameter.numel() for parameter in method._network.parameters()) == method_card(name).parameters


@pytest.mark.parametrize("name", [*OFFICIAL, *DRAWN])
def test_the_smallest_images_are_fused_and_smaller_ones_refused_in_a_sentence(name: str) -> None:
    method = method_class(name)()
    method._network.eval()

    def fused(side: int) -> torch.Tensor:
        with torch.no_grad():
            return method.fuse(torch.rand(1, 1, side, side + 1), torch.rand(1, 3, side, side + 1))

    assert fused(method.smallest).shape[2:] == (method.smallest, method.smallest + 1)
    if method.smallest > 1:
        with pytest.raises(MethodError, match=rf"at least {method.smallest}x{method.smallest} pixels, not "):
            fused(method.smallest - 1)


def test_attention_by_places_does_not_depend_on_how_many_rows_are_computed_at_a_time(monkeypatch) -> None:
    from uaabench.baselines import res2fusion

    torch.manual_seed(0)
    first, second = torch.rand(2, 3, 24, 40, dtype=torch.float64)
    whole = res2fusion.by_place(first, second)
    monkeypatch.setattr(res2fusion, "ROWS", 7)
    assert torch.allclose(res2fusion.by_place(first, second), whole, atol=1e-12)
