"""Training a reward head from labels, pairs or both: by epoch, resumable, the best on dev is kept."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.errors import Cancelled, StudioError
from pipelines.reward.head import HeadConfig, RewardHead
from pipelines.reward.labels import Material
from pipelines.reward.losses import label_loss, mixed_loss, pair_loss, squared_loss
from pipelines.reward.plans import OURS, PAPER, TrainingConfig  # noqa: F401 (they belong here too)
from pipelines.seeds import fork, torch_generator


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """What one epoch came to; dev_loss is None where there is nothing to measure it on."""

    number: int  # from 1
    train_loss: float
    dev_loss: float | None


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained head, how it got there, and which epoch was kept."""

    head: RewardHead
    history: list[Epoch]
    kept: int


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Embeddings by prompt and by clip key, float32 [text_size] and [audio_size] each."""

    texts: Mapping[str, np.ndarray]
    clips: Mapping[str, np.ndarray]


def train(
    material: Material,
    dev: Material,
    vectors: Vectors,
    shape: HeadConfig,
    config: TrainingConfig = PAPER,
    *,
    seed: int,
    on_epoch: Callable[[Epoch], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    state: Path | None = None,
) -> Trained:
    """A head that tells what people said; the same seed gives the same bytes.

    Args:
        material: what is learned from.
        dev: what tells when to stop; of other label groups. May be empty.
        vectors: the embeddings of every prompt and clip in both.
        shape: of the head.
        config: of the training.
        seed: of the weights, the order and the dropout.
        on_epoch: called after each epoch.
        should_stop: asked before each epoch.
        state: a file that is written after each epoch; a run that finds it goes on from there.

    Raises:
        StudioError: nothing to learn from, an embedding that is missing, a loss that is not a
            number, or a state of another run.
        Cancelled: a stop was asked for.
    """
    if not len(material):
        raise StudioError("There are no labels and no pairs to learn from; label some sounds.")
    data, held = _Rows.of(material, vectors), _Rows.of(dev, vectors)
    head = RewardHead(shape, seed=seed)
    head.prepare(*data.seen(), data.mean_target)
    run = _Run(head, _optimiser(head, config), asdict(shape) | asdict(config) | {"seed": seed})
    run.resume(state)
    for number in range(len(run.history) + 1, config.epochs + 1):
        if should_stop is not None and should_stop():
            raise Cancelled()
        train_loss = _epoch(run, data, config, seed=fork(seed, "epoch", number))
        dev_loss = _loss(head.eval(), held, config) if len(dev) else None
        done = Epoch(number=number, train_loss=train_loss, dev_loss=dev_loss)
        run.note(done, keeps_best=config.stops_early)
        run.save(state)
        if on_epoch is not None:
            on_epoch(done)
    head.load_state_dict(run.best)
    return Trained(head=head.eval(), history=run.history, kept=run.kept)


@dataclass
class _Rows:
    """Material as tensors: labels (text, audio, target) and pairs (text, chosen, rejected)."""

    labels: tuple[Tensor, ...]  # [n, text], [n, audio], [n]
    pairs: tuple[Tensor, ...]  # [m, text], [m, audio], [m, audio], [m]

    @classmethod
    def of(cls, material: Material, vectors: Vectors) -> "_Rows":
        examples, pairs = material.examples, material.pairs
        texts, clips = vectors.texts, vectors.clips
        return cls(
            labels=(
                _stack(texts, [e.prompt for e in examples], "prompt"),
                _stack(clips, [e.clip for e in examples], "sound"),
                torch.tensor([e.target for e in examples], dtype=torch.float32),
            ),
            pairs=(
                _stack(texts, [p.prompt for p in pairs], "prompt"),
                _stack(clips, [p.chosen for p in pairs], "sound"),
                _stack(clips, [p.rejected for p in pairs], "sound"),
                torch.tensor([p.agreement for p in pairs], dtype=torch.float32),
            ),
        )

    @property
    def mean_target(self) -> float:
        """The mean label; 0.5 where there are pairs only, which tell no level."""
        return self.labels[2].mean().item() if len(self.labels[2]) else 0.5

    def seen(self) -> tuple[Tensor, Tensor]:
        """Every text and audio embedding that is trained on, row by row."""
        text, audio, _ = self.labels
        other, chosen, rejected, _ = self.pairs
        texts = [t for t in (text, other, other) if len(t)]
        return torch.cat(texts), torch.cat([a for a in (audio, chosen, rejected) if len(a)])

    def batches(self, size: int, generator: torch.Generator) -> list["_Rows"]:
        """All rows once, in a drawn order; labels and pairs are spread over the same batches."""
        count = max(1, -(-max(len(self.labels[2]), len(self.pairs[3])) // size))
        chunks = []
        for rows in (self.labels, self.pairs):
            order = torch.randperm(len(rows[-1]), generator=generator)
            chunks.append([tuple(t[at] for t in rows) for at in order.tensor_split(count)])
        return [_Rows(*both) for both in zip(*chunks, strict=True)]


def _loss_of(head: RewardHead, rows: _Rows, config: TrainingConfig) -> Tensor:
    text, audio, targets = rows.labels
    other, chosen, rejected, agreement = rows.pairs
    labels = pairs = None
    if len(targets) and config.loss == "bce":
        labels = label_loss(head(text, audio), targets, positive=config.positive)
    elif len(targets):
        labels = squared_loss(head(text, audio), targets)
    if len(agreement):
        pairs = pair_loss(head(other, chosen), head(other, rejected), agreement)
    return mixed_loss(labels, pairs, share=config.pair_share)


def _epoch(run: "_Run", data: _Rows, config: TrainingConfig, *, seed: int) -> float:
    """One pass over the data; the mean loss of its batches."""
    run.head.train()
    losses = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(fork(seed, "dropout"))
        for batch in data.batches(config.batch_size, torch_generator(seed, "order")):
            loss = _loss_of(run.head, batch, config)
            if not torch.isfinite(loss):
                raise StudioError(
                    f"The loss became {loss.item()} in epoch {len(run.history) + 1}; lower the "
                    f"learning rate from {config.learning_rate}."
                )
            run.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            run.optimiser.step()
            losses.append(loss.item())
    return float(np.mean(losses))


@torch.inference_mode()
def _loss(head: RewardHead, rows: _Rows, config: TrainingConfig) -> float:
    return _loss_of(head, rows, config).item()


def _optimiser(head: RewardHead, config: TrainingConfig) -> torch.optim.Optimizer:
    """Adam, with decoupled decay on the MLP's matrices only: scale, shift and biases stay free."""
    matrices = [p for p in head.parameters() if p.ndim > 1]
    others = [p for p in head.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def _stack(vectors: Mapping[str, np.ndarray], keys: list[str], what: str) -> Tensor:
    missing = [key for key in keys if key not in vectors]
    if missing:
        raise StudioError(
            f"{len(missing)} of {len(keys)} {what}s have no embedding, such as {missing[0]}; "
            "embed them first."
        )
    rows = [torch.as_tensor(vectors[key], dtype=torch.float32) for key in keys]
    return torch.stack(rows) if rows else torch.zeros(0, 1)


class _Run:
    """What an unfinished training is: head, optimiser, history and the best epoch so far."""

    def __init__(self, head: nn.Module, optimiser: torch.optim.Optimizer, asked: dict) -> None:
        self.head, self.optimiser = head, optimiser
        self.asked = json.dumps(asked, sort_keys=True)
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self.kept, self.lowest = 0, float("inf")

    def note(self, done: Epoch, *, keeps_best: bool) -> None:
        """Add an epoch; keep its weights if they are the best, or if nothing tells which are."""
        self.history.append(done)
        dev_loss = done.dev_loss if keeps_best else None
        if dev_loss is None or dev_loss < self.lowest:
            self.lowest = self.lowest if dev_loss is None else dev_loss
            self.kept = done.number
            self.best = {k: v.detach().clone() for k, v in self.head.state_dict().items()}

    def save(self, path: Path | None) -> None:
        """Write the state whole or not at all."""
        if path is None:
            return
        part = path.with_suffix(".part")
        held = {"head": self.head.state_dict(), "optimiser": self.optimiser.state_dict()}
        held |= {"best": self.best, "kept": self.kept, "lowest": self.lowest}
        torch.save(held | {"asked": self.asked, "history": [asdict(e) for e in self.history]}, part)
        part.replace(path)

    def resume(self, path: Path | None) -> None:
        """Take up a state, if there is one."""
        if path is None or not path.exists():
            return
        held = torch.load(path, weights_only=True, map_location="cpu")
        if held["asked"] != self.asked:
            raise StudioError(
                f"{path} holds a training with other settings ({held['asked']}); remove it, or "
                "train with those."
            )
        self.head.load_state_dict(held["head"])
        self.optimiser.load_state_dict(held["optimiser"])
        self.history = [Epoch(**e) for e in held["history"]]
        self.best, self.kept, self.lowest = held["best"], held["kept"], held["lowest"]
