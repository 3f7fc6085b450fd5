"""From an (H,W) or (H,W,3) RGB uint8 image to the grey planes of each convention, as float64 of whole levels 0..255."""

import numpy as np


def opencv(image: np.ndarray) -> list[np.ndarray]:
    """BT.601, rounded half to even."""
    if image.ndim == 2:
        return [image.astype(float)]
    red, green, blue = np.moveaxis(image.astype(float), 2, 0)
    return [np.rint(0.299 * red + 0.587 * green + 0.114 * blue)]


def matlab(image: np.ndarray) -> list[np.ndarray]:
    """rgb2gray of uint8: BT.601 with more digits, halves up."""
    if image.ndim == 2:
        return [image.astype(float)]
    red, green, blue = np.moveaxis(image.astype(float), 2, 0)
    return [np.floor(0.298936021293775 * red + 0.587043074451121 * green + 0.114020904255103 * blue + 0.5)]


def pillow(image: np.ndarray) -> list[np.ndarray]:
    """convert("L"): BT.601 in whole 65536ths, halves up."""
    if image.ndim == 2:
        return [image.astype(float)]
    red, green, blue = np.moveaxis(image.astype(int), 2, 0)
    return [((red * 19595 + green * 38470 + blue * 7471 + 32768) // 65536).astype(float)]


def channels(image: np.ndarray) -> list[np.ndarray]:
    """Each channel; one for a grey image, also where it has three equal channels."""
    if image.ndim == 2 or (image == image[:, :, :1]).all():
        return [image.reshape(*image.shape[:2], -1)[:, :, 0].astype(float)]
    return [image[:, :, channel].astype(float) for channel in range(3)]
