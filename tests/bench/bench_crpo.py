"""CRPO's two costs, candidates and steps, against the reference's way; and the peak memory of each.

    python -m tests.bench.bench_crpo [--prompts 6] [--steps 6] [--pairs 8] [--rounds 2]

prints JSON. The reference's way, over the same embedded weights, prompts and seeds: one prompt a call in
float32 with diffusers' own forward, every latent frame decoded, each sound written to a WAV and read
again to be scored; at every step of optimisation both sounds of each pair read and encoded again, their
captions too, all weights trained in float32 against a copied reference. Ours: batches of different
prompts, latents kept, an adapter whose reference is itself switched off. Each way runs in processes of
its own, there and back, so that neither is always first; the median is told. Seconds are those of the
one thread that computes, so that a busy machine does not decide.
"""

import argparse
import copy
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipelines.audio import read_audio, write_audio
from pipelines.finetune.latents import write_cache
from pipelines.finetune.losses import squared_error
from pipelines.finetune.objectives_preference import preference_objective
from pipelines.finetune.pairs import PairRow
from pipelines.finetune.preference_losses import crpo_loss, margin
from pipelines.finetune.training import optimise
from pipelines.generate.flow import schedule
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.recipes.crpo.candidates import Pool, jobs_of
from pipelines.recipes.crpo.config import EMBEDDED, CrpoConfig
from pipelines.recipes.crpo.embedded import Ears, prompts_of
from pipelines.records import Prompt, Settings
from pipelines.reward.scorers import Scorer

WAYS = ("ours", "reference")


def ours(ears: Ears, prompts: list[Prompt], config: CrpoConfig, place: Path) -> dict[str, float]:
    """Seconds of a candidate, and of a step."""
    scorer = ears.reward(None, 1.0)
    ears.sampler.sample(prompts[:1], [Settings(steps=1)])  # loads and warms up
    pool = Pool(place / "candidates", prompts, config, 1)
    started = time.process_time()
    pool.fill(ears.sampler, scorer)
    a_candidate = (time.process_time() - started) / (len(prompts) * config.candidates)
    rows = rows_of([[one.key for one in group] for group in pool.groups()], prompts)
    keys = [key for row in rows for key in (row.chosen, row.rejected)]
    started = time.process_time()
    cache = write_cache(
        place / "cache", ears.trainer, pool.latents(keys), [(p.text, p.seconds) for p in prompts]
    )
    making = time.process_time() - started
    ends: list[float] = []
    optimise(
        ears.sampler,
        preference_objective(ears.sampler, rows, cache, config.plan),
        config.plan,
        place / "training",
        on_step=lambda told: ends.append(time.process_time()),
    )
    taken = [after - now for now, after in zip(ends[:-1], ends[1:], strict=True)]
    return {"candidate": a_candidate, "step": statistics.median(taken), "cache": making}


def rows_of(keys: list[list[str]], prompts: list[Prompt]) -> list[PairRow]:
    """A pair of each prompt: which sound is which side changes no time."""
    return [
        PairRow(prompt=p.text, seconds=p.seconds, chosen=own[0], rejected=own[-1])
        for own, p in zip(keys, prompts, strict=True)
    ]


def reference(
    ears: Ears, prompts: list[Prompt], config: CrpoConfig, place: Path
) -> dict[str, float]:
    """The same, the reference's way."""
    backend, scorer = ears.trainer, ears.reward(None, 1.0)
    textbook(backend, prompts[0], [Settings(steps=1)])  # warms up
    started = time.process_time()
    files = [
        generated(backend, prompt, n, config, place, scorer) for n, prompt in enumerate(prompts)
    ]
    a_candidate = (time.process_time() - started) / (len(prompts) * config.candidates)
    taken = []
    model = backend.denoiser.requires_grad_(True)
    frozen = backend.with_denoiser(
        copy.deepcopy(model).requires_grad_(False), name="reference", adapter=""
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-6, betas=config.plan.betas)
    rng = torch.Generator().manual_seed(0)
    for step in range(config.plan.steps):
        started = time.process_time()
        places = [(step * config.plan.pairs + i) % len(prompts) for i in range(config.plan.pairs)]
        optimiser.zero_grad()
        step_again(backend, frozen, prompts, files, places, config, rng).backward()
        optimiser.step()
        taken.append(time.process_time() - started)
    return {"candidate": a_candidate, "step": statistics.median(taken[1:])}


