"""The arithmetic of diffusers' Flux transformer, on its own weights, with what repeats done once.

Why not the library's forward: it recomputes the rotary tables, the text projection and every
modulation at each step, rounds the noise level to bfloat16 under autocast, and promotes queries and
keys to float32. On one core of the build machine (64 rows of 64 frames and 25 text tokens, width
192, bfloat16 autocast, forward and backward) this takes 0.70 s where the library takes 0.95 s, with a third of its rounding error.
Layers are called as modules, so adapters that wrap a Linear keep working.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import FluxTransformer2DModel
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pipelines.generate.conditioning import TextStates

NORM_EPSILON = 1e-6  # of every norm in Flux
SHORT = 256  # up to so many tokens plain products beat the fused attention kernel on a CPU


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What stays the same over all steps of a sampling run. N = L + 1 + T tokens, text first."""

    context: Tensor  # [B, L + 1, W]
    mask: Tensor | None  # additive [B, 1, 1, N], or None where nothing is padded
    turns: list[tuple[Tensor, ...]]  # per block: cos and sin [N, 1, head] for queries, for keys


@dataclass(frozen=True, kw_only=True)
class Modulation:
    """Shifts, scales and gates of every block at one noise level, each [B, 1, W]."""

    joint: list[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]  # (audio, text) per joint block
    single: list[tuple[Tensor, ...]]
    out: tuple[Tensor, ...]

    def at(self, rows: slice) -> "Modulation":
        """Only these rows: one step out of many computed together."""
        cut = lambda parts: tuple(part[rows] for part in parts)  # noqa: E731
        return Modulation(
            joint=[(cut(audio), cut(text)) for audio, text in self.joint],
            single=[cut(parts) for parts in self.single],
            out=cut(self.out),
        )


