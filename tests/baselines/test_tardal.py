from pathlib import Path

import numpy as np
import pytest
import torch

from uaabench.baselines.network import flush_denormals
from uaabench.baselines.tardal import BatchNorm, Generator, TarDAL
from uaabench.core import imaging
from uaabench.core.errors import WeightsError
from uaabench.core.registry import method_card, method_class
from uaabench.core.weights import sha256

CPU = torch.device("cpu")
FILES = {
    "dt": "tardal-dt.pth",
    "dt-eval": "tardal-dt.pth",
    "v0": "tardal_v0.pt",
    "tt": "tardal+_v0.pt",
    "ct": "tardal++_v0.pt",
}
# Outputs of the authors' code for the checkpoints; v0 holds the tensors of dt.
GOLDEN = {
    "dt": "TarDAL-DT",
    "dt-eval": "TarDAL-DT_evalmode",
    "v0": "TarDAL-DT",
    "tt": "TarDAL-TT",
    "ct": "TarDAL-CT",
}


def loaded(shared: Path, name: str) -> TarDAL:
    method = TarDAL(**method_card("tardal").checkpoints[name].options)
    method.load(shared / "weights" / "TarDAL" / FILES[name], CPU)
    return method


def sources(shared: Path, pair: str) -> tuple[torch.Tensor, torch.Tensor]:
    folder = shared / "oracle" / "methods" / "sources" / pair
    return imaging.to_tensor(imaging.read_grey(folder / "ir.png")), imaging.to_tensor(
        imaging.read_rgb(folder / "vi.png")
    )


def agree(fused: np.ndarray, saved: np.ndarray) -> None:
    """All grey levels but those where the order of summation decides, as in test_official.py."""
    difference = np.abs(fused.astype(int) - saved)
    assert (difference == 0).mean() > 0.99
    assert (difference <= 1).mean() > 0.9999


@pytest.mark.shared
@pytest.mark.parametrize("name", FILES)
def test_checkpoints_are_the_files_of_the_card(shared: Path, name: str) -> None:
    assert sha256(shared / "weights" / "TarDAL" / FILES[name]) == method_card("tardal").checkpoints[name].sha256


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_fused_images_equal_those_of_the_authors_code(shared: Path, name: str) -> None:
    golden = shared / "oracle" / "methods" / "TarDAL" / GOLDEN[name]
    with torch.no_grad():
        fused = loaded(shared, name).fuse(*sources(shared, "MSRS_00537D"))
    raw = np.load(golden / "MSRS_00537D_raw.npz")["raw"]
    # Eight convolutions, each right to 6e-8 of up to 1152 terms; the bar is far above, one grey level is 4e-3.
    assert np.linalg.norm(fused[0, 0].numpy() - raw.clip(0, 1)) < 1e-4 * np.linalg.norm(raw)
    agree(imaging.quantise(fused)[0], imaging.read_grey(golden / "MSRS_00537D.png"))


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("pair", ["MSRS_01190N", "TNO42_01"])
@pytest.mark.parametrize("name", ["dt", "dt-eval", "tt", "ct"])
def test_every_golden_pair_agrees(shared: Path, name: str, pair: str) -> None:
    with torch.no_grad():
        fused = imaging.quantise(loaded(shared, name).fuse(*sources(shared, pair)))[0]
    agree(fused, imaging.read_grey(shared / "oracle" / "methods" / "TarDAL" / GOLDEN[name] / f"{pair}.png"))


def test_the_generator_has_the_published_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in Generator().parameters()) == 296_577
    assert method_card("tardal").parameters == 296_577


def test_the_card_leads_to_the_class() -> None:
    assert method_class("tardal") is TarDAL


def saved_generator(path: Path) -> Generator:
    torch.manual_seed(0)
    generator = Generator()
    generator(
        torch.rand(2, 1, 24, 24), torch.rand(2, 1, 24, 24)
    )  # gives the running statistics other values than 0 and 1
    torch.save({**generator.state_dict(), "use_eval": False}, path)
    return generator


def test_image_statistics_are_those_of_training_at_batch_one(tmp_path: Path) -> None:
    generator = saved_generator(tmp_path / "w.pt").double().train()
    method = TarDAL(batch_norm="image")
    method.load(tmp_path / "w.pt", CPU)
    method._network.double()  # in which the order of summation, another one for a batch, does not show
    ir, y = torch.rand(2, 3, 1, 17, 20, dtype=torch.float64)
    with torch.no_grad():
        expected = torch.cat([generator(ir[i : i + 1], y[i : i + 1]) for i in range(3)]).clamp(0, 1)
        assert torch.allclose(method.fuse_luminance(ir, y), expected, atol=1e-10)


def test_running_statistics_are_those_of_evaluation(tmp_path: Path) -> None:
    generator = saved_generator(tmp_path / "w.pt").double().eval()
    method = TarDAL()
    method.load(tmp_path / "w.pt", CPU)
    method._network.double()  # the memory layout of the loaded network changes the order of summation
    ir, y = torch.rand(2, 2, 1, 17, 20, dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(method.fuse_luminance(ir, y), generator(ir, y).clamp(0, 1), atol=1e-10)


def test_denormal_weights_become_zero_and_others_stay() -> None:
    tensors = {"w": torch.tensor([1e-40, -1e-42, 1e-29, -0.5, 0.0]), "count": torch.tensor(7)}
    flushed = flush_denormals(tensors)
    assert flushed["w"].tolist() == [0.0, 0.0, tensors["w"][2].item(), -0.5, 0.0]
    assert flushed["count"].item() == 7


@pytest.mark.parametrize("batch_norm", ["image", "running"])
def test_a_file_that_does_not_fit_is_explained(tmp_path: Path, batch_norm: BatchNorm) -> None:
    torch.save({"encoder.0.weight": torch.zeros(3)}, tmp_path / "other.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    method = TarDAL(batch_norm=batch_norm)
    with pytest.raises(WeightsError, match=r"other\.pt does not fit TarDAL"):
        method.load(tmp_path / "other.pt", CPU)
    with pytest.raises(WeightsError, match=r"text\.pt is no PyTorch checkpoint"):
        method.load(tmp_path / "text.pt", CPU)
    with pytest.raises(WeightsError, match="needs weights"):
        method.load(None, CPU)
