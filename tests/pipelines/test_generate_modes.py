"""Low memory and compilation leave the sound as it is, up to rounding."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from pipelines.errors import StudioError
from pipelines.generate import checkpoints, modes
from pipelines.generate.modes import Modes, at_work, check_graphs
from pipelines.generate.sampling import generate
from pipelines.records import Prompt, Settings
from tests.pipelines.tiny import save_tiny

DOG = Prompt(text="a dog barks", seconds=8.0)
FEW = Settings(seed=5, steps=3, guidance=3.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tiny model on disk."""
    return str(save_tiny(tmp_path_factory.mktemp("models") / "tiny"))


def sound(backend, settings=FEW):
    """The first sound of a request."""
    return next(generate(backend, [DOG], settings=settings)).audio


def test_low_memory_decodes_in_tiles_and_gives_the_same_sound(folder, monkeypatch):
    """Tiles of few frames, so that there are many seams."""
    plain = sound(checkpoints.load(folder, device="cpu"))
    monkeypatch.setattr("pipelines.generate.tangoflux_backend.TILE", 5)
    thrifty = checkpoints.load(folder, device="cpu", low_memory=True)
    np.testing.assert_allclose(sound(thrifty), plain, atol=1e-5 * np.abs(plain).max())
    assert thrifty.name == "tiny"


def test_only_the_part_at_work_lies_on_the_device(monkeypatch):
    """It goes there, and leaves it also after a failure; without low memory nothing moves."""
    moves, part = [], nn.Linear(1, 1)
    monkeypatch.setattr(nn.Module, "to", lambda part, place, *_: moves.append(str(place)))
    device = torch.device("cuda")
    with at_work(device, Modes(low_memory=True), part):
        assert moves == ["cuda"]
    with pytest.raises(ValueError), at_work(device, Modes(low_memory=True), part):
        raise ValueError
    assert moves == ["cuda", "cpu", "cuda", "cpu"]
    with at_work(device, Modes(), part), at_work(torch.device("cpu"), Modes(low_memory=True), part):
        assert len(moves) == 4


def test_a_model_without_a_mode_says_so(folder, monkeypatch):
    """Before anything is read."""
    from pipelines.generate import layouts

    bare = layouts.Layout(kind="TangoFluxPipeline", reader="x:y", licence="", note="")
    monkeypatch.setitem(layouts.LAYOUTS, "TangoFluxPipeline", bare)
    with pytest.raises(StudioError, match="has no low-memory mode; leave it off for this model"):
        checkpoints.load(folder, low_memory=True)
    with pytest.raises(StudioError, match="has no compiled mode"):
        checkpoints.load(folder, compiled=True)
    with pytest.raises(StudioError, match="has no mode of CUDA graphs"):
        checkpoints.load(folder, cuda_graphs=True)


