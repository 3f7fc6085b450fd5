"""DeepLabV3+ with a ResNet-50, output stride 8 (Chen et al., ECCV 2018)."""

_base_ = ["_preprocessor.py"]
norm_cfg = {"type": "BN"}
model = {
    "type": "EncoderDecoder",
    "backbone": {
        "type": "ResNetV1c",
        "depth": 50,
        "dilations": (1, 1, 2, 4),
        "strides": (1, 2, 1, 1),
        "norm_cfg": norm_cfg,
        "contract_dilation": True,
    },
    "decode_head": {
        "type": "DepthwiseSeparableASPPHead",
        "in_channels": 2048,
        "in_index": 3,
        "channels": 512,
        "dilations": (1, 12, 24, 36),
        "c1_in_channels": 256,
        "c1_channels": 48,
        "dropout_ratio": 0.1,
        "num_classes": 9,
        "norm_cfg": norm_cfg,
        "align_corners": False,
        "loss_decode": {"type": "CrossEntropyLoss"},
    },
    "auxiliary_head": {
        "type": "FCNHead",
        "in_channels": 1024,
        "in_index": 2,
        "channels": 256,
        "num_convs": 1,
        "concat_input": False,
        "dropout_ratio": 0.1,
        "num_classes": 9,
        "norm_cfg": norm_cfg,
        "align_corners": False,
        "loss_decode": {"type": "CrossEntropyLoss", "loss_weight": 0.4},
    },
    "test_cfg": {"mode": "whole"},
}
