"""A user's own segmenter: a small configuration of mmsegmentation and a checkpoint in its layout."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from mmseg.utils import register_all_modules

# As in mmsegmentation's own files: weights to download, SyncBN, and the classes of another data set.
CONFIGURATION = """
norm_cfg = dict(type='SyncBN', requires_grad=True)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True, pad_val=0, seg_pad_val=255, size_divisor=32),
    pretrained='open-mmlab://resnet18_v1c',
    backbone=dict(type='ResNetV1c', depth=18, base_channels=8, stem_channels=8, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=8, channels=8, num_convs=1, in_index=0, num_classes=19, norm_cfg=norm_cfg,
        align_corners=False, loss_decode=dict(type='CrossEntropyLoss')),
    test_cfg=dict(mode='whole'))
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
"""


def write_segmenter(folder: Path, outputs: int, winner: int | None = None, seed: int = 0) -> str:
    """Write `tiny.py` and `tiny.pth`, with random weights or, with a winner, for a network that finds only that output.

    Returns:
        The text for `--segmenter`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config, checkpoint = folder / "tiny.py", folder / "tiny.pth"
    config.write_text(CONFIGURATION)
    model = Config.fromfile(config).model
    model.pretrained = None
    model.backbone.norm_cfg.type = model.decode_head.norm_cfg.type = "BN"
    model.decode_head.num_classes = outputs
    register_all_modules()
    torch.manual_seed(seed)
    network = MODELS.build(model)
    last = network.decode_head.conv_seg
    # Far from its usual initialisation, by which one class wins nearly everywhere.
    torch.nn.init.normal_(last.weight)
    if winner is not None:
        torch.nn.init.zeros_(last.weight)
        last.bias.data = torch.nn.functional.one_hot(torch.tensor(winner), outputs).float()
    torch.save({"meta": {}, "state_dict": network.state_dict()}, checkpoint)
    return f"{config}@{checkpoint}"
