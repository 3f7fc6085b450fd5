"""Networks are compiled where that was asked for; one that cannot be is said, and never run otherwise in silence."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch._dynamo.exc import TorchDynamoException
from torch._inductor import config as inductor

from uaabench.core.errors import MethodError
from uaabench.core.interface import Pair, Sources
from uaabench.methods.compiling import compiled
from uaabench.methods.fusing import make_batch_fuser
from uaabench.methods.named import plan_method

PAIR = (Pair("0", Path("ir"), Path("vi")), Sources(np.zeros((16, 24), np.uint8), np.zeros((16, 24, 3), np.uint8)))


@pytest.fixture
def given(monkeypatch):
    """What torch was told to compile; nothing is."""
    seen = []
    monkeypatch.setattr(torch, "compile", lambda function, **options: seen.append(options) or function)
    return seen


def test_networks_are_compiled_for_each_size_where_that_is_asked_for_and_nothing_else(given):
    make_batch_fuser(plan_method("mmdrfuse"), device="cpu")
    make_batch_fuser(plan_method("laplacian"), device="cpu", compile_network=True)
    make_batch_fuser(plan_method("average"), device="cpu", compile_network=True)
    assert given == []
    fuse = make_batch_fuser(plan_method("mmdrfuse"), device="cpu", compile_network=True)
    assert given == [{"dynamic": False}]
    assert (fuse([PAIR])[0] == make_batch_fuser(plan_method("mmdrfuse"), device="cpu")([PAIR])[0]).all()


def test_a_compiler_that_fails_fails_the_pair_in_one_sentence(monkeypatch):
    def failing(_function, **_options):
        def call(*_):
            raise TorchDynamoException("InvalidCxxCompiler: none\nfound\n\nSet TORCHDYNAMO_VERBOSE=1")

        return call

    monkeypatch.setattr(torch, "compile", failing)
    with pytest.raises(MethodError) as caught:
        compiled(torch.add)(torch.zeros(1), torch.zeros(1))
    assert str(caught.value) == (
        "its network cannot be compiled on this machine (InvalidCxxCompiler: none found); install what torch.compile "
        "needs, or leave --compile out"
    )


@pytest.mark.slow
def test_a_machine_without_a_compiler_is_told_so(monkeypatch):
    monkeypatch.setattr(inductor.cpp, "cxx", (None, "no-such-compiler"))
    monkeypatch.setattr(inductor, "force_disable_caches", True)
    with pytest.raises(MethodError, match="cannot be compiled on this machine"):
        compiled(lambda ir, vi: (ir + vi).sin())(torch.rand(5, 7), torch.rand(5, 7))


def test_an_error_of_the_method_stays_its_own():
    def broken(_ir, _vi):
        raise MethodError("images are too small")

    with pytest.raises(MethodError, match="too small"):
        compiled(torch._dynamo.disable(broken))(torch.zeros(1), torch.zeros(1))
