"""Seconds per 10-second clip, against a plain float32 loop and the model's own arithmetic floor.

    python -m tests.bench.bench_generate [--model embedded] [--repeats 3] [--steps N]

prints JSON. "plain" is the textbook loop over the same weights in the same run: float32, diffusers'
own forward, the two guidance rows one after the other, one prompt at a time, every latent frame
decoded. "floor" is the FLOPs of our own arithmetic over the rate of a 1024 x 1024 product in the
dtype that sampling runs in. Times are the best of the repeats, on otherwise idle cores.
"""

import argparse
import copy
import json
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pipelines.devices import matmul_rate
from pipelines.generate import checkpoints
from pipelines.generate.conditioning import TextStates
from pipelines.generate.flow import schedule
from pipelines.generate.sizes import embedded_config
from pipelines.generate.tangoflux import TangoFluxPipeline
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.records import Prompt, Settings

PROMPT = Prompt(text="a dog barks, then a bird chirps and then rain falls on a roof", seconds=10.0)
COUNTS = (1, 8)


def random_pipeline() -> TangoFluxPipeline:
    """The embedded sizes with random weights, for a speed test before there are trained ones."""
    from diffusers.schedulers import FlowMatchEulerDiscreteScheduler

    from pipelines.generate.autoencoder import SpectralAutoencoder
    from pipelines.generate.tangoflux import build
    from pipelines.generate.tokenizer import build_tokenizer

    torch.manual_seed(0)
    words = dict.fromkeys(
        [*PROMPT.text.replace(",", " , ").split(), *map("word{}".format, range(300))]
    )
    tokenizer = build_tokenizer(list(words))
    transformer, text_encoder, conditioner = build(embedded_config(len(tokenizer)))
    return TangoFluxPipeline(
        vae=SpectralAutoencoder(),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        transformer=transformer,
        conditioner=conditioner,
        scheduler=FlowMatchEulerDiscreteScheduler(),
        frames=64,
    )


def load(model: str, dtype: torch.dtype | None = None) -> TangoFluxBackend:
    """The model on the CPU in the fastest dtype or this one."""
    cpu = torch.device("cpu")
    if model == "random":
        return TangoFluxBackend(
            random_pipeline(), name=model, revision="0", device=cpu, dtype=dtype
        )
    return checkpoints.load(model, device=cpu, dtype=dtype)


@torch.no_grad()
def plain(backend: TangoFluxBackend, settings: Settings) -> tuple[Tensor, np.ndarray]:
    """Latents and sound of one candidate by the textbook loop; the backend must be float32."""
    transformer = backend.denoiser
    text, free = backend.conditions([PROMPT], [settings], guided=True)
    x = backend.noise([settings.seed])
    levels = schedule(settings.steps, shift=backend.pipe.scheduler.config.shift)

    def slope(rows: TextStates, sigma: Tensor) -> Tensor:
        return transformer(
            hidden_states=x,
            encoder_hidden_states=rows.hidden,
            pooled_projections=rows.pooled,
            timestep=sigma[None],
            img_ids=torch.arange(x.shape[1])[:, None].expand(-1, 3),
            txt_ids=torch.zeros(rows.hidden.shape[1], 3),
            return_dict=False,
        )[0]

    for now, after in zip(levels[:-1], levels[1:], strict=True):
        untold, told = slope(free, now), slope(text, now)
        x = x + (after - now) * (untold + settings.guidance * (told - untold))
    sound = backend.codec.decode(x)[..., : int(PROMPT.seconds * backend.sample_rate)]
    return x, sound.numpy()[0]


def best_of(repeats: int, work: Any) -> tuple[float, Any]:
    """Shortest wall time in seconds, and the result."""
    best, result = float("inf"), work()  # the first run warms up
    for _ in range(repeats):
        started = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - started)
    return best, result


def flops_of(backend: TangoFluxBackend, settings: list[Settings]) -> float:
    """Floating-point operations of one batch: counted in float32, where no product is fused."""
    with FlopCounterMode(display=False) as counter:
        backend.sample([PROMPT] * len(settings), settings)
    return float(counter.get_total_flops())


def off_by(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Largest difference, and the level of the difference below the truth in dB."""
    difference = found.astype(np.float64) - truth
    ratio = np.mean(truth.astype(np.float64) ** 2) / max(np.mean(difference**2), 1e-30)
    return {
        "largest": float(np.abs(difference).max()),
        "below_db": round(10 * float(np.log10(ratio)), 1),
    }


def measure(model: str, repeats: int, steps: int | None) -> dict[str, Any]:
    """All figures of the report."""
    fast, exact = load(model), load(model, torch.float32)
    settings = Settings(seed=0, steps=steps or fast.default_steps, guidance=fast.default_guidance)
    kind = getattr(torch, fast.dtype)
    rate = matmul_rate(torch.device("cpu"), kind)
    plain_seconds, (latents, sound) = best_of(max(1, repeats // 2), lambda: plain(exact, settings))
    report: dict[str, Any] = {
        "model": model,
        "revision": fast.revision,
        "threads": torch.get_num_threads(),
        "dtype": fast.dtype,
        "steps": settings.steps,
        "guidance": settings.guidance,
        "matmul_gflops": round(rate / 1e9, 1),
        "matmul_gflops_float32": round(matmul_rate(torch.device("cpu"), torch.float32) / 1e9, 1),
        "plain_seconds_per_clip": round(plain_seconds, 4),
    }
    text, free = exact.conditions([PROMPT], [settings], guided=True)
    again = exact.pipe.denoise(
        exact.noise([0]), text, free, steps=settings.steps, guidance=settings.guidance
    )
    report["parity"] = {
        "float32_latents": off_by(again.numpy(), latents.numpy()),
        "float32_sound": off_by(exact.sample([PROMPT], [settings])[0], sound),
        f"{fast.dtype}_sound": off_by(fast.sample([PROMPT], [settings])[0], sound),
    }
    for count in COUNTS:
        batch = [replace(settings, seed=seed) for seed in range(count)]
        floor = flops_of(exact, copy.copy(batch)) / rate / count
        seconds, _ = best_of(repeats, lambda batch=batch: fast.sample([PROMPT] * len(batch), batch))
        report[f"candidates_{count}"] = {
            "seconds_per_clip": round(seconds / count, 4),
            "times_faster_than_plain": round(plain_seconds / (seconds / count), 2),
            "floor_seconds_per_clip": round(floor, 4),
            "times_the_floor": round(seconds / count / floor, 2),
        }
    return report


def main() -> None:
    """Read the flags, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="embedded", help="a model name, a folder, or 'random'")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, help="default: the model's own")
    given = parser.parse_args()
    sys.stdout.write(json.dumps(measure(given.model, given.repeats, given.steps), indent=2) + "\n")


if __name__ == "__main__":
    main()
