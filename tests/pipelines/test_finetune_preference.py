"""Preference optimisation through the loop: log 2 at the start, right sums, one adapter of several."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import TENSORS, load_adapter, read_card
from pipelines.finetune.adapters import AdapterConfig
from pipelines.finetune.joining import join, joined, wearing
from pipelines.finetune.latents import Cache, write_cache
from pipelines.finetune.levels import USUAL, NoiseLevels
from pipelines.finetune.objectives_preference import preference_objective, said_in
from pipelines.finetune.pairs import GroupRow, PairRow
from pipelines.finetune.preference_plans import PreferencePlan
from pipelines.finetune.training import optimise
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.seeds import torch_generator
from tests.pipelines.tiny import tiny_pipeline

PROMPTS = ["a dog barks", "the bird sings while rain falls"]
PLAN = PreferencePlan(
    steps=5, pairs=4, learning_rate=1e-2, warmup=0, adapter=AdapterConfig(rank=2), save_every=2,
    beta=20.0,
)  # fmt: skip
LOG2 = 0.6931471824645996  # as float32


class Killed(BaseException):
    """As if the process were killed."""


ROWS = [
    PairRow(prompt=PROMPTS[n % 2], seconds=4.0, chosen=f"{n}w", rejected=f"{n}l") for n in range(6)
]
GROUPS = [
    GroupRow(prompt=PROMPTS[n % 2], seconds=4.0, keys=(f"{n}w", f"{n}l", f"{5 - n}l"),
             rewards=(0.9, 0.1, 0.4))
    for n in range(3)
]  # fmt: skip


@pytest.fixture(scope="module")
def backend() -> TangoFluxBackend:
    """A tiny model in float32; every run leaves it as it was."""
    return TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.float32
    )


@pytest.fixture(scope="module")
def cache(backend, tmp_path_factory) -> Cache:
    """Random latents."""
    rng = torch.Generator().manual_seed(0)
    keys = [key for row in ROWS for key in (row.chosen, row.rejected)]
    latents = [(key, torch.randn(64, 8, generator=rng)) for key in keys]
    path = tmp_path_factory.mktemp("cache") / "cache.safetensors"
    return write_cache(path, backend, latents, [(text, 4.0) for text in PROMPTS])


def run(backend, cache, folder: Path, plan=PLAN, rows=ROWS, **more):
    """One training."""
    return optimise(backend, preference_objective(backend, rows, cache, plan), plan, folder, **more)


def lines(folder: Path) -> list[dict]:
    """The log, without what the clock says."""
    told = [json.loads(line) for line in (folder / "losses.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in told]


@pytest.fixture(scope="module")
def whole(backend, cache, tmp_path_factory) -> Path:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    run(backend, cache, folder)
    return folder


def test_the_first_step_finds_policy_and_reference_alike(whole):
    """log 2 to the bit, a margin of 0, and both errors the reference's."""
    first = lines(whole)[0]
    assert first["preference_loss"] == LOG2 and first["margin"] == 0.0
    assert first["winning_loss"] == first["reference_winning_loss"]
    assert first["loss"] == pytest.approx(first["preference_loss"] + first["winning_loss"])


def test_it_learns_to_prefer(backend, cache, tmp_path):
    """One pair, eight steps, little noise: it is ranked right; the base keeps its bytes."""
    before = {n: v.clone() for n, v in backend.denoiser.state_dict().items()}
    one = replace(
        PLAN, steps=8, pairs=2, learning_rate=3e-3, beta=50.0, levels=NoiseLevels(shift=-1.0)
    )
    run(backend, cache, tmp_path, one, ROWS[:1])
    last = lines(tmp_path)[-4:]
    assert all(line["accuracy"] == 1.0 and line["margin"] > 0 for line in last)
    assert sum(line["preference_loss"] for line in last) / 4 < 0.8 * LOG2
    after = backend.denoiser.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_the_gradient_is_that_of_the_whole_batch_whatever_the_parts(
    backend, cache, whole, tmp_path
):
    """Pair by pair, against all four at once; the published accumulation keeps the last part's only."""
    run(backend, cache, tmp_path, replace(PLAN, steps=2, micro_batch=1))
    for one, all_rows in zip(lines(tmp_path), lines(whole), strict=False):
        assert one.keys() == all_rows.keys()
        for name in ("loss", "winning_loss", "losing_loss", "gradient_norm"):
            assert one[name] == pytest.approx(all_rows[name], rel=0.03)  # bfloat16 where faster


