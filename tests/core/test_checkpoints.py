"""Checkpoints of other people hold tensors by name in one of a few ways; anything else is one sentence."""

import collections
import os
import re
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from uaabench.core.checkpoints import read_checkpoint, tensors_of
from uaabench.core.errors import WeightsError

STATE = {"conv.weight": torch.ones(2), "conv.bias": torch.zeros(1)}
WRAPPED = [
    STATE,
    collections.OrderedDict(STATE),
    {"module.conv.weight": torch.ones(2), "module.conv.bias": torch.zeros(1)},
    {"state_dict": STATE, "epoch": 3},
    {"params": STATE},
    {"model": {"state_dict": STATE}},
    {"net": STATE},
    {"net": STATE, "optimizer": {"state": {0: {"step": torch.ones(1)}}, "param_groups": [{"lr": 0.1}]}, "epoch": 3},
    STATE | {"epoch": 3},
    {"model": STATE, "train_loss": [np.float64(0.5), np.float32(0.25)], "steps": np.int64(7)},
]


def save(tmp_path, content):
    torch.save(content, tmp_path / "net.pth")
    return tmp_path / "net.pth"


def read(path):
    return tensors_of(read_checkpoint(path, "Net"), path, "Net")


@pytest.mark.parametrize("content", WRAPPED, ids=range(len(WRAPPED)))
def test_tensors_are_found_in_what_people_save(tmp_path, content):
    found = read(save(tmp_path, content))
    assert {name: value.tolist() for name, value in found.items()} == {"conv.weight": [1, 1], "conv.bias": [0]}


REFUSED = [
    ([torch.ones(1)], "holds a list instead of tensors by name"),
    (torch.ones(2), "holds a Tensor instead"),
    (3, "holds a int instead"),
    ({}, "holds no tensors"),
    ({"epoch": 3}, "holds no tensors"),
    ({"net": [STATE]}, "holds no tensors"),
    ({"encoder": STATE, "decoder": STATE}, r"several sets of tensors \(encoder, decoder\)"),
    ({"a": torch.ones(1), "module.a": torch.zeros(1)}, "'a' both with and without 'module.'"),
    ({"a": torch.tensor([1.0, torch.nan])}, "NaN or infinite, in a;"),
    ({"a": torch.tensor(torch.inf), "b": torch.tensor(-torch.inf)}, "NaN or infinite, in a and 1 more"),
    ({"a": torch.tensor(torch.nan, dtype=torch.float16)}, "NaN or infinite, in a;"),
    (nn.Conv2d(1, 1, 1), "objects of classes, as of a whole model"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED, ids=range(len(REFUSED)))
def test_anything_else_is_refused_in_one_sentence(tmp_path, content, message):
    with pytest.raises(WeightsError, match=message) as raised:
        read(save(tmp_path, content))
    assert re.search(r"net\.pth", str(raised.value))


class Runs:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_numbers_of_numpy_are_read_as_versions_before_the_second_wrote_them(tmp_path):
    path = save(tmp_path, {"model": STATE, "loss": np.float64(0.5)})
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray"))
    assert b"cnumpy.core.multiarray" in path.read_bytes()
    assert read(path)["conv.weight"].tolist() == [1, 1]


def test_an_array_that_numpy_saved_is_one_tensor_whatever_the_file_is_called(tmp_path):
    with (tmp_path / "table.pt").open("wb") as file:
        np.save(file, np.arange(6, dtype=np.float32).reshape(2, 3))
    assert {name: value.tolist() for name, value in read(tmp_path / "table.pt").items()} == {
        "array": [[0, 1, 2], [3, 4, 5]]
    }


@pytest.mark.parametrize("array", [np.array([{}, None], object), np.array(["a", "b"]), np.array([1.0, np.nan])])
def test_an_array_of_anything_but_finite_numbers_is_refused(tmp_path, array):
    np.save(tmp_path / "table.npy", array, allow_pickle=True)
    with pytest.raises(WeightsError, match=r"table\.npy (is no PyTorch checkpoint|holds values that are NaN)"):
        read(tmp_path / "table.npy")


def test_nothing_in_a_checkpoint_runs(tmp_path):
    path = save(tmp_path, {"state_dict": STATE, "meta": Runs(tmp_path / "ran")})
    with pytest.raises(WeightsError, match="could run code"):
        read(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=r"net\.pth (is no PyTorch checkpoint|holds no tensors)"):
        read(tmp_path / "net.pth")


def test_a_truncated_file_is_refused(tmp_path):
    path = save(tmp_path, STATE)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(WeightsError, match="is no PyTorch checkpoint"):
        read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"Cannot read the checkpoint .*net\.pth: No such file"):
        read(tmp_path / "net.pth")


def read_parts(path):
    return tensors_of(read_checkpoint(path, "Net"), path, "Net", parts=("encoder", "decoder"))


def test_parts_that_a_file_holds_apart_are_joined_below_their_names(tmp_path):
    content = {
        "encoder": {"module.w": torch.ones(1)},
        "decoder": {"w": torch.zeros(1)},
        "optimizer": {"w": torch.ones(9)},
    }
    found = read_parts(save(tmp_path, content))
    assert {name: value.tolist() for name, value in found.items()} == {"encoder.w": [1], "decoder.w": [0]}


@pytest.mark.parametrize(
    ("decoder", "message"),
    [
        (None, "lacks 'decoder', a part of the Net network; give the whole file"),
        ({}, "holds no tensors; give a file of decoder of Net"),
        (torch.ones(1), "holds a Tensor instead of tensors by name; save the state_dict"),
        ({"w": torch.tensor(float("nan"))}, "NaN or infinite, in w"),
    ],
    ids=["missing", "empty", "tensor", "nan"],
)
def test_a_part_that_is_no_set_of_finite_tensors_is_one_sentence(tmp_path, decoder, message):
    content = {"encoder": {"w": torch.ones(1)}} | ({} if decoder is None else {"decoder": decoder})
    with pytest.raises(WeightsError, match=message):
        read_parts(save(tmp_path, content))


def test_a_file_without_any_of_the_parts_is_read_as_one_set(tmp_path):
    assert set(read_parts(save(tmp_path, STATE))) == set(STATE)
