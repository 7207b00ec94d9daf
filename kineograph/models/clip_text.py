"""CLIP's text encoder (Radford et al. 2021), which published image and video systems read their prompts with.

    prompt ─> byte pairs, padded to 77 ─> causal transformer ─> a state for each of the 77

Parameters bear the names of transformers' CLIPTextModel. Needs `tokenizers` only.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.condition import Condition
from kineograph.models.text import TextEncoder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
ACTIVATIONS = ("quick_gelu", "gelu")


@dataclass(frozen=True)
class CLIPTextConfig:
    """The defaults are those of Stable Diffusion 1."""

    words: int = 49408
    dim: int = 768
    hidden: int = 3072
    depth: int = 12
    heads: int = 12
    length: int = 77
    activation: str = "quick_gelu"
    eps: float = 1e-5

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"CLIP's activation is {' or '.join(ACTIVATIONS)}; got {self.activation!r}")


class CLIPText(TextEncoder):
    """text(prompts) -> tokens b 77 d, all of them to be read, and the vector b d where each prompt ends."""

    def __init__(self, config: CLIPTextConfig, tokenizer: "Tokenizer", *, padding: str = END):
        super().__init__(config.dim, config.length, pad=True)
        self.config, self.tokenizer, self.padding = config, tokenizer, padding
        self.end = known(tokenizer, END)
        self.filler = known(tokenizer, padding)
        self.embeddings = Embeddings(config)
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(Layer(config) for _ in range(config.depth))
        self.final_layer_norm = nn.LayerNorm(config.dim, config.eps)
        self.requires_grad_(False)

    def ids(self, prompt: str) -> list[int]:
        return self.tokenizer.encode(prompt).ids

    @torch.no_grad()
    def forward(self, prompts: Sequence[str]) -> Condition:
        rows = self.check(prompts)
        ends = torch.tensor([row.index(self.end) for row in rows])
        ids = torch.tensor([row + [self.filler] * (self.length - len(row)) for row in rows])
        tokens = self.read(ids.to(self.embeddings.position_embedding.weight.device))
        return Condition(tokens=tokens, vector=tokens[torch.arange(len(rows)), ends])

    def read(self, ids: Tensor) -> Tensor:
        """b n -> b n d, float32."""
        x = self.embeddings(ids)
        for layer in self.encoder.layers:
            x = layer(x)
        return self.final_layer_norm(x).float()


class Embeddings(nn.Module):
    """b n -> b n d: what stands there and where."""

    def __init__(self, config: CLIPTextConfig):
        super().__init__()
        self.token_embedding = nn.Embedding(config.words, config.dim)
        self.position_embedding = nn.Embedding(config.length, config.dim)

    def forward(self, ids: Tensor) -> Tensor:
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]


class Layer(nn.Module):
    """A pre-norm transformer layer in which tokens read what stands before them."""

    def __init__(self, config: CLIPTextConfig):
        super().__init__()
        self.layer_norm1, self.self_attn = nn.LayerNorm(config.dim, config.eps), CausalAttention(config)
        self.layer_norm2, self.mlp = nn.LayerNorm(config.dim, config.eps), Perceptron(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class CausalAttention(nn.Module):
    def __init__(self, config: CLIPTextConfig):
        super().__init__()
        self.heads = config.heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, nn.Linear(config.dim, config.dim))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.q_proj, self.k_proj, self.v_proj)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)  # b h n d
        return self.out_proj(y.transpose(1, 2).flatten(2))


class Perceptron(nn.Module):
    def __init__(self, config: CLIPTextConfig):
        super().__init__()
        self.activation = config.activation
        self.fc1, self.fc2 = nn.Linear(config.dim, config.hidden), nn.Linear(config.hidden, config.dim)

    def forward(self, x: Tensor) -> Tensor:
        h = self.fc1(x)
        return self.fc2(F.gelu(h) if self.activation == "gelu" else h * torch.sigmoid(1.702 * h))


def known(tokenizer: "Tokenizer", token: str) -> int:
    """The number of a token that must be there."""
    number = tokenizer.token_to_id(token)
    if number is None:
        raise ValueError(f"this is not CLIP's tokenizer: it does not know {token}")
    return number


def read_tokenizer(folder: Path) -> "tuple[Tokenizer, str]":
    """The tokenizer of a folder, from tokenizer.json or from vocab.json and merges.txt, and the token it pads with."""
    from tokenizers import Tokenizer

    padding = padding_of(folder)
    if (folder / "tokenizer.json").is_file():
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
        pairs = [line.split() for line in lines if not line.startswith("#version")]
        tokenizer = made(vocabulary, [(pair[0], pair[1]) for pair in pairs if len(pair) == 2], padding=padding)
    else:
        raise ValueError(f"{folder} holds no tokenizer: neither tokenizer.json nor vocab.json with merges.txt")
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, padding


def padding_of(folder: Path) -> str:
    """The token a folder's tokenizer pads with."""
    for path in (folder / "tokenizer_config.json", folder / "special_tokens_map.json"):
        if path.is_file():
            pad = json.loads(path.read_text(encoding="utf-8")).get("pad_token")
            if pad := pad.get("content") if isinstance(pad, dict) else pad:
                return pad
    return END


def made(vocabulary: dict[str, int], merges: list[tuple[str, str]], *, padding: str = END) -> "Tokenizer":
    """CLIP's byte pair encoding: lower case, words ending in </w>, the prompt between two marks.

    Marks and padding are found whole in a prompt: where one pads with "!", as Stable Diffusion 2 does, it is no word.
    """
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import BPE

    tokenizer = Tokenizer(
        BPE(vocabulary, merges, unk_token=END, continuing_subword_prefix="", end_of_word_suffix="</w>", fuse_unk=False)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.post_processor = processors.RobertaProcessing(
        (END, known(tokenizer, END)), (START, known(tokenizer, START)), trim_offsets=False, add_prefix_space=False
    )
    tokenizer.add_special_tokens([START, END, padding])
    return tokenizer


def write_tokenizer(tokenizer: "Tokenizer", padding: str, folder: Path, *, length: int) -> None:
    """tokenizer.json, and vocab.json with merges.txt for those who know no other."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    model = json.loads(tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False), encoding="utf-8")
    pairs = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *pairs, ""]), encoding="utf-8")
    head = {"tokenizer_class": "CLIPTokenizer", "model_max_length": length, "pad_token": padding, "unk_token": END}
    head |= {"bos_token": START, "eos_token": END}
    (folder / "tokenizer_config.json").write_text(json.dumps(head, indent=2) + "\n", encoding="utf-8")
