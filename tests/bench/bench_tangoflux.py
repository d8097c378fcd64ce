"""Our TangoFlux against the reference's procedure: same weights, same noise, same steps, one run.

    python -m tests.bench.bench_tangoflux [--width 2] [--steps 10] [--full] [--dpo] [--device cuda]

prints JSON. "reference" is what TangoFlux's own inference does (facts 1.4 to 1.6), written down
plainly: float32, one prompt a call, the empty prompt encoded anew, every step through the library's
forward, weight norm computed at every use, all 645 frames decoded and the sound then cut. The model
has the published structure with random weights; `--width` says how many heads of 64 it has and
`--full` takes the published size for a single step. Times are the best of `--repeats`: on a GPU by the
clock, on a CPU in processor seconds of all threads, so that other processes count for little. `--dpo` counts one DPO step at full size on
tensors without data: bytes held at once, and floating-point operations.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderOobleck
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pipelines.devices import matmul_rate
from pipelines.generate.sizes import TangoFluxConfig, published_config, t5_config
from pipelines.generate.tangoflux import TangoFluxPipeline, build
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.generate.tokenizer import build_tokenizer
from pipelines.records import Prompt, Settings
from tests.bench.dpo_step import dpo_report

TEXTS = (
    "a dog barks, then a bird chirps and then rain falls on a roof",
    "rain falls on a roof",
    "a bird chirps while rain falls",
    "a dog barks twice",
    "a siren wails in the rain and a dog barks far away",
    "a bird chirps",
    "then a dog barks on a roof",
    "rain and a siren",
)
GUIDANCE = 4.5


def sized(heads: int, rows: int) -> TangoFluxConfig:
    """The published structure, a third of its blocks, at this many heads of 64."""
    width = 64 * heads
    return TangoFluxConfig(
        transformer=published_config().transformer
        | {
            "num_layers": 2,
            "num_single_layers": 6,
            "attention_head_dim": 64,
            "num_attention_heads": heads,
            "joint_attention_dim": width,
            "pooled_projection_dim": width,
            "axes_dims_rope": (8, 28, 28),
        },
        text_encoder=t5_config(rows, width=width, inner=2 * width, layers=4, heads=heads),
        conditioner={"width": width, "max_seconds": 30.0},
        frames=645,
        autoencoder={
            "encoder_hidden_size": 16 * heads,
            "decoder_channels": 16 * heads,
            "channel_multiples": [1, 2, 4, 8, 16],
        },
    )


def random_model(heads: int | None) -> TangoFluxPipeline:
    """A TangoFlux of random weights; None: the published size."""
    torch.manual_seed(0)
    words = list(dict.fromkeys(" ".join(TEXTS).replace(",", " , ").split()))
    words += [f"word{n}" for n in range(32128 - 3 - len(words) if heads is None else 0)]
    tokenizer = build_tokenizer(words)
    config = published_config() if heads is None else sized(heads, len(tokenizer))
    transformer, text_encoder, conditioner = build(config)
    return TangoFluxPipeline(
        vae=AutoencoderOobleck(**config.autoencoder).eval(),
        text_encoder=text_encoder.eval(),
        tokenizer=tokenizer,
        transformer=transformer.eval(),
        conditioner=conditioner.eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        frames=config.frames,
    )


@torch.no_grad()
def reference_conditions(pipe: TangoFluxPipeline, text: str, seconds: float) -> tuple[Any, Tensor]:
    """Rows [unconditional, told] of text states and pooled vectors, encoded one after the other."""
    device = pipe.text_encoder.device
    ids, mask = pipe.tokens([text])
    empty, empty_mask = torch.zeros_like(ids), torch.zeros_like(mask)
    empty[:, 0], empty_mask[:, 0] = 1, 1
    asked = torch.tensor([seconds], device=device)
    states, pooled = [], []
    for row, keep in ((empty, empty_mask), (ids, mask)):
        found = pipe.text_encoder(input_ids=row, attention_mask=keep).last_hidden_state
        states.append(torch.cat([found, pipe.conditioner.duration_token(asked)], dim=1))
        pooled.append(pipe.conditioner.pooled(found, keep.bool()))
    return torch.cat(states), torch.cat(pooled)


@torch.no_grad()
def reference(pipe: TangoFluxPipeline, text: str, seconds: float, noise: Tensor, steps: int):
    """Latents and sound of one prompt, as the reference makes them."""
    device, transformer = pipe.transformer.device, pipe.transformer
    states, pooled = reference_conditions(pipe, text, seconds)
    text_ids = torch.zeros(states.shape[1], 3, device=device)
    audio_ids = torch.arange(noise.shape[1], device=device)[:, None].repeat(1, 3)
    sigmas = np.append(np.linspace(1.0, 1 / steps, steps), 0.0)
    latents = noise.to(device)
    for at in range(steps):
        both = transformer(
            hidden_states=torch.cat([latents, latents]),
            timestep=torch.tensor([sigmas[at]], device=device, dtype=torch.float32),
            pooled_projections=pooled,
            encoder_hidden_states=states,
            txt_ids=text_ids,
            img_ids=audio_ids,
            return_dict=False,
        )[0]
        free, told = both.chunk(2)
        latents = latents + float(sigmas[at + 1] - sigmas[at]) * (free + GUIDANCE * (told - free))
    sound = pipe.vae.decode(latents.mT).sample[0].cpu()
    return latents, sound[:, : int(seconds * 44100)].numpy()


def wait(device: torch.device) -> None:
    """Until the device has done all."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def best(work: Callable[[], Any], device: torch.device, repeats: int = 2) -> tuple[float, Any]:
    """Shortest time in seconds, and the result."""
    shortest, result = float("inf"), None
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    for _ in range(repeats):
        wait(device)
        started = clock()
        result = work()
        wait(device)
        shortest = min(shortest, clock() - started)
    return shortest, result


