from pathlib import Path

import numpy as np
import pytest
import torch

from uaabench.baselines.uaa.attribution import source_weights
from uaabench.baselines.uaa.config import SMALL
from uaabench.baselines.uaa.model import UAAModel, scores_of
from uaabench.baselines.uaa.training import loss as fusion_loss
from uaabench.baselines.uaa.training import recipe
from uaabench.baselines.uaa.training.patches import Attributor, PatchSampler, contrast, flip
from uaabench.core.errors import UsageError
from uaabench.core.interface import DatasetCard, FusionDataset, Pair, Sources, luminance


class Coordinates(FusionDataset):
    """One image of 5x8 whose infrared is 10 times the row plus the column, so that pixels tell where they are."""

    card = DatasetCard(name="coordinates", title="", version=1, summary="", splits={}, default_split="all")

    def __init__(self, height: int = 5, width: int = 8, constant: bool = False, flat_vi: bool = False) -> None:
        super().__init__(Path())
        rows, columns = np.mgrid[:height, :width].astype(np.uint8)
        self.ir = np.full_like(rows, 9) if constant else 10 * rows + columns
        self.vi = np.full_like(rows, 9) if flat_vi else self.ir

    @classmethod
    def locate(cls, data_root):
        return None

    def pairs(self, split):
        return [Pair("only", Path("ir"), Path("vi"))]

    def read(self, pair):
        return Sources(self.ir, np.dstack([self.vi] * 3))

    def read_label(self, pair):
        return None


def sampler(dataset, size, **options):
    return PatchSampler([(dataset, pair) for pair in dataset.pairs("all")], size, 0, **options)


def corners(patches):
    """Smallest grey level of each patch: that of its corner nearest to the origin."""
    return [round(value) for value in (patches.batch.ir.amin((1, 2, 3)) * 255).tolist()]


def test_a_round_shows_every_patch_once_and_patches_do_not_overlap():
    patches = sampler(Coordinates(), 2)
    # 5x8 in patches of 2: two rows of four, the row that is left over below; its first row and column are 0.
    assert len(patches) == 8
    seen = corners(patches.batch(8))
    assert sorted(seen) == [0, 2, 4, 6, 20, 22, 24, 26]
    assert sorted(corners(patches.batch(8))) == sorted(seen)


def test_the_state_brings_back_the_sequence():
    first = sampler(Coordinates(), 2)
    first.batch(3)
    state = first.state_dict()
    later = [first.batch(3) for _ in range(4)]
    second = sampler(Coordinates(), 2)
    second.load_state_dict(state)
    for expected in later:
        found = second.batch(3)
        assert found.index == expected.index
        assert torch.equal(found.batch.ir, expected.batch.ir)


def test_patches_without_contrast_are_left_out():
    assert contrast(np.full((4, 4), 7, np.uint8)) == 0
    # Grey levels 0..10: the tenth and ninetieth percentile are 1 and 9.
    assert contrast(np.arange(11, dtype=np.uint8)) == pytest.approx(8 / 9)
    with pytest.raises(UsageError, match="No patch is left"):
        sampler(Coordinates(constant=True), 2, min_contrast=0.1)


def test_as_in_the_release_a_patch_goes_where_either_source_is_flat():
    one_flat = Coordinates(flat_vi=True)
    assert len(sampler(one_flat, 2, min_contrast=0.1)) > 0
    with pytest.raises(UsageError, match="No patch is left"):
        sampler(one_flat, 2, min_contrast=0.1, flat="either")
    assert recipe.read("paper").joint.flat == "either"


@pytest.mark.parametrize("how", [(False, False), (True, False), (False, True), (True, True)])
def test_flipping_twice_gives_the_image_back(how):
    image = torch.arange(12.0).view(1, 3, 4)
    once = flip(image, torch.tensor(how))
    assert torch.equal(flip(once, torch.tensor(how)), image)
    assert once[0, 0, 0] == image[0, -1 if how[0] else 0, -1 if how[1] else 0]


@pytest.fixture
def scene():
    torch.manual_seed(0)
    model = UAAModel(SMALL).double().eval()
    return model, sampler(Coordinates(32, 48), 16)


def test_a_fresh_attribution_is_that_of_the_model_itself(scene):
    model, patches = scene
    drawn = patches.batch(4)
    ir = drawn.batch.ir.double()
    y = ir.flip(-1)  # another image: equal ones have the weight 0.5 whatever is computed
    labels, weights = Attributor(model, 1)(drawn, ir, y)
    assert (weights.ir - 0.5).abs().max() > 0.01
    mask = fusion_loss.one_hot(labels, 9, ir)
    assert torch.equal(labels, scores_of(model.model_s, (ir + y) / 2).argmax(1))
    expected = source_weights(model.model_s, mask, ir, y, model.config.steps).ir
    torch.testing.assert_close(weights.ir, expected, rtol=1e-9, atol=0)


def test_an_attribution_is_kept_for_so_many_visits_and_turned_as_the_patch_is(scene):
    model, patches = scene
    attributor = Attributor(model, 2)
    rounds = [patches.batch(6) for _ in range(3)]
    upright = []
    for number, drawn in enumerate(rounds):
        if number:
            with torch.no_grad():
                model.model_s.classify.bias += torch.randn(9)
        labels, _ = attributor(drawn, drawn.batch.ir.double(), luminance(drawn.batch.vi.double()))
        turned = {i: flip(lab, how) for i, lab, how in zip(drawn.index, labels, drawn.flips, strict=True)}
        upright.append(torch.stack([turned[i] for i in range(6)]))
    assert torch.equal(upright[0], upright[1])
    assert not torch.equal(upright[0], upright[2])
