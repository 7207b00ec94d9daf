"""kineograph (2026): the default system, a small rectified-flow transformer made for two CPU cores.

    prompt ──> MiniLM ──> reader ──> Condition (who, act, where, ... and the words)
                                        ├──> director ──> layout (where the actors are, how they hold themselves)
                                        │                   ├────────────────────────────> painter ──> figures
                                        │                   │                                             │ on top
    noise ───────────────────> generator ──> latents ──> codec ──> 64 x 64 ──> upsampler ──> scenery, 256 x 256
    last scenery of the shot before ──> latents ──┘

A story is told shot by shot in windows of frames: each window begins with the last latents of the one before.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from kineograph import video as videos
from kineograph.clip import Batch, Clip
from kineograph.condition import Condition
from kineograph.config import option
from kineograph.models.frame_codec import FrameCodec, FrameCodecConfig
from kineograph.models.painter import Painter, PainterConfig
from kineograph.models.prompt_reader import PromptReader, PromptReaderConfig, cut_short
from kineograph.models.text import ByteText, MiniLM
from kineograph.models.upsampler import Upsampler, UpsamplerConfig, fitted
from kineograph.models.video_transformer import VideoTransformer, VideoTransformerConfig, starting_with
from kineograph.processes.flow import Flow, lively
from kineograph.system import Options, Progress, System, silent, stage
from kineograph.systems import _checks
from kineograph.systems._plain import sentence, unnamed
from kineograph.systems._windows import Past, few, with_beginning
from kineograph.systems._world import DIRECTOR, LAYOUT, PAINTER, PLAIN, READER, SAMPLES, WORLD

STEPS = 12  # sampling steps of training's sheets, by weights that are not yet distilled to fewer
DIRECTIONS = 12  # sampling steps of layouts
DIRECTION_SCALE = 1.5  # their guidance
DISTURBED = 0.8  # the strongest noise on the latents behind which the upsampler learns
DRAWS = 4  # noises amid which a step teaches each layout


@dataclass(frozen=True)
class Config:
    """Frames of a window and their size before the upsampler; the seven parts; what the generator was distilled to.

    plain: the values of the first labels in words of captions: who, doing what, where.
    """

    frames: int = 8
    size: int = 32
    text: str = "bytes"  # or "minilm"
    reader: PromptReaderConfig = field(default_factory=PromptReaderConfig)
    codec: FrameCodecConfig = field(default_factory=FrameCodecConfig)
    director: VideoTransformerConfig = field(
        default_factory=lambda: VideoTransformerConfig(14, size=1, patch=(4, 1), vector_dim=7)
    )
    generator: VideoTransformerConfig = field(
        default_factory=lambda: VideoTransformerConfig(vector_dim=7, layout_dim=14, retouch=1)
    )
    upsampler: UpsamplerConfig = field(default_factory=lambda: UpsamplerConfig(told_dim=7))
    painter: PainterConfig = field(default_factory=PainterConfig)
    shift: float = 1.0  # of the flow's times towards the noise
    guided_until: float = 0.0  # the time of the flow below which guidance rests
    plain: tuple[tuple[str, ...], ...] = ()
    jumps: int = 0  # steps the generator was distilled to, 0 while it was not
    jump_guidance: float = 3.0  # the guidance scale inside those steps


@dataclass(frozen=True)
class KineographOptions(Options):
    """The common options; weights distilled to few steps take them when those and their guidance are asked for."""

    num_inference_steps: int = option(
        4,
        "sampling steps: those that the weights were distilled to, or others, of DPM-Solver++; undistilled want 12",
        minimum=1,
        maximum=200,
    )
    guidance_scale: float = option(
        3.0, "how strictly to follow the prompt; 1 is not at all guided", minimum=1, maximum=20
    )
    figures: bool = option(True, "paint actors; a generator taught on other clips than the World's draws its own")


class Kineograph(System):
    Config, Options = Config, KineographOptions
    PRESETS = {
        "toy": Config(),
        "world": Config(
            frames=16, size=64, text="minilm", shift=8.0, guided_until=0.8, plain=PLAIN,
            reader=READER,
            director=DIRECTOR,
            codec=FrameCodecConfig(48, (), (64, 128, 256), (), (2, 2, 3), text_dim=sum(WORLD)),
            generator=VideoTransformerConfig(
                48, 16, 8, (4, 2), dim=320, depth=7, heads=5, text_dim=384, vector_dim=sum(WORLD), local=128,
                layout_dim=LAYOUT, retouch=2,
            ),
            upsampler=UpsamplerConfig(112, 6, cell=2, told_dim=sum(WORLD)),
            painter=PAINTER,
        ),
        "large": Config(  # for half an hour of a GPU
            frames=16, size=128, text="minilm", shift=12.0, guided_until=0.85, plain=PLAIN,
            reader=READER,
            director=DIRECTOR,
            codec=FrameCodecConfig(48, (), (96, 192, 256), (), (2, 2, 3), text_dim=sum(WORLD)),
            generator=VideoTransformerConfig(
                48, 16, 16, (4, 2), dim=336, depth=6, heads=6, text_dim=384, vector_dim=sum(WORLD), local=128,
                layout_dim=LAYOUT, retouch=2,
            ),
            upsampler=UpsamplerConfig(56, 4, factor=2, cell=2, told_dim=sum(WORLD)),
            painter=PAINTER,
        ),
    }  # fmt: skip

    def build(self, config: Config) -> None:
        if config.text not in ("bytes", "minilm"):
            raise ValueError(f"text is {config.text!r}; it can be bytes or minilm")
        for phrases, count in zip(config.plain, config.reader.classes, strict=False):
            if len(phrases) != count:
                raise ValueError(f"plain has {len(phrases)} phrases for a label of {count} values")
        self.text = MiniLM() if config.text == "minilm" else ByteText(config.reader.dim)
        self.reader = PromptReader(config.reader)
        self.director = VideoTransformer(config.director)
        self.codec = FrameCodec(config.codec)
        self.generator = VideoTransformer(config.generator)
        self.upsampler, self.painter = Upsampler(config.upsampler), Painter(config.painter)
        self.flow, self.staging = Flow(shift=config.shift, guided_until=config.guided_until), Flow()

    def generate(self, options: KineographOptions, progress: Progress = silent) -> Clip:
        total = sum(options.story.frames(num_frames=options.num_frames, fps=options.fps))
        with torch.inference_mode():
            return Clip.joined(self.film(options, progress), total, fps=options.fps, caption=options.prompt)

    def film(self, options: KineographOptions, progress: Progress) -> Iterator[Tensor]:
        """The story's frames, t 3 height width uint8, a window at a time."""
        prompts = [shot.prompt for shot in options.story]
        counts = options.story.frames(num_frames=options.num_frames, fps=options.fps)
        self.text.check([*prompts, options.negative_prompt])
        null, total = self.told([options.negative_prompt]), sum(counts)
        past, done, windows, newest = self.beginning(options), 0, 0, self.config.generator.patch[0]
        labels, usual = None, (self.told([""]) if options.negative_prompt else null).vector
        for prompt, count in zip(prompts, counts, strict=True):
            cond, end = self.told([prompt]), done + count
            earlier = unnamed(labels, self.reader.likeliest(cond.vector), prompt, self.config.plain)
            labels = self.reader.chosen(cond.vector, usual, options.seed, earlier)
            cond = replace(self.retold(prompt, labels) or cond, vector=self.reader.certain(labels))
            while done < end:

                def report(frames: float, at: int = done, what: str = prompt) -> None:
                    progress((at + frames) / total, what)

                report(0)
                staged = self.staged(cond, null, past, end - done, options, windows)
                latents = self.window(staged, null, end - done, options, windows, report)
                layout = staged.layout[:, past.frames :][:, : latents.shape[1]]
                past = past.on(latents, staged.layout, newest)
                yield self.show(latents, labels, layout, options)
                done, windows = done + latents.shape[1], windows + 1
        progress(1.0, "done")

    def staged(
        self, cond: Condition, null: Condition, past: Past, wanted: int, options: KineographOptions, number: int
    ) -> Condition:
        """The condition with what comes before, and with a layout of that and of up to `wanted` new frames."""
        columns, count = self.config.director.channels, past.room(self.config.generator, wanted)
        noise = self.noise(1, count, columns, 1, 1, seed=(options.seed + 1_000_003 * number + 1) % 2**63)
        told = starting_with(cond, None if past.layout is None else past.layout[..., None, None])
        scale = min(DIRECTION_SCALE, options.guidance_scale)
        layout = self.staging.sample(self.director, noise, told, null, steps=DIRECTIONS, guidance=scale)[..., 0, 0]
        layout[..., 0] = 1  # known
        unknown = layout.new_zeros(1, past.frames, columns)
        layout = torch.cat([unknown if past.layout is None else past.layout, layout], dim=1)
        return replace(starting_with(cond, past.latents), layout=layout)

    def window(
        self, cond: Condition, null: Condition, wanted: int, options: KineographOptions, number: int,
        report: Callable[[float], None] = lambda frames: None,
    ) -> Tensor:  # fmt: skip
        """Up to `wanted` new frames of latents after those the condition holds: 1 t c h w."""
        grid = self.config.generator
        count = Past(cond.frames).room(grid, wanted)
        seed = (options.seed + 1_000_003 * number) % 2**63
        noise = self.noise(1, count, grid.channels, grid.size, grid.size, seed=seed)
        steps, scale = options.num_inference_steps, options.guidance_scale
        jump = steps == self.config.jumps and scale == self.config.jump_guidance and not options.negative_prompt
        sampled = self.flow.sample(
            self.generator, noise, cond, null, steps=steps, guidance=scale, jump=jump,
            progress=lambda share: report(share * min(wanted, count)),
        )  # fmt: skip
        return sampled[:, :wanted]

    def beginning(self, options: KineographOptions) -> Past:
        """The latents of the given picture or of the video's last frames, if one is given."""
        if not options.image_path:
            return Past()
        count, size = self.config.generator.patch[0], self.config.size
        clip = videos.read(options.image_path, fps=options.fps, size=size)
        return Past().on(self.codec.encode(clip.video[None, -count:].to(self.device)), None, count)

    def show(self, latents: Tensor, labels: Tensor, layout: Tensor, options: KineographOptions) -> Tensor:
        """The scenery, 1 t c h w latents, and figures of these labels, 1 k, by a layout, 1 t l, laid over it
        -> t 3 height width uint8.
        """
        told = self.reader.certain(labels)
        scenery = self.upsampler(self.codec.decode(latents, told).clamp(-1, 1), told).clamp(-1, 1)
        large = self.painter(scenery, labels, layout) if options.figures else scenery
        return Clip.of(fitted(large[0], options.height, options.width)).frames

    def told(self, prompts: Sequence[str]) -> Condition:
        """What prompts say, for all that draws: what is read from them, and their words."""
        with torch.no_grad():  # reading is learnt from words alone
            return self.reader(self.text(prompts), self.text.words(prompts))

    def retold(self, prompt: str, labels: Tensor) -> Condition | None:
        """What is told of a prompt with words that no caption has used: what was chosen for it, 1 k, in words that
        captions do use. What draws has learnt from those alone, and would rather go by what it takes a word for.
        """
        if not self.config.plain or not self.reader.unheard(self.text.words([prompt])).any():
            return None
        return self.told([sentence(labels, self.config.plain)])

    def clip_shape(self, stage: str) -> tuple[int, int]:
        if stage in ("learn_words", "learn_layout"):
            return 0, self.config.size
        if stage in ("learn_figures", "learn_upsampler"):
            return 1, self.config.size * self.upsampler.factor
        return self.config.frames, self.config.size

    @stage("reader", wants=("labels",))
    def learn_words(self, batch: Batch) -> Tensor:
        """What captions say, from clips whose labels are known; no picture is drawn for it."""
        said = cut_short(batch.captions)
        return self.reader.loss(self.text(said), batch.labels, self.text.words(said))

    @stage("director", wants=("labels", "layout"))
    def learn_layout(self, batch: Batch) -> Tensor:
        """Where actors are and how they move, as captions tell; no picture is drawn for it."""
        if batch.layout is None:
            raise ValueError("learn_layout needs clips with layouts, which the World's have and a video file has not")
        x, cond = self.begun(batch.layout[..., None, None], batch)
        x, cond = torch.cat([x] * DRAWS), Condition.cat([cond] * DRAWS)  # reading the prompts costs most of a step
        return self.staging.loss(self.director, x, cond, self.told([""]))

    @stage("codec")
    def learn_codec(self, batch: Batch) -> Tensor:
        """A few frames of each clip, so that a batch shows many scenes."""
        return self.codec.loss(few(batch.video), self.gist(batch))

    @stage("painter", wants=("labels", "layout", "scenery"))
    def learn_figures(self, batch: Batch) -> Tensor:
        """What actors look like, from single frames with and without them."""
        if batch.labels is None or batch.layout is None or batch.scenery is None:
            raise ValueError("learn_figures needs clips of the World, whose labels, layouts and scenery are known")
        return self.painter.loss(batch.video, batch.scenery, batch.labels, batch.layout)

    @stage("generator", through="codec", wants=("labels", "layout"), empty=True)
    def learn_generator(self, batch: Batch) -> Tensor:
        """Whole clips, and what comes after given frames; of the World, the scenery."""
        x, cond = self.begun(batch.video.float(), batch, self.layout(batch))
        return self.flow.loss(self.generator, x, cond, self.told([""]), self.weight(x))

    @stage("upsampler", empty=True)
    def learn_upsampler(self, batch: Batch) -> Tensor:
        """Most small frames come through the codec with disturbed latents; of each a square is drawn."""
        large, told = batch.video, self.told(batch.captions).vector
        small = self.upsampler.shrunk(large)
        with torch.no_grad():
            latents = self.codec.encode(small)
            strength = DISTURBED * torch.rand(len(small), 1, 1, 1, 1, device=small.device)
            coded = self.codec.decode(latents + strength * torch.randn_like(latents), told).clamp(-1, 1)
        keep = torch.rand(len(small), 1, 1, 1, 1, device=small.device) < 0.125
        return self.upsampler.loss(torch.where(keep, small, coded), large, told, part=0.5)

    @stage("generator", through="codec", wants=("labels", "layout"), empty=True)
    def learn_few_steps(self, batch: Batch) -> Tensor:
        """Four guided jumps learn from the generator as it was; a quarter of each batch keeps to plain flow."""
        teacher = self.frozen_teacher()
        x, cond = self.begun(batch.video.float(), batch, self.layout(batch))
        null, cut = self.told([""]), len(x) // 4
        plain = Condition(**{k: v[:cut] for k, v in cond.items().items()})
        rest = Condition(**{k: v[cut:] for k, v in cond.items().items()})
        loss = self.flow.distil(
            self.generator, teacher, x[cut:], rest, null, steps=4, guidance=self.config.jump_guidance, substeps=3
        )
        return loss + 0.25 * self.flow.loss(self.generator, x[:cut], plain, null) if cut else loss

    def begin(self, stage: str) -> None:
        """Before a stage starts or is resumed, with the weights it starts from: keeps the teacher of few steps."""
        if stage == "learn_few_steps":
            self.config = replace(self.config, jumps=4)
            object.__setattr__(self, "teacher", deepcopy(self.generator).requires_grad_(False).eval())

    def frozen_teacher(self) -> VideoTransformer:
        if getattr(self, "teacher", None) is None:
            self.begin("learn_few_steps")
        if self.teacher.dtype != self.generator.dtype:
            self.teacher.to(self.generator.dtype)
        return self.teacher

    def layout(self, batch: Batch) -> Tensor:
        """The batch's layouts, b t l; of every eighth clip, and where they are not known, zeros."""
        b, t = batch.video.shape[:2]
        if batch.layout is None:
            return batch.video.new_zeros(b, t, self.config.generator.layout_dim)
        return batch.layout * (torch.rand(b, 1, 1, device=batch.layout.device) > 0.125)

    def begun(self, x: Tensor, batch: Batch, layout: Tensor | None = None) -> tuple[Tensor, Condition]:
        """A batch to teach with: what is to be made, and what is told of it; some continue from given frames.

        Half the clips are told their labels for certain, for so are films when they are made.
        """
        cond = self.told(batch.captions)
        if batch.labels is not None:
            certain, lot = self.reader.certain(batch.labels), torch.rand(len(x), 1, device=x.device) < 0.5
            cond = replace(cond, vector=torch.where(lot, certain, cond.vector))
        return with_beginning(x, cond, self.config.generator.patch[0], layout)

    def weight(self, latents: Tensor) -> Tensor:
        """What matters how much in the generator's loss, 1 on average: b t c h w -> b 1 c h w."""
        return lively(latents) * self.codec.importance[:, None, None]

    def gist(self, batch: Batch) -> Tensor | None:
        """What the codec's decoder is told of each clip, b d, if it reads prompts: as in generating, so in teaching."""
        return self.told(batch.captions).vector if self.config.codec.text_dim else None

    @torch.no_grad()
    def validate(self, stage: str, batch: Batch) -> tuple[dict[str, float], list[Clip]]:
        """Figures on a held-out batch (pixels), and clips for a sheet."""
        if stage == "learn_words":
            said = batch.captions
            return self.reader.right(self.text(said), batch.labels, self.text.words(said)), []
        if stage == "learn_codec":
            return _checks.codec(self.codec, batch.video, self.gist(batch))
        if stage == "learn_upsampler":
            told = self.told(batch.captions).vector
            return _checks.upsampler(self.upsampler, self.codec, batch.video, told, noise=DISTURBED)
        if stage == "learn_figures":
            return _checks.painter(self.painter, batch)
        if stage == "learn_layout":
            x, cond = batch.layout[..., None, None], self.told(batch.captions)
            return {"loss": float(self.staging.loss(self.director, x, cond, self.told([""])))}, []
        x, cond = self.encode(stage, batch).video, self.told(batch.captions)
        cond = replace(cond, layout=None if batch.layout is None else batch.layout[:, : x.shape[1]])
        figures = {"loss": float(self.flow.loss(self.generator, x, cond, self.told([""])))}
        steps, frames = self.config.jumps or STEPS, self.clip_shape(stage)[0]
        wishes = [KineographOptions(p, num_inference_steps=steps, num_frames=frames) for p in SAMPLES]
        return figures, [self.generate(wish) for wish in wishes]