class Dtypes(TorchDispatchMode):
    """Notes the dtypes of all that is computed."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        for each in found if isinstance(found, tuple | list) else [found]:
            if isinstance(each, torch.Tensor):
                self.seen.add(each.dtype)
        return found


def test_nothing_is_computed_in_double_precision(folder, monkeypatch):
    """Apple's MPS has no float64: sampling, encoding and decoding must do without.

    diffusers' rotary table, in float64 elsewhere, goes down to float32 there by itself.
    """
    monkeypatch.setattr(
        "diffusers.models.transformers.transformer_flux.maybe_adjust_dtype_for_device",
        lambda dtype, device: torch.float32,
    )
    backend = checkpoints.load(folder, device="cpu")
    with Dtypes() as dtypes:
        backend.sample([DOG], [FEW])
        latents = backend.encode(torch.zeros(1, 1, 4000))
        text = backend.encode_text(["a dog barks"], [2.0])
        backend.predict(latents, torch.tensor([0.5]), text)
    assert torch.float32 in dtypes.seen
    assert not {torch.float64, torch.complex128} & dtypes.seen


def test_text_is_encoded_once_for_all_batches(folder, monkeypatch):
    """The same requests in the next batch ask the text encoder no more; other words do."""
    backend, calls = checkpoints.load(folder, device="cpu"), []
    plain = type(backend.pipe).encode_prompts

    def counted(self, *args, **how):
        calls.append(args[0])
        return plain(self, *args, **how)

    monkeypatch.setattr(type(backend.pipe), "encode_prompts", counted)
    first = list(generate(backend, [DOG], settings=FEW, count=4, batch_size=2))
    assert len(calls) == 1
    backend.texts.clear()
    again = list(generate(backend, [DOG], settings=FEW, count=2, batch_size=2))
    assert len(calls) == 2 and np.array_equal(first[1].audio, again[1].audio)
    sound(backend, Settings(seed=5, steps=3, guidance=1.0))
    assert len(calls) == 3, "without guidance other rows are wanted"
    with torch.no_grad():
        backend.pipe.text_encoder.shared.weight.mul_(1.5)
    sound(backend)
    assert len(calls) == 4, "what was trained in between is not taken from memory"


@pytest.mark.parametrize("mode", ["compiled", "cuda_graphs"])
def test_compiled_blocks_are_asked_for_few_shapes_and_give_the_same_sound(
    folder, monkeypatch, mode
):
    """Texts of any length are masked up to 64 tokens; the compiler itself is stood in for.

    On one of two loaded cores torch's took three minutes for the tiny model: run by hand, see
    `test_the_compiler_itself`.
    """
    shapes = []

    def compiler(function, **how):
        def counted(transformer, audio, around, at):
            shapes.append(tuple(around.context.shape[1:2]))
            return function(transformer, audio, around, at)

        return counted

    monkeypatch.setattr(torch, "compile", compiler)
    plain = sound(checkpoints.load(folder, device="cpu"))
    monkeypatch.setattr(modes, "check_graphs", lambda *_: None)
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: None)
    backend = checkpoints.load(folder, device="cpu", **{mode: True})
    np.testing.assert_allclose(sound(backend), plain, atol=2e-5 * np.abs(plain).max())
    longer = Prompt(text="a dog barks and then the bird sings", seconds=8.0)
    next(generate(backend, [longer], settings=FEW))
    assert set(shapes) == {(64,)}


@pytest.mark.gpu
@pytest.mark.parametrize("mode", ["compiled", "cuda_graphs"])
def test_the_compiler_itself(folder, mode):
    """torch.compile gives the same sound, up to rounding; so do graphs, at the second batch too."""
    plain = sound(checkpoints.load(folder))
    backend = checkpoints.load(folder, **{mode: True})
    for _ in range(2):
        np.testing.assert_allclose(sound(backend), plain, atol=1e-4 * np.abs(plain).max())
    assert modes.blocks_for(Modes()) is modes.blocks


def test_cuda_graphs_are_refused_where_they_cannot_be_recorded(folder):
    """Before anything is read: on another device, and where weights are moved about."""
    with pytest.raises(
        StudioError, match="goes to the device cpu; they are recorded on CUDA alone"
    ):
        checkpoints.load(folder, device="cpu", cuda_graphs=True)
    with pytest.raises(StudioError, match="low memory are asked for together; .* Choose one"):
        check_graphs(Modes(cuda_graphs=True, low_memory=True), torch.device("cuda"))
    check_graphs(Modes(cuda_graphs=True, compiled=True), torch.device("cuda"))
    check_graphs(Modes(low_memory=True), torch.device("cpu"))


def test_what_a_graph_gave_is_not_written_over_by_its_next_run(monkeypatch):
    """A stand-in writes each result where the last one lies, as a graph does, and wants a mark before."""
    marks, asked, place = [], [], torch.zeros(2)

    def compiler(function, **how):
        asked.append((function, how))

        def recorded(given):
            assert marks.pop() == "step"
            return place.copy_(given)

        return recorded

    monkeypatch.setattr(torch, "compile", compiler)
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: marks.append("step"))
    run = modes.blocks_for(Modes(cuda_graphs=True))
    first, second = run(torch.tensor([1.0, 2.0])), run(torch.tensor([3.0, 4.0]))
    assert first.tolist() == [1.0, 2.0] and second.tolist() == [3.0, 4.0]
    assert asked == [(modes.blocks, {"mode": "reduce-overhead"})]


@pytest.mark.slow
def test_the_blocks_are_one_graph_to_the_compiler(folder, monkeypatch):
    """Traced whole, without a break; behind the tracing stands eager torch, whose numbers are to the bit.

    What inductor makes of the graph takes minutes on a CPU, which records none anyway.
    """
    whole = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda f, **how: whole(f, backend="aot_eager", fullgraph=True)
    )
    monkeypatch.setattr("pipelines.generate.modes.check_graphs", lambda *_: None)
    short = Settings(seed=5, steps=1, guidance=3.0)
    plain = sound(checkpoints.load(folder, device="cpu"), short)
    made = sound(checkpoints.load(folder, device="cpu", cuda_graphs=True), short)
    np.testing.assert_allclose(made, plain, atol=2e-5 * np.abs(plain).max())
