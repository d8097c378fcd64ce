"""The loop of fine-tuning, whatever a step learns from: resumable at any step, to the bit."""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from pipelines.crew import ALONE, Crew
from pipelines.errors import Cancelled, StudioError
from pipelines.finetune.adapter_files import AdapterInfo, read_card, save_adapter
from pipelines.finetune.adapters import attach, detach
from pipelines.finetune.checkpoints import load_checkpoint, save_checkpoint
from pipelines.finetune.data import Row
from pipelines.finetune.latents import Cache
from pipelines.finetune.objectives import Objective, RewardWeighted, Schedule, Terms
from pipelines.finetune.plans import Plan
from pipelines.seeds import fork

if TYPE_CHECKING:
    from pipelines.generate.backend import Backend, ShouldStop

LOG, ADAPTER, WEIGHTS = "losses.jsonl", "adapter", "denoiser.safetensors"
LIBRARIES = ("torch", "diffusers", "peft")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one step did."""

    step: int  # done, from 1
    steps: int  # in all
    epoch: float  # rounds through the rows
    terms: Terms  # by name, "loss" first: what the objective calls its parts
    gradient_norm: float  # before clipping
    learning_rate: float
    seconds: float  # that the step took

    @property
    def loss(self) -> float:
        """What was minimised."""
        return self.terms["loss"]

    @property
    def line(self) -> dict[str, float | None]:
        """As the log has it: one level of names."""
        fields = vars(self)
        return {
            name: value
            for key, kept in fields.items()
            for name, value in (kept.items() if key == "terms" else [(key, kept)])
        }


def finetune(
    backend: "Backend",
    rows: Sequence[Row],
    cache: Cache,
    plan: Plan,
    folder: Path,
    *,
    on_step: Callable[[Told], None] | None = None,
    on_sample: Callable[[int], None] | None = None,
    sample_every: int | None = None,
    should_stop: "ShouldStop | None" = None,
) -> AdapterInfo | Path:
    """Run a reward-weighted plan, or what is left of it; see `optimise`.

    Args:
        backend: loaded in float32; arithmetic is bfloat16 where that is faster.
        rows: of D_data and D_pretrain.
        cache: holds the latents of all rows and their captions.
        plan: what to do.
        folder: checkpoints, losses.jsonl and the result go there.
        on_step: told of each step.
        on_sample: called with the step, the adapter worn, every `sample_every` steps and at the end.
        sample_every: None: never.
        should_stop: asked before each step; True saves, then raises Cancelled.

    Raises:
        StudioError: rows or plan that cannot train, or what `optimise` raises.
    """
    return optimise(
        backend,
        RewardWeighted(backend, rows, cache, plan),
        plan,
        folder,
        on_step=on_step,
        on_sample=on_sample,
        sample_every=sample_every,
        should_stop=should_stop,
    )


def optimise(
    backend: "Backend",
    objective: Objective,
    plan: Schedule,
    folder: Path,
    *,
    base: str | None = None,
    crew: Crew = ALONE,
    on_step: Callable[[Told], None] | None = None,
    on_sample: Callable[[int], None] | None = None,
    sample_every: int | None = None,
    should_stop: "ShouldStop | None" = None,
) -> AdapterInfo | Path:
    """Run the plan, or what is left of it, and give the adapter, or the file of all weights.

    The backend is as before afterwards. A run that was stopped, killed or out of memory goes on
    from its last checkpoint when it is called again, and ends with the same weights to the bit.

    Args:
        backend: loaded in float32; arithmetic is bfloat16 where that is faster.
        objective: what a step learns from, on this very backend.
        plan: how the optimiser goes about it.
        folder: checkpoints, losses.jsonl and the result go there; all processes see the same.
        base: what the adapter belongs to, where the denoiser is no longer the backend's own.
        crew: the processes that train together, each with the same objective.
        on_step: told of each step.
        on_sample: called with the step, the adapter worn, every `sample_every` steps and at the end.
        sample_every: None: never.
        should_stop: asked before each step; True saves, then raises Cancelled.

    Raises:
        StudioError: a plan that cannot train, a folder of another run, no memory, a loss that is
            not a number.
    """
    steps = plan.steps_in(objective.steps_per_epoch)
    own = {
        "plan": plan.identity,
        "base": base or backend.revision,
        "data": objective.digest,
    }
    with trainable(backend.denoiser, plan) as parameters:
        run = _Run(backend, objective, plan, folder, own, steps, parameters, crew)
        for step in range(run.saved, steps):
            if crew.agreed(should_stop is not None and should_stop()):
                run.save(step)
                raise Cancelled
            told = run.take(step)
            if (step + 1) % plan.save_every == 0 or step + 1 == steps:
                run.save(step + 1)
            if on_step is not None:
                on_step(told)
            is_wanted = sample_every and ((step + 1) % sample_every == 0 or step + 1 == steps)
            if on_sample is not None and is_wanted:
                backend.denoiser.eval()
                with torch.no_grad():
                    on_sample(step + 1)
        return run.result({**objective.counts, "steps": steps, "versions": versions()})


@dataclass
class _Run:
    """All that a run holds; made from its last checkpoint, or new."""

    backend: "Backend"
    objective: Objective
    plan: Schedule
    folder: Path
    own: dict[str, Any]  # what may not differ from the checkpoint's
    steps: int
    parameters: dict[str, nn.Parameter]
    crew: Crew = ALONE
    saved: int = 0  # step of the last checkpoint

    def __post_init__(self) -> None:
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(),
            lr=self.plan.learning_rate,
            betas=self.plan.betas,
            weight_decay=self.plan.weight_decay,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        state = load_checkpoint(self.folder)
        if state is not None:
            self.restore(state)
        self.crew.wait()  # all have read the same checkpoint before the next is written
        if self.crew.rank == 0:
            cut_log(self.folder / LOG, self.saved)

    def restore(self, state: dict[str, Any]) -> None:
        """Be as after the step of this checkpoint."""
        if state["own"] != json.dumps(self.own, sort_keys=True):
            raise StudioError(
                f"{self.folder.name} holds a run of another plan, model or data; give this run a "
                "folder of its own."
            )
        for name, parameter in self.parameters.items():
            parameter.data.copy_(state["tensors"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.saved = state["step"]

    def save(self, step: int) -> None:
        """A checkpoint after this many steps, written by the first of the crew."""
        self.saved = step
        if self.crew.rank:
            return
        state = {
            "own": json.dumps(self.own, sort_keys=True),
            "versions": versions(),
            "tensors": {name: value.detach() for name, value in self.parameters.items()},
            "optimiser": self.optimiser.state_dict(),
        }
        save_checkpoint(self.folder, step, state)

    def take(self, step: int) -> Told:
        """One step of the optimiser, told and logged."""
        started = time.monotonic()
        with self.plainly(step):
            terms = self.learn(step)
        told = Told(
            step=step + 1,
            steps=self.steps,
            epoch=(step + 1) / self.objective.steps_per_epoch,
            **terms,
            seconds=time.monotonic() - started,
        )
        if self.crew.rank == 0:
            with (self.folder / LOG).open("a") as lines:
                lines.write(json.dumps(told.line) + "\n")
        return told

    def learn(self, step: int) -> dict[str, Any]:
        """Gradients of the whole batch, summed over the crew, and the optimiser's step."""
        plan = self.plan
        self.backend.denoiser.train()
        torch.manual_seed(fork(plan.seed, "step", step))  # dropout and the like
        self.optimiser.zero_grad(set_to_none=True)
        terms = self.objective.gradients(step)
        self.add_up()
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), plan.clip).item()
        loss = terms["loss"]
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise StudioError(
                f"The loss became {loss} and its gradient {norm} at step {step + 1}, which was not "
                f"taken; the checkpoint of step {self.saved} is kept. Lower the learning rate, "
                f"which is {plan.learning_rate}."
            )
        rate = rate_at(step, self.steps, plan)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        return {"terms": terms, "gradient_norm": norm, "learning_rate": rate}

    def add_up(self) -> None:
        """Give every process the gradients of all; one without a share of the batch had none."""
        is_learnt = any(parameter.grad is not None for parameter in self.parameters.values())
        if self.crew.size == 1 or not self.crew.agreed(is_learnt):
            return
        for parameter in self.parameters.values():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self.crew.add_up([parameter.grad for parameter in self.parameters.values()])

    @contextmanager
    def plainly(self, step: int) -> Iterator[None]:
        """Within the block an end of memory becomes a sentence that says what to do."""
        try:
            yield
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            is_memory = isinstance(error, (torch.OutOfMemoryError, MemoryError))
            if not is_memory and "can't allocate memory" not in str(error):
                raise
            raise StudioError(
                f"Memory ran out at step {step + 1} with {self.plan.micro_batch} rows at once; the "
                f"checkpoint of step {self.saved} is kept. Lower micro_batch or close other "
                "programs, and go on."
            ) from error

    def result(self, record: dict[str, Any]) -> AdapterInfo | Path:
        """What the run made, as files; the first of the crew writes them, all read them."""
        if self.crew.rank == 0:
            self.write(record)
        self.crew.wait()
        if self.plan.adapter is None:
            return self.folder / WEIGHTS
        return read_card(self.folder / ADAPTER)

    def write(self, record: dict[str, Any]) -> None:
        """The adapter, or all weights."""
        if self.plan.adapter is None:
            _save_weights(self.parameters, self.folder / WEIGHTS)
            return
        save_adapter(
            self.backend.denoiser.eval(),
            self.folder / ADAPTER,
            base=self.own["base"],
            config=self.plan.adapter,
            record={**self.own, **record},
        )


