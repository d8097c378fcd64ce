"""The loop of fine-tuning: reward-weighted, resumable at any step, with caches and adapters."""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pipelines.devices import fastest_dtype
from pipelines.errors import Cancelled, StudioError
from pipelines.finetune.adapter_files import AdapterInfo, save_adapter
from pipelines.finetune.adapters import attach, detach
from pipelines.finetune.checkpoints import load_checkpoint, save_checkpoint
from pipelines.finetune.data import Batches, Drawn, Row, check_rows
from pipelines.finetune.latents import Cache
from pipelines.finetune.losses import row_weights, squared_error
from pipelines.finetune.plans import Plan
from pipelines.seeds import fork, torch_generator

if TYPE_CHECKING:
    from pipelines.generate.backend import Backend, ShouldStop

LOG, ADAPTER, WEIGHTS = "losses.jsonl", "adapter", "denoiser.safetensors"
LIBRARIES = ("torch", "diffusers", "peft")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one step did."""

    step: int  # done, from 1
    steps: int  # in all
    epoch: float  # rounds through the data rows
    loss: float  # Eq. 7
    data_loss: float  # its first term: mean of r times error
    pretrain_loss: float | None  # its second, without beta; None where beta is 0
    gradient_norm: float  # before clipping
    learning_rate: float
    seconds: float  # that the step took


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
    """Run the plan, or what is left of it, and give the adapter, or the file of all weights.

    The backend is as before afterwards. A run that was stopped, killed or out of memory goes on
    from its last checkpoint when it is called again, and ends with the same weights to the bit.

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
        StudioError: rows or plan that cannot train, a folder of another run, no memory, a loss
            that is not a number.
    """
    summary = check_rows(rows)
    batches = Batches(rows, plan.mix, seed=plan.seed, uses_pretrain=plan.beta > 0)
    steps = plan.steps_in(batches.steps_per_epoch)
    own = {"plan": plan.identity, "base": backend.revision, "data": summary.digest}
    with trainable(backend.denoiser, plan) as parameters:
        run = _Run(backend, batches, cache, plan, folder, own, steps, parameters)
        for step in range(run.saved, steps):
            if should_stop is not None and should_stop():
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
        return run.result({"rows": asdict(summary), "steps": steps, "versions": versions()})


@dataclass
class _Run:
    """All that a run holds; made from its last checkpoint, or new."""

    backend: "Backend"
    batches: Batches
    cache: Cache
    plan: Plan
    folder: Path
    own: dict[str, Any]  # what may not differ from the checkpoint's
    steps: int
    parameters: dict[str, nn.Parameter]
    saved: int = 0  # step of the last checkpoint

    def __post_init__(self) -> None:
        self.optimiser = torch.optim.AdamW(
            self.parameters.values(),
            lr=self.plan.learning_rate,
            weight_decay=self.plan.weight_decay,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        state = load_checkpoint(self.folder)
        if state is not None:
            self.restore(state)
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
        """A checkpoint after this many steps."""
        state = {
            "own": json.dumps(self.own, sort_keys=True),
            "versions": versions(),
            "tensors": {name: value.detach() for name, value in self.parameters.items()},
            "optimiser": self.optimiser.state_dict(),
        }
        save_checkpoint(self.folder, step, state)
        self.saved = step

    def take(self, step: int) -> Told:
        """One step of the optimiser, told and logged."""
        started = time.monotonic()
        with self.plainly(step):
            terms = self.learn(step)
        told = Told(
            step=step + 1,
            steps=self.steps,
            epoch=(step + 1) / self.batches.steps_per_epoch,
            **terms,
            seconds=time.monotonic() - started,
        )
        with (self.folder / LOG).open("a") as lines:
            lines.write(json.dumps(asdict(told)) + "\n")
        return told

    def learn(self, step: int) -> dict[str, Any]:
        """Gradients of the whole batch, micro-batch by micro-batch, and the optimiser's step."""
        plan, batch = self.plan, self.batches.at(step)
        self.backend.denoiser.train()
        torch.manual_seed(fork(plan.seed, "step", step))  # dropout and the like
        self.optimiser.zero_grad(set_to_none=True)
        terms = self.gradients(step, batch)
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), plan.clip).item()
        loss = sum(terms)
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
        return {
            "loss": loss,
            "data_loss": terms[0],
            "pretrain_loss": terms[1] / plan.beta if plan.beta else None,
            "gradient_norm": norm,
            "learning_rate": rate,
        }

    def gradients(self, step: int, batch: Sequence[Drawn]) -> list[float]:
        """Both terms of Eq. 7, the second with its beta; their gradients are added up."""
        plan, device = self.plan, self.cache.device
        is_pretrain = torch.tensor([each.is_pretrain for each in batch])
        weights = row_weights(torch.tensor([each.weight for each in batch]), is_pretrain, plan.beta)
        rng = torch_generator(plan.seed, "noise", step)
        noise = torch.randn(len(batch), *self.cache.latent_shape, generator=rng)
        sigma = plan.levels.draw(len(batch), rng)
        if plan.data_levels is not None:
            sigma = torch.where(is_pretrain, sigma, plan.data_levels.draw(len(batch), rng))
        terms = torch.zeros(2)
        # A row of weight 0 adds nothing to Eq. 7, so its pass is not made; the mean still counts it.
        for part in weights.nonzero().flatten().split(plan.micro_batch):
            if not len(part):
                break  # every row of this step has weight 0: nothing is learned from it
            picked = [batch[i].row for i in part.tolist()]
            errors = self.errors(picked, noise[part].to(device), sigma[part].to(device))
            weighted = weights[part].to(device) * errors
            weighted.sum().backward()
            terms.index_add_(0, is_pretrain[part].long(), weighted.detach().cpu())
        return terms.tolist()

    def errors(self, rows: Sequence[Row], noise: Tensor, sigma: Tensor) -> Tensor:
        """The squared error of each row at its noise level, [B]; differentiable."""
        backend, device = self.backend, self.cache.device
        latents = self.cache.latents([row.key for row in rows])
        text = self.cache.text_states([(row.caption, row.seconds) for row in rows])
        is_faster = fastest_dtype(device) == torch.bfloat16
        with torch.autocast(device.type, torch.bfloat16, enabled=is_faster):
            made = backend.predict(backend.noised(latents, noise, sigma), sigma, text)
        return squared_error(made, backend.training_target(latents, noise, sigma))

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
        """What the run made, as files."""
        if self.plan.adapter is None:
            return _save_weights(self.parameters, self.folder / WEIGHTS)
        return save_adapter(
            self.backend.denoiser.eval(),
            self.folder / ADAPTER,
            base=self.backend.revision,
            config=self.plan.adapter,
            record={**self.own, **record},
        )


@contextmanager
def trainable(denoiser: nn.Module, plan: Plan) -> Iterator[dict[str, nn.Parameter]]:
    """The parameters to train, by name; afterwards the denoiser is as before, to the byte."""
    if any(p.dtype != torch.float32 for p in denoiser.parameters()):
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


def rate_at(step: int, steps: int, plan: Plan) -> float:
    """The learning rate of a step: linear rise, then level or a cosine fall to 0.

    >>> rate_at(4, 100, Plan(learning_rate=1.0, warmup=10))
    0.5
    """
    if step < plan.warmup:
        return plan.learning_rate * (step + 1) / plan.warmup
    if not plan.falls:
        return plan.learning_rate
    done = (step - plan.warmup) / max(1, steps - plan.warmup)
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


def _save_weights(parameters: dict[str, nn.Parameter], path: Path) -> Path:
    """All weights of the denoiser, in float32, as one file."""
    from safetensors.torch import save_file

    part = path.with_suffix(".part")
    save_file({name: p.detach().cpu().contiguous() for name, p in parameters.items()}, part)
    part.replace(path)
    return path