def test_some_winners_are_shown_alone_and_without_their_prompts(
    backend, cache, tmp_path, monkeypatch
):
    """Half of four: two pairs, then two winners whose errors count with the same weight; 3 + 1 by parts."""
    plan = replace(
        PLAN, steps=1, anchor=2.0, unprompted=0.5, unprompted_levels=NoiseLevels(shift=9.0)
    )
    held = {key: cache.latents([key])[0] for key in cache.keys}
    kept = write_cache(tmp_path / "c", backend, held.items(), said_in(ROWS, plan))
    asked, levels = [], []
    own_states, own_predict = Cache.text_states, TangoFluxBackend.predict
    monkeypatch.setattr(
        Cache, "text_states", lambda self, said: asked.append(said) or own_states(self, said)
    )

    def predict(self, noisy, sigma, text):
        levels.append(sigma.tolist())
        return own_predict(self, noisy, sigma, text)

    monkeypatch.setattr(TangoFluxBackend, "predict", predict)
    run(backend, kept, tmp_path / "run", plan)
    pairs, alone = asked
    assert [text for text, _ in alone] == ["", ""] and len(pairs) == 4 and min(levels[-1]) > 0.9
    told = lines(tmp_path / "run")[0]
    assert told["preference_loss"] == pytest.approx(LOG2)
    terms = told["preference_loss"] + 2 * told["winning_loss"] + 2 * told["unprompted_loss"]
    assert told["loss"] == pytest.approx(terms / 2)
    run(backend, kept, tmp_path / "parts", replace(plan, micro_batch=1))
    again = lines(tmp_path / "parts")[0]
    assert again["loss"] == pytest.approx(told["loss"], rel=0.03)
    assert again["gradient_norm"] == pytest.approx(told["gradient_norm"], rel=0.03)
    run(backend, cache, tmp_path / "dpo", replace(plan, loss="dpo"))
    assert "unprompted_loss" not in lines(tmp_path / "dpo")[0]


def test_winner_and_loser_share_noise_and_level(backend, cache, monkeypatch):
    """What the denoiser sees of both differs only by the sounds; levels are logit-normal draws."""
    seen = []
    own = TangoFluxBackend.predict

    def predict(self, noisy, sigma, text):
        seen.append((noisy.clone(), sigma.clone()))
        return own(self, noisy, sigma, text)

    monkeypatch.setattr(TangoFluxBackend, "predict", predict)
    plan = replace(PLAN, steps=1, adapter=None)
    objective = preference_objective(backend, ROWS, cache, plan)
    backend.denoiser.requires_grad_(True)
    objective.gradients(3)
    backend.denoiser.requires_grad_(False).zero_grad(set_to_none=True)
    (noisy, sigma), (again, _) = seen
    assert torch.equal(noisy, again) and torch.equal(sigma[:4], sigma[4:])
    rng = torch_generator(0, "noise", 3)
    noise = torch.randn(4, 64, 8, generator=rng)
    assert torch.equal(sigma[:4], USUAL.draw(4, rng))
    batch = objective.batches.at(3)
    for place, keys in ((0, [r.chosen for r in batch]), (4, [r.rejected for r in batch])):
        clean = cache.latents(keys)
        at = sigma[:4, None, None]
        torch.testing.assert_close(noisy[place : place + 4], (1 - at) * clean + at * noise)


@pytest.mark.parametrize("killed_after", [1, 2, 4])
def test_a_killed_run_ends_with_the_same_bytes(backend, cache, whole, tmp_path, killed_after):
    """Before the first checkpoint, at one, after the last."""

    def kill(told):
        if told.step == killed_after:
            raise Killed

    with pytest.raises(Killed):
        run(backend, cache, tmp_path, on_step=kill)
    run(backend, cache, tmp_path)
    assert lines(tmp_path) == lines(whole)
    theirs, ours = (f / "adapter" / TENSORS for f in (tmp_path, whole))
    assert theirs.read_bytes() == ours.read_bytes()


def test_without_the_winners_loss_it_is_dpo(backend, cache, whole, tmp_path):
    """The same start, but the loss is the preference alone."""
    run(backend, cache, tmp_path, replace(PLAN, loss="dpo", steps=1))
    [line] = lines(tmp_path)
    assert line["loss"] == line["preference_loss"] == LOG2
    assert line["winning_loss"] == lines(whole)[0]["winning_loss"]


