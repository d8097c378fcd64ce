"""One resumable training loop for every part of the world: by step, never by the clock."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.errors import StudioError
from pipelines.seeds import fork

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one part is trained."""

    steps: int
    learning_rate: float
    warmup: int = 100  # steps of linear rise; cosine fall to `floor` after them
    floor: float = 0.02  # last learning rate over the highest
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.01
    clip: float = 1.0  # largest gradient norm
    average: float = 0.999  # decay of the weight average that is kept
    save_every: int = 250
    seed: int = 0
    stop_at: int | None = None  # end here, although the schedule is laid out for `steps`

    @property
    def last(self) -> int:
        """The step after which the run is over."""
        return self.steps if self.stop_at is None else self.stop_at


def rate_at(step: int, plan: Plan) -> float:
    """The learning rate of a step: linear warm-up, then a cosine down to the floor.

    >>> rate_at(49, Plan(steps=1000, learning_rate=1.0, warmup=100))
    0.5
    """
    if step < plan.warmup:
        return plan.learning_rate * (step + 1) / plan.warmup
    done = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    fall = 0.5 * (1 + torch.cos(torch.tensor(torch.pi * min(done, 1.0))).item())
    return plan.learning_rate * (plan.floor + (1 - plan.floor) * fall)


def train(
    model: nn.Module,
    loss_of: Callable[[int], dict[str, Tensor]],
    plan: Plan,
    folder: Path,
    *,
    on_save: Callable[[int], None] | None = None,
) -> nn.Module:
    """Run the plan, or what is left of it, and return the model with its averaged weights.

    Args:
        model: what is trained; its trainable parameters are the ones that require grad.
        loss_of: step to named scalar losses; "loss" is minimised, the others are logged. It must
            draw from seeds made of the step, so that a resumed run sees the same batches.
        folder: state.pt (model, average, optimiser, step) and losses.jsonl go there.
        on_save: called with the step after each save, with the averaged weights in the model.

    Raises:
        StudioError: the folder holds a run of another plan, or the loss is not a number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        trainable, lr=plan.learning_rate, betas=plan.betas, weight_decay=plan.weight_decay
    )
    average = [p.detach().clone() for p in trainable]
    first = _resume(folder, plan, model, optimiser, average)
    started, timed_from, sums = time.monotonic(), first, {}
    for step in range(first, plan.last):
        torch.manual_seed(fork(plan.seed, "step", step))  # dropout and the like
        losses = loss_of(step)
        if not torch.isfinite(losses["loss"]):
            raise StudioError(
                f"The loss became {losses['loss'].item()} at step {step}; lower the rate."
            )
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, plan)
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(trainable, plan.clip)
        optimiser.step()
        decay = min(plan.average, (step + 1) / (step + 10))
        torch._foreach_lerp_(average, [p.detach() for p in trainable], 1 - decay)
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value.item()
        if step == timed_from + 4 or (step + 1) % 50 == 0:
            pace = (time.monotonic() - started) / (step + 1 - timed_from)
            left = pace * (plan.last - step - 1)
            log.info("%s step %d of %d, %.2f s a step, %.0f min left: %s", folder.name, step + 1,
                     plan.last, pace, left / 60,
                     {k: round(v.item(), 4) for k, v in losses.items()})  # fmt: skip
        if (step + 1) % 50 == 0:
            with (folder / "losses.jsonl").open("a") as lines:
                row = {"step": step + 1, **{k: v / 50 for k, v in sums.items()}}
                lines.write(json.dumps(row) + "\n")
            sums = {}
        if (step + 1) % plan.save_every == 0 or step + 1 == plan.last:
            _save(folder, plan, step + 1, model, optimiser, average)
            if on_save is not None:
                with averaged(trainable, average):
                    on_save(step + 1)
    for parameter, value in zip(trainable, average, strict=True):
        parameter.data.copy_(value)
    return model.eval()


class averaged:
    """Within the block the parameters hold their running average."""

    def __init__(self, parameters: list[nn.Parameter], average: list[Tensor]) -> None:
        self.parameters, self.average = parameters, average

    def _swap(self) -> None:
        for parameter, value in zip(self.parameters, self.average, strict=True):
            held = parameter.data.clone()
            parameter.data.copy_(value)
            value.copy_(held)

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()


def _save(folder, plan, step, model, optimiser, average) -> None:
    part = folder / "state.part"
    torch.save(
        {
            "plan": json.dumps(asdict(plan)),
            "step": step,
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average,
        },
        part,
    )
    part.replace(folder / "state.pt")


def _resume(folder, plan, model, optimiser, average) -> int:
    if not (folder / "state.pt").exists():
        return 0
    state = torch.load(folder / "state.pt", weights_only=True, map_location="cpu")
    if state["plan"] != json.dumps(asdict(plan)):
        raise StudioError(
            f"{folder} holds a run of another plan ({state['plan']}); remove it, or run that plan."
        )
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    for mine, saved in zip(average, state["average"], strict=True):
        mine.copy_(saved)
    log.info("%s goes on from step %d", folder.name, state["step"])
    return state["step"]


def trained_weights(folder: Path, model: nn.Module) -> nn.Module:
    """The model with the averaged weights of a run, finished or not."""
    state = torch.load(folder / "state.pt", weights_only=True, map_location="cpu")
    model.load_state_dict(state["model"])
    trainable = [p for p in model.parameters() if p.requires_grad]
    for parameter, value in zip(trainable, state["average"], strict=True):
        parameter.data.copy_(value)
    return model.eval()
