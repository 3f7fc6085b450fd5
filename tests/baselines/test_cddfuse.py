"""CDDFuse: the networks of its file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from uaabench.baselines.cddfuse import CDDFuse, Network
from uaabench.core.errors import WeightsError

CPU = torch.device("cpu")


def test_a_file_without_one_of_its_networks_is_refused(tmp_path: Path) -> None:
    parts = {name: module.state_dict() for name, module in Network().named_children()}
    del parts["DetailFuseLayer"]
    torch.save(parts, tmp_path / "half.pth")
    with pytest.raises(WeightsError, match="lacks 'DetailFuseLayer', a part of the CDDFuse network"):
        CDDFuse().load(tmp_path / "half.pth", CPU)


def test_the_state_dict_of_the_whole_network_is_read_too(tmp_path: Path) -> None:
    torch.save(Network().state_dict(), tmp_path / "whole.pth")
    CDDFuse().load(tmp_path / "whole.pth", CPU)