@torch.no_grad()
def textbook(backend: TangoFluxBackend, prompt: Prompt, settings: list[Settings]) -> Tensor:
    """Sounds of one prompt by the textbook loop, all frames decoded."""
    text, free = backend.conditions([prompt] * len(settings), settings, guided=True)
    x = backend.noise([each.seed for each in settings])
    levels = schedule(settings[0].steps, shift=backend.pipe.scheduler.config.shift)
    both = type(text).cat([free, text])
    for now, after in zip(levels[:-1], levels[1:], strict=True):
        told = backend.denoiser(
            hidden_states=torch.cat([x, x]),
            encoder_hidden_states=both.hidden,
            pooled_projections=both.pooled,
            timestep=now[None].expand(2 * len(x)),
            img_ids=torch.arange(x.shape[1])[:, None].expand(-1, 3),
            txt_ids=torch.zeros(both.hidden.shape[1], 3),
            return_dict=False,
        )[0]
        untold, said = told.chunk(2)
        x = x + (after - now) * (untold + settings[0].guidance * (said - untold))
    return backend.codec.decode(x)


def generated(
    backend: TangoFluxBackend,
    prompt: Prompt,
    number: int,
    config: CrpoConfig,
    place: Path,
    scorer: Scorer,
) -> list[Path]:
    """The candidates of one prompt as WAV files, read again and scored."""
    settings = [each for _, each in jobs_of([prompt], config, backend, 1)]
    sounds = textbook(backend, prompt, settings).numpy()
    paths = [place / f"id_{number}_sample{n}.wav" for n in range(len(sounds))]
    for path, sound in zip(paths, sounds, strict=True):
        write_audio(
            path, sound[:, : int(prompt.seconds * backend.sample_rate)], backend.sample_rate
        )
    heard = [read_audio(path)[0] for path in paths]
    scorer.score(heard, backend.sample_rate, [prompt.text] * len(heard))
    return paths


def step_again(
    backend: TangoFluxBackend,
    frozen: TangoFluxBackend,
    prompts: list[Prompt],
    files: list[list[Path]],
    places: list[int],
    config: CrpoConfig,
    rng: torch.Generator,
) -> Tensor:
    """The loss of one step, with everything read and encoded now."""
    full = int(backend.max_seconds * backend.sample_rate)
    sides = []
    for side in (0, -1):
        sounds = [torch.from_numpy(read_audio(files[i][side])[0]) for i in places]
        padded = [torch.nn.functional.pad(sound, (0, full - sound.shape[1])) for sound in sounds]
        sides.append(backend.encode(torch.stack(padded)).float())
    latents = torch.cat(sides)
    chosen = [prompts[i] for i in places]
    with torch.no_grad():
        text = backend.encode_text([p.text for p in chosen], [p.seconds for p in chosen])
    text = text.rows(torch.arange(len(places)).repeat(2))
    noise = torch.randn(len(places), *latents.shape[1:], generator=rng).repeat(2, 1, 1)
    sigma = config.plan.levels.draw(len(places), rng).repeat(2)
    noisy, target = backend.noised(latents, noise, sigma), noise - latents
    own = squared_error(backend.predict(noisy, sigma, text), target).chunk(2)
    with torch.no_grad():
        theirs = squared_error(frozen.predict(noisy, sigma, text), target).chunk(2)
    return crpo_loss(margin(*own, *theirs), own[0], beta=config.plan.beta)


def one_way(way: str, prompts: int, steps: int, pairs: int, guidance: float) -> dict[str, Any]:
    """Of this process."""
    config = replace(
        EMBEDDED,
        prompts=prompts,
        guidance=guidance,
        # Every pair with both sides, as the reference has them.
        plan=replace(EMBEDDED.plan, steps=steps, pairs=pairs, save_every=steps, unprompted=0.0),
    )
    bank = prompts_of("train", prompts, seed=0)
    with tempfile.TemporaryDirectory() as place:
        found = {"ours": ours, "reference": reference}[way](Ears(), bank, config, Path(place))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**found, "peak_mb": peak}


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Both ways in turn, in processes of their own."""
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for n in range(asked.rounds):
        for way in WAYS if n % 2 == 0 else reversed(WAYS):
            told = subprocess.run(
                [sys.executable, "-m", "tests.bench.bench_crpo", "--way", way,
                 f"--prompts={asked.prompts}", f"--steps={asked.steps}", f"--pairs={asked.pairs}",
                 f"--guidance={asked.guidance}"],
                capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            runs[way].append(json.loads(told.stdout))
    medians = {
        way: {name: statistics.median(run[name] for run in each) for name in each[0]}
        for way, each in runs.items()
    }
    mine, theirs = medians["ours"], medians["reference"]
    return {
        "asked": {name: value for name, value in vars(asked).items() if name != "way"},
        "seconds": medians,
        "candidates per second": {way: 1 / medians[way]["candidate"] for way in WAYS},
        "steps per second": {way: 1 / medians[way]["step"] for way in WAYS},
        "times as fast": {name: theirs[name] / mine[name] for name in ("candidate", "step")},
        "runs": runs,
    }


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--guidance", type=float, default=4.5, help="of candidates, both ways")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--way", choices=WAYS, help="this one, in this process")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    found = (
        one_way(asked.way, asked.prompts, asked.steps, asked.pairs, asked.guidance)
        if asked.way
        else measure(asked)
    )
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
