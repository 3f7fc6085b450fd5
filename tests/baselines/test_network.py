import pytest
import torch
from torch import nn

from uaabench.baselines.network import NetworkMethod, read_state
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


def test_without_weights_the_message_names_those_there_are():
    with pytest.raises(WeightsError, match="single@PATH or single@paper; 'uaabench weights list' says where"):
        Single().load(None, torch.device("cpu"))


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
