"""float32 is float32, also where a GPU would round it to less."""

import pytest
import torch

from uaabench.core.arithmetic import arithmetic


def flags():
    cudnn = torch.backends.cudnn
    return cudnn.enabled, cudnn.deterministic, cudnn.allow_tf32


@pytest.mark.filterwarnings("ignore:User provided device_type of 'cuda'")
def test_a_gpu_neither_rounds_convolutions_nor_sums_in_any_order():
    before = flags()
    with arithmetic(torch.device("cuda"), "fp32"):
        assert flags() == (True, True, False)
    assert flags() == before


def test_a_processor_takes_bfloat16_only_where_it_is_asked_for():
    factor = torch.full((2, 2), 1 + 2**-12)
    before = flags()
    with arithmetic(torch.device("cpu"), "fp32"):
        assert flags() == before
        assert (factor @ factor).dtype == torch.float32
    with arithmetic(torch.device("cpu"), "bf16"):
        assert (factor @ factor).dtype == torch.bfloat16
