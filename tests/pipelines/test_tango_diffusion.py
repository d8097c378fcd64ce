"""The diffusion of Tango by hand: levels, steps against the stock scheduler's, and where they lead."""

import pytest
import torch
from diffusers.schedulers import DDPMScheduler

from pipelines.generate.tango_diffusion import (
    NOISE,
    V,
    data_of,
    ddpm_step,
    ddpm_timesteps,
    kept_by,
    min_snr_weights,
    noised,
    second_order,
    signal_to_noise,
    target,
    timesteps_of,
)
from pipelines.generate.tango_sizes import SCHEDULER

KEPT = kept_by(SCHEDULER)


def drawn(seed, *shape):
    """Standard normal draws."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_levels_name_timesteps():
    """sigma = t / 1000, from the lowest level to the highest; 1 is the last of the thousand."""
    sigma = torch.tensor([0.0004, 0.001, 0.111, 0.72, 0.999, 1.0])
    assert timesteps_of(sigma).tolist() == [0, 1, 111, 720, 999, 999]
    every = torch.arange(1000)
    assert torch.equal(timesteps_of(every / 1000), every)


def test_the_published_schedule():
    """Facts: 100 steps visit 991, 981 ... 1 and 200 visit 996, 991 ... 1; a_999 is 0.00466."""
    assert ddpm_timesteps(SCHEDULER, 100).tolist() == list(range(991, 0, -10))
    assert ddpm_timesteps(SCHEDULER, 200).tolist() == list(range(996, 0, -5))
    assert KEPT[999].item() == pytest.approx(0.00466, abs=5e-6)


def test_noise_and_target_by_hand():
    """At a = 0.25 data 2 and noise 4: x = 0.5 * 2 + 0.866 * 4 and v = 0.5 * 4 - 0.866 * 2."""
    kept, at = torch.tensor([0.25]), torch.tensor([0])
    data, noise = torch.tensor([[2.0]]), torch.tensor([[4.0]])
    assert noised(kept, data, noise, at).item() == pytest.approx(1 + 4 * 0.75**0.5)
    assert target(kept, data, noise, at, V).item() == pytest.approx(2 - 2 * 0.75**0.5)
    assert target(kept, data, noise, at, NOISE) is noise


@pytest.mark.parametrize("predicts", [V, NOISE])
def test_an_answer_leads_back_to_the_data(predicts):
    """The right answer at any timestep tells the data."""
    data, noise = drawn(1, 3, 4, 8, 2), drawn(2, 3, 4, 8, 2)
    for t in (1, 500, 999):
        at = torch.full((3,), t)
        answer = target(KEPT, data, noise, at, predicts)
        found = data_of(noised(KEPT, data, noise, at), answer, KEPT[t], predicts)
        assert torch.allclose(found, data, atol=2e-4)


@pytest.mark.parametrize("predicts", [V, NOISE])
@pytest.mark.parametrize("at", [0, 3, 6])
def test_a_step_is_the_stock_scheduler_s(predicts, at):
    """To the bit's neighbourhood, with the same noise, first, middle and last of seven."""
    scheduler = DDPMScheduler(**SCHEDULER | {"prediction_type": predicts})
    scheduler.set_timesteps(7)
    x, answer = drawn(1, 2, 4, 8, 2), drawn(2, 2, 4, 8, 2)
    t = scheduler.timesteps[at]
    stock = scheduler.step(answer, t, x, generator=torch.Generator().manual_seed(5)).prev_sample
    following = KEPT[scheduler.timesteps[at + 1]] if at < 6 else torch.ones(())
    ours = ddpm_step(
        x, answer, drawn(5, *x.shape), share=KEPT[t], next_share=following, predicts=predicts
    )
    assert torch.allclose(ours, stock, atol=1e-6)


def test_both_samplers_end_at_the_only_sound_there_is():
    """A denoiser that knows one sound leads every noise to it, by either sampler."""
    data = drawn(3, 1, 4, 8, 2)

    def knowing(x, t):
        signal, rest = KEPT[t].sqrt(), (1 - KEPT[t]).sqrt()
        return signal * (x - signal * data) / rest - rest * data

    x, steps = drawn(4, *data.shape), ddpm_timesteps(SCHEDULER, 20)
    for number, t in enumerate(steps):
        following = KEPT[steps[number + 1]] if number < 19 else torch.ones(())
        x = ddpm_step(
            x, knowing(x, t), drawn(number, *x.shape), share=KEPT[t], next_share=following,
            predicts=V,
        )  # fmt: skip
    assert torch.allclose(x, data, atol=1e-3)
    solver, x = second_order(SCHEDULER, 5), drawn(4, *data.shape)
    for t in solver.timesteps:
        x = solver.step(knowing(x, t), t, x)[0]
    assert torch.allclose(x, data, atol=1e-3)
    assert solver.timesteps[0] == 999, "it starts where noise is purest"


def test_weights_of_tango_s_own_training():
    """Ratio 10 weighs 5 / 10, ratio 2 weighs 1; the ratio of a = 0.8 is 4."""
    assert min_snr_weights(torch.tensor([10.0, 2.0]), 5.0).tolist() == [0.5, 1.0]
    ratio = signal_to_noise(torch.tensor([0.8]), torch.tensor([0]))
    assert ratio.item() == pytest.approx(4.0)
