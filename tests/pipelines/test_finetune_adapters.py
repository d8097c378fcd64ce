"""Adapters: on, off, merged, saved and loaded, without a byte of the base changed."""

import json

import pytest
import torch

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import CARD, TENSORS, load_adapter, read_card, save_adapter
from pipelines.finetune.adapters import (
    ATTENTION,
    AdapterConfig,
    adapter_parameters,
    attach,
    detach,
    disabled,
    is_adapted,
    merge,
    names_of,
    restore,
)
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from tests.pipelines.tiny import tiny_pipeline

SMALL = AdapterConfig(rank=2)


@pytest.fixture
def backend() -> TangoFluxBackend:
    """A tiny model in float32."""
    return TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.float32
    )


def answer(backend: TangoFluxBackend) -> torch.Tensor:
    """The velocity that it predicts for one fixed row."""
    noisy = torch.randn(1, 64, 8, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        text = backend.encode_text(["a dog barks"], [4.0])
        return backend.predict(noisy, torch.tensor([0.8]), text)


def move(backend: TangoFluxBackend, by: float = 0.1) -> None:
    """Change the adapter as training would."""
    rng = torch.Generator().manual_seed(5)
    for value in adapter_parameters(backend.denoiser).values():
        value.data += by * torch.randn(value.shape, generator=rng)


def weights(backend: TangoFluxBackend) -> dict[str, bytes]:
    """Every weight as its bytes."""
    return {n: v.numpy().tobytes() for n, v in backend.denoiser.state_dict().items()}


def test_a_new_adapter_changes_nothing_and_alone_is_trained(backend):
    """B is zero at first; the base's parameters ask for no gradient, both of each layer's do."""
    before = answer(backend)
    parameters = attach(backend.denoiser, SMALL, seed=1)
    assert torch.allclose(answer(backend), before, atol=1e-6)
    asking = {id(p) for p in backend.denoiser.parameters() if p.requires_grad}
    assert asking == {id(p) for p in parameters.values()}


def test_every_layer_of_the_adapter_gets_a_gradient(backend):
    """No chosen layer is bypassed by the faster arithmetic of the transformer."""
    parameters = attach(backend.denoiser, SMALL)
    move(backend)
    text = backend.encode_text(["a dog barks"], [4.0])
    backend.predict(torch.randn(1, 64, 8), torch.tensor([0.8]), text).square().sum().backward()
    silent = [n for n, p in parameters.items() if p.grad is None or not p.grad.abs().sum() > 0]
    assert silent == []
    kinds = {name.split(".")[-2] for name in parameters}
    assert {"to_q", "proj_mlp", "proj_out", "linear", "to_add_out"} <= kinds
    assert "x_embedder" not in str(kinds)


def test_detached_the_base_has_its_bytes_back(backend):
    """Same names, same bytes, same answer to the bit."""
    before, said = weights(backend), answer(backend)
    attach(backend.denoiser, SMALL)
    move(backend)
    assert not torch.allclose(answer(backend), said, atol=1e-3)
    detach(backend.denoiser)
    assert weights(backend) == before and torch.equal(answer(backend), said)
    assert not is_adapted(backend.denoiser)


def test_disabled_it_answers_as_the_base_and_comes_back(backend):
    """A reference model without a copy; afterwards the same parameters are trained."""
    said = answer(backend)
    attach(backend.denoiser, SMALL)
    move(backend)
    moved = answer(backend)
    asking = [p.requires_grad for p in backend.denoiser.parameters()]
    with disabled(backend.denoiser):
        assert torch.allclose(answer(backend), said, atol=1e-6)
    assert torch.equal(answer(backend), moved)
    assert [p.requires_grad for p in backend.denoiser.parameters()] == asking


def test_merged_it_answers_as_worn_and_can_be_restored_to_the_byte(backend):
    """Merging adds (alpha / rank) B A to the weights, once."""
    before = weights(backend)
    attach(backend.denoiser, AdapterConfig(rank=2, scale=6.0))
    move(backend)
    worn = answer(backend)
    kept = merge(backend.denoiser)
    assert not is_adapted(backend.denoiser)
    assert torch.allclose(answer(backend), worn, atol=1e-4)
    restore(backend.denoiser, kept)
    assert weights(backend) == before


def test_saved_and_loaded_it_is_the_same(backend, tmp_path):
    """float32 to the bit; the card has all that names it."""
    attach(backend.denoiser, SMALL)
    move(backend)
    worn = answer(backend)
    info = save_adapter(
        backend.denoiser, tmp_path, base="base-1", config=SMALL, record={"seed": 7}, dtype="float32"
    )
    detach(backend.denoiser)
    loaded = load_adapter(backend.denoiser, tmp_path, base="base-1")
    assert torch.equal(answer(backend), worn)
    assert loaded == info == read_card(tmp_path)
    assert info.record == {"seed": 7} and info.config == SMALL and len(info.hash) == 16


def test_the_hash_names_what_it_does_not_how_it_was_made(backend, tmp_path):
    """Another record, the same hash; another value, another hash."""
    attach(backend.denoiser, SMALL)
    say = {"base": "base-1", "config": SMALL}
    first = save_adapter(backend.denoiser, tmp_path / "a", **say, record={"by": "one"})
    second = save_adapter(backend.denoiser, tmp_path / "b", **say, record={"by": "two"})
    move(backend)
    third = save_adapter(backend.denoiser, tmp_path / "c", **say)
    assert first.hash == second.hash != third.hash


def test_an_adapter_of_another_base_is_refused(backend, tmp_path):
    """The sentence names both bases, and the model is left as it was."""
    attach(backend.denoiser, SMALL)
    save_adapter(backend.denoiser, tmp_path, base="base-1", config=SMALL)
    detach(backend.denoiser)
    with pytest.raises(StudioError, match=r"trained on the base base-1 .* this model is base-2"):
        load_adapter(backend.denoiser, tmp_path, base="base-2")
    assert not is_adapted(backend.denoiser)


def test_a_changed_or_cut_adapter_is_refused(backend, tmp_path):
    """Another rank in the card, bytes missing from the tensors, a folder with nothing."""
    attach(backend.denoiser, SMALL)
    save_adapter(backend.denoiser, tmp_path, base="base-1", config=SMALL)
    detach(backend.denoiser)
    card, tensors = (tmp_path / CARD).read_text(), (tmp_path / TENSORS).read_bytes()
    changed = json.loads(card)
    changed["config"]["scale"] = 40.0
    (tmp_path / CARD).write_text(json.dumps(changed))
    with pytest.raises(StudioError, match="was changed since it was saved"):
        load_adapter(backend.denoiser, tmp_path, base="base-1")
    (tmp_path / CARD).write_text(card)
    (tmp_path / TENSORS).write_bytes(tensors[:-9])
    with pytest.raises(StudioError, match="cut short"):
        load_adapter(backend.denoiser, tmp_path, base="base-1")
    with pytest.raises(StudioError, match="holds no whole adapter"):
        read_card(tmp_path / "nowhere")


def test_values_that_float16_cannot_hold_are_not_saved(backend, tmp_path):
    """70,000 is beyond float16: better no file than one of infinities."""
    next(iter(attach(backend.denoiser, SMALL).values())).data.fill_(70_000.0)
    with pytest.raises(StudioError, match="float16 cannot"):
        save_adapter(backend.denoiser, tmp_path, base="base-1", config=SMALL)
    assert not (tmp_path / CARD).exists()


def test_what_cannot_be_attached_says_why(backend):
    """Twice, to an unknown model, to unknown layers, with no rank."""
    with pytest.raises(StudioError, match="rank is 0"):
        attach(backend.denoiser, AdapterConfig(rank=0))
    with pytest.raises(StudioError, match="known are FluxTransformer2DModel"):
        attach(torch.nn.Linear(2, 2), SMALL)
    with pytest.raises(StudioError, match="choose from attention"):
        attach(backend.denoiser, AdapterConfig(layers=("heads",)))
    attach(backend.denoiser, SMALL)
    with pytest.raises(StudioError, match="wears an adapter already"):
        attach(backend.denoiser, SMALL)


def test_the_seed_decides_the_first_values(backend):
    """Same seed, same A; B is zero."""
    first = {n: p.detach().clone() for n, p in attach(backend.denoiser, SMALL, seed=4).items()}
    detach(backend.denoiser)
    again = attach(backend.denoiser, SMALL, seed=4)
    assert all(torch.equal(first[n], again[n]) for n in first)
    assert all((p == 0).all() for n, p in again.items() if n.endswith("lora_B"))
    detach(backend.denoiser)
    other = attach(backend.denoiser, SMALL, seed=5)
    assert not torch.equal(first["transformer_blocks.0.attn.to_q.lora_A"],
                           other["transformer_blocks.0.attn.to_q.lora_A"])  # fmt: skip


def test_layers_of_tango_are_known_by_name():
    """A small UNet takes an adapter on its attention, and answers as before."""
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8, in_channels=2, out_channels=2, layers_per_block=1, norm_num_groups=4,
        block_out_channels=(8, 8), down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=8,
        attention_head_dim=4,
    ).eval()  # fmt: skip
    inputs = torch.randn(1, 2, 8, 8), torch.tensor([5]), torch.randn(1, 3, 8)
    before = unet(*inputs).sample
    config = AdapterConfig(rank=2)
    names = names_of(unet, config)
    parameters = attach(unet, config)
    assert {n.rsplit(".lora", 1)[0] for n in parameters} and all(
        any(n.rsplit(".lora", 1)[0].endswith(end) for end in names) for n in parameters
    )
    assert torch.allclose(unet(*inputs).sample, before, atol=1e-6)
    detach(unet)
    assert torch.equal(unet(*inputs).sample, before)
    assert ATTENTION in config.layers
