"""The loop of CRPO on a tiny model: killed anywhere it ends with the same bytes; nothing is made twice."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.errors import Cancelled, StudioError
from pipelines.finetune.adapter_files import TENSORS, read_card
from pipelines.finetune.adapters import AdapterConfig, is_adapted
from pipelines.finetune.joining import wearing
from pipelines.finetune.pairs import GIVEN, PairRow
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.recipes.crpo import candidates, iteration, loop
from pipelines.recipes.crpo.candidates import drawn_prompts
from pipelines.recipes.crpo.config import TINY, CrpoConfig
from pipelines.recipes.crpo.listening import moments
from pipelines.recipes.crpo.loop import finished, improve
from pipelines.recipes.crpo.sources import GivenSet
from pipelines.records import Prompt
from tests.pipelines.tiny import tiny_pipeline

CONFIG = replace(TINY, plan=replace(TINY.plan, steps=3, learning_rate=1e-2, beta=20.0))
BANK = [
    Prompt(text=f"{one} {other}", seconds=seconds)
    for one in ("a dog barks", "the bird sings", "rain falls", "siren wails")
    for other, seconds in (("and", 3.0), ("then", 4.0))
]
LOG2 = 0.6931471824645996


class Killed(BaseException):
    """As if the process were killed."""


class Loudness:
    """A scorer that hears how loud a sound is."""

    name, revision, trained_on = "loudness", "loudness 1", "nothing"

    def __init__(self) -> None:
        self.heard = 0

    def score(self, clips, sample_rate, texts):
        """Root mean squares."""
        assert len(clips) == len(texts)
        self.heard += len(clips)
        return np.array([np.sqrt(np.square(clip).mean()) for clip in clips], np.float32)


def tiny_backend() -> TangoFluxBackend:
    """A tiny model in float32."""
    return TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.float32
    )


@pytest.fixture(scope="module")
def backend() -> TangoFluxBackend:
    """One for all tests; every run leaves it as it was."""
    return tiny_backend()


def result(root: Path) -> list[bytes]:
    """The adapters of all iterations."""
    return [(folder / TENSORS).read_bytes() for folder in finished(root)]


def log(root: Path, number: int) -> list[dict]:
    """The losses of one iteration."""
    path = root / f"iteration-{number}/training/losses.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(backend, tmp_path_factory) -> Path:
    """Two iterations that nothing disturbed, heard on one prompt."""
    root = tmp_path_factory.mktemp("whole")
    before = {n: v.clone() for n, v in backend.denoiser.state_dict().items()}
    scorer = Loudness()
    made = improve(
        backend, BANK, scorer, CONFIG, root, heard_on=BANK[:1], scorers={"loudness": Loudness()}
    )
    after = backend.denoiser.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not is_adapted(backend.denoiser) and backend.adapter is None
    assert scorer.heard == 2 * 4 * 2  # each candidate once
    assert [info.config.rank for info in made] == [2, 4]
    return root


def test_every_iteration_begins_at_log_2_from_the_policy_before(backend, whole):
    """The reference of the second is the first's policy, of which the candidates are drawn."""
    for number in (1, 2):
        assert log(whole, number)[0]["preference_loss"] == LOG2
    card = read_card(whole / "iteration-2/training/adapter")
    assert card.base == f"base-1+{read_card(whole / 'iteration-1/adapter').hash}"
    assert read_card(whole / "iteration-2/adapter").base == "base-1"
    told = json.loads((whole / "iteration-2/done.json").read_text())
    assert told["first"]["margin"] == 0.0 and told["rewards"]["gap"] > 0
    assert told["rewards"]["winners"] - told["rewards"]["losers"] == pytest.approx(
        told["rewards"]["gap"]
    )


def test_fixed_prompts_are_heard_at_the_start_and_after_each_iteration(whole):
    """From one seed; sounds and scores differ as the model does."""
    heard = moments(whole)
    assert [moment.iteration for moment in heard] == [0, 1, 2]
    assert len({moment.sounds[0]["seed"] for moment in heard}) == 1
    assert len({(whole / moment.sounds[0]["file"]).read_bytes() for moment in heard}) == 3
    assert len({moment.means["loudness"] for moment in heard}) == 3


