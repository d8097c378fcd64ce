"""The straight line from data to noise, its noise levels and the two ways of following it."""

import math

import pytest
import torch
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler

from pipelines.generate.flow import (
    noised,
    schedule,
    step,
    to_level,
    training_sigmas,
    velocity_target,
)


def integrate(steps, heun, velocity=None):
    """Follow dx/ds = x from s = 1, x = 1 to s = 0, where x = 1/e."""
    levels, x = schedule(steps).double(), torch.ones(1, 1, 1, dtype=torch.float64)
    velocity = velocity or (lambda x, at: x)
    for at in range(steps):
        x = step(velocity, x, levels, at, heun=heun)
    return x.item()


def test_line_from_data_to_noise():
    """sigma 0 is the data, 1 the noise, and the slope between them is the target."""
    data, noise = torch.randn(3, 5, 2), torch.randn(3, 5, 2)
    assert torch.equal(noised(data, noise, torch.zeros(3)), data)
    assert torch.equal(noised(data, noise, torch.ones(3)), noise)
    low, high = (noised(data, noise, torch.full((3,), s)) for s in (0.25, 0.75))
    torch.testing.assert_close((high - low) / 0.5, velocity_target(data, noise))


def test_training_levels_by_hand():
    """u = 0 is sigma 1, u = 0.5004 falls to index 500, and the last level is 0.001."""
    found = to_level(torch.tensor([0.0, 0.5004, 0.99999, 1.0]))
    torch.testing.assert_close(found, torch.tensor([1.0, 0.5, 0.001, 0.001]))


def test_training_levels_are_logit_normal():
    """Median 1/2, and the quartiles of a logistic of the normal's +-0.674: 0.337 and 0.663."""
    sigma = training_sigmas(torch.randn(20000, generator=torch.Generator().manual_seed(0)))
    found = sigma.quantile(torch.tensor([0.25, 0.5, 0.75]))
    torch.testing.assert_close(found, torch.tensor([0.3375, 0.5, 0.6625]), atol=0.01, rtol=0)


@pytest.mark.parametrize(("steps", "shift"), [(1, 1.0), (25, 1.0), (10, 3.0)])
def test_schedule_is_that_of_diffusers(steps, shift):
    """The same levels as FlowMatchEulerDiscreteScheduler for evenly spaced sigmas."""
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    scheduler.set_timesteps(sigmas=torch.linspace(1, 1 / steps, steps).tolist())
    torch.testing.assert_close(schedule(steps, shift=shift), scheduler.sigmas)


def test_euler_is_first_order_and_heun_second():
    """Halving the step halves Euler's error and quarters Heun's."""
    truth = math.exp(-1)
    euler = [abs(integrate(steps, heun=False) - truth) for steps in (40, 80)]
    heun = [abs(integrate(steps, heun=True) - truth) for steps in (40, 80)]
    assert euler[0] / euler[1] == pytest.approx(2, rel=0.1)
    assert heun[0] / heun[1] == pytest.approx(4, rel=0.1)
    assert heun[0] < euler[0] / 20


def test_heun_asks_twice_but_for_the_last_step():
    """Five steps: nine slopes, none at the final level where there is no noise."""
    asked = []
    integrate(5, heun=True, velocity=lambda x, at: (asked.append(at), x)[1])
    assert asked == [0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_one_step_from_a_constant_slope_is_exact():
    """If the slope is noise - data, any number of steps lands on the data."""
    data, noise = torch.randn(2, 4, 3), torch.randn(2, 4, 3)
    for steps, heun in ((1, False), (7, False), (3, True)):
        x, levels = noise, schedule(steps)
        for at in range(steps):
            x = step(lambda x, at: noise - data, x, levels, at, heun=heun)
        torch.testing.assert_close(x, data, atol=1e-5, rtol=0)
