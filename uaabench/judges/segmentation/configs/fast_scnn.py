"""Fast-SCNN (Poudel et al., BMVC 2019)."""

_base_ = ["_preprocessor.py"]
norm_cfg = {"type": "BN", "momentum": 0.01}
model = {
    "type": "EncoderDecoder",
    "backbone": {"type": "FastSCNN", "norm_cfg": norm_cfg},
    "decode_head": {
        "type": "DepthwiseSeparableFCNHead",
        "in_channels": 128,
        "channels": 128,
        "concat_input": False,
        "num_classes": 9,
        "in_index": -1,
        "norm_cfg": norm_cfg,
        "align_corners": False,
        "loss_decode": {"type": "CrossEntropyLoss"},
    },
    "auxiliary_head": [
        {
            "type": "FCNHead",
            "in_channels": channels,
            "channels": 32,
            "num_convs": 1,
            "num_classes": 9,
            "in_index": index,
            "norm_cfg": norm_cfg,
            "concat_input": False,
            "align_corners": False,
            "loss_decode": {"type": "CrossEntropyLoss", "loss_weight": 0.4},
        }
        for channels, index in ((128, -2), (64, -3))
    ],
    "test_cfg": {"mode": "whole"},
}
