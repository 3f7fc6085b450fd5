"""Which literal metric each profile stands for, and how it reads an image."""

from collections.abc import Callable

import numpy as np

from literal import edges, features, frequencies, grey, pixels, windows

Literal = Callable[[np.ndarray, np.ndarray, np.ndarray], float]

READERS = {
    "cddfuse": grey.opencv,
    "cddfuse-ssim255": grey.opencv,
    "vifb": grey.channels,
    "tang": grey.matlab,
    "tang-legacy": grey.matlab,
    "ivif-zoo": grey.pillow,
    "uaabench": grey.opencv,
}
FMI = {
    "FMI_edge": features.fmi(features.edge_map),
    "FMI_dct": features.fmi(features.dct),
    "FMI_w": features.fmi(features.wavelets),
}
CDDFUSE: dict[str, Literal] = {
    "EN": pixels.en, "SD": pixels.sd, "SF": pixels.sf, "VIF": windows.vif_one_for_nothing, "Qabf": edges.qabf,
    "AG": edges.ag, "MI": pixels.mi_nats, "SCD": pixels.scd, "CC": pixels.cc, "MSE": pixels.mse,
    "PSNR": pixels.psnr_of_brightest, "SSIM": windows.ssim_uniform(2),
}  # fmt: skip
TANG: dict[str, Literal] = {
    "EN": pixels.en, "SD": pixels.sd, "SF": pixels.sf, "VIF": windows.vif, "Qabf": edges.qabf,
    "AG": edges.ag_per_step, "MI": pixels.mi_tang, "SCD": pixels.scd, "CC": pixels.cc, "MSE": pixels.mse_unit,
    "PSNR": pixels.psnr_unit, "SSIM": windows.ssim_tang, "Nabf": edges.nabf_tang, **FMI,
}  # fmt: skip
METRICS: dict[str, dict[str, Literal]] = {
    "cddfuse": CDDFUSE,
    "cddfuse-ssim255": CDDFUSE | {"SSIM": windows.ssim_uniform(255)},
    "vifb": {
        "CE": pixels.ce, "EN": pixels.en, "MI": pixels.mi_vifb, "PSNR": pixels.psnr_vifb, "AG": edges.ag_per_step,
        "EI": edges.ei, "Qabf": edges.qabf, "SD": pixels.sd, "RMSE": pixels.rmse_vifb,
        "SSIM": windows.ssim_gaussian_sum(255), "Qcb": frequencies.qcb, "Qcv": frequencies.qcv,
    },
    "tang": TANG,
    "tang-legacy": {
        **{name: TANG[name] for name in ("EN", "AG", "MI", "SCD", "CC", "MSE", "PSNR")},
        "SD": pixels.sd_legacy, "SF": pixels.sf_legacy, "VIF": windows.vif_legacy, "Qabf": edges.qabf_legacy,
        "Nabf": edges.nabf_legacy,
    },
    "ivif-zoo": {
        "EN": pixels.en_zoo, "SD": pixels.sd, "SF": pixels.sf, "VIF": windows.vif_zoo, "Qabf": edges.qabf,
        "AG": edges.ag, "EI": edges.ei_zoo, "MI": pixels.mi_bits, "NMI": pixels.nmi_zoo, "SCD": pixels.scd,
        "CC": pixels.cc, "MSE": pixels.mse_unit, "PSNR": pixels.psnr_unit, "SSIM": windows.ssim_gaussian_sum(1),
        "MS-SSIM": windows.ms_ssim_zoo, "Nabf": edges.nabf_zoo, "Qcb": frequencies.qcb_zoo, "CE": pixels.ce_zoo,
        "Qncie": pixels.qncie, "Qte": pixels.qte, "Qy": windows.qy,
    },
    "uaabench": {
        "EN": pixels.en, "SD": pixels.sd, "SF": pixels.sf, "VIF": windows.vif, "Qabf": edges.qabf, "AG": edges.ag,
        "MI": pixels.mi_bits, "NMI": pixels.nmi, "SCD": pixels.scd, "CC": pixels.cc, "MSE": pixels.mse,
        "PSNR": pixels.psnr, "SSIM": windows.ssim, "MS-SSIM": windows.ms_ssim, "VIFF": windows.viff,
        "Nabf": edges.nabf, **FMI, "Qcb": frequencies.qcb, "Qcv": frequencies.qcv, "CE": pixels.ce,
    },
}  # fmt: skip


def compute(profile: str, metric: str, fused: np.ndarray, ir: np.ndarray, vi: np.ndarray) -> float:
    """A metric of a profile: the mean over the planes of colour images, a grey one counting as each of them.

    Args:
        profile: Name of the profile.
        metric: Name of the metric.
        fused: (H,W) or (H,W,3) RGB uint8.
        ir: Likewise.
        vi: Likewise.
    """
    planes = [READERS[profile](image) for image in (fused, ir, vi)]
    if (profile, metric) == ("vifb", "SF"):
        return pixels.sf_vifb(planes[0])
    count = max(map(len, planes))
    triples = zip(*(entry if len(entry) == count else entry * count for entry in planes), strict=True)
    return float(np.mean([METRICS[profile][metric](*triple) for triple in triples]))
