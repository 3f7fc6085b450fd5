"""SegFormer with the encoder MiT-B3 (Xie et al., NeurIPS 2021)."""

_base_ = ["segformer_b0.py"]
model = {
    "backbone": {"embed_dims": 64, "num_layers": [3, 4, 18, 3]},
    "decode_head": {"in_channels": [64, 128, 320, 512], "channels": 768},
}
