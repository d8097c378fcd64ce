"""The loop of fine-tuning: resumable to the bit, right in its gradients, plain in its errors."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.devices import fastest_dtype
from pipelines.errors import Cancelled, StudioError
from pipelines.finetune.adapter_files import TENSORS, load_adapter
from pipelines.finetune.adapters import AdapterConfig, attach, detach, is_adapted
from pipelines.finetune.checkpoints import choose, steps_kept
from pipelines.finetune.data import PRETRAIN, REWARD, Batches, Mix, Row
from pipelines.finetune.latents import Cache, write_cache
from pipelines.finetune.levels import USUAL, NoiseLevels
from pipelines.finetune.losses import row_weights, squared_error
from pipelines.finetune.objectives import RewardWeighted
from pipelines.finetune.plans import Plan, control_of
from pipelines.finetune.training import finetune, rate_at
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.seeds import torch_generator
from tests.pipelines.tiny import tiny_pipeline

PLAN = Plan(
    steps=7,
    mix=Mix(data=4, pretrain=2),
    learning_rate=1e-2,
    adapter=AdapterConfig(rank=2),
    save_every=3,
)
CAPTIONS = ["a dog barks", "the bird sings while rain falls"]
ROWS = [
    Row(
        key=f"{origin}{i}",
        caption=CAPTIONS[i % 2],
        seconds=4.0,
        weight=1.0 if origin == PRETRAIN else [1.0, 0.0, 0.4][i % 3],
        origin=origin,
    )
    for origin in ("human", REWARD, PRETRAIN)
    for i in range(5)
]


class Killed(BaseException):
    """As if the process were killed: nothing of ours catches it."""


@pytest.fixture(scope="module")
def backend() -> TangoFluxBackend:
    """A tiny model in float32; every run leaves it as it was."""
    return TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.float32
    )


@pytest.fixture(scope="module")
def cache(backend, tmp_path_factory) -> Cache:
    """Random latents for all rows."""
    rng = torch.Generator().manual_seed(0)
    path = tmp_path_factory.mktemp("cache") / "cache.safetensors"
    latents = [(row.key, torch.randn(64, 8, generator=rng)) for row in ROWS]
    return write_cache(path, backend, latents, [(text, 4.0) for text in CAPTIONS])


def weights(backend: TangoFluxBackend) -> dict[str, bytes]:
    """Every weight of the denoiser as bytes."""
    return {n: v.numpy().tobytes() for n, v in backend.denoiser.state_dict().items()}


def losses(folder: Path) -> list[dict]:
    """The lines of the log, without what the clock says."""
    lines = [json.loads(line) for line in (folder / "losses.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def whole(backend, cache, tmp_path_factory) -> Path:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    finetune(backend, ROWS, cache, PLAN, folder)
    return folder


@pytest.mark.parametrize("killed_after", [1, 3, 4, 6])
def test_a_killed_run_ends_with_the_same_weights_to_the_bit(
    backend, cache, whole, tmp_path, killed_after
):
    """Before the first checkpoint, at one, between two; and its log has each step once."""

    def kill(told):
        if told.step == killed_after:
            raise Killed

    with pytest.raises(Killed):
        finetune(backend, ROWS, cache, PLAN, tmp_path, on_step=kill)
    assert not is_adapted(backend.denoiser)
    finetune(backend, ROWS, cache, PLAN, tmp_path)
    theirs, ours = (f / "adapter" / TENSORS for f in (tmp_path, whole))
    assert theirs.read_bytes() == ours.read_bytes()
    assert losses(tmp_path) == losses(whole)


def test_the_loop_is_eq_7_written_out(backend, cache, whole):
    """Seven steps of plain AdamW on the whole batch give the very bytes, whatever code carries them."""
    parameters = attach(backend.denoiser, PLAN.adapter, seed=PLAN.seed)
    optimiser = torch.optim.AdamW(parameters.values(), lr=1e-2, weight_decay=0.01)
    batches = Batches(ROWS, PLAN.mix, seed=0, uses_pretrain=True)
    kind = fastest_dtype(torch.device("cpu"))
    for step in range(7):
        batch, rng = batches.at(step), torch_generator(0, "noise", step)
        noise, levels = torch.randn(6, 64, 8, generator=rng), USUAL.draw(6, rng)
        pretrain = torch.tensor([each.is_pretrain for each in batch])
        weights = row_weights(torch.tensor([each.weight for each in batch]), pretrain, 0.5)
        at = weights.nonzero().flatten()
        rows = [batch[i].row for i in at.tolist()]
        latents = cache.latents([row.key for row in rows])
        text = cache.text_states([(row.caption, row.seconds) for row in rows])
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
            noisy = backend.noised(latents, noise[at], levels[at])
            made = backend.predict(noisy, levels[at], text)
        errors = squared_error(made, noise[at] - latents)
        optimiser.zero_grad(set_to_none=True)
        (weights[at] * errors).sum().backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimiser.step()
    ours = load_file(whole / "adapter" / TENSORS)
    try:
        assert all(torch.equal(p.detach().half(), ours[name]) for name, p in parameters.items())
    finally:
        detach(backend.denoiser)


def test_a_half_written_line_and_a_half_written_checkpoint_do_no_harm(
    backend, cache, whole, tmp_path
):
    """What a kill leaves between two writes: part of a line, a .part beside the checkpoints."""

    def kill(told):
        if told.step == 4:
            with (tmp_path / "losses.jsonl").open("a") as lines:
                lines.write('{"step": 5, "lo')
            (tmp_path / "checkpoints" / "step-0000006.part").write_bytes(b"half")
            raise Killed

    with pytest.raises(Killed):
        finetune(backend, ROWS, cache, PLAN, tmp_path, on_step=kill)
    finetune(backend, ROWS, cache, PLAN, tmp_path)
    assert losses(tmp_path) == losses(whole)
    assert (tmp_path / "adapter" / TENSORS).read_bytes() == (
        whole / "adapter" / TENSORS
    ).read_bytes()


def test_a_stopped_run_saves_and_goes_on(backend, cache, whole, tmp_path):
    """Stopped between two steps it loses none of them."""
    done = []
    with pytest.raises(Cancelled):
        finetune(
            backend, ROWS, cache, PLAN, tmp_path,
            on_step=done.append, should_stop=lambda: len(done) == 5,
        )  # fmt: skip
    assert steps_kept(tmp_path)[-1] == 5
    again = []
    finetune(backend, ROWS, cache, PLAN, tmp_path, on_step=again.append)
    assert [told.step for told in again] == [6, 7]
    assert losses(tmp_path) == losses(whole)


def test_it_learns_and_leaves_the_base_as_it_was(backend, cache, tmp_path):
    """24 steps at 1e-2 lower both terms; the base has its bytes, the adapter its own effect."""
    before = weights(backend)
    info = finetune(backend, ROWS, cache, replace(PLAN, steps=24), tmp_path)
    assert weights(backend) == before
    lines = losses(tmp_path)
    for term in ("data_loss", "pretrain_loss"):
        first, last = (sum(line[term] for line in part) for part in (lines[:6], lines[-6:]))
        assert last < 0.9 * first
    assert info.base == "base-1" and info.record["rows"]["human"] == 5
    load_adapter(backend.denoiser, tmp_path / "adapter", base="base-1")
    detach(backend.denoiser)


def test_all_weights_can_be_trained_and_given_back(backend, cache, tmp_path):
    """The result holds them; the backend has its own bytes again."""
    before = weights(backend)
    path = finetune(backend, ROWS, cache, replace(PLAN, adapter=None, steps=2), tmp_path)
    assert path.name == "denoiser.safetensors" and weights(backend) == before
    made = load_file(path)
    assert set(made) == set(before)
    assert sum(made[name].numpy().tobytes() != before[name] for name in before) > len(before) / 2


def test_micro_batches_change_no_gradient(backend, cache, whole, tmp_path):
    """One row at a time gives the gradient of the batch; the reference gives the last row's."""
    finetune(backend, ROWS, cache, replace(PLAN, micro_batch=1, steps=1), tmp_path)
    one, all_rows = losses(tmp_path)[0], losses(whole)[0]
    for key in ("loss", "data_loss", "pretrain_loss", "gradient_norm"):
        assert one[key] == pytest.approx(all_rows[key], rel=0.02)  # bfloat16 where it is faster


