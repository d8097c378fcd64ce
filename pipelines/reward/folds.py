"""Few labels measured by folds: each prompt's rewards come from a head that never met its group."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.errors import StudioError
from pipelines.reward.head import HeadConfig
from pipelines.reward.heldout import Rewards, rewards_of
from pipelines.reward.labels import Material
from pipelines.reward.plans import TrainingConfig
from pipelines.reward.training import Epoch, Vectors, train
from pipelines.seeds import fork

FOLDS = 5
LEAST_GROUPS = 3  # one to measure on, one to tell when to stop, one to learn from


@dataclass(frozen=True, kw_only=True)
class Folded:
    """What the folds foretold together, and how their trainings went on average."""

    rewards: Rewards  # of all the material, each by the head of its fold
    history: list[Epoch]  # means over folds; dev is of the fold that told when to stop
    folds: int
    kept: int  # the epoch with the lowest mean dev loss: how long a head on everything should learn


def deal(groups: Sequence[str], count: int, *, seed: int) -> dict[str, int]:
    """The fold of each group, by a seeded deal; folds differ by one group at most.

    >>> sorted(deal(["a", "b", "c", "d"], 2, seed=0).values())
    [0, 0, 1, 1]

    Raises:
        StudioError: fewer groups than three.
    """
    names = sorted(set(groups), key=lambda group: (fork(seed, "fold", group), group))
    if len(names) < LEAST_GROUPS:
        raise StudioError(
            f"What was labelled or voted on asks for {len(names)} different "
            f"{'set' if len(names) == 1 else 'sets'} of events; at least {LEAST_GROUPS} are needed, "
            "to learn from some and be measured on another. Label sounds of more prompts."
        )
    return {name: place % min(count, len(names)) for place, name in enumerate(names)}


def out_of_fold(
    material: Material,
    vectors: Vectors,
    shape: HeadConfig,
    config: TrainingConfig,
    *,
    seed: int,
    count: int = FOLDS,
    on_epoch: Callable[[int, int, Epoch], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    state: Path | None = None,
) -> Folded:
    """Rewards of all the material by heads that did not learn from them.

    For each fold one head: the next fold tells when to stop, the others are learned from.

    Args:
        material: labels, pairs or both, of at least three groups.
        vectors: their embeddings.
        shape: of each head.
        config: of each training.
        seed: of the deal and of the trainings.
        count: folds at most.
        on_epoch: called after each epoch with the fold (from 0), how many there are, and the epoch.
        should_stop: asked before each epoch.
        state: a folder where each fold keeps its state, so that a killed run goes on.

    Raises:
        StudioError: fewer groups than three, or what `train` raises.
        Cancelled: a stop was asked for.
    """
    fold_of = deal([item.group for item in (*material.examples, *material.pairs)], count, seed=seed)
    folds = max(fold_of.values()) + 1
    labels, pairs = np.empty(len(material.examples)), np.empty((len(material.pairs), 2))
    histories = []
    for fold in range(folds):
        dev = (fold + 1) % folds
        run = train(
            _of(material, fold_of, set(range(folds)) - {fold, dev}),
            _of(material, fold_of, {dev}),
            vectors,
            shape,
            config,
            seed=fork(seed, "fold", fold),
            on_epoch=on_epoch and (lambda epoch, fold=fold: on_epoch(fold, folds, epoch)),
            should_stop=should_stop,
            state=state and state / f"fold-{fold}.pt",
        )
        found = rewards_of(run.head, _of(material, fold_of, {fold}), vectors)
        labels[[fold_of[example.group] == fold for example in material.examples]] = found.labels
        pairs[[fold_of[pair.group] == fold for pair in material.pairs]] = found.pairs
        histories.append(run.history)
    history = mean_history(histories)
    kept = min(history, key=lambda epoch: (epoch.dev_loss, epoch.number)).number
    own = np.array([fold_of[example.group] for example in material.examples], dtype=np.int64)
    rewards = Rewards(labels=labels, pairs=pairs, folds=own)
    return Folded(rewards=rewards, history=history, folds=folds, kept=kept)


def mean_history(histories: Sequence[Sequence[Epoch]]) -> list[Epoch]:
    """The mean losses of each epoch over the trainings that came to it; dev over those that had one."""
    found = []
    for number in range(1, max(map(len, histories), default=0) + 1):
        there = [history[number - 1] for history in histories if len(history) >= number]
        devs = [epoch.dev_loss for epoch in there if epoch.dev_loss is not None]
        found.append(
            Epoch(
                number=number,
                train_loss=float(np.mean([epoch.train_loss for epoch in there])),
                dev_loss=float(np.mean(devs)) if devs else None,
            )
        )
    return found


def _of(material: Material, fold_of: Mapping[str, int], folds: set[int]) -> Material:
    """What of the material lies in these folds."""
    return Material(
        examples=[one for one in material.examples if fold_of[one.group] in folds],
        pairs=[one for one in material.pairs if fold_of[one.group] in folds],
    )
