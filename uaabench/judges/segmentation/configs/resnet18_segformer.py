"""A thin ResNet-18 under the head of SegFormer: 0.7 million parameters, for training on a CPU."""

_base_ = ["_preprocessor.py"]
model = {
    "type": "EncoderDecoder",
    "backbone": {
        "type": "ResNetV1c",
        "depth": 18,
        "base_channels": 16,
        "stem_channels": 16,
        "norm_cfg": {"type": "BN"},
    },
    "decode_head": {
        "type": "SegformerHead",
        "in_channels": [16, 32, 64, 128],
        "in_index": [0, 1, 2, 3],
        "channels": 64,
        "dropout_ratio": 0.0,
        "num_classes": 9,
        "norm_cfg": {"type": "BN"},
        "align_corners": False,
        "loss_decode": {"type": "CrossEntropyLoss"},
    },
    "test_cfg": {"mode": "whole"},
}
