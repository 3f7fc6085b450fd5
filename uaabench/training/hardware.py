"""What a training ran on, as cards of weights say it."""

from __future__ import annotations

import os
import platform

import torch


def described(device: torch.device | None = None) -> str:
    """Threads and processor, and the GPU where a training ran on one."""
    processor = f"{torch.get_num_threads()} threads of {platform.machine()}, {os.cpu_count()} cores"
    if device is None or device.type != "cuda":
        return processor
    return f"{torch.cuda.get_device_name(device)}, {processor}"
