"""Which protocol fits a data set, and how the classes of a detector become its classes."""

import pytest

from uaabench.core import registry
from uaabench.core.errors import UsageError
from uaabench.judges.detection.protocols import PROTOCOLS, for_dataset, protocol, translation

MSRS = ("person", "bicycle", "car")


def test_the_data_sets_with_boxes_have_a_protocol_of_all_their_classes():
    for name, versions in (("msrs", ("fusion", "visible", "infrared")), ("m3fd", "x"), ("llvip", "x"), ("demo", "x")):
        classes = registry.dataset_class(name).card.box_classes
        found = for_dataset(name, classes, tuple(versions))
        assert found.name == f"{name}-det-{len(classes)}"
        assert found.counted == classes
    assert for_dataset("folder", ("dog",), ("boxes",)).name == "folder-det-1"
    assert for_dataset("msrs", MSRS, ()) is None


def test_a_protocol_of_other_classes_or_of_absent_boxes_is_refused():
    assert for_dataset("folder", MSRS, ("fusion",), "msrs-det-3") == protocol("msrs-det-3")
    with pytest.raises(UsageError, match=r"boxes of dog \(boxes\)"):
        for_dataset("folder", ("dog",), ("boxes",), "msrs-det-3")
    with pytest.raises(UsageError, match="in the version infrared"):
        for_dataset("msrs", MSRS, ("fusion",), "msrs-det-3-infrared")
    with pytest.raises(UsageError, match="did you mean 'msrs-det-3'"):
        protocol("msrs-det")


def test_names_of_several_lists_mean_the_same_class():
    # COCO, OpenImages and the demo.
    for known in (("", "Person", "bicycle", "car"), ("Car", "x", "Pedestrian", "Bike"), ("person", "bike", "car")):
        labels, classes = translation(known, PROTOCOLS["msrs-det-3"])
        assert classes == MSRS
        named = {classes[number]: known[label].lower() for label, number in labels.items()}
        assert named["person"] in ("person", "pedestrian")
        assert named["bicycle"] in ("bicycle", "bike")
        assert named["car"] == "car"


def test_what_a_detector_cannot_know_is_left_out_and_one_that_knows_nothing_is_refused():
    coco = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "traffic light")
    labels, classes = translation(coco, PROTOCOLS["m3fd-det-6"])
    assert classes == ("People", "Car", "Bus", "Motorcycle", "Truck")
    assert labels == {0: 0, 2: 1, 3: 3, 4: 2, 5: 4}
    with pytest.raises(UsageError, match="finds cat, and none of person"):
        translation(("cat", ""), PROTOCOLS["llvip-det-1"])
