"""Phenaki (Villegas et al. 2022): films of any length from a story told in prompts.

    video <──> C-ViViT <──> tokens ──hide some──> transformer <── text (cross-attention)
    all hidden, or after known ones ──> transformer, 16 rounds ──> tokens ──> C-ViViT ──> 64 x 64 ──> upsampler

Each scene goes on from the last frames shown, encoded again as known tokens; so a film is made window by window, with
the memory of one window. A picture or a video can stand before the first scene in the same way.

The bundled size is made for two CPU cores. Attention and feed-forwards cost by the place, so places are few and say
much: t_p = 3 frames and patches of 8 x 8 pixels cut 16 frames of 64 x 64 into 1 + 5 time steps of 64 places, and each
place holds eight tokens, of a book each (as in MAGVIT-v2, Yu et al. 2024, section 3.2), which are hidden and filled in
one by one like all others. The networks that only training needs (features, critic, judge) are small or absent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from kineograph import video as videos
from kineograph.clip import Batch, Clip
from kineograph.condition import Condition
from kineograph.models.critics import Critic, Features, distance, frozen
from kineograph.models.cvivit import CViViT, CViViTConfig
from kineograph.models.quantizers import CodebookConfig, perplexity, usage
from kineograph.models.text import ByteText, MiniLM
from kineograph.models.transformer import TokenJudge, TokenTransformer, TokenTransformerConfig
from kineograph.models.upsampler import Upsampler, UpsamplerConfig, fitted
from kineograph.models.watchers import i3d_distance, lpips_distance
from kineograph.processes.masked import CHOICE_TEMPERATURE, Masked
from kineograph.processes.reconstruction import psnr
from kineograph.system import Options, Progress, System, option, silent, stage
from kineograph.systems._checks import beside, compared
from kineograph.systems._windows import begun, few, spliced
from kineograph.systems._world import SAMPLES

BY_LOT = 100.0  # a choice temperature beside which what the network is sure of weighs nothing until the last rounds
Losses = Iterator[tuple[tuple[str, ...], Tensor]]  # the parts that learn, what from


@dataclass(frozen=True)
class Config:
    """The parts, and how they are taught."""

    frames: int = 9  # of a window: 1 + k t_p
    size: int = 32  # of frames before the upsampler
    text: str = "bytes"  # or "minilm"
    tokenizer: CViViTConfig = field(default_factory=CViViTConfig)
    dream: TokenTransformerConfig = field(default_factory=TokenTransformerConfig)
    judge_depth: int = 1  # layers of the token critic, 0 for none
    features: tuple[int, ...] = (8, 16, 16)  # widths of the network of the perceptual loss
    critic: tuple[int, ...] = (8, 16, 16)  # widths
    upsampler: UpsamplerConfig = field(default_factory=UpsamplerConfig)
    pictures: float = 0.5  # share of a batch that is still pictures
    beginnings: float = 0.5  # share of its films whose first time steps are known
    cuts: float = 0.25  # share of those whose known steps are another film's, so that a story's next prompt wins
    drop: float = 0.1  # share of texts withheld, for guidance
    perceptual: float = 0.1  # weights of losses beside the pixels', the paper's
    adversarial: float = 0.1  # 0: the critic rests
    video_perceptual: float = 1.0  # where i3d is given
    eyes: str = "features"  # whose perceptual loss: of the network that is taught here, or "lpips", the package
    i3d: str = ""  # a TorchScript file, for the paper's video perceptual loss
    looks: int = 4  # frames of each film that features and critic look at


@dataclass(frozen=True)
class PhenakiOptions(Options):
    """The common options, and how the tokens of each window are drawn."""

    num_inference_steps: int = option(16, "rounds in which a window's tokens are filled in", minimum=1, maximum=200)
    guidance_scale: float = option(
        2.5, "how strictly to follow the prompt; 1 is not at all guided", minimum=0, maximum=20
    )
    keep_frames: int = option(
        0,
        "frames each window takes over from what was shown: 1 + k t_p, fewer than a window has; 0: about 5",
        minimum=0,
    )
    temperature: float = option(0.7, "how freely tokens are drawn; falls to 0 over the steps", minimum=0, maximum=20)
    choice_temperature: float | None = option(
        None, "how freely the tokens to keep are chosen; falls to 0 over the steps [by lot; a token critic's by 4.5]",
        minimum=0, maximum=BY_LOT,
    )  # fmt: skip
    token_critic: bool = option(False, "let the trained token critic choose which tokens to keep")


# The paper's sizes (its table of hyperparameters): 11 x 128 x 128 is 6 x 16 x 16 = 1,536 tokens of 8,192 codes; of a
# batch, 80 % are videos and 20 % images. T5-XXL's states are 4,096 wide; T5 itself is no part of this system.
PAPER = Config(
    frames=11, size=128, judge_depth=0, features=(64, 128, 256), critic=(64, 128, 256),
    tokenizer=CViViTConfig(128, (2, 8, 8), dim=512, heads=8, spatial=4, temporal=4, book=CodebookConfig(8192, 32)),
    dream=TokenTransformerConfig(8192, (6, 16, 16), dim=2048, depth=24, heads=32, text_dim=4096),  # 1.8 B
    pictures=0.2, beginnings=0.0, cuts=0.0,
)  # fmt: skip


class Phenaki(System):
    Config, Options = Config, PhenakiOptions
    PRESETS = {
        "toy": Config(),
        "world": Config(
            frames=16, size=64, text="minilm", judge_depth=0, features=(16, 32, 64), critic=(16, 32, 64),
            tokenizer=CViViTConfig(
                64, (3, 8, 8), dim=256, heads=8, spatial=3, temporal=1, book=CodebookConfig(1024, 12, groups=8)
            ),
            dream=TokenTransformerConfig(
                1024, (6, 8, 64), dim=256, depth=6, heads=4, widen=3, text_dim=384, embed_dim=64, groups=8
            ),
            upsampler=UpsamplerConfig(96, 5, cell=2), pictures=0.2, beginnings=0.4, cuts=0.3,
        ),
        "paper": PAPER,
        "paper_small": replace(PAPER, dream=replace(PAPER.dream, dim=1536, depth=20, heads=24)),  # 0.9 B
    }  # fmt: skip

    def build(self, config: Config) -> None:
        if config.text not in ("bytes", "minilm"):
            raise ValueError(f"text is {config.text!r}; it can be bytes or minilm")
        if config.eyes not in ("features", "lpips"):
            raise ValueError(f"eyes is {config.eyes!r}; it can be features or lpips")
        self.text = MiniLM() if config.text == "minilm" else ByteText(config.dream.text_dim)
        self.features = Features(config.features, config.dream.text_dim)
        self.tokenizer = CViViT(config.tokenizer)
        self.critic = Critic(config.critic)
        self.dream = TokenTransformer(config.dream)
        if config.judge_depth:
            self.judge = TokenJudge(replace(config.dream, depth=config.judge_depth))
        self.upsampler = Upsampler(config.upsampler)
        self.masked = Masked(config.dream.codes, drop=config.drop)
        self.check_parts()

    def check_parts(self) -> None:
        """The tokens that one part makes must be those that the other knows."""
        c = self.config
        book = c.tokenizer.book
        made = (book.codes, book.groups, self.tokenizer.steps(c.frames), *self.tokenizer.tokens, c.tokenizer.size)
        known = (c.dream.codes, c.dream.groups, *c.dream.grid, c.size)
        if made != known:
            names = "codes, books, time steps, rows, columns and pixels"
            raise ValueError(f"the tokenizer makes {made} {names}, the rest of the system takes {known}")

    def generate(self, options: PhenakiOptions, progress: Progress = silent) -> Clip:
        total = sum(options.story.frames(num_frames=options.num_frames, fps=options.fps))
        with torch.inference_mode():
            return Clip.joined(self.film(options, progress), total, fps=options.fps, caption=options.prompt)

    def film(self, options: PhenakiOptions, progress: Progress) -> Iterator[Tensor]:
        """The story's frames, t 3 height width uint8, a window at a time."""
        self.check_options(options)
        prompts = [shot.prompt for shot in options.story]
        counts = options.story.frames(num_frames=options.num_frames, fps=options.fps)
        self.text.check([*prompts, options.negative_prompt])
        sample, keep = self.sampler(options), self.taken_over(options)
        before, total, done = self.beginning(options), sum(counts), 0
        for prompt, count in zip(prompts, counts, strict=True):
            cond, end = self.told([prompt]), done + count
            while done < end:

                def report(frames: float, at: int = done, what: str = prompt) -> None:
                    progress((at + frames) / total, what)

                report(0)
                video = self.window(before, end - done, partial(sample, cond=cond), report)
                before = torch.cat([before, video], dim=1)[:, -keep:]
                yield self.show(video, options)
                done += video.shape[1]
        progress(1.0, "done")

    def sampler(self, options: PhenakiOptions) -> Callable[..., Tensor]:
        """sample(tokens, cond=, progress=) -> tokens, with one stream of chance for the whole film."""
        choice = options.choice_temperature
        return partial(
            self.masked.sample,
            self.dream,
            null=self.told([options.negative_prompt]) if options.negative_prompt else self.dream.nothing(),
            steps=options.num_inference_steps,
            guidance=options.guidance_scale,
            generator=torch.Generator().manual_seed(options.seed),
            temperature=options.temperature,
            choice_temperature=(CHOICE_TEMPERATURE if options.token_critic else BY_LOT) if choice is None else choice,
            judge=self.judge if options.token_critic else None,
        )

    def window(
        self, before: Tensor, wanted: int, sample: Callable[..., Tensor], report: Callable[[float], None]
    ) -> Tensor:
        """Up to `wanted` new frames after those before, 1 k 3 s s -> 1 t 3 s s in [-1, 1]."""
        group, known = self.config.tokenizer.patch[0], before.shape[1]
        known -= (known - 1) % group if known else 0
        frames, last = max(known, 1), min(known + wanted, self.config.frames)
        frames += -(-(last - frames) // group) * group
        _, rows, columns = self.config.dream.grid
        tokens = torch.full((1, self.tokenizer.steps(frames), rows, columns), self.masked.codes, device=self.device)
        if known:
            tokens[:, : self.tokenizer.steps(known)] = self.tokenizer.encode(before[:, -known:])
        filled = sample(tokens.flatten(1), progress=lambda part: report(part * (last - known)))
        return self.tokenizer.decode(filled.view_as(tokens))[:, known:last].clamp(-1, 1)

    def check_options(self, options: PhenakiOptions) -> None:
        """What the weights set limits to."""
        if options.token_critic and not self.config.judge_depth:
            raise ValueError("token_critic is asked for, and these weights have none")
        if options.keep_frames >= self.config.frames:
            raise ValueError(f"keep_frames must be below {self.config.frames}, a window's; got {options.keep_frames}")
        try:
            self.tokenizer.steps(self.taken_over(options))
        except ValueError as error:
            raise ValueError(f"keep_frames does not fit: {error}") from error

    def taken_over(self, options: PhenakiOptions) -> int:
        """How many frames a window takes over: as many as asked for, or what fits and is nearest to the paper's 5."""
        group = self.config.tokenizer.patch[0]
        return options.keep_frames or min(range(1, self.config.frames, group), key=lambda n: abs(n - 5))

    def beginning(self, options: PhenakiOptions) -> Tensor:
        """The last frames of the given picture or video, 1 k 3 s s; k = 0 where none is given."""
        size = self.config.size
        if not options.image_path:
            return torch.empty(1, 0, 3, size, size, device=self.device)
        clip = videos.read(options.image_path, fps=options.fps, size=size)
        return clip.video[None, -self.taken_over(options) :].to(self.device)

    def show(self, video: Tensor, options: PhenakiOptions) -> Tensor:
        """1 t 3 s s -> t 3 height width uint8."""
        return Clip.of(fitted(self.upsampler(video)[0], options.height, options.width)).frames

    def told(self, prompts: tuple[str, ...] | list[str]) -> Condition:
        """What the transformer reads of prompts: their tokens, and no vector."""
        return replace(self.text(prompts), vector=None)

    def begin(self, stage: str) -> None:
        """A transformer that never learned takes narrow embeddings of codes from the tokenizer's book."""
        learned = any(block.narrow.weight.any() for block in self.dream.blocks)
        if stage == "learn_to_dream" and self.config.dream.embed_dim and not learned:
            self.dream.begin_with(self.tokenizer.book.book)

    def clip_shape(self, stage: str) -> tuple[int, int]:
        if stage == "learn_to_judge" and not self.config.judge_depth:
            raise ValueError("there is no token critic to train: set judge_depth to 1 or more")
        if stage == "learn_upsampler":
            return 1, self.config.size * self.upsampler.factor
        return self.config.frames, self.config.size

    @stage("features")
    def learn_to_see(self, batch: Batch) -> Tensor:
        """The network of the perceptual loss learns which caption belongs to which clip."""
        return self.features.loss(few(batch.video, self.config.looks), self.text(batch.captions).vector)

    @stage("tokenizer", "critic")
    def learn_tokens(self, batch: Batch) -> Losses:
        """Pixels, looks, the critic and the codebook teach the tokenizer; then the critic learns from what it made."""
        return self.judged(batch, self.tokenizer.loss)

    @stage("tokenizer", "critic")
    def learn_to_draw(self, batch: Batch) -> Losses:
        """The decoder alone learns on; tokens stay what they are, and what the transformer knows of them stays true."""
        return self.judged(batch, self.tokenizer.drawing_loss)

    def judged(self, batch: Batch, loss_of: Callable[[Tensor], tuple[Tensor, Tensor]]) -> Losses:
        """Losses of the tokenizer, and of the critic by what it drew.  loss_of: b t 3 s s -> its own, what it drew."""
        video, count = batch.video, self.pictures(batch)
        steps = self.tokenizer.steps(video.shape[1])
        still = torch.randperm(video.shape[1])[:steps]  # as many as cost what the film would
        loss, made, real = torch.zeros((), device=video.device), [], []
        for x, share in ((video[:count, still].flatten(0, 1)[:, None], count), (video[count:], len(video) - count)):
            if share:
                own, out = loss_of(x)
                if self.config.i3d and x.shape[1] > 1:
                    own = own + self.config.video_perceptual * i3d_distance(self.config.i3d, self.device)(out, x)
                loss = loss + own * (share / len(video))
                pair = few(torch.stack([out, x], 2), self.config.looks).flatten(0, 1)  # n 2 3 s s, of the same times
                made, real = [*made, pair[:, 0]], [*real, pair[:, 1].detach()]
        made, real = torch.cat(made), torch.cat(real)  # n 3 s s
        if self.config.perceptual:
            loss = loss + self.config.perceptual * self.unlike(made, real)
        if self.config.adversarial:
            loss = loss - self.config.adversarial * frozen(self.critic)(made).mean()
        yield ("tokenizer",), loss
        if self.config.adversarial:
            yield ("critic",), self.critic.loss(real, made.detach())

    def unlike(self, made: Tensor, real: Tensor) -> Tensor:
        """How unlike frames look, n 3 s s."""
        if self.config.eyes == "lpips":
            return lpips_distance(self.device)(made, real)
        return distance(frozen(self.features), made, real)

    @stage("dream", through="tokenizer")
    def learn_to_dream(self, batch: Batch) -> Tensor:
        """Films and pictures together; a picture's tokens are those of a film's first frame."""
        tokens, cond, null = batch.video.long(), self.told(batch.captions), self.dream.nothing()
        count, loss = self.pictures(batch), torch.zeros((), device=tokens.device)
        for rows, steps in ((slice(count), 1), (slice(count, None), tokens.shape[1])):
            some = tokens[rows, :steps]
            if len(some):
                told, (some, known) = cond.map(lambda x, rows=rows: x[rows]), self.known(some)
                part = self.masked.loss(self.dream, some, told, null, known)
                loss = loss + part * (len(some) / len(tokens))
        return loss

    @stage("judge", through="tokenizer")
    def learn_to_judge(self, batch: Batch) -> Tensor:
        """The optional token critic learns what the finished transformer gets wrong."""
        tokens, known = self.known(batch.video.long())
        return self.masked.judge_loss(self.judge, self.dream, tokens, self.told(batch.captions), known)

    @stage("upsampler")
    def learn_upsampler(self, batch: Batch) -> Tensor:
        """Single frames, most of them through the finished tokenizer; of each a square is drawn."""
        small = self.upsampler.shrunk(batch.video)
        with torch.no_grad():
            coded = self.tokenizer.decode(self.tokenizer.encode(small)).clamp(-1, 1)
        keep = torch.rand(len(small), 1, 1, 1, 1, device=small.device) < 0.125
        return self.upsampler.loss(torch.where(keep, small, coded), batch.video, part=0.5)

    def pictures(self, batch: Batch) -> int:
        """How many rows of a batch are still pictures: the same in every batch of a size."""
        return round(self.config.pictures * len(batch))

    def known(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Films to learn from, and which of their tokens are known.  b t h w -> b (t h w) twice."""
        known = begun(tokens, self.config.beginnings)
        return spliced(tokens.flatten(1), known, self.config.cuts), known

    @torch.no_grad()
    def validate(self, stage: str, batch: Batch) -> tuple[dict[str, float], list[Clip]]:
        """Figures on a held-out batch (pixels), and clips for a sheet."""
        if stage == "learn_to_see":
            scores = self.features.match(few(batch.video, self.config.looks), self.text(batch.captions).vector)
            return {"matched": float((scores.argmax(1).cpu() == torch.arange(len(scores))).float().mean())}, []
        if stage in ("learn_tokens", "learn_to_draw"):
            tokens, book = self.tokenizer.encode(batch.video), (self.masked.codes, self.tokenizer.book.groups)
            out = self.tokenizer.decode(tokens).clamp(-1, 1)
            figures, pairs = compared(out, batch.video)
            return figures | {"usage": usage(tokens, *book), "perplexity": perplexity(tokens, *book)}, pairs
        if stage == "learn_upsampler":
            small = self.tokenizer.decode(self.tokenizer.encode(self.upsampler.shrunk(batch.video))).clamp(-1, 1)
            out, plain = self.upsampler(small).clamp(-1, 1), self.upsampler.bicubic(small).clamp(-1, 1)
            figures = {"psnr": psnr(out, batch.video), "psnr_bicubic": psnr(plain, batch.video)}
            return figures, beside(plain, out, batch.video)
        loss = self.stages()[stage](self, self.encode(stage, batch))
        wishes = [
            PhenakiOptions(p, num_frames=self.config.frames, token_critic=stage == "learn_to_judge") for p in SAMPLES
        ]
        return {"loss": float(loss)}, [self.generate(wish) for wish in wishes]
