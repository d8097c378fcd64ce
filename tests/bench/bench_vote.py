"""How often the intervals hold the truth, by simulation, and what a board costs.

    OMP_NUM_THREADS=1 python -m tests.bench.bench_vote [--replications 2000] [--draws 1000]
        [--only coverage prompts pairing means alpha cost stored]

prints one JSON line per row. A run of fewer than 2,000 replications says that it is reduced.

coverage: three systems of unequal worth; every voter has strengths of their own around the common
ones (taste, standard deviation in log odds). The truth is not the common strength but what all such
voters together would give: the fit to the outcome chances of 200,000 voters. Judged are the gap of
the best to the base and the best's own rating.
prompts: voters with tastes and prompts with leans of their own, both of sd 0.5; intervals over both
against voters alone. The truth is then that of all such voters on all such prompts.
pairing: six systems, 20 voters with tastes of sd 0 and 0.5, 30 votes each, the board fitted anew after each
round; pairs drawn by priority, as `pairing.choose` does, against all pairs alike. Does asking
adaptively leave the intervals true, and what does it win: the width of the gaps between neighbours,
and the share of pairs that end in the right order.
means: a mean over raters and items that both differ, two-way against raters alone.
alpha: Krippendorff's alpha over items of unequal difficulty.
cost: seconds of the whole board, counting from arrays included.
stored: the same from the database: the first look of a new process, a look after ten votes more, and
one that finds nothing new; on SQLite, and on PostgreSQL where there is one.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from pipelines.seeds import fork, numpy_generator
from pipelines.vote import agreement, battles, board, davidson, intervals, means, ratings
from pipelines.vote.pairing import Rates, priority
from pipelines.vote.reliability import share

FULL = 2000
STRENGTH = np.array([-0.4, 0.0, 0.4])  # log odds
TIE = np.log(0.5)  # equals tie in one of five votes
DESIGN = ratings.pair_design(3)
CONTRASTS = np.array([[-1.0, 0, 1, 0], [0, 0, 1, 0]])  # best against base, best
SCENES = [  # voters, votes of each, taste, whether some vote far more than others
    (10, 60, 1.0, False),
    (20, 30, 1.0, False),
    (10, 60, 0.5, False),
    (20, 30, 0.5, False),
    (20, 30, 0.0, False),
    (5, 120, 1.0, False),
    (10, 60, 1.0, True),
    (20, 30, 1.0, True),
    (60, 10, 1.0, True),
]


def chances(taste: float, shape: tuple[int, ...], draws: np.random.Generator) -> np.ndarray:
    """Outcome chances of voters with tastes of their own, [*shape, pairs, 3]."""
    strength = STRENGTH + taste * draws.normal(size=(*shape, 3))
    found = davidson.probabilities(strength @ DESIGN.T, np.array(TIE))
    return found / found.sum(axis=-1, keepdims=True)


def truth(taste: float) -> np.ndarray:
    """What the whole population of voters would give, [contrasts]."""
    found = chances(taste, (200_000,), numpy_generator(0, "population")).mean(axis=0)
    return davidson.fit(DESIGN, found * 1e9, ridge=1e-6).theta @ CONTRASTS.T


def boards(
    count: int, voters: int, votes: int, taste: float, uneven: bool, draws: np.random.Generator
) -> np.ndarray:
    """Simulated counts, [count, voters, pairs, 3]."""
    each = np.full((count, voters), votes)
    if uneven:  # exponential shares: the busiest of ten votes about thirty times the idlest
        portion = draws.exponential(size=(count, voters))
        portion /= portion.sum(axis=1, keepdims=True)
        each = np.maximum(1, draws.poisson(portion * voters * votes))
    games = draws.multinomial(each, np.full(3, 1 / 3))
    return draws.multinomial(games, chances(taste, (count, voters), draws)).astype(np.float64)


def held(low: np.ndarray, high: np.ndarray, value: np.ndarray, names: tuple) -> dict[str, Any]:
    """How often each interval held its value, with Wilson's interval of that share."""
    inside = (low <= value) & (value <= high)
    return {n: share(int(inside[:, i].sum()), len(inside)) for i, n in enumerate(names)}