def test_the_log_tells_both_terms_of_eq_7(whole):
    """loss = data + beta pretrain, on every line."""
    for line in losses(whole):
        assert line["loss"] == pytest.approx(line["data_loss"] + 0.5 * line["pretrain_loss"])
    assert [line["step"] for line in losses(whole)] == list(range(1, 8))
    assert losses(whole)[4]["epoch"] == pytest.approx(5 / 3)


def test_rows_of_weight_zero_are_not_computed_but_counted(backend, cache, tmp_path, monkeypatch):
    """With one of four rewards at 1 the first term is a quarter of that row's error."""
    seen = []
    own = TangoFluxBackend.predict
    monkeypatch.setattr(
        TangoFluxBackend, "predict",
        lambda self, noisy, s, t: seen.append(len(noisy)) or own(self, noisy, s, t),
    )  # fmt: skip
    rows = [replace(row, weight=float(i == 0)) for i, row in enumerate(ROWS[:4])]
    plan = replace(PLAN, beta=0.0, steps=1)
    finetune(backend, rows, cache, plan, tmp_path / "one of four")
    alone = replace(plan, mix=Mix(data=1))
    finetune(backend, rows[:1], cache, alone, tmp_path / "alone")
    assert seen == [1, 1]
    assert losses(tmp_path / "one of four")[0]["pretrain_loss"] is None
    assert 0 < losses(tmp_path / "one of four")[0]["data_loss"]


