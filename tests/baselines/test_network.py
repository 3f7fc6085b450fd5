import pytest
import torch
from torch import nn

from uaabench.baselines.network import NetworkMethod, read_state
from uaabench.baselines.res2fusion import Res2Fusion
from uaabench.core import weights
from uaabench.core.errors import WeightsError
from uaabench.core.interface import Checkpoint, MethodCard


class Single(NetworkMethod):
    card = MethodCard(
        name="single",
        title="Single",
        kind="learned",
        version=1,
        summary="one weight",
        checkpoints={"paper": Checkpoint(sha256="0" * 64, source="https://example.org")},
    )

    def __init__(self):
        super().__init__(nn.Linear(2, 1))

    def fuse(self, ir, vi):
        return ir


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"weight": state, "epoch": 120}])
def test_entries_are_found_inside_what_authors_save(tmp_path, wrap):
    torch.save(wrap({"module.weight": torch.ones(1, 2), "module.bias": torch.zeros(1)}), tmp_path / "net.pth")
    method = Single()
    method.load(tmp_path / "net.pth", torch.device("cpu"))
    assert method._network.weight.tolist() == [[1, 1]]


def test_a_folder_of_files_is_one_checkpoint(tmp_path):
    torch.save({"weight": torch.ones(1, 2)}, tmp_path / "a.pth")
    torch.save({"bias": torch.zeros(1)}, tmp_path / "b.pth")
    assert set(read_state(tmp_path, "Single")) == {"weight", "bias"}


def test_files_of_a_folder_with_one_entry_twice_are_refused(tmp_path):
    for name in ("a.pth", "b.pth"):
        torch.save({"weight": torch.ones(1, 2)}, tmp_path / name)
    with pytest.raises(WeightsError, match="one in two of them"):
        read_state(tmp_path, "Single")


def test_without_weights_the_message_names_those_there_are():
    with pytest.raises(WeightsError, match="single@PATH or single@paper; 'uaabench weights list' says where"):
        Single().load(None, torch.device("cpu"))


def test_of_a_file_of_another_network_the_message_names_the_first_entries(tmp_path):
    torch.save({f"layer{i}.weight": torch.ones(1) for i in range(100)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"layer0\.weight.*layer2\.weight\" and 97 more") as caught:
        Single().load(tmp_path / "other.pth", torch.device("cpu"))
    assert len(str(caught.value)) < 300


def test_a_file_without_tensors_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match="holds no tensors"):
        read_state(tmp_path / "x.pth", "Single")


def test_a_checkpoint_of_two_files_is_there_when_both_were_added(tmp_path):
    files = [tmp_path / name for name in ("encoder.pkl", "decoder.pkl")]
    for number, file in enumerate(files):
        torch.save({str(number): torch.zeros(1)}, file)
    folder = tmp_path / "both"
    folder.mkdir()
    for file in files:
        (folder / file.name).write_bytes(file.read_bytes())
    hashes = tuple(weights.sha256(file) for file in files)
    checkpoint = Checkpoint(sha256=weights.sha256(folder), source="https://example.org", parts=hashes)
    card = MethodCard(
        name="net", title="Net", kind="learned", version=1, summary="two files", checkpoints={"paper": checkpoint}
    )
    assert weights.add(card, files[0]) == ["paper"]
    assert weights.stored(checkpoint) is None
    assert weights.add(card, files[1]) == ["paper"]
    found = weights.resolve(card, "paper")
    found.verify()
    assert set(read_state(found.path, "Net")) == {"0", "1"}
    assert weights.resolve(card, str(folder)).name == "paper"


@pytest.mark.parametrize("flat", ["ir", "vi", "both"])
def test_res2fusion_has_an_image_of_constant_sources_and_none_of_broken_weights(flat):
    torch.manual_seed(0)
    method = Res2Fusion()
    for name, parameter in method._network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)  # so that the features of a black image are all exactly 0
    ir, vi = torch.rand(1, 1, 16, 24), torch.rand(1, 3, 16, 24)
    ir, vi = (torch.zeros_like(ir) if flat != "vi" else ir), (torch.zeros_like(vi) if flat != "ir" else vi)
    with torch.no_grad():
        assert method.fuse(ir, vi).isfinite().all()
        method._network.conv4.conv2d.bias.fill_(torch.nan)
        assert method.fuse(ir, vi).isnan().all()
