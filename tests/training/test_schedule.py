"""Learning rates rise, stay, and fall to zero at the last step, which a plateau may bring forward."""

import pytest

from uaabench.training.schedule import Schedule, warm_cosine


@pytest.mark.parametrize(("steps", "warmup"), [(10, 0.2), (2000, 0.05), (1, 0.05), (3, 0.0)])
def test_without_patience_it_is_the_warm_cosine(steps, warmup):
    schedule = Schedule(steps, warmup)
    assert [schedule.factor(step) for step in range(steps)] == [
        warm_cosine(step, steps, warmup) for step in range(steps)
    ]
    schedule.look(1, 1.0)
    assert schedule.end == steps


def test_the_rate_falls_after_a_plateau_over_a_third_of_the_steps_before():
    schedule = Schedule(1000, 0.01, patience=2)
    assert schedule.factor(4) == pytest.approx(0.5)
    for step, loss in ((30, 1.0), (60, 0.9), (90, 0.895), (120, 0.95)):
        assert schedule.end == 1000
        assert schedule.factor(step) == 1
        schedule.look(step, loss)
    assert schedule.end == 160
    assert schedule.factor(120) == 1
    assert schedule.factor(140) == pytest.approx(0.5)
    assert schedule.factor(160) == pytest.approx(0)
    schedule.look(150, 0.1)
    assert schedule.end == 160


def test_a_loss_that_always_falls_leaves_all_steps():
    schedule = Schedule(1000, 0.01, patience=1)
    for step in range(100, 1000, 100):
        schedule.look(step, 1 / step)
    assert schedule.end == 1000
    assert schedule.factor(750) == 1
    assert schedule.factor(875) == pytest.approx(0.5)


def test_slow_gains_add_up_to_no_plateau():
    """A loss that falls by less than 1 % a look, but by more over some of them, has not come to rest."""
    schedule = Schedule(10_000, 0.01, patience=4)
    loss = 1.0
    for step in range(100, 3000, 100):
        loss *= 0.995
        schedule.look(step, loss)
    assert schedule.end == 10_000