def test_a_step_of_nothing_but_weight_zero_learns_nothing(backend, cache, tmp_path):
    """One of two rows counts, one row a step: the loss is 0 at every other, and the run goes on."""
    rows = [replace(row, weight=float(i == 0)) for i, row in enumerate(ROWS[:2])]
    plan = replace(PLAN, beta=0.0, steps=4, mix=Mix(data=1))
    finetune(backend, rows, cache, plan, tmp_path / "run")
    found = [line["loss"] for line in losses(tmp_path / "run")]
    assert sum(loss == 0 for loss in found) == 2 and all(loss >= 0 for loss in found)


def test_data_rows_can_see_noise_levels_of_their_own(backend, cache, tmp_path, monkeypatch):
    """High ones for them, and for the rows of D_pretrain the very levels of before."""
    seen: dict[str, torch.Tensor] = {}

    def errors(self, rows, noise, sigma):
        seen["together" if self.plan.data_levels is None else "apart"] = sigma
        trained = [p for p in self.backend.denoiser.parameters() if p.requires_grad]
        return sum(p.sum() for p in trained).expand(len(rows))

    monkeypatch.setattr(RewardWeighted, "errors", errors)
    rows = [replace(row, weight=1.0) for row in ROWS]  # so that every row is passed on
    one = replace(PLAN, steps=1, mix=Mix(data=30, pretrain=20), micro_batch=50)
    apart = replace(one, data_levels=NoiseLevels(high_share=1.0, high_from=0.9))
    for name, plan in (("together", one), ("apart", apart)):
        finetune(backend, rows, cache, plan, tmp_path / name)
    assert seen["apart"][:30].min() >= 0.9 > seen["together"][:30].median()
    assert torch.equal(seen["apart"][30:], seen["together"][30:])


def test_the_control_is_a_plan_and_needs_no_labels_to_differ(backend, cache, whole, tmp_path):
    """The same code, the same second term at the first step, other rows in the first."""
    finetune(backend, ROWS, cache, control_of(replace(PLAN, steps=1)), tmp_path)
    one, other = losses(tmp_path)[0], losses(whole)[0]
    assert one["data_loss"] != other["data_loss"]
    assert one["pretrain_loss"] == pytest.approx(other["pretrain_loss"], rel=0.02)


