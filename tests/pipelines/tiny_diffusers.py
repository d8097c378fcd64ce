"""Random AudioLDM 2 and Stable Audio Open small enough for tests, as the folders that diffusers writes."""

from pathlib import Path

import torch
from diffusers import (
    AudioLDM2Pipeline,
    AudioLDM2ProjectionModel,
    AudioLDM2UNet2DConditionModel,
    AutoencoderKL,
    AutoencoderOobleck,
    CosineDPMSolverMultistepScheduler,
    StableAudioDiTModel,
    StableAudioPipeline,
    StableAudioProjectionModel,
)
from diffusers.schedulers import DDIMScheduler
from transformers import (
    AutoTokenizer,
    ClapAudioConfig,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    ClapTextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    RobertaTokenizer,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    T5Config,
    T5EncoderModel,
)

from pipelines.generate.sizes import t5_config
from pipelines.generate.tango_sizes import VOCODER
from tests.pipelines.tiny_tango import PARITY

WIDTH = 16
LETTERS = "Ġabcdefghijklmnopqrstuvwxyz"


def roberta() -> RobertaTokenizer:
    """One token per letter; 24 of them at most, so that a long prompt is refused."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary = {token: number for number, token in enumerate([*special, *LETTERS])}
    return RobertaTokenizer(vocab=vocabulary, merges=[], model_max_length=64)


def t5(tokenizer) -> T5EncoderModel:
    """A T5 encoder of one layer."""
    config = t5_config(len(tokenizer), width=WIDTH, inner=24, layers=1, heads=1)
    return T5EncoderModel(T5Config(**config)).eval()


def spread(module: torch.nn.Module, std: float = 0.2) -> torch.nn.Module:
    """Weights large enough to tell prompts apart."""
    for weights in module.parameters():
        torch.nn.init.normal_(weights, std=std)
    return module.eval()


def clap() -> ClapModel:
    """Both towers at the least width that the classes take."""
    text = ClapTextConfig(
        vocab_size=32, hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=80, projection_dim=WIDTH,
    )  # fmt: skip
    sound = ClapAudioConfig(
        spec_size=64, window_size=4, num_mel_bins=64, depths=[1, 1], num_attention_heads=[2, 2],
        num_hidden_layers=2, hidden_size=32, patch_embeds_hidden_size=16, projection_dim=WIDTH,
    )  # fmt: skip
    return ClapModel(
        ClapConfig(text_config=text.to_dict(), audio_config=sound.to_dict(), projection_dim=WIDTH)
    ).eval()


def save_audioldm2(folder: Path, seed: int = 0) -> Path:
    """An AudioLDM 2 with random weights from one seed."""
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(PARITY / "flan-t5-tiny")
    unet = AudioLDM2UNet2DConditionModel(
        sample_size=56, in_channels=4, out_channels=4, block_out_channels=(8, 16),
        layers_per_block=1, norm_num_groups=8, attention_head_dim=(1, 2),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=(WIDTH, WIDTH),
    )  # fmt: skip
    vae = AutoencoderKL(
        in_channels=1, out_channels=1, block_out_channels=(8, 8, 8), norm_num_groups=8,
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
    )  # fmt: skip
    vocoder = SpeechT5HifiGan(SpeechT5HifiGanConfig(**VOCODER | {"upsample_initial_channel": 32}))
    AudioLDM2Pipeline(
        vae=spread(vae),
        text_encoder=clap(),
        text_encoder_2=t5(tokenizer),
        projection_model=AudioLDM2ProjectionModel(WIDTH, WIDTH, WIDTH).eval(),
        language_model=GPT2LMHeadModel(
            GPT2Config(
                vocab_size=8, n_embd=WIDTH, n_layer=1, n_head=2, n_positions=128, max_new_tokens=8
            )
        ).eval(),
        tokenizer=roberta(),
        tokenizer_2=tokenizer,
        feature_extractor=ClapFeatureExtractor(),
        unet=spread(unet),
        scheduler=DDIMScheduler(
            beta_start=0.0015, beta_end=0.0195, beta_schedule="scaled_linear", clip_sample=False,
            set_alpha_to_one=False, steps_offset=1,
        ),  # as published
        vocoder=spread(vocoder, std=0.1),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_stable_audio(folder: Path, seed: int = 0) -> Path:
    """A Stable Audio Open with random weights from one seed: 4 s, stereo."""
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(PARITY / "flan-t5-tiny", model_max_length=128)
    transformer = StableAudioDiTModel(
        sample_size=16, in_channels=8, num_layers=1, attention_head_dim=8, num_attention_heads=2,
        num_key_value_attention_heads=1, out_channels=8, cross_attention_dim=WIDTH,
        time_proj_dim=WIDTH, global_states_input_dim=2 * WIDTH, cross_attention_input_dim=WIDTH,
    )  # fmt: skip
    vae = AutoencoderOobleck(
        encoder_hidden_size=8, downsampling_ratios=[2, 4, 4, 8, 8], channel_multiples=[1, 1, 1, 1, 2],
        decoder_channels=8, decoder_input_channels=8, audio_channels=2, sampling_rate=8192,
    )  # the published strides, hence their look-ahead  # fmt: skip
    StableAudioPipeline(
        vae=vae.eval(),
        text_encoder=t5(tokenizer),
        projection_model=spread(StableAudioProjectionModel(WIDTH, WIDTH, 0, 8), std=0.7),
        tokenizer=tokenizer,
        transformer=spread(transformer),
        scheduler=CosineDPMSolverMultistepScheduler(
            sigma_min=0.3, sigma_max=500, sigma_data=1.0, solver_order=2,
            prediction_type="v_prediction", sigma_schedule="exponential",
        ),  # as published
    ).save_pretrained(folder)  # fmt: skip
    return folder
