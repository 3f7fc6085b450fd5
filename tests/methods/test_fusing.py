"""A fused image depends on its pair, the method and the seed, and on nothing that was fused before."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from uaabench.core import imaging, registry
from uaabench.core.errors import DataError, MethodError, WeightsError
from uaabench.core.interface import Pair, Sources
from uaabench.methods.fusing import make_batch_fuser, make_fuser
from uaabench.methods.named import plan_method

# Each adds noise of another generator.
STOCHASTIC = """
import random

import numpy as np
import torch

from uaabench.core.interface import LuminanceMethod, MethodCard


class Stochastic(LuminanceMethod):
    card = MethodCard(name="stochastic", title="Stochastic", kind="classical", version=1, summary="noise")

    def __init__(self, generator="torch"):
        self._draw = {"torch": torch.rand_like, "numpy": self._numpy, "python": self._python}[generator]

    @staticmethod
    def _numpy(image):
        return torch.from_numpy(np.random.rand(*image.shape)).float()

    @staticmethod
    def _python(image):
        return torch.tensor([random.random() for _ in range(image.numel())]).view(image.shape)

    def fuse_luminance(self, ir, y):
        return (ir + y) / 4 + self._draw(ir) / 2
"""


def drawn(number):
    """An infrared and a visible image of noise, others for each number."""
    generator = np.random.default_rng(number)
    return generator.integers(0, 256, (48, 64), np.uint8), generator.integers(0, 256, (48, 64, 3), np.uint8)


def pair(number):
    return Pair(str(number), Path("ir"), Path("vi")), Sources(*drawn(number))


@pytest.fixture
def fuser(tmp_path):
    """What fuses with noise of one generator under a seed."""

    def make(generator, seed=0):
        plugin = tmp_path / "stochastic.py"
        if not plugin.exists():
            plugin.write_text(STOCHASTIC)
            registry.load_plugins([plugin])
        method = plan_method("stochastic", {"stochastic": {"generator": generator}})
        return make_fuser(method, device="cpu", seed=seed)

    return make


@pytest.mark.parametrize("generator", ["torch", "numpy", "python"])
def test_an_image_does_not_depend_on_the_pairs_before_it(fuser, generator):
    alone = fuser(generator)(*pair(2))
    fuse = fuser(generator)
    after_others = [fuse(*pair(number)) for number in (0, 1, 2)][-1]
    assert (after_others == alone).all()
    assert (fuse(*pair(2)) == alone).all()


@pytest.mark.parametrize("generator", ["torch", "numpy", "python"])
def test_another_seed_gives_another_image(fuser, generator):
    assert (fuser(generator, seed=0)(*pair(2)) != fuser(generator, seed=1)(*pair(2))).any()


@pytest.mark.parametrize("generator", ["torch", "numpy", "python"])
def test_a_method_that_draws_is_refused_several_pairs_at_once(fuser, generator):
    fuser(generator)
    batch = make_batch_fuser(plan_method("stochastic", {"stochastic": {"generator": generator}}), device="cpu")
    with pytest.raises(MethodError, match="draws random numbers, so that its images depend on the others"):
        batch([pair(0), pair(1)])
    assert (batch([pair(1)])[0] == fuser(generator)(*pair(1))).all()


# Numbers of a convolution may be summed in another order for a batch: not one grey level here, but in general.
@pytest.mark.parametrize("name", ["laplacian", "tardal", "uaa", "average"])
def test_pairs_fused_at_once_are_those_fused_one_by_one(name):
    fuse, at_once = (make(plan_method(name), device="cpu") for make in (make_fuser, make_batch_fuser))
    found = at_once([pair(0), pair(1), pair(2)])
    assert [np.abs(fuse(*pair(number)).astype(int) - found[number]).max() <= 1 for number in range(3)] == [True] * 3
    assert (at_once([pair(2), pair(1), pair(0)])[0] == found[2]).all()


def test_the_weights_of_a_method_are_those_that_were_planned(tmp_path):
    method = plan_method("tardal")
    other = replace(method, weights=replace(method.weights, sha256="0" * 64))
    with pytest.raises(WeightsError, match="instead of 000000000000"):
        make_fuser(other, device="cpu")


@pytest.fixture
def theirs(tmp_path):
    """Images fused elsewhere: of pair 0 a colour one, of pair 1 a grey one with three channels, of 3 a small one."""
    colour = drawn(0)[1]
    grey = np.repeat(drawn(1)[0][..., None], 3, axis=2)
    for name, image in (("0", colour), ("1", grey), ("3", colour[:-1])):
        imaging.write_png(tmp_path / f"{name}.png", image)
    return plan_method(f"theirs={tmp_path}")


def test_images_fused_elsewhere_are_taken_as_they_are(theirs):
    fuse = make_fuser(theirs, device="cpu")
    assert (fuse(*pair(0)) == drawn(0)[1]).all()
    assert (fuse(*pair(1)) == drawn(1)[0]).all()


def test_images_fused_elsewhere_that_do_not_fit_are_refused(theirs, tmp_path):
    fuse = make_fuser(theirs, device="cpu")
    with pytest.raises(DataError, match="'theirs' has no image for this pair"):
        fuse(*pair(2))
    with pytest.raises(DataError, match=r"3\.png is 64x47 but the pair '3' is 64x48"):
        fuse(*pair(3))
    imaging.write_png(tmp_path / "0.png", drawn(4)[1])
    with pytest.raises(DataError, match="has changed since the run was planned"):
        fuse(*pair(0))