def test_the_last_two_checkpoints_and_the_chosen_one_are_kept(backend, cache, tmp_path):
    """Saved at 2, 4, 6, 8 and 9; 2 is chosen when it is there."""

    def pick(told):
        if told.step == 2:
            choose(tmp_path, 2)

    plan = replace(PLAN, steps=9, save_every=2)
    finetune(backend, ROWS, cache, plan, tmp_path, on_step=pick)
    assert steps_kept(tmp_path) == [2, 8, 9]
    with pytest.raises(StudioError, match="Step 5 has no checkpoint; there are 2, 8, 9"):
        choose(tmp_path, 5)


def test_samples_are_asked_for_at_intervals_with_the_adapter_worn(backend, cache, whole, tmp_path):
    """Every third step and the last; sampling disturbs nothing."""
    asked = []

    def listen(step):
        asked.append((step, is_adapted(backend.denoiser), backend.denoiser.training))
        torch.randn(100)

    finetune(backend, ROWS, cache, PLAN, tmp_path, on_sample=listen, sample_every=3)
    assert asked == [(3, True, False), (6, True, False), (7, True, False)]
    assert losses(tmp_path) == losses(whole)


def test_a_loss_that_is_no_number_ends_with_a_sentence_and_keeps_the_checkpoint(
    backend, cache, tmp_path, monkeypatch
):
    """Not a number at step 5: the step is not taken and step 3 is there to go on from."""
    calls = []
    own = TangoFluxBackend.training_target

    def target(self, latents, noise, sigma):
        calls.append(1)
        return own(self, latents, noise, sigma) * (float("nan") if len(calls) == 5 else 1)

    monkeypatch.setattr(TangoFluxBackend, "training_target", target)
    with pytest.raises(StudioError, match="nan .* at step 5, .* checkpoint of step 3 is kept"):
        finetune(backend, ROWS, cache, PLAN, tmp_path)
    assert steps_kept(tmp_path) == [3]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_no_memory_ends_with_a_sentence_and_goes_on_with_smaller_parts(
    backend, cache, tmp_path, monkeypatch, error
):
    """The same folder takes a smaller micro_batch; another fault stays a fault."""

    def predict(self, *_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(TangoFluxBackend, "predict", predict)
        with pytest.raises(StudioError, match="Memory ran out at step 1 with 32 rows at once"):
            finetune(backend, ROWS, cache, replace(PLAN, steps=2), tmp_path)
    finetune(backend, ROWS, cache, replace(PLAN, steps=2, micro_batch=2), tmp_path)


def test_other_faults_are_not_taken_for_memory(backend, cache, tmp_path, monkeypatch):
    """A wrong shape is our bug and is not told as something else."""

    def predict(self, *_):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(TangoFluxBackend, "predict", predict)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        finetune(backend, ROWS, cache, PLAN, tmp_path)


@pytest.mark.parametrize(
    "other", [{"beta": 0.25}, {"seed": 1}, {"adapter": AdapterConfig(rank=3)}, {"steps": 8}]
)
def test_a_folder_belongs_to_one_run(backend, cache, whole, other):
    """Another plan is refused and changes nothing there."""
    kept = steps_kept(whole)
    with pytest.raises(StudioError, match="a run of another plan, model or data"):
        finetune(backend, ROWS, cache, replace(PLAN, **other), whole)
    assert steps_kept(whole) == kept


def test_other_rows_are_refused_too(backend, cache, whole):
    """One weight changed is another run."""
    with pytest.raises(StudioError, match="a run of another plan, model or data"):
        finetune(backend, [replace(ROWS[0], weight=0.5), *ROWS[1:]], cache, PLAN, whole)


def test_a_model_in_half_precision_is_refused(cache, tmp_path):
    """Small steps would be rounded away."""
    half = TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.bfloat16
    )
    with pytest.raises(StudioError, match="load it with dtype float32"):
        finetune(half, ROWS, cache, PLAN, tmp_path)


def test_the_rate_rises_then_stays_or_falls():
    """Warm-up of 10 to 1; level, or a cosine that is at half in the middle of what is left."""
    plan = Plan(learning_rate=1.0, warmup=10)
    assert [rate_at(s, 110, plan) for s in (0, 9, 50, 109)] == [0.1, 1.0, 1.0, 1.0]
    assert rate_at(60, 110, replace(plan, falls=True)) == pytest.approx(0.5, abs=1e-6)
