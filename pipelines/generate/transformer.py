"""The arithmetic of diffusers' Flux transformer, on its own weights, with what repeats done once.

Why not the library's forward: it recomputes the rotary tables, the text projection and every
modulation at each step, rounds the noise level to bfloat16 under autocast, and promotes queries
and keys to float32. On one core of the build machine (64 rows of 64 frames and 25 text tokens,
width 192, bfloat16 autocast, forward and backward) this takes 0.60 s where the library takes
0.95 s, and a third of its rounding error. Layers that may wear an adapter are applied by
`pipelines.generate.layers`.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from diffusers import FluxTransformer2DModel
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pipelines.generate.conditioning import TextStates
from pipelines.generate.layers import bare, linear, side_by_side

NORM_EPSILON = 1e-6  # of every norm in Flux
SHORT = 256  # up to so many tokens plain products beat the fused attention kernel on a CPU


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What stays the same over all steps of a sampling run. N = L + 1 + T tokens, text first."""

    context: Tensor  # [B, L + 1, W]
    mask: Tensor | None  # additive [B, 1, 1, N], or None where nothing is padded
    turns: list[tuple[Tensor, Tensor]]  # per block: cos and sin [2, 1, 1, N, head]
    inputs: list[tuple["Stacked | Widened", ...]]  # per block, the layers that enter it

    def rows(self, index: Tensor | slice) -> "Surroundings":
        """Only these rows of a batch."""
        mask = None if self.mask is None else self.mask[index]
        return replace(self, context=self.context[index], mask=mask)


@dataclass(frozen=True, kw_only=True)
class Modulation:
    """Shifts, scales and gates of every block at one noise level, each [B, 1, W]."""

    joint: list[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]  # (audio, text) per joint block
    single: list[tuple[Tensor, ...]]
    out: tuple[Tensor, ...]

    def at(self, rows: Tensor | slice) -> "Modulation":
        """Only these rows: one step out of many computed together."""
        cut = lambda parts: tuple(part[rows] for part in parts)  # noqa: E731
        return Modulation(
            joint=[(cut(audio), cut(text)) for audio, text in self.joint],
            single=[cut(parts) for parts in self.single],
            out=cut(self.out),
        )


class Stacked:
    """The layers of queries, keys and values as one product: [.., W] -> [.., 3 W].

    The rotary turn mixes channel 2i of a head with 2i + 1. Here the even channels of queries and
    keys come first and the odd ones last, which leaves their products alone and makes partners
    half a head apart: a roll is cheaper than a swap of neighbours.
    """

    def __init__(self, *layers: nn.Module, head: int) -> None:
        plain, width = [bare(layer) for layer in layers], bare(layers[0]).out_features
        rows = torch.arange(2 * width).view(-1, head)[:, apart(head)].flatten()
        rows = torch.cat([rows, torch.arange(2 * width, 3 * width)]).to(plain[0].weight.device)
        self.weight = torch.cat([layer.weight for layer in plain])[rows]
        self.bias = torch.cat([layer.bias for layer in plain])[rows]
        self.change = side_by_side(layers, rows)

    def __call__(self, x: Tensor) -> Tensor:
        made = F.linear(x, self.weight, self.bias)
        return made if self.change is None else self.change.added(made, x)


def apart(head: int) -> Tensor:
    """The channels of a head, even ones first."""
    return torch.arange(head).view(-1, 2).T.flatten()


class Widened:
    """The first half of a feed-forward network: Linear, then GELU by its tanh formula.

    In bfloat16 on a CPU torch's GELU costs more than the Linear before it; oneDNN applies it
    while the product is still in registers (0.34 against 1.34 ms for 1296 x 768 values).
    """

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer
        self.joins = (
            type(layer) is nn.Linear  # an adapter that is off must round as it does when it is on
            and layer.weight.device.type == "cpu"
            and layer.weight.dtype == torch.bfloat16
            and not torch.is_grad_enabled()
            and torch.backends.mkldnn.is_available()
            and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        )

    def __call__(self, x: Tensor) -> Tensor:
        if self.joins and not torch.compiler.is_compiling():  # the compiler fuses them itself
            weights = (self.layer.weight, self.layer.bias)
            return torch.ops.mkldnn._linear_pointwise(x, *weights, "gelu", [], "tanh")
        return F.gelu(linear(self.layer, x), approximate="tanh")


