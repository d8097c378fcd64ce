"""TangoFlux computes the numbers of the original implementation (tests/parity/tangoflux)."""

import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.finetune.losses import flow_matching_loss
from pipelines.generate.conditioning import TextStates, encode_text
from pipelines.generate.flow import noised, schedule, to_level, velocity_target
from pipelines.generate.published import load_published
from pipelines.generate.tangoflux import velocity

FOLDER = Path(__file__).parents[1] / "parity" / "tangoflux"
FACTS = json.loads((FOLDER / "expected.json").read_text())
PROMPTS = FACTS["inputs"]["prompts"]
RUNS = {
    "p0_d10_s4_g4.5": "p0",
    "p0_d10_s4_g1.5": "p0",
    "p0_d10_s7_g4.5": "p0",
    "p0_d10_s7_g1.5": "p0",
    "p0_d3.7_s4_g4.5": "p0",
    "p0_d3.7_s4_g1.5": "p0",
    "p0_d3.7_s7_g4.5": "p0",
    "p0_d3.7_s7_g1.5": "p0",
    "p1_d10_s4_g4.5": "p1",
    "p1_d3.7_s4_g4.5": "p1",
    "p0_d10_s4_g4.5_n2": "n2",
}  # run name -> its noise


def load():
    """The tiny model in the published file layout."""
    overrides = json.loads((FOLDER / "transformer_overrides.json").read_text())
    vae = json.loads((FOLDER / "vae_config.json").read_text())
    return load_published(FOLDER, transformer=overrides, vae=vae)


@pytest.fixture(scope="module")
def pipe():
    """One copy for all tests; none changes it."""
    return load()


@pytest.fixture(scope="module")
def stored():
    """All tensors of the fixtures."""
    return load_file(FOLDER / "expected.safetensors")


@pytest.fixture
def agrees(stored):
    """A check that a tensor is within its stated tolerance of the stored one."""

    def check(name, found):
        tolerance = FACTS["tensors"][name].get("atol") or 0.0
        expected = stored[name]
        assert found.shape == expected.shape, name
        off = (found.double() - expected.double()).abs().max().item()
        assert off <= tolerance, f"{name}: off by {off:.2e}, allowed {tolerance:.0e}"

    return check


def settings_of(run):
    """Prompt index, seconds, steps, guidance and rows, read off the name of a run."""
    prompt, seconds, steps, guidance, *rows = run.split("_")
    return (
        int(prompt[1:]),
        float(seconds[1:]),
        int(steps[1:]),
        float(guidance[1:]),
        int(rows[0][1:]) if rows else 1,
    )


def unmasked(text):
    """The training condition of the original: padding attended to."""
    return TextStates(hidden=text.hidden, pooled=text.pooled, mask=torch.ones_like(text.mask))


def training_text(pipe, prompts, seconds):
    """Conditions as the original's training path makes them: 64 tokens at most, no mask."""
    ids, mask = pipe.tokens(prompts, max_tokens=64)
    return unmasked(encode_text(pipe.text_encoder, pipe.conditioner, ids, mask, seconds))


def test_text_is_tokenised_and_encoded_as_in_the_original(pipe, agrees):
    """Ids, masks and T5 states of three prompts, and of a long one cut at 64 tokens."""
    for name, prompts in (("text", PROMPTS), ("text_long", [FACTS["inputs"]["long_prompt"]])):
        ids, mask = pipe.tokens(prompts, max_tokens=64)
        agrees(f"{name}.input_ids", ids)
        agrees(f"{name}.mask", mask.bool())
        states = pipe.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        agrees(f"{name}.hidden", states.detach())


@pytest.mark.parametrize("name", ["p0", "p1", "long"])
def test_unconditional_row_is_the_empty_prompt_padded_to_the_prompt(pipe, agrees, name):
    """Row 0 is T5 of "" padded to the length of row 1, which keeps all its tokens."""
    prompt = FACTS["inputs"]["long_prompt"] if name == "long" else PROMPTS[int(name[1])]
    with torch.no_grad():
        text, free = pipe.encode_prompts([prompt], [10.0])
    agrees(f"text_cfg.{name}.hidden", torch.cat([free.hidden, text.hidden])[:, :-1])
    assert free.mask.all(), "the transformer attends to the padding of the empty prompt"


@pytest.mark.parametrize("name", ["duration", "duration_edge"])
def test_duration_token(pipe, stored, agrees, name):
    """Seconds become one token, clamped to the longest duration."""
    with torch.no_grad():
        agrees(f"{name}.embedding", pipe.conditioner.duration_token(stored[f"{name}.seconds"]))


