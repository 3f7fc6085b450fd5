"""Boxes over images: where they are, in which colour, and what is not drawn."""

import numpy as np

from uaabench.judges.detection import drawing


def test_a_detection_is_drawn_in_the_colour_of_its_class_and_a_true_box_dashed():
    found = drawing.draw((60, 80), [[0, 40, 10, 70, 50, 0]], [[1, 5, 10, 25, 50, 0.9]])
    assert found.shape == (60, 80, 4)
    assert (found[10:51, 5] == (*drawing.colour_of(1), 255)).all()
    edge = found[10, 40:71, 3] > 0
    assert edge.any()
    assert not edge.all()
    assert (found[10, 40:71][edge] == (*drawing.TRUE, 255)).all()
    assert (found[15:45, 10:20] == 0).all()


def test_boxes_beyond_the_edge_stay_inside_and_unsure_ones_are_left_out():
    found = drawing.draw((60, 80), [], [[0, -9, -9, 200, 200, 0.9], [0, 20, 20, 40, 40, 0.1]])
    assert (found[0] == (*drawing.colour_of(0), 255)).all()
    assert (found[59, :, 3] == 255).all()
    assert np.count_nonzero(found[1:-1, 1:-1]) == 0
