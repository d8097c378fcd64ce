"""Tango computes the numbers of the original implementation (tests/parity/tango)."""

import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.finetune.losses import squared_error
from pipelines.finetune.preference_losses import margin, preference_loss
from pipelines.generate.batch import RowNoise
from pipelines.generate.tango import TangoText, answer
from pipelines.generate.tango_diffusion import (
    ddpm_timesteps,
    min_snr_weights,
    noised,
    signal_to_noise,
    target,
)
from pipelines.generate.tango_published import load_published_tango
from pipelines.generate.tango_sizes import Front
from pipelines.generate.tango_sound import log_mel, mel_filters, prepared, to_image, to_rows

FOLDER = Path(__file__).parents[1] / "parity" / "tango"
FACTS = json.loads((FOLDER / "expected.json").read_text())
PROMPTS = FACTS["inputs"]["prompts"]
FRAMES = FACTS["inputs"]["target_length"]
SLOW = ("ddpm",)  # whole runs at the original's 256 frames


@pytest.fixture(scope="module")
def pipe():
    """One copy for all tests; none changes it."""
    return load_published_tango(FOLDER)


@pytest.fixture(scope="module")
def stored():
    """All tensors of the fixtures."""
    return load_file(FOLDER / "expected.safetensors")


def seeded(name):
    """A generator with a seed of the fixtures."""
    return torch.Generator().manual_seed(FACTS["inputs"][name])


def text(pipe, s):
    """Ids, masks and T5 states of three prompts."""
    found = pipe.encode_text(PROMPTS)
    ids = pipe.tokenizer(PROMPTS, padding=True, return_tensors="pt").input_ids
    return {"input_ids": ids, "mask": found.mask, "hidden": found.hidden}


def text_cfg(pipe, s):
    """The empty prompt, padded to the longest, before the prompts."""
    told, free = pipe.encode_prompts(PROMPTS[:2])
    both = TangoText.cat([free, told])
    return {"mask": both.mask, "hidden": both.hidden}


def unet(pipe, s):
    """One call of two rows at different timesteps."""
    found = pipe.encode_text(PROMPTS[:2])
    output = answer(pipe.unet, s["unet.sample"], s["unet.timestep"], found)
    return {
        "encoder_hidden_states": found.hidden,
        "encoder_attention_mask": found.mask,
        "output": output,
    }


def clips(s):
    """Two raw clips of other lengths and channels, in one batch."""
    longest = max(s[name].shape[1] for name in ("wave.in0", "wave.in1"))
    rows = [s["wave.in0"].expand(2, -1), s["wave.in1"]]
    return torch.stack([torch.nn.functional.pad(r, (0, longest - r.shape[1])) for r in rows])


def wave(pipe, s):
    """Both clips as the model wants them."""
    return {"prepared": prepared(clips(s), FRAMES * 160)}


def mel(pipe, s):
    """The log-mel of both front ends, and the published filters."""
    sound = s["wave.prepared"]
    return {
        "fbank": log_mel(sound, pipe.codec.front)[:, :FRAMES],
        "fbank_published_stft": log_mel(sound, Front())[:, :FRAMES],
        "basis_published_stft": mel_filters(Front()),
    }