KILLS = {
    "after a file of candidates": (candidates, "save_file", 2),
    "while the pairs are written": (iteration, "ranked_pairs", 1),
    "before the cache": (iteration, "write_cache", 2),
    "before the second training": (iteration, "optimise", 2),
    "before the adapters are joined": (iteration, "join", 2),
    "before it says done": (iteration, "read_card", 1),
    "before the second is heard": (loop, "listen", 3),
}


@pytest.mark.parametrize("where", KILLS)
def test_killed_in_any_phase_it_ends_with_the_same_bytes(
    backend, whole, tmp_path, monkeypatch, where
):
    """And what was there is not made again."""
    module, name, at = KILLS[where]
    own, calls = getattr(module, name), []

    def dies(*args, **more):
        calls.append(1)
        if len(calls) == at:
            raise Killed
        return own(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dies)
        with pytest.raises(Killed):
            improve(backend, BANK, Loudness(), CONFIG, tmp_path, heard_on=BANK[:1])
    there = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("part-*.safetensors")}
    improve(backend, BANK, Loudness(), CONFIG, tmp_path, heard_on=BANK[:1])
    assert result(tmp_path) == result(whole)
    assert all(path.stat().st_mtime_ns == time for path, time in there.items())


def test_stopped_at_every_asking_it_ends_with_the_same_bytes(backend, whole, tmp_path):
    """Steps of sampling and of training alike; a few are let through each time."""
    stops = 0
    for _ in range(40):
        left = iter(range(4))
        try:
            improve(
                backend, BANK, Loudness(), CONFIG, tmp_path,
                should_stop=lambda left=left: next(left, None) is None,
            )  # fmt: skip
            break
        except Cancelled:
            stops += 1
    assert stops >= 3 and result(tmp_path) == result(whole)


def test_further_iterations_go_on_from_the_last(backend, whole, tmp_path):
    """One, and then a second: the two that were asked for at once."""
    improve(backend, BANK, Loudness(), replace(CONFIG, iterations=1), tmp_path)
    assert result(tmp_path) == result(whole)[:1]
    improve(backend, BANK, Loudness(), CONFIG, tmp_path)
    assert result(tmp_path) == result(whole)


def test_offline_learns_from_the_first_candidates_again(backend, whole, tmp_path):
    """The first iteration is the online one's; the second has no candidates of its own."""
    scorer = Loudness()
    improve(backend, BANK, scorer, replace(CONFIG, online=False), tmp_path)
    assert scorer.heard == 4 * 2 and not (tmp_path / "iteration-2/candidates").exists()
    theirs, ours = result(tmp_path), result(whole)
    parts = [json.loads((r / "iteration-1/pairs.json").read_text()) for r in (tmp_path, whole)]
    assert parts[0] == parts[1] and theirs[0] == ours[0] and theirs[1] != ours[1]
    assert log(tmp_path, 2)[0]["preference_loss"] == LOG2


def test_given_pairs_alone_need_no_candidates_and_mixed_ones_keep_their_share(backend, tmp_path):
    """Static sets: nothing is sampled or scored; at a half, each step holds one of either."""
    rng = np.random.default_rng(0)
    sounds = {f"g{n}": rng.uniform(-0.1, 0.1, (1, 9000)).astype(np.float32) for n in range(6)}
    pairs = [
        PairRow(
            prompt="rain falls", seconds=2.0, chosen=f"g{n}", rejected=f"g{n + 1}", origin=GIVEN
        )
        for n in (0, 2, 4)
    ]
    given, scorer = GivenSet(pairs, sounds.__getitem__), Loudness()
    one = replace(CONFIG, iterations=1)
    improve(backend, BANK, scorer, replace(one, given_share=1.0), tmp_path / "alone", given=given)
    assert scorer.heard == 0 and log(tmp_path / "alone", 1)[0]["preference_loss"] == LOG2
    seen = Counter()
    own = iteration.preference_objective

    def noted(*args, **more):
        objective = own(*args, **more)
        for step in range(3):
            seen.update(row.origin for row in objective.batches.at(step))
        return objective

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(iteration, "preference_objective", noted)
        half = replace(one, given_share=0.5)
        improve(backend, BANK, scorer, half, tmp_path / "half", given=given)
    assert seen == {"ranked": 3, "given": 3}
    with pytest.raises(StudioError, match="none were given"):
        improve(backend, BANK, scorer, half, tmp_path / "none")