def coverage(replications: int, draws: int) -> Iterator[dict[str, Any]]:
    """Each scene by the jackknife, the expanded bootstrap and plain percentiles."""
    for scene in SCENES:
        voters, votes, taste, uneven = scene
        generator = numpy_generator(1, "boards", *map(str, scene))
        counts = boards(replications, voters, votes, taste, uneven, generator)
        true = truth(taste)
        found = {"voter jackknife, t": intervals.by_jackknife(DESIGN, counts, CONTRASTS)}
        ends = {name: (sure.low, sure.high) for name, sure in found.items()}
        for name, expanded in (
            ("voter bootstrap, expanded", True),
            ("voter bootstrap, plain", False),
        ):
            rows = [
                intervals.by_bootstrap(
                    DESIGN, one, CONTRASTS, seed=fork(2, i), draws=draws, expanded=expanded
                )
                for i, one in enumerate(counts if draws else [])
            ]
            if rows:
                ends[name] = (np.stack([r.low for r in rows]), np.stack([r.high for r in rows]))
        for name, (low, high) in ends.items():
            yield {
                "method": name,
                "voters": voters,
                "votes_each": votes,
                "taste": taste,
                "uneven": uneven,
                "truth": true.round(4).tolist(),
                "median_width": round(float(np.median(high[:, 0] - low[:, 0])), 4),
                **held(low, high, true, ("gap", "best")),
            }


def prompt_coverage(replications: int) -> Iterator[dict[str, Any]]:
    """20 voters of 30 votes each, on 20 or on 60 prompts."""
    population = chances(np.sqrt(0.5), (200_000,), numpy_generator(0, "population")).mean(axis=0)
    true = davidson.fit(DESIGN, population * 1e9, ridge=1e-6).theta @ CONTRASTS.T
    for prompts in (20, 60):
        draws = numpy_generator(7, "prompts", prompts)
        shape = (replications, 20, 30)
        row, voter, _ = np.indices(shape)
        prompt, pair = draws.integers(prompts, size=shape), draws.integers(3, size=shape)
        taste = 0.5 * draws.normal(size=(replications, 20, 3))[row, voter]
        lean = 0.5 * draws.normal(size=(replications, prompts, 3))[row, prompt]
        margin = ((STRENGTH + taste + lean) * DESIGN[pair]).sum(axis=-1)
        ends = davidson.probabilities(margin, np.array(TIE)).cumsum(axis=-1)[..., :2]
        outcome = (draws.random(shape)[..., None] > ends).sum(axis=-1)
        by_voter, by_prompt = (np.zeros((replications, n, 3, 3)) for n in (20, prompts))
        np.add.at(by_voter, (row, voter, pair, outcome), 1)
        np.add.at(by_prompt, (row, prompt, pair, outcome), 1)
        for sure in (
            intervals.by_two_ways(DESIGN, by_voter, by_prompt, CONTRASTS),
            intervals.by_jackknife(DESIGN, by_voter, CONTRASTS),
        ):
            told = held(sure.low, sure.high, true, ("gap", "best"))
            yield {"method": sure.method, "voters": 20, "prompts": prompts, **told}


def adaptive(replications: int, *, explore: float, taste: float) -> Iterator[dict[str, Any]]:
    """One row: adaptive where explore < 1, all pairs alike at 1."""
    worth, voters, rounds = np.array([-0.8, -0.5, 0.0, 0.1, 0.2, 1.0]), 20, 30
    systems, design = len(worth), ratings.pair_design(len(worth))
    draws = numpy_generator(6, "pairing", str(explore), str(taste))
    first, second = battles.pairs(systems)

    def outcomes(shape: tuple[int, ...], source: np.random.Generator) -> np.ndarray:
        strength = worth + taste * source.normal(size=(*shape, systems))
        found = davidson.probabilities(strength @ design.T, np.array(TIE))
        return found / found.sum(axis=-1, keepdims=True)

    population = outcomes((100_000,), numpy_generator(0, "six")).mean(axis=0)
    true = davidson.fit(design, population * 1e9, ridge=1e-6).theta
    chance = outcomes((replications, voters), draws)
    counts = np.zeros((replications, voters, len(first), 3))
    theta = None
    for _ in range(rounds):
        fit = davidson.fit(design, counts.sum(axis=1), start=theta)
        theta = fit.theta
        weight = priority(fit)[:, first, second]
        wanted = explore / len(first) + (1 - explore) * weight / weight.sum(axis=1, keepdims=True)
        ends = wanted.cumsum(axis=1)[:, None, :-1]
        pair = (draws.random((replications, voters, 1)) > ends).sum(axis=-1)[..., None, None]
        told = np.take_along_axis(chance, pair, axis=2)[:, :, 0]
        outcome = (draws.random((replications, voters, 1)) > told.cumsum(axis=-1)[..., :2]).sum(-1)
        row, voter = np.indices((replications, voters))
        counts[row, voter, pair[..., 0, 0], outcome] += 1
    contrasts = np.hstack([design, np.zeros((len(first), 1))])
    sure = intervals.by_jackknife(design, counts, contrasts)
    near = second - first == 1
    right = np.sign(sure.value) == np.sign(true @ contrasts.T)
    names = tuple(f"{i}-{j}" for i, j in zip(first[near], second[near], strict=True))
    yield {
        "taste": taste,
        "pairs": "all alike" if explore == 1 else f"by priority, explore {explore}",
        "order_right": round(float(right.mean()), 4),
        "near_right": round(float(right[:, near].mean()), 4),
        "least_asked": round(
            float(counts.sum(axis=(1, 3)).mean(axis=0).min() / voters / rounds), 4
        ),
        "near_width": round(float(np.median((sure.high - sure.low)[:, near])), 4),
        **held(sure.low[:, near], sure.high[:, near], (true @ contrasts.T)[near], names),
    }


