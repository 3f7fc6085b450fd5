import numpy as np

from uaabench.training.runner import BRIGHTNESS_ONLY


def spread(image):
    """Where the second channel lies between the third and the first: what brightness and contrast leave alone."""
    first, second, third = image[0, 0].astype(float)
    return (second - third) / (first - third)


def test_two_sources_as_channels_are_not_mixed_by_the_augmentation():
    from mmseg.datasets.transforms import PhotoMetricDistortion

    sources = np.full((2, 2, 3), (160, 80, 20), np.uint8)
    expected = spread(sources)  # 60 of 140
    mixed = []
    for options, moved in ((BRIGHTNESS_ONLY, []), ({}, mixed)):
        np.random.seed(0)
        for _ in range(50):
            image = PhotoMetricDistortion(brightness_delta=15, contrast_range=(0.8, 1.2), **options)(
                {"img": sources.copy()}
            )["img"]
            moved.append(abs(spread(image) - expected))
        # 2 of the 60 degrees between two colours, and the rounding of two conversions.
        assert options == {} or max(moved) < 0.08
    assert max(mixed) > 0.2