def test_groups_and_all_weights_go_through_the_same_loop(backend, tmp_path):
    """The group-relative loss over whole groups; all weights as a change of the base."""
    group = replace(CONFIG, iterations=1, plan=replace(CONFIG.plan, loss="group"))
    improve(backend, BANK, Loudness(), group, tmp_path / "group")
    assert log(tmp_path / "group", 1)[0]["loss"] == pytest.approx(0.0, abs=1e-5)
    full = replace(CONFIG, plan=replace(CONFIG.plan, adapter=None, learning_rate=1e-4, steps=1))
    made = improve(backend, BANK, Loudness(), full, tmp_path / "full")
    assert [info.config for info in made] == [None, None]
    assert log(tmp_path / "full", 2)[0]["preference_loss"] == LOG2
    before = {n: v.clone() for n, v in backend.denoiser.state_dict().items()}
    with wearing(backend, finished(tmp_path / "full")[1]):
        assert not all(torch.equal(v, before[n]) for n, v in backend.denoiser.state_dict().items())
    assert all(torch.equal(v, before[n]) for n, v in backend.denoiser.state_dict().items())


def test_adapters_are_trained_on_the_model_as_it_samples(backend, tmp_path):
    """A sampler in bfloat16: log 2 in its arithmetic too, and neither model is changed."""
    sampler = TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.bfloat16
    )
    models = [one.denoiser for one in (backend, sampler)]
    before = [{n: v.clone() for n, v in one.state_dict().items()} for one in models]
    made = improve(backend, BANK, Loudness(), CONFIG, tmp_path, sampler=sampler)
    for one, kept in zip(models, before, strict=True):
        assert all(torch.equal(value, kept[name]) for name, value in one.state_dict().items())
        assert not is_adapted(one)
    assert [log(tmp_path, number)[0]["preference_loss"] for number in (1, 2)] == [LOG2, LOG2]
    assert [info.dtype for info in made] == ["float16", "float16"]


def test_a_folder_of_another_run_is_refused(backend, whole):
    """Another reward, other prompts, another margin: told by name."""
    other = Loudness()
    other.revision = "loudness 2"
    with pytest.raises(StudioError, match="a CRPO run of another reward; give this run a folder"):
        improve(backend, BANK, other, CONFIG, whole)
    with pytest.raises(StudioError, match="of another config and bank"):
        improve(backend, BANK[1:], Loudness(), replace(CONFIG, margin=0.1), whole)


def test_prompts_are_drawn_afresh_until_all_were_drawn():
    """Eight prompts by threes: none twice in two iterations, none twice in one."""
    drawn = [drawn_prompts(BANK, 3, k, seed=0) for k in (1, 2, 3, 4)]
    assert len({p.id for part in drawn[:2] for p in part}) == 6
    assert all(len({p.id for p in part}) == 3 for part in drawn)
    assert drawn_prompts(list(reversed(BANK)), 3, 2, seed=0) == drawn[1]
    assert drawn_prompts(BANK, 3, 1, seed=1) != drawn[0]
    with pytest.raises(StudioError, match="holds 8 prompts and an iteration draws 9"):
        drawn_prompts(BANK, 9, 1, seed=0)
    with pytest.raises(StudioError, match="a prompt twice"):
        drawn_prompts(BANK + BANK[:1], 3, 1, seed=0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"candidates": 1}, "candidates is 1; it must be 2 to 64"),
        ({"iterations": 0}, "iterations is 0"),
        ({"given_share": 1.5}, "a share from 0 to 1"),
        ({"iterations": 20, "plan": replace(TINY.plan, adapter=AdapterConfig(rank=16))},
         "20 iterations of rank 16 add up to 320; at most 256"),
        ({"given_share": 0.5, "plan": replace(TINY.plan, loss="group")}, "set their share to 0"),
    ],
)  # fmt: skip
def test_a_config_that_cannot_be_is_told(change, told):
    """One sentence each."""
    with pytest.raises(StudioError, match=told):
        CrpoConfig(**change)