def mean_coverage(replications: int) -> Iterator[dict[str, Any]]:
    """12 raters, 20 items, both with effects of their own, a quarter of the cells missing."""
    generator = numpy_generator(3, "means")
    rater, item = (c.ravel() for c in np.meshgrid(range(12), range(20), indexing="ij"))
    inside = {"raters and items": 0, "raters alone": 0}
    for _ in range(replications):
        kept = generator.random(240) < 0.75
        value = 0.5 * generator.normal(size=12)[rater] + 0.5 * generator.normal(size=20)[item]
        value = (value + generator.normal(size=240))[kept]
        for name in inside:
            items = item[kept] if name == "raters and items" else None
            sure = means.clustered_mean(means.Rated(values=value, rater=rater[kept], item=items))
            inside[name] += sure.low <= 0 <= sure.high
    for name, count in inside.items():
        yield {"method": f"jackknife over {name}, t", "mean": share(count, replications)}


def alpha_coverage(replications: int, draws: int) -> Iterator[dict[str, Any]]:
    """Five raters, binary labels; half of the items clear, half hard."""
    generator = numpy_generator(4, "alpha")

    def labels(items: int) -> np.ndarray:
        clear, side = generator.random((2, items)) < 0.5
        return (
            generator.random((5, items)) < np.where(clear, np.where(side, 0.95, 0.05), 0.6)
        ) * 1.0

    true = np.mean([agreement.alpha(labels(50_000), scale="nominal") for _ in range(10)])
    for items in (30, 60, 120):
        rows = [
            agreement.evaluate(labels(items), scale="nominal", seed=i, draws=draws)
            for i in range(replications)
        ]
        inside = sum(row["low"] <= true <= row["high"] for row in rows)
        yield {"items": items, "truth": round(float(true), 4), "alpha": share(inside, replications)}


def cost() -> Iterator[dict[str, Any]]:
    """Seconds of a board of ten systems by the clock and of the processor, best of three."""
    draws = numpy_generator(5, "cost")
    for count in (1_000, 100_000, 1_000_000):
        a = draws.integers(10, size=count)
        votes = battles.Votes(
            systems=tuple("abcdefghij"),
            a=a,
            b=(a + draws.integers(1, 10, size=count)) % 10,
            outcome=draws.choice(5, p=[0.38, 0.38, 0.16, 0.05, 0.03], size=count),
            voter=draws.integers(max(10, count // 50), size=count),
            prompt=draws.integers(50, size=count),
        )
        for method in board.INTERVALS:
            wall, worked = [], []
            for _ in range(3):
                starts = time.perf_counter(), time.process_time()
                board.evaluate(votes, seed=0, intervals=method)
                wall.append(time.perf_counter() - starts[0])
                worked.append(time.process_time() - starts[1])
            row = {"votes": count, "intervals": method, "seconds": round(min(wall), 3)}
            yield row | {"cpu_seconds": round(min(worked), 3)}


def stored() -> Iterator[dict[str, Any]]:
    """Seconds of the results of campaigns that lie in a database."""
    from tests.bench.stored_votes import timed_looks

    for count in (1_000, 100_000, 1_000_000):
        yield from timed_looks(count)


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=FULL)
    parser.add_argument("--draws", type=int, default=1000, help="of a bootstrap; 0 skips it")
    parts = ["coverage", "prompts", "pairing", "means", "alpha", "cost", "stored"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    args = parser.parse_args()
    run = {
        "coverage": lambda: coverage(args.replications, args.draws),
        "prompts": lambda: prompt_coverage(args.replications),
        "pairing": lambda: (
            row
            for taste in (0.0, 0.5)
            for explore in (Rates().explore, 1.0)
            for row in adaptive(args.replications, explore=explore, taste=taste)
        ),
        "means": lambda: mean_coverage(args.replications),
        "alpha": lambda: alpha_coverage(args.replications, max(args.draws, 200)),
        "cost": cost,
        "stored": stored,
    }
    size = {"replications": args.replications, "draws": args.draws}
    if args.replications < FULL:
        size["reduced"] = f"fewer than the {FULL} replications of a full run"
    for part in args.only:
        for row in run[part]():
            line = {"part": part, **(size if part not in {"cost", "stored"} else {}), **row}
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
