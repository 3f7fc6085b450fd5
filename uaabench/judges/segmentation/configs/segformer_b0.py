"""SegFormer with the encoder MiT-B0 (Xie et al., NeurIPS 2021)."""

_base_ = ["_preprocessor.py"]
model = {
    "type": "EncoderDecoder",
    "backbone": {
        "type": "MixVisionTransformer",
        "embed_dims": 32,
        "num_layers": [2, 2, 2, 2],
        "num_heads": [1, 2, 5, 8],
        "patch_sizes": [7, 3, 3, 3],
        "sr_ratios": [8, 4, 2, 1],
        "mlp_ratio": 4,
        "qkv_bias": True,
        "drop_path_rate": 0.1,
    },
    "decode_head": {
        "type": "SegformerHead",
        "in_channels": [32, 64, 160, 256],
        "in_index": [0, 1, 2, 3],
        "channels": 256,
        "dropout_ratio": 0.1,
        "num_classes": 9,
        "norm_cfg": {"type": "BN"},
        "align_corners": False,
        "loss_decode": {"type": "CrossEntropyLoss"},
    },
    "test_cfg": {"mode": "whole"},
}
