import pytest
import torch
from torchvision.models import mobilenet_v2

from uaabench.baselines.uaa.segmenter import SEGMENTERS
from uaabench.baselines.uaa.training.segmenter import load_backbone
from uaabench.core.errors import UsageError, WeightsError


@pytest.mark.parametrize("name", ["mobilenetv2", "road"])
def test_a_backbone_sees_a_grey_image_as_mobilenet_sees_it_in_colour(tmp_path, name):
    torch.manual_seed(0)
    imagenet = mobilenet_v2(weights=None).double().eval()
    torch.save(imagenet.state_dict(), tmp_path / "mobilenet_v2.pth")
    segmenter = SEGMENTERS[name](9).double().eval()
    load_backbone(segmenter, tmp_path / "mobilenet_v2.pth")
    grey = torch.rand(1, 1, 64, 64, dtype=torch.float64)
    # Up to block 13 strides and dilations are those of torchvision.
    own = getattr(segmenter, "feature_extractor", segmenter).features[:14](grey)
    torch.testing.assert_close(own, imagenet.features[:14](grey.expand(1, 3, 64, 64)), rtol=1e-9, atol=1e-12)


def test_only_the_mobilenet_segmenter_takes_a_backbone_and_only_from_its_weights(tmp_path):
    with pytest.raises(UsageError, match="mobilenetv2"):
        load_backbone(SEGMENTERS["small"](9), tmp_path / "any.pth")
    torch.save({"features.0.0.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="torchvision's mobilenet_v2"):
        load_backbone(SEGMENTERS["mobilenetv2"](9), tmp_path / "other.pth")