def surroundings(
    transformer: FluxTransformer2DModel, text: TextStates, frames: int
) -> Surroundings:
    """All that does not depend on the noise level.

    Args:
        text: B rows.
        frames: T.
    """
    context = transformer.context_embedder(text.hidden)
    mask = None
    if not bool(text.mask.all()):
        own = F.pad(text.mask, (0, frames), value=True)[:, None, None]
        mask = torch.zeros_like(own, dtype=context.dtype).masked_fill(~own, float("-inf"))
    return Surroundings(
        context=context,
        mask=mask,
        turns=turning_tables(transformer, context.shape[1], frames, context.dtype),
        inputs=[
            (
                Stacked(attn.to_q, attn.to_k, attn.to_v, head=attn.head_dim),
                Stacked(attn.add_q_proj, attn.add_k_proj, attn.add_v_proj, head=attn.head_dim),
                Widened(block.ff.net[0].proj),
                Widened(block.ff_context.net[0].proj),
            )
            for block in transformer.transformer_blocks
            for attn in [block.attn]
        ]
        + [
            (
                Stacked(attn.to_q, attn.to_k, attn.to_v, head=attn.head_dim),
                Widened(block.proj_mlp),
            )
            for block in transformer.single_transformer_blocks
            for attn in [block.attn]
        ],
    )


def turning_tables(
    transformer: FluxTransformer2DModel, length: int, frames: int, dtype: torch.dtype
) -> list[tuple[Tensor, Tensor]]:
    """Per block, cos and sin [2, 1, 1, N, head] that norm weights and the attention scale are part of.

    Audio positions are 0, 1, 2 ... on all three rotary axes and text positions are all 0: only
    the text encoder knows the order of words.
    """
    device = transformer.device
    position = torch.cat([torch.zeros(length), torch.arange(frames)]).to(device)
    cos, sin = transformer.pos_embed(position[:, None].expand(-1, 3))  # [N, head], float32
    order, half = apart(cos.shape[1]).to(device), cos.shape[1] // 2
    cos, sin = cos[:, order], sin[:, order]
    sin = sin * torch.tensor([-1.0, 1.0], device=device).repeat_interleave(half)
    tables = []
    for block in [*transformer.transformer_blocks, *transformer.single_transformer_blocks]:
        attn, weights = block.attn, []
        for of, scale in (("q", attn.head_dim**-0.5), ("k", 1.0)):
            weight = getattr(attn, f"norm_{of}").weight.float()[order].expand_as(cos)
            if attn.added_kv_proj_dim is not None:
                added = getattr(attn, f"norm_added_{of}").weight.float()[order]
                weight = torch.cat([added.expand(length, -1), weight[length:]])
            weights.append(weight * scale)
        weight = torch.stack(weights)[:, None, None]  # [2, 1, 1, N, head]
        tables.append(((cos * weight).to(dtype), (sin * weight.roll(half, dims=-1)).to(dtype)))
    return tables


def modulation(transformer: FluxTransformer2DModel, sigma: Tensor, pooled: Tensor) -> Modulation:
    """Every block's modulation, which only the noise level and the pooled vector decide.

    Args:
        sigma: noise level, 0..1, [B].
        pooled: [B, D].
    """
    embed = transformer.time_text_embed
    time = embed.time_proj(sigma.float() * 1000).to(
        pooled.dtype
    )  # sines first: 0.96 needs its digits
    vector = F.silu(embed.timestep_embedder(time) + embed.text_embedder(pooled))

    def parts(layer: nn.Linear, count: int) -> tuple[Tensor, ...]:
        return linear(layer, vector)[:, None].chunk(count, dim=-1)

    scale, shift = parts(transformer.norm_out.linear, 2)
    return Modulation(
        joint=[
            (raised(parts(block.norm1.linear, 6)), raised(parts(block.norm1_context.linear, 6)))
            for block in transformer.transformer_blocks
        ],
        single=[
            raised(parts(block.norm.linear, 3)) for block in transformer.single_transformer_blocks
        ],
        out=(shift, 1 + scale),
    )