def test_one_transformer_call(pipe, stored, agrees):
    """Two rows with different noise levels: text states, pooled vector and output."""
    with torch.no_grad():
        text = training_text(pipe, PROMPTS[:2], stored["velocity.seconds"])
        found = velocity(
            pipe.transformer, stored["velocity.latents"], stored["velocity.timestep"], text
        )
    agrees("velocity.encoder_hidden_states", text.hidden)
    agrees("velocity.pooled_projections", text.pooled)
    agrees("velocity.output", found)


@pytest.mark.parametrize("steps", [4, 7])
def test_schedule(agrees, steps):
    """Noise levels and timesteps of a run."""
    agrees(f"flow.sigmas.{steps}", schedule(steps))
    agrees(f"flow.timesteps.{steps}", schedule(steps)[:-1] * 1000)


@pytest.mark.parametrize("run", RUNS)
def test_sampling_run(pipe, stored, agrees, run):
    """The latents of a whole run, and of each step where they are stored."""
    prompt, seconds, steps, guidance, rows = settings_of(run)
    trail = []
    with torch.no_grad():
        text, free = pipe.encode_prompts([PROMPTS[prompt]] * rows, [seconds] * rows)
    latents = pipe.denoise(
        stored[f"flow.noise_{RUNS[run]}"],
        text,
        free,
        steps=steps,
        guidance=guidance,
        on_step=lambda done, latents: trail.append(latents),
    )
    agrees(f"flow.{run}.latents", latents)
    if f"flow.{run}.step_latents" in stored:
        agrees(f"flow.{run}.step_latents", torch.stack(trail))
        agrees(f"flow.{run}.encoder_hidden_states", torch.cat([free.hidden, text.hidden]))
        agrees(f"flow.{run}.pooled_projections", torch.cat([free.pooled, text.pooled]))


def test_two_prompts_in_one_batch(pipe, stored):
    """Prompts of different length together agree with their own runs to 2e-5."""
    noise = torch.cat([stored["flow.noise_p0"], stored["flow.noise_p1"]])
    with torch.no_grad():
        text, free = pipe.encode_prompts(PROMPTS[:2], [10.0, 3.7])
    assert not text.mask.all(), "the shorter prompt must be masked"
    found = pipe.denoise(noise, text, free, steps=4, guidance=torch.tensor([4.5, 4.5]))
    for row, run in enumerate(["p0_d10_s4_g4.5", "p1_d3.7_s4_g4.5"]):
        torch.testing.assert_close(found[row], stored[f"flow.{run}.latents"][0], atol=2e-5, rtol=0)


@pytest.mark.parametrize("run", ["p0_d10_s4_g4.5", "p0_d3.7_s4_g4.5", "p0_d3.7_s7_g1.5"])
def test_decode_only_what_is_needed(pipe, stored, agrees, run):
    """Decoding a few frames beyond the asked end gives the audio of the full decode."""
    samples = int(settings_of(run)[1] * pipe.codec.sample_rate)
    with torch.no_grad():
        found = pipe.codec.decode(stored[f"flow.{run}.latents"][:1], samples)
    agrees(f"decode.{run}.audio", found[0])


def test_full_decode_and_fused_weights(pipe, stored, agrees):
    """All frames give frames x hop samples; folding weight norm changes nothing; so no saving."""
    latents = stored["flow.p0_d10_s4_g4.5.latents"][:1]
    codec = load().codec
    with torch.no_grad():
        full = codec.decode(latents)
        codec.fuse()
        fused = codec.decode(latents)
    assert tuple(full.shape) == tuple(stored["decode_full.shape"].tolist())
    agrees("decode_full.tail", full[0, :, -1024:])
    assert codec.is_fused and not pipe.codec.is_fused
    torch.testing.assert_close(fused, full, atol=1e-6, rtol=0)


def test_encode(pipe, stored, agrees):
    """Posterior mean and standard deviation (softplus) of a sound of odd length."""
    with torch.no_grad():
        mean, std = pipe.codec.encode(stored["vae_encode.audio"])
    agrees("vae_encode.mean", mean.mT)
    agrees("vae_encode.std", std.mT)


