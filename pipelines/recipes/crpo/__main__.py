"""`python -m pipelines.recipes.crpo`: CRPO on the embedded model; go on at any time, on any number of processes."""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from pipelines.errors import Cancelled
from pipelines.recipes.command import answered


def main(argv: list[str] | None = None) -> int:
    """Do what is left of the run; 0 when done or out of time, 2 when the request cannot be met."""
    return answered(_run, _parser().parse_args(argv))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.recipes.crpo",
        description=__doc__,
        epilog="Several processes: torchrun --nproc-per-node 2 -m pipelines.recipes.crpo …, or "
        "accelerate launch -m pipelines.recipes.crpo … on several GPUs.",
    )
    add = parser.add_argument
    add("--root", type=Path, default=Path("runs/crpo"), help="of all files, runs/crpo")
    add("--budget", type=float, default=3600, help="seconds to spend, 3600")
    add("--iterations", type=int, help="5")
    add(
        "--prompts",
        type=int,
        help="drawn for each iteration; where not told, as all that follows, the embedded model's plan",
    )
    add("--bank", type=int, help="prompts to draw from, as many as all iterations draw")
    add("--candidates", type=int, help="of each prompt, 5")
    add("--margin", type=float, help="least gap of rewards between winner and loser, 0")
    add("--guidance", type=float, help="of candidates, 1")
    add("--loss", choices=["crpo", "dpo", "group"], help="crpo")
    add("--steps", type=int, help="of each iteration's optimisation")
    add("--beta", type=float, help="how near to the reference")
    add("--anchor", type=float, help="weight of the winners' own loss")
    add("--learning-rate", type=float)
    add("--offline", action="store_true", help="learn from the first candidates at every iteration")
    add("--reward", type=Path, metavar="FOLDER", help="a trained reward model; default: CLAP")
    add("--weight", type=float, default=1.0, help="of the reward model, the rest is CLAP's, 1")
    add("--start", type=Path, metavar="FOLDER", help="an adapter to begin from")
    add("--given", type=Path, metavar="PATH",
        help="pairs of others: TangoFlux json, or a folder of Audio-Alpaca parquet")  # fmt: skip
    add("--given-share", type=float, help="of each step, given pairs; 1: no candidates at all")
    add("--listen", type=int, default=24, help="dev prompts to hear after each iteration, 24")
    add("--seed", type=int, help="0")
    add("--estimate", action="store_true", help="tell how long it takes, and end")
    add("--tiny", action="store_true", help="a few prompts and steps: does it run?")
    add("--threads", type=int, default=1, help="torch threads of each process, 1")
    return parser


def _config(args: argparse.Namespace):
    from pipelines.recipes.crpo.config import EMBEDDED, TINY

    config = TINY if args.tiny else EMBEDDED
    names = ("iterations", "prompts", "candidates", "margin", "guidance", "given_share", "seed")
    told = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    names = ("loss", "steps", "beta", "anchor", "learning_rate")
    plan = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    return replace(config, **told, online=not args.offline, plan=replace(config.plan, **plan))


def _given(args: argparse.Namespace, sample_rate: int):
    from pipelines.recipes.crpo.sources import alpaca_set, tangoflux_set, without_faults

    if args.given is None:
        return None
    read = alpaca_set if args.given.is_dir() else tangoflux_set
    return without_faults(read(args.given, sample_rate=sample_rate), sample_rate)


def _run(args: argparse.Namespace) -> int:
    import torch

    from pipelines.crew import crew_at_hand
    from pipelines.recipes.crpo.embedded import Cosine, Ears, bank_of, prompts_of
    from pipelines.recipes.crpo.estimate import parts_left, probe
    from pipelines.recipes.crpo.loop import improve
    from pipelines.recipes.crpo.told import Teller, table

    until = time.monotonic() + args.budget
    torch.set_num_threads(args.threads)
    crew, config = crew_at_hand(), _config(args)
    ears = Ears(getattr(crew, "device", None))
    bank = bank_of(args.bank or config.prompts * config.iterations, seed=config.seed)
    listened = 2 if args.tiny else args.listen
    heard_on = prompts_of("dev", listened, seed=config.seed)
    scorer = ears.reward(args.reward, args.weight)
    teller = Teller(is_silent=crew.rank > 0)
    if crew.rank == 0:
        paces = probe(ears.trainer, ears.sampler, scorer, config, bank)
        left = parts_left(args.root, config, paces, len(heard_on), crew.size)
        teller.say(
            f"{len(left)} parts are left, about {sum(part.seconds for part in left):.0f} s on "
            f"{crew.size} process(es); the budget is {args.budget:.0f} s. A candidate takes "
            f"{paces.candidate:.2f} s, a step {paces.step:.2f} s."
        )
        if args.estimate:
            for part in left:
                teller.say(f"{part.seconds:8.0f} s  {part.what}")
    crew.wait()
    if args.estimate:
        return 0
    try:
        improve(
            ears.trainer,
            bank,
            scorer,
            config,
            args.root,
            sampler=ears.sampler,
            start=args.start,
            given=_given(args, ears.trainer.sample_rate),
            heard_on=heard_on,
            scorers={"clap": Cosine(ears.evaluation_clap), "reward": scorer},
            crew=crew,
            on_progress=teller.progress,
            on_heard=teller.heard,
            should_stop=lambda: time.monotonic() > until,
        )
    except Cancelled:
        teller.say("The budget is spent; the same command goes on.")
    if crew.rank == 0:
        text = table(args.root, config.iterations)
        (args.root / "table.md").write_text(text)
        teller.say(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