def raised(parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """(shift, scale, gate) repeated, with 1 added to each scale, as the norms use it."""
    return tuple(1 + part if place % 3 == 1 else part for place, part in enumerate(parts))


def slope(
    transformer: FluxTransformer2DModel, latents: Tensor, around: Surroundings, at: Modulation
) -> Tensor:
    """The transformer's output [B, T, C] for latents [B, T, C]."""
    audio = transformer.x_embedder(latents)
    return head(transformer, blocks(transformer, audio, around, at), at)


def head(transformer: FluxTransformer2DModel, audio: Tensor, at: Modulation) -> Tensor:
    """What the last block gives, [B, T, W], as a slope [B, T, C]."""
    return transformer.proj_out(normed(audio, *at.out))


def blocks(
    transformer: FluxTransformer2DModel, audio: Tensor, around: Surroundings, at: Modulation
) -> Tensor:
    """Embedded latents [B, T, W] through all blocks: [B, T, W]."""
    thrifty = transformer.gradient_checkpointing and torch.is_grad_enabled()
    inputs, turns, frames = iter(around.inputs), iter(around.turns), audio.shape[1]
    text = around.context
    for block, parts in zip(transformer.transformer_blocks, at.joint, strict=True):
        job = (joint_block, block, next(inputs), audio, text, parts, next(turns), around.mask)
        audio, text = checkpoint(*job, use_reentrant=False) if thrifty else job[0](*job[1:])
    both = torch.cat([text, audio], dim=1)
    singles = list(zip(transformer.single_transformer_blocks, at.single, strict=True))
    for left, (block, parts) in zip(range(len(singles) - 1, -1, -1), singles, strict=True):
        kept = both.shape[1] if left else frames  # nothing reads the last text
        job = (single_block, block, next(inputs), both, parts, next(turns), around.mask, kept)
        both = checkpoint(*job, use_reentrant=False) if thrifty else job[0](*job[1:])
    return both[:, -frames:]


def joint_block(
    block: nn.Module,
    inputs: tuple[Stacked, Stacked, Widened, Widened],
    audio: Tensor,
    text: Tensor,
    parts: tuple[tuple[Tensor, ...], tuple[Tensor, ...]],
    turn: tuple[Tensor, Tensor],
    mask: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Audio [B, T, W] and text [B, L + 1, W] through one block that attends over both."""
    shift, scale, gate, shift2, scale2, gate2 = parts[0]
    t_shift, t_scale, t_gate, t_shift2, t_scale2, t_gate2 = parts[1]
    from_audio, from_text, widen, t_widen = inputs
    qkv = torch.cat(
        [from_text(normed(text, t_shift, t_scale)), from_audio(normed(audio, shift, scale))], dim=1
    )
    mixed, length = attention(qkv, turn, mask, qkv.shape[1]), text.shape[1]
    audio = torch.addcmul(audio, gate, linear(block.attn.to_out[0], mixed[:, length:]))
    text = torch.addcmul(text, t_gate, linear(block.attn.to_add_out, mixed[:, :length]))
    audio = torch.addcmul(
        audio, gate2, linear(block.ff.net[2], widen(normed(audio, shift2, scale2)))
    )
    text = torch.addcmul(
        text,
        t_gate2,
        linear(block.ff_context.net[2], t_widen(normed(text, t_shift2, t_scale2))),
    )
    return audio, text


def single_block(
    block: nn.Module,
    inputs: tuple[Stacked, Widened],
    both: Tensor,
    parts: tuple[Tensor, ...],
    turn: tuple[Tensor, Tensor],
    mask: Tensor | None,
    kept: int,
) -> Tensor:
    """[B, N, W] through attention and MLP side by side; gives the last `kept` tokens."""
    shift, scale, gate = parts
    enter, widen = inputs
    x = normed(both, shift, scale)
    mixed = attention(enter(x), turn, mask, kept)
    out = linear(block.proj_out, torch.cat([mixed, widen(x[:, -kept:])], dim=-1))
    return torch.addcmul(both[:, -kept:], gate, out)


def attention(qkv: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None, kept: int) -> Tensor:
    """What the last `kept` tokens gather from all: [B, N, 3 W] -> [B, kept, W].

    Args:
        qkv: queries, keys and values side by side.
        turn: cos and sin of `turning_tables`.
        mask: additive [B, 1, 1, N].
    """
    qkv = qkv.unflatten(-1, (3, -1, turn[0].shape[-1])).permute(2, 0, 3, 1, 4)
    q, k = normed_and_turned(qkv[:2], *turn)  # [B, heads, N, head]
    q, v = q[:, :, -kept:], qkv[2]
    if q.device.type == "cpu" and k.shape[2] <= SHORT:
        scores = q @ k.mT
        scores = scores if mask is None else scores + mask
        mixed = scores.softmax(dim=-1, dtype=torch.float32).to(v.dtype) @ v  # faster than bfloat16
    else:
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
    return mixed.transpose(1, 2).flatten(2)


def normed_and_turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RMS norm over the last axis, with its weight and the rotary turn from the tables."""
    size = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
    scale = (size.square() / x.shape[-1] + NORM_EPSILON).rsqrt().to(x.dtype)
    x = scale.contiguous() * x  # in this order the product is laid out as the attention wants it
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


def normed(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without weights, then scale and shift from the modulation."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=NORM_EPSILON), scale)
