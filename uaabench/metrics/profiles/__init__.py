"""Profiles: complete, versioned conventions for computing metrics; numbers of two profiles never share a table.

A profile maps each metric name to the `Metric` that computes it under this convention, so that one name, such as VIF,
may stand for another formula in another profile. What a toolbox computes differently from the published definition
stands in the module of its profile; the definitions stand in the modules of the metrics.
"""

from uaabench.core.columns import Metric
from uaabench.core.errors import unknown_name
from uaabench.core.interface import Sources
from uaabench.metrics.profiles.base import PROFILES, Profile, Scene, Value, having
from uaabench.metrics.profiles.cddfuse import CDDFUSE, CDDFUSE_SSIM255
from uaabench.metrics.profiles.ivif_zoo import IVIF_ZOO
from uaabench.metrics.profiles.planes import Plane
from uaabench.metrics.profiles.published import PUBLISHED
from uaabench.metrics.profiles.tang import TANG
from uaabench.metrics.profiles.tang_legacy import TANG_LEGACY
from uaabench.metrics.profiles.vifb import VIFB

__all__ = ["PROFILES", "Plane", "Profile", "Scene", "Value", "having", "metrics", "prepare_on", "profile"]

PROFILES |= {entry.name: entry for entry in (CDDFUSE, CDDFUSE_SSIM255, VIFB, TANG, TANG_LEGACY, IVIF_ZOO, PUBLISHED)}


def profile(name: str) -> Profile:
    """Find a profile by its name.

    Raises:
        UsageError: There is no such profile.
    """
    if name not in PROFILES:
        raise unknown_name("profile", name, PROFILES)
    return PROFILES[name]


def metrics() -> dict[str, Metric]:
    """Every metric that any profile has, by name: as published, or else as in the first profile that has it."""
    found: dict[str, Metric] = {}
    for entry in (PUBLISHED, *PROFILES.values()):
        for metric in entry.metrics.values():
            found.setdefault(metric.name, metric)
    return found


def prepare_on(device: str, convention: Profile, sources: Sources) -> Scene:
    """Read the sources of a pair as `Profile.prepare` does, for scoring on a device.

    Args:
        device: Where to compute, as torch names it; the values are the same to 1e-9.
        convention: The profile.
        sources: The pair.
    """
    if device == "cpu":
        return convention.prepare(sources)
    from uaabench.metrics.profiles.device import DeviceScene

    return DeviceScene(convention, sources, device)