@contextmanager
def trainable(denoiser: nn.Module, plan: Schedule) -> Iterator[dict[str, nn.Parameter]]:
    """The parameters to train, by name; afterwards the denoiser is as before, to the byte."""
    is_exact = plan.adapter is None or plan.needs_float32
    if is_exact and any(p.dtype != torch.float32 for p in denoiser.parameters()):
        raise StudioError(
            "Fine-tuning needs the model in float32, which it computes with in bfloat16 where that "
            "is faster; load it with dtype float32."
        )
    if plan.adapter is not None:
        parameters = attach(denoiser, plan.adapter, seed=plan.seed)
        try:
            yield parameters
        finally:
            detach(denoiser.eval())
        return
    parameters = dict(denoiser.named_parameters())
    before = {name: p.detach().cpu().clone() for name, p in parameters.items()}
    denoiser.requires_grad_(True)
    try:
        yield parameters
    finally:
        for name, parameter in parameters.items():
            parameter.data.copy_(before[name])
            parameter.grad = None
        denoiser.eval()


def rate_at(step: int, steps: int, plan: Schedule) -> float:
    """The learning rate of a step: linear rise, then level, or a fall to 0 by a cosine or a line.

    >>> rate_at(4, 100, Plan(learning_rate=1.0, warmup=10))
    0.5
    """
    if step < plan.warmup:
        return plan.learning_rate * (step + 1) / plan.warmup
    if not plan.falls:
        return plan.learning_rate
    done = (step - plan.warmup) / max(1, steps - plan.warmup)
    if plan.is_straight:
        return plan.learning_rate * (1 - done)
    return plan.learning_rate * 0.5 * (1 + torch.cos(torch.tensor(torch.pi * done)).item())


def versions() -> dict[str, str]:
    """What computed the run."""
    return {name: version(name) for name in LIBRARIES}


def cut_log(log: Path, step: int) -> None:
    """Keep the lines of the steps before; those of steps that will be done again go."""
    if log.exists():
        part = log.with_suffix(".part")
        part.write_text("".join(f"{line}\n" for line in log.read_text().splitlines()[:step]))
        part.replace(log)


def _save_weights(parameters: dict[str, nn.Parameter], path: Path) -> None:
    """All weights of the denoiser, in float32, as one file."""
    from safetensors.torch import save_file

    part = path.with_suffix(".part")
    save_file({name: p.detach().cpu().contiguous() for name, p in parameters.items()}, part)
    part.replace(path)