def peak(device: torch.device, work: Callable[[], Any]) -> float | None:
    """GB of the GPU's memory that the work takes; None elsewhere."""
    if device.type != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats()
    work()
    return round(torch.cuda.max_memory_allocated() / 1e9, 2)


def measure(
    heads: int | None, steps: int, device: torch.device, repeats: int = 2
) -> dict[str, Any]:
    """Latency of both ways, how far apart their results are, and how they use the device."""
    plain = random_model(heads).to(device)
    model = TangoFluxBackend(
        random_model(heads), name="ours", revision="0", device=device, dtype=torch.float32
    )
    jobs = {"10 s x 1": (1, 10.0), "10 s x 8 prompts": (8, 10.0), "30 s x 1": (1, 30.0)}
    report: dict[str, Any] = {"heads": heads, "steps": steps, "device": str(device)}
    report["matmul_tflops_float32"] = round(matmul_rate(device, torch.float32) / 1e12, 3)
    for name, (count, seconds) in jobs.items():
        prompts = [Prompt(text=text, seconds=seconds) for text in TEXTS[:count]]
        settings = [Settings(seed=n, steps=steps, guidance=GUIDANCE) for n in range(count)]
        noise = model.noise(range(count))

        def theirs(prompts: Any = prompts, noise: Tensor = noise) -> list[Any]:
            return [
                reference(plain, each.text, each.seconds, noise[row : row + 1], steps)
                for row, each in enumerate(prompts)
            ]

        def ours(
            prompts: Any = prompts, settings: Any = settings, keep: list | None = None
        ) -> list[Any]:
            model.texts.clear()  # as if these prompts were new
            got: list[Tensor] = []
            sounds = model.sample(prompts, settings, on_latents=got.append)
            return [got[0], sounds]

        slow, wanted = best(theirs, device, repeats)
        fast, (latents, sounds) = best(ours, device, repeats)
        off = max((latents[row] - each[0][0]).abs().max().item() for row, each in enumerate(wanted))
        size = max(each[0].abs().max().item() for each in wanted)
        loud = max(np.abs(each[1]).max() for each in wanted)
        apart = max(
            np.abs(sounds[row] - each[1][:, : sounds[row].shape[1]]).max()
            for row, each in enumerate(wanted)
        )
        report[name] = {
            "reference_seconds": round(slow, 3),
            "our_seconds": round(fast, 3),
            "times_faster": round(slow / fast, 2),
            "latents_apart_over_largest": f"{off / size:.1e}",
            "sound_apart_over_loudest": f"{apart / loud:.1e}",
            "reference_peak_gb": peak(device, theirs),
            "our_peak_gb": peak(device, ours),
        }
    with FlopCounterMode(display=False) as counter:
        model.sample(prompts[:1], settings[:1])  # of 30 s
    flops = counter.get_total_flops()
    report["share_of_matmul_ceiling_30_s"] = round(
        flops / report["30 s x 1"]["our_seconds"] / 1e12 / report["matmul_tflops_float32"], 2
    )
    return report


@torch.no_grad()
def one_full_step(device: torch.device) -> dict[str, Any]:
    """One guided step of the published size, through the library and through ours."""
    from pipelines.generate.guided import GuidedSlope

    pipe = random_model(None).to(device)
    states, pooled = reference_conditions(pipe, TEXTS[0], 10.0)
    noise = torch.randn(1, 645, 64, generator=torch.Generator().manual_seed(0)).to(device)

    def theirs() -> Tensor:
        both = pipe.transformer(
            hidden_states=torch.cat([noise, noise]),
            timestep=torch.tensor([1.0], device=device),
            pooled_projections=pooled,
            encoder_hidden_states=states,
            txt_ids=torch.zeros(states.shape[1], 3, device=device),
            img_ids=torch.arange(645, device=device)[:, None].repeat(1, 3),
            return_dict=False,
        )[0]
        free, told = both.chunk(2)
        return free + GUIDANCE * (told - free)

    text, free = pipe.encode_prompts([TEXTS[0]], [10.0])
    levels = torch.tensor([1.0])
    slope = GuidedSlope(pipe.transformer, text, free, frames=645, levels=levels, guidance=GUIDANCE)
    slow, wanted = best(theirs, device)
    fast, found = best(lambda: slope(noise, 0), device)
    off = (found - wanted).abs().max().item() / wanted.abs().max().item()
    return {
        "library_seconds": round(slow, 2),
        "our_seconds": round(fast, 2),
        "times_faster": round(slow / fast, 2),
        "apart_over_largest": f"{off:.1e}",
    }


def main() -> None:
    """Read the flags, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=2, help="heads of 64; 0: the published size")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=2, help="the best of so many counts")
    parser.add_argument("--full", action="store_true", help="also one step of the published size")
    parser.add_argument(
        "--dpo", action="store_true", help="only a DPO step's memory and operations"
    )
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    device = torch.device(given.device)
    if given.dpo:
        report = dpo_report()
    else:
        report = measure(given.width or None, given.steps, device, given.repeats)
        if given.full:
            report["one step at full size"] = one_full_step(device)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