def vae(pipe, s):
    """Posterior, scaled latents of one draw, and the way back."""
    found = pipe.vae.encode(s["mel.fbank"][:, None]).latent_dist
    noise = torch.randn(found.mean.shape, generator=seeded("vae_sample_seed"))
    mean, std = pipe.codec.encode(clips(s), FRAMES // pipe.codec.shrink)
    channels = pipe.vae.config.latent_channels
    return {
        "mean": found.mean,
        "std": found.std,
        "logvar": found.logvar,
        "sample_noise": noise,
        "latents": to_image(mean, channels) + to_image(std, channels) * noise,
        "decoded_mel": pipe.codec.mel(to_rows(s["vae.decode_latents"])),
    }


def vocoder(pipe, s):
    """Sound of a log-mel; the original's integers are cut off, not rounded."""
    sound = pipe.codec.vocode(s["vocoder.mel"])
    return {"wave": sound, "wave_int16": (sound * 32768).to(torch.int16)}


def ddpm(pipe, s):
    """A guided run of four steps, its tables, its mel and its sound."""
    steps, guidance = FACTS["inputs"]["ddpm_steps"], float(FACTS["inputs"]["ddpm_guidance"])
    rng = seeded("ddpm_seed")
    noise = torch.randn(s["ddpm.initial_noise"].shape, generator=rng)
    draws = [torch.randn(noise.shape, generator=rng) for _ in range(steps)]
    told, free = pipe.encode_prompts(PROMPTS[:2])
    trail, given = [], iter(draws)
    latents = pipe.denoise(
        to_rows(noise), told, free, steps=steps, guidance=guidance, draw=lambda *_: next(given),
        on_step=lambda _, image: trail.append(image.clone()),
    )  # fmt: skip
    timesteps = ddpm_timesteps(pipe.scheduler.config, steps)
    own, nothing = (answer(pipe.unet, noise, timesteps[0], each) for each in (told, free))
    sound = pipe.codec.decode(s_rows := to_rows(s["ddpm.latents"][:1]))[:, 0]
    whole = (sound * 32768).to(torch.int16)
    spectrum = pipe.codec.mel(s_rows)
    return {
        "alphas_cumprod": pipe.kept,
        "timesteps": timesteps,
        "initial_noise": noise,
        "step_noise": torch.stack(draws),
        "step0_velocity": nothing + guidance * (own - nothing),
        "step0_latents": trail[0],
        "latents": to_image(latents, pipe.unet.config.in_channels),
        "mel_head": spectrum[:, :, :64],
        "mel_tail": spectrum[:, :, -64:],
        "wave_shape": torch.tensor(sound.shape),
        "wave_peak": sound.abs().max(),
        "wave_int16_head": whole[:, :16000],
        "wave_int16_tail": whole[:, -16000:],
    }


def training_rows(pipe, s, prefix, denoiser, states, timesteps):
    """Noised latents, target, answer and error of each row."""
    data, noise = (s[f"{prefix}.{name}"] for name in ("latents", "noise"))
    noisy = noised(pipe.kept, data, noise, timesteps)
    wanted = target(pipe.kept, data, noise, timesteps, pipe.predicts)
    made = answer(denoiser, noisy, timesteps, states)
    return {"noisy": noisy, "target": wanted, "prediction": made}, squared_error(made, wanted)


def gradients(denoiser, loss):
    """The stored gradients, by name, and the norm of all."""
    weights = dict(denoiser.named_parameters())
    found = torch.autograd.grad(loss, list(weights.values()))
    by = dict(zip(weights, found, strict=True))
    told = {f"grad.{name}": by[name] for name in FACTS["inputs"]["grad_names"]}
    norm = torch.stack([each.square().sum() for each in found]).sum().sqrt()
    return {**told, "grad_norm": norm}


def sft(pipe, s):
    """The supervised loss of v at three timesteps, which are drawn before the noise."""
    rng = seeded("sft_seed")
    timesteps = torch.randint(0, 1000, (3,), generator=rng)
    noise = torch.randn(s["sft.latents"].shape, generator=rng)
    with torch.no_grad():
        states = pipe.encode_text(PROMPTS)
    told, rows = training_rows(pipe, s, "sft", pipe.unet, states, timesteps)
    loss = rows.mean()
    return told | gradients(pipe.unet, loss) | {
        "timesteps": timesteps, "noise": noise, "per_sample": rows, "loss": loss,
    }  # fmt: skip


def sft_snr5(pipe, s):
    """The same rows weighed as Tango's own training weighs them."""
    with torch.no_grad():
        states = pipe.encode_text(PROMPTS)
    ratio = signal_to_noise(pipe.kept, s["sft.timesteps"])
    weights = min_snr_weights(ratio, FACTS["constants"]["snr_gamma"])
    _, rows = training_rows(pipe, s, "sft", pipe.unet, states, s["sft.timesteps"])
    loss = (rows * weights).mean()
    return {"snr": ratio, "weights": weights, "loss": loss} | gradients(pipe.unet, loss)


def sft_validation(pipe, s):
    """All rows at timestep 500."""
    timesteps = torch.full((3,), 500)
    with torch.no_grad():
        states = pipe.encode_text(PROMPTS)
    rows = {**s, "sft_validation.latents": s["sft.latents"]}
    told, errors = training_rows(pipe, rows, "sft_validation", pipe.unet, states, timesteps)
    return {
        "timesteps": timesteps, "noise": s["sft_validation.noise"],
        "prediction": told["prediction"], "per_sample": errors, "loss": errors.mean(),
    }  # fmt: skip


def dpo(pipe, s):
    """Tango 2's loss: winners, then losers; a pair shares noise and timestep."""
    rng = seeded("dpo_seed")
    timesteps = torch.randint(0, 1000, (2,), generator=rng).repeat(2)
    noise = torch.randn(s["dpo.latents"][:2].shape, generator=rng).repeat(2, 1, 1, 1)
    policy = copy.deepcopy(pipe.unet)
    overlay = load_file(FOLDER / "policy_unet.safetensors")
    overlay = {name.removeprefix("unet."): value for name, value in overlay.items()}
    assert not policy.load_state_dict(overlay, strict=False).unexpected_keys
    with torch.no_grad():
        found = pipe.encode_text(PROMPTS[:2])
        states = TangoText.cat([found, found])
        reference, own = training_rows(pipe, s, "dpo", pipe.unet, states, timesteps)
    told, rows = training_rows(pipe, s, "dpo", policy, states, timesteps)
    won = margin(rows[:2], rows[2:], own[:2], own[2:])
    beta = float(FACTS["constants"]["beta_dpo"])
    loss = preference_loss(won, beta=beta)
    return told | gradients(policy, loss) | {
        "timesteps": timesteps, "noise": noise, "ref_prediction": reference["prediction"],
        "model_losses_w": rows[:2], "model_losses_l": rows[2:], "model_diff": rows[:2] - rows[2:],
        "ref_losses_w": own[:2], "ref_losses_l": own[2:], "ref_diff": own[:2] - own[2:],
        "raw_model_loss": rows.mean(), "raw_ref_loss": own.mean(),
        "inside_term": beta / 2 * won, "loss": loss,
    }  # fmt: skip


GROUPS = {
    each.__name__: each
    for each in (
        text, text_cfg, unet, wave, mel, vae, vocoder, ddpm, sft, sft_snr5, sft_validation, dpo,
    )
}  # fmt: skip
TRAINED = ("sft", "sft_snr5", "dpo")


def test_every_stored_tensor_is_looked_at(stored):
    """Each belongs to a group, and each group checks all of its own."""
    assert {name.split(".")[0] for name in stored} == set(GROUPS)
    assert set(stored) == set(FACTS["tensors"])


@pytest.mark.parametrize(
    "group", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in GROUPS]
)
def test_numbers_of_the_original(pipe, stored, group):
    """Every output within its tolerance; noise, ids and masks exactly."""
    with torch.set_grad_enabled(group in TRAINED):
        found = GROUPS[group](pipe, stored)
    told = {name: fact for name, fact in FACTS["tensors"].items() if name.split(".")[0] == group}
    assert {f"{group}.{name}" for name in found} == {
        name for name, fact in told.items() if fact["role"] != "input"
    }
    for name, made in found.items():
        expected, allowed = stored[f"{group}.{name}"], told[f"{group}.{name}"]["atol"]
        assert made.shape == expected.shape, name
        off = (made.detach().double() - expected.double()).abs().max().item()
        assert off <= allowed, f"{group}.{name}: off by {off:.2e}, allowed {allowed:.0e}"


def test_one_row_draws_the_noise_of_the_original(stored):
    """A seed gives a row what the original draws for a batch of one: latents, then each step's."""
    rng = torch.Generator().manual_seed(7)
    rows = RowNoise([3, 7])
    for _ in range(3):
        assert torch.equal(rows(4, 8, 16)[1:], torch.randn(1, 4, 8, 16, generator=rng))