def test_groups_learn_by_their_rewards(backend, cache, tmp_path):
    """At first every ratio is 1 and the advantages of a group add up to 0; then the winner gains."""
    plan = replace(PLAN, loss="group", pairs=3, steps=8, learning_rate=3e-3)
    run(backend, cache, tmp_path, plan, GROUPS)
    told = lines(tmp_path)
    assert told[0]["loss"] == pytest.approx(0.0, abs=1e-6)
    gain = [
        (line["reference_winning_loss"] - line["winning_loss"])
        - (line["reference_losing_loss"] - line["losing_loss"])
        for line in told
    ]
    assert gain[0] == pytest.approx(0.0, abs=1e-6) and sum(gain[-4:]) > 0
    with pytest.raises(StudioError, match="The loss crpo learns from pairs"):
        preference_objective(backend, GROUPS, cache, PLAN)


def test_all_weights_can_be_trained_against_a_frozen_copy(backend, cache, tmp_path):
    """log 2 at first, then it moves; the copy is the policy at the start."""
    plan = replace(PLAN, adapter=None, steps=2, learning_rate=1e-3)
    path = run(backend, cache, tmp_path, plan)
    told = lines(tmp_path)
    assert path.name == "denoiser.safetensors" and told[0]["preference_loss"] == LOG2
    assert told[1]["margin"] != 0.0


def test_every_iteration_starts_at_log_2_and_all_are_one_adapter(backend, cache, whole, tmp_path):
    """Second iteration on the first merged in; both joined change the base by their exact sum."""
    first = join([whole / "adapter"], tmp_path / "one", base="base-1")
    before = {n: v.clone() for n, v in backend.denoiser.state_dict().items()}
    with wearing(backend, tmp_path / "one") as worn:
        assert worn == first.hash
        policy = {n: v.clone() for n, v in backend.denoiser.state_dict().items()}
        run(backend, cache, tmp_path / "second", base=f"base-1+{worn}")
    assert lines(tmp_path / "second")[0]["preference_loss"] == LOG2
    assert lines(tmp_path / "second")[0]["winning_loss"] != lines(whole)[0]["winning_loss"]
    after = backend.denoiser.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert any(not torch.equal(policy[name], before[name]) for name in before)

    both = join([tmp_path / "one", tmp_path / "second/adapter"], tmp_path / "two", base="base-1")
    assert both.config.rank == 4 and both.record["joined"] == [
        first.hash,
        read_card(tmp_path / "second/adapter").hash,
    ]
    with wearing(backend, tmp_path / "two"):
        together = {n: v.clone() for n, v in backend.denoiser.state_dict().items()}
    parts = [load_file(tmp_path / place / TENSORS) for place in ("one", "second/adapter")]
    for name in parts[0]:
        if name.endswith("lora_A"):
            layer = name.removesuffix(".lora_A")
            change = sum(part[f"{layer}.lora_B"].double() @ part[name].double() for part in parts)
            moved = together[f"{layer}.weight"].double() - before[f"{layer}.weight"].double()
            torch.testing.assert_close(moved, change, rtol=0, atol=2e-6)
    with pytest.raises(StudioError, match=r"was trained on the base base-1\+"):
        load_adapter(backend.denoiser, tmp_path / "second/adapter", base="base-1")


def test_joining_worked_by_hand():
    """(scale 2 / rank 1) [1; 2] [3 4] + [1; 0] [0 1] = [[6, 9], [12, 16]]."""
    one = {"l.lora_A": torch.tensor([[3.0, 4.0]]), "l.lora_B": torch.tensor([[1.0], [2.0]])}
    two = {"l.lora_A": torch.tensor([[0.0, 1.0]]), "l.lora_B": torch.tensor([[1.0], [0.0]])}
    made, config = joined([(one, AdapterConfig(rank=1, scale=2.0)), (two, AdapterConfig(rank=1))])
    assert (made["l.lora_B"] @ made["l.lora_A"]).tolist() == [[6.0, 9.0], [12.0, 16.0]]
    assert config.rank == 2 and config.alpha == 2.0
    with pytest.raises(StudioError, match="different layers"):
        joined(
            [(one, AdapterConfig(rank=1)), ({"m.lora_A": one["l.lora_A"]}, AdapterConfig(rank=1))]
        )
    with pytest.raises(StudioError, match="have rank 300; at most 256"):
        joined([(one, AdapterConfig(rank=150)), (two, AdapterConfig(rank=150))])