def test_training_loss_and_gradients(pipe, stored, agrees):
    """The supervised loss, its parts, and six gradients with their norms."""
    s = {name[4:]: tensor for name, tensor in stored.items() if name.startswith("sft.")}
    sigma = to_level(s["u"])
    noisy = noised(s["latents"], s["noise"], sigma)
    with torch.no_grad():
        ids, mask = pipe.tokens(PROMPTS, max_tokens=64)
        states = pipe.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    text = unmasked(pipe.conditioner(states, mask.bool(), s["seconds"]))
    prediction = velocity(pipe.transformer, noisy, sigma, text)
    rows = flow_matching_loss(prediction, velocity_target(s["latents"], s["noise"]))
    agrees("sft.sigmas", sigma[:, None, None])
    agrees("sft.noisy", noisy)
    agrees("sft.target", velocity_target(s["latents"], s["noise"]))
    agrees("sft.encoder_hidden_states", text.hidden.detach())
    agrees("sft.pooled_projections", text.pooled.detach())
    agrees("sft.prediction", prediction.detach())
    agrees("sft.per_sample", rows.detach())
    agrees("sft.loss", rows.mean().detach())
    trained = dict(pipe.transformer.named_parameters(prefix="transformer"))
    trained |= {
        "fc.0.weight": pipe.conditioner.pool.weight,
        "fc.0.bias": pipe.conditioner.pool.bias,
    }
    bias = "duration_emebdder.time_positional_embedding.1.bias"
    duration = {
        bias: pipe.conditioner.duration.bias,
        "weight": pipe.conditioner.duration.weight,
        "rates": pipe.conditioner.rates,
    }
    wanted = trained | duration
    found = torch.autograd.grad(rows.mean(), list(wanted.values()), allow_unused=True)
    found = {name: grad for name, grad in zip(wanted, found, strict=True) if grad is not None}
    checked = [name for name in stored if name.startswith("sft.grad.")]
    assert len(checked) == 6
    for name in checked:
        agrees(name, found[name.removeprefix("sft.grad.")])
    norm = torch.stack([found[n].square().sum() for n in found if n in trained]).sum().sqrt()
    agrees("sft.grad_norm", norm)
    norm = torch.stack([found[n].square().sum() for n in duration]).sum().sqrt()
    agrees("sft.grad_norm_duration_embedder", norm)


def test_preference_rows(pipe, stored, agrees):
    """Per-row errors of the reference on winners and losers, which share noise and noise level."""
    s = {name[4:]: tensor for name, tensor in stored.items() if name.startswith("dpo.")}
    sigma = to_level(s["u"]).repeat(2)
    noisy, target = (
        f(s["latents"], s["noise"], *a) for f, a in ((noised, [sigma]), (velocity_target, []))
    )
    with torch.no_grad():
        text = training_text(pipe, PROMPTS[:2], s["seconds"])
        text = TextStates.cat([text, text])
        prediction = velocity(pipe.transformer, noisy, sigma, text)
    rows = flow_matching_loss(prediction, target)
    agrees("dpo.sigmas", sigma[:, None, None])
    agrees("dpo.timesteps", sigma * 1000)
    agrees("dpo.noisy", noisy)
    agrees("dpo.target", target)
    agrees("dpo.encoder_hidden_states", text.hidden)
    agrees("dpo.pooled_projections", text.pooled)
    agrees("dpo.ref_prediction", prediction)
    agrees("dpo.ref_losses_w", rows[:2])
    agrees("dpo.ref_losses_l", rows[2:])
    agrees("dpo.raw_ref_loss", rows.mean())


def test_policy_rows(pipe, stored, agrees):
    """The policy's rows: base weights overlaid with policy.safetensors."""
    s = {name[4:]: tensor for name, tensor in stored.items() if name.startswith("dpo.")}
    policy = copy.deepcopy(pipe.transformer)
    overlay = load_file(FOLDER / "policy.safetensors")
    overlay = {name.removeprefix("transformer."): tensor for name, tensor in overlay.items()}
    assert not policy.load_state_dict(overlay, strict=False).unexpected_keys
    sigma = to_level(s["u"]).repeat(2)
    with torch.no_grad():
        text = training_text(pipe, PROMPTS[:2], s["seconds"])
        found = velocity(policy, s["noisy"], sigma, TextStates.cat([text, text]))
    rows = flow_matching_loss(found, s["target"])
    agrees("dpo.prediction", found)
    agrees("dpo.model_losses_w", rows[:2])
    agrees("dpo.model_losses_l", rows[2:])
    agrees("dpo.raw_model_loss", rows.mean())