def surroundings(
    transformer: FluxTransformer2DModel, text: TextStates, frames: int
) -> Surroundings:
    """All that does not depend on the noise level.

    Audio positions are 0, 1, 2 ... on all three rotary axes and text positions are all 0, so the
    order of text tokens is known to the text encoder alone (facts of the published model).

    Args:
        text: B rows.
        frames: T.
    """
    length = text.hidden.shape[1]
    position = torch.cat([torch.zeros(length), torch.arange(frames)]).to(text.hidden.device)
    cos, sin = transformer.pos_embed(position[:, None].expand(-1, 3))  # [N, head], float32
    sign = torch.tensor([-1.0, 1.0], device=sin.device).repeat(sin.shape[1] // 2)
    context = transformer.context_embedder(text.hidden)
    turns = []
    for block in [*transformer.transformer_blocks, *transformer.single_transformer_blocks]:
        tables = []
        for of in ("q", "k"):
            weight = getattr(block.attn, f"norm_{of}").weight.float().expand_as(cos)
            if block.attn.added_kv_proj_dim is not None:
                added = getattr(block.attn, f"norm_added_{of}").weight.float()
                weight = torch.cat([added.expand(length, -1), weight[length:]])
            # the norm's weight and the rotation are one product
            tables += [cos * weight, sin * sign * swap_pairs(weight)]
        turns.append(tuple(table[:, None].to(context.dtype) for table in tables))
    mask = None
    if not bool(text.mask.all()):
        own = F.pad(text.mask, (0, frames), value=True)[:, None, None]
        mask = torch.zeros_like(own, dtype=context.dtype).masked_fill(~own, float("-inf"))
    return Surroundings(context=context, mask=mask, turns=turns)


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
        return layer(vector)[:, None].chunk(count, dim=-1)

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
    thrifty = transformer.gradient_checkpointing and torch.is_grad_enabled()
    audio, text = transformer.x_embedder(latents), around.context
    turns = iter(around.turns)
    for block, parts in zip(transformer.transformer_blocks, at.joint, strict=True):
        job = (joint_block, block, audio, text, *parts, next(turns), around.mask)
        audio, text = checkpoint(*job, use_reentrant=False) if thrifty else job[0](*job[1:])
    both = torch.cat([text, audio], dim=1)
    frames, last = latents.shape[1], len(at.single) - 1
    for number, (block, parts) in enumerate(
        zip(transformer.single_transformer_blocks, at.single, strict=True)
    ):  # nothing reads the text after the last block
        kept = frames if number == last else both.shape[1]
        job = (single_block, block, both, parts, next(turns), around.mask, kept)
        both = checkpoint(*job, use_reentrant=False) if thrifty else job[0](*job[1:])
    return transformer.proj_out(normed(both[:, -frames:], *at.out))


def joint_block(
    block: nn.Module,
    audio: Tensor,
    text: Tensor,
    for_audio: tuple[Tensor, ...],
    for_text: tuple[Tensor, ...],
    turn: tuple[Tensor, ...],
    mask: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Audio [B, T, W] and text [B, L + 1, W] through one block that attends over both."""
    attn, length = block.attn, text.shape[1]
    shift, scale, gate, shift2, scale2, gate2 = for_audio
    t_shift, t_scale, t_gate, t_shift2, t_scale2, t_gate2 = for_text
    x, y = normed(audio, shift, scale), normed(text, t_shift, t_scale)
    mixed = attention(
        torch.cat([attn.add_q_proj(y), attn.to_q(x)], dim=1),
        torch.cat([attn.add_k_proj(y), attn.to_k(x)], dim=1),
        torch.cat([attn.add_v_proj(y), attn.to_v(x)], dim=1),
        turn,
        mask,
    )
    audio = torch.addcmul(audio, gate, attn.to_out[0](mixed[:, length:]))
    text = torch.addcmul(text, t_gate, attn.to_add_out(mixed[:, :length]))
    audio = torch.addcmul(audio, gate2, block.ff(normed(audio, shift2, scale2)))
    text = torch.addcmul(text, t_gate2, block.ff_context(normed(text, t_shift2, t_scale2)))
    return audio, text


def single_block(
    block: nn.Module,
    both: Tensor,
    parts: tuple[Tensor, ...],
    turn: tuple[Tensor, ...],
    mask: Tensor | None,
    kept: int,
) -> Tensor:
    """[B, N, W] through one block of attention and MLP side by side; the last `kept` tokens."""
    shift, scale, gate = parts
    x = normed(both, shift, scale)
    own = x[:, -kept:]
    mixed = attention(block.attn.to_q(own), block.attn.to_k(x), block.attn.to_v(x), turn, mask)
    out = block.proj_out(torch.cat([mixed, block.act_mlp(block.proj_mlp(own))], dim=-1))
    return torch.addcmul(both[:, -kept:], gate, out)


def attention(
    query: Tensor, key: Tensor, value: Tensor, turn: tuple[Tensor, ...], mask: Tensor | None
) -> Tensor:
    """Attention with normed and rotated queries and keys; [B, n, W] and twice [B, N, W] to [B, n, W].

    Args:
        query: of the last n tokens.
        turn: tables of `surroundings`.
        mask: additive [B, 1, 1, N].
    """
    cos_q, sin_q, cos_k, sin_k = turn
    head, n = cos_q.shape[-1], query.shape[1]
    q, k, v = (x.unflatten(-1, (-1, head)) for x in (query, key, value))  # [B, N, heads, head]
    q = normed_and_turned(q, cos_q[-n:], sin_q[-n:]).transpose(1, 2)
    k = normed_and_turned(k, cos_k, sin_k).transpose(1, 2)
    v = v.transpose(1, 2)
    if q.device.type == "cpu" and k.shape[2] <= SHORT:
        scores = (q * head**-0.5) @ k.mT
        weight = (scores if mask is None else scores + mask).softmax(dim=-1)
        mixed = weight @ v
    else:
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return mixed.transpose(1, 2).flatten(2)


def normed_and_turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RMS norm over each head, its weight and the rotary turn: [B, N, heads, head]."""
    power = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square()
    x = x * (power / x.shape[-1] + NORM_EPSILON).rsqrt().to(x.dtype)
    return torch.addcmul(x * cos, swap_pairs(x), sin)


def swap_pairs(x: Tensor) -> Tensor:
    """(a, b, c, d ...) to (b, a, d, c ...) on the last axis."""
    return x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)


def normed(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Layer norm without weights, then scale and shift from the modulation."""
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:], eps=NORM_EPSILON), scale)
