"""Trains the storybox model and writes it as safetensors. Opt-in: nothing in the build runs this.

How the shipped weights were made (about ten minutes on two cores):

    pip install -r requirements.txt
    storybox_corpus --stories 80000 --seed 1 --out train.txt
    storybox_corpus --stories 2000 --seed 2 --out valid.txt
    python train.py --corpus train.txt --validation valid.txt --out storybox.safetensors --seed 1

Where other programs use the same cores, set OMP_WAIT_POLICY=passive: threads that spin while they wait
for each other made a step ten times slower. With --checkpoint a training that was stopped goes on where it was.

The model is a Llama: RMSNorm, rotary positions in the half-rotation convention of Hugging Face,
grouped-query attention, SwiGLU, no biases, input and output embeddings shared. It sees <bos> and
predicts every later token, <eos> included. The losses printed are nats per predicted token, and the
corpus files know the least loss possible on their own stories (floor.hpp computes it).

With --streams 4 the same blocks stand in hyper-connections as DeepSeek-V4 has them (class HyperConnection says how), and
--golden writes what such a model computes, for the C++ forward pass to be compared with.

Shapes: B stories, T tokens (padded to the longest story of the batch), D width, H heads, G key and value
heads, K width of a head, V words, S residual streams.
"""

import argparse
import json
import math
import os
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

D, LAYERS, H, G, K, HIDDEN, CONTEXT = 96, 4, 6, 3, 16, 256, 256
EPS, THETA = 1e-5, 10000.0
SINKHORN, STREAM_EPS = 8, 1e-6  # of hyper-connections
PAD = -100  # target that the loss ignores


class RmsNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(D))

    def forward(self, x):  # [B, T, D]
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * self.weight


def rotate(x, cos, sin):  # [B, heads, T, K], [T, K]
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q_proj = nn.Linear(D, H * K, bias=False)
        self.k_proj = nn.Linear(D, G * K, bias=False)
        self.v_proj = nn.Linear(D, G * K, bias=False)
        self.o_proj = nn.Linear(H * K, D, bias=False)

    def forward(self, x, cos, sin):  # [B, T, D]
        b, t, _ = x.shape
        q = rotate(self.q_proj(x).view(b, t, H, K).transpose(1, 2), cos, sin)
        k = rotate(self.k_proj(x).view(b, t, G, K).transpose(1, 2), cos, sin)
        v = self.v_proj(x).view(b, t, G, K).transpose(1, 2)
        k, v = (y.repeat_interleave(H // G, dim=1) for y in (k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(b, t, H * K))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate_proj = nn.Linear(D, HIDDEN, bias=False)
        self.up_proj = nn.Linear(D, HIDDEN, bias=False)
        self.down_proj = nn.Linear(HIDDEN, D, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


def mixture(weights, x):  # [B, T, S], [B, T, S, D] -> [B, T, D]
    return (weights.unsqueeze(-2) @ x).squeeze(-2)


class HyperConnection(nn.Module):
    """S streams around a sub-block f, each token's streams H [S, D] and r all of them as one row, divided by its root mean square:

        pre = sigmoid(a0 (W0 r) + b0) + eps [S],  post = 2 sigmoid(a1 (W1 r) + b1) [S],  comb = sinkhorn(a2 (W2 r) + b2) [S, S]
        H_t <- post_t f(sum_s pre_s H_s) + sum_s comb_st H_s

    Streams are copies of the embedding at first; in the end sum_s sigmoid(a (W r) + b) + eps)_s H_s goes to the head.
    Sources: hyper-connections, arXiv 2409.19606; made doubly stochastic, arXiv 2512.24880; as llama.cpp has it for DeepSeek-V4.
    """

    def __init__(self, streams, turn):
        super().__init__()
        s = streams
        self.streams = s
        self.fn = nn.Parameter(torch.randn((2 + s) * s, s * D) * 0.04)
        self.base = nn.Parameter(torch.cat((self.one_of(s, turn), torch.zeros(s), 3.0 * torch.eye(s).flatten())))
        self.scale = nn.Parameter(torch.full((3,), 0.1))

    @staticmethod
    def one_of(streams, turn):
        """At first a sub-block reads one stream more than the others, each its own: they would stay alike otherwise."""
        return torch.where(torch.arange(streams) == turn % streams, 1.0, -1.0)

    def forward(self, x):  # [B, T, S, D] -> what the sub-block reads [B, T, D], and how its output enters
        s = self.streams
        flat = x.flatten(-2)
        mixes = F.linear(flat * torch.rsqrt(flat.square().mean(-1, keepdim=True) + EPS), self.fn)
        pre, post, comb = mixes.split((s, s, s * s), dim=-1)
        base_pre, base_post, base_comb = self.base.split((s, s, s * s))
        pre = torch.sigmoid(pre * self.scale[0] + base_pre) + STREAM_EPS
        post = 2 * torch.sigmoid(post * self.scale[1] + base_post)
        comb = (comb * self.scale[2] + base_comb).unflatten(-1, (s, s)).softmax(-1) + STREAM_EPS  # [from, to]
        comb = comb / (comb.sum(-2, keepdim=True) + STREAM_EPS)
        for _ in range(SINKHORN - 1):
            comb = comb / (comb.sum(-1, keepdim=True) + STREAM_EPS)
            comb = comb / (comb.sum(-2, keepdim=True) + STREAM_EPS)
        return mixture(pre, x), lambda y: post.unsqueeze(-1) * y.unsqueeze(-2) + comb.mT @ x


class HyperHead(nn.Module):
    def __init__(self, streams):
        super().__init__()
        self.fn = nn.Parameter(torch.randn(streams, streams * D) * 0.04)
        self.base, self.scale = nn.Parameter(torch.zeros(streams)), nn.Parameter(torch.full((1,), 0.1))

    def forward(self, x):
        flat = x.flatten(-2)
        mixes = F.linear(flat * torch.rsqrt(flat.square().mean(-1, keepdim=True) + EPS), self.fn)
        return mixture(torch.sigmoid(mixes * self.scale + self.base) + STREAM_EPS, x)


class Block(nn.Module):
    def __init__(self, streams, layer):
        super().__init__()
        self.input_layernorm, self.self_attn = RmsNorm(), Attention()
        self.post_attention_layernorm, self.mlp = RmsNorm(), Mlp()
        if streams > 1:
            self.attn_hc, self.mlp_hc = HyperConnection(streams, 2 * layer), HyperConnection(streams, 2 * layer + 1)

    def forward(self, x, cos, sin):
        if hasattr(self, "attn_hc"):
            read, write = self.attn_hc(x)
            x = write(self.self_attn(self.input_layernorm(read), cos, sin))
            read, write = self.mlp_hc(x)
            return write(self.mlp(self.post_attention_layernorm(read)))
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Model(nn.Module):
    """Parameter names are Hugging Face's, with `model.` in front."""

    def __init__(self, vocabulary_size, streams=1):
        super().__init__()
        self.streams = streams
        self.embed_tokens = nn.Embedding(vocabulary_size, D)
        self.layers = nn.ModuleList(Block(streams, layer) for layer in range(LAYERS))
        self.norm = RmsNorm()
        if streams > 1:
            self.head_hc = HyperHead(streams)
        angle = torch.outer(torch.arange(CONTEXT), THETA ** -(torch.arange(0, K, 2) / K)).repeat(1, 2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2 and not name.endswith("hc.fn"):  # what is added to the stream starts smaller, so its norm does not grow with depth
                into_stream = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(p, std=0.04 / math.sqrt(2 * LAYERS) if into_stream else 0.04)

    def forward(self, ids, seen=lambda x: None):  # [B, T] -> [B, T, D]
        t = ids.shape[1]
        x = self.embed_tokens(ids)
        if self.streams > 1:
            x = x.unsqueeze(-2).expand(-1, -1, self.streams, -1)
        for layer in self.layers:
            x = layer(x, self.cos[:t], self.sin[:t])
            seen(x)
        return self.norm(self.head_hc(x) if self.streams > 1 else x)

    def loss(self, ids):
        """Sum of -log p in nats, and the number of predicted tokens."""
        targets = ids[:, 1:]
        known = targets != PAD
        hidden = self(ids[:, :-1].clamp(min=0))[known]
        logits = hidden @ self.embed_tokens.weight.T
        return F.cross_entropy(logits, targets[known], reduction="sum"), int(known.sum())


def read_corpus(path):
    with open(path, encoding="utf-8") as file:
        header = json.loads(file.readline())
        if header.get("format") != "storybox corpus 1":
            raise SystemExit(f"{path}: expected a corpus written by storybox_corpus")
        stories = [np.array(line.split(), dtype=np.int64) for line in file]
    longest = max(map(len, stories))
    if len(stories) != header["stories"] or longest > CONTEXT:
        raise SystemExit(f"{path}: {len(stories)} stories, longest {longest}; "
                         f"expected {header['stories']} stories of at most {CONTEXT} tokens")
    return header, stories


def pad(stories):
    out = torch.full((len(stories), max(map(len, stories))), PAD)
    for row, story in zip(out, stories):
        row[: len(story)] = torch.from_numpy(story)
    return out


@torch.no_grad()
def evaluate(model, stories):
    nats = count = 0
    ordered = sorted(stories, key=len)  # little padding
    for i in range(0, len(ordered), 100):
        loss, n = model.loss(pad(ordered[i : i + 100]))
        nats, count = nats + loss.item(), count + n
    return nats / count


def train(model, stories, args):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    gains = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": args.weight_decay}, {"params": gains, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95))
    order = np.random.default_rng(args.seed)
    first = 0
    if args.checkpoint and os.path.exists(args.checkpoint):
        saved = torch.load(args.checkpoint, weights_only=True)
        if saved["of"] != identity(args):
            raise SystemExit(f"{args.checkpoint} is of {saved['of']}, expected {identity(args)}")
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        order.bit_generator.state = json.loads(saved["order"])
        first = saved["step"]
    start = time.time()
    for step in range(first, args.steps):
        warm = min(1.0, (step + 1) / 50)
        lr = args.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / args.steps)))
        for group in optimizer.param_groups:
            group["lr"] = lr
        batch = pad([stories[i] for i in order.integers(len(stories), size=args.batch)])
        loss, count = model.loss(batch)
        optimizer.zero_grad()
        (loss / count).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 25 == 0 or step == args.steps - 1:
            left = (time.time() - start) / (step + 1 - first) * (args.steps - step - 1)
            print(f"step {step:5d}  loss {loss.item() / count:.4f}  lr {lr:.2e}  {left:4.0f} s left", flush=True)
        if args.checkpoint and (step + 1) % 100 == 0:
            state = {"of": identity(args), "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                     "order": json.dumps(order.bit_generator.state), "step": step + 1}
            torch.save(state, args.checkpoint + ".new")
            os.replace(args.checkpoint + ".new", args.checkpoint)


def identity(args):
    """What a checkpoint must agree on to be gone on from."""
    return f"{args.streams} streams, seed {args.seed}, {args.steps} steps of {args.batch}, lr {args.lr}, decay {args.weight_decay}"


@torch.no_grad()
def write_golden(model, story, path):
    """The streams behind every layer and the logits of how a story begins, in double precision."""
    model.double()
    ids, layers = torch.from_numpy(story[:16]).unsqueeze(0), []
    hidden = model(ids, layers.append)
    out = {"tokens": ids[0].int(), "logits": (hidden @ model.embed_tokens.weight.T)[0].float()}
    for i, x in enumerate(layers):
        out[f"residual_out.{i}"] = x[0].flatten(1).float().contiguous()  # [T, S D]
    save_file(out, path)


def main():
    parser = argparse.ArgumentParser(description="Trains the storybox model.")
    parser.add_argument("--corpus", required=True, help="training stories, from storybox_corpus")
    parser.add_argument("--validation", required=True, help="stories of another seed, from storybox_corpus")
    parser.add_argument("--out", required=True, help="safetensors file to write")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=48, help="stories per step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--streams", type=int, default=1, help="residual streams, in hyper-connections if more than one")
    parser.add_argument("--checkpoint", help="file to go on from where there is one, written every 100 steps")
    parser.add_argument("--golden", help="safetensors file of what the saved model computes on one story, to write beside")
    args = parser.parse_args()
    if args.streams < 1:
        raise SystemExit(f"--streams is {args.streams}, expected at least 1")

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    header, stories = read_corpus(args.corpus)
    fresh_header, fresh = read_corpus(args.validation)
    if fresh_header["seed"] == header["seed"]:
        raise SystemExit("the validation corpus has the training corpus's seed; write it with another one")
    vocabulary = header["vocabulary"]
    model = Model(len(vocabulary), args.streams)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(stories)} stories", flush=True)
    train(model, stories, args)

    weights = {f"model.{name}": p.detach().half() for name, p in model.named_parameters()}
    with torch.no_grad():  # judge what is saved, not what was trained
        for p in model.parameters():
            p.copy_(p.half())
    loss, floor = evaluate(model, fresh), fresh_header["floor"]
    if args.golden:
        write_golden(model, min(fresh, key=len), args.golden)
    print(f"validation loss {loss:.5f}, floor {floor:.5f}, excess {100 * (loss / floor - 1):.2f} %")
    metadata = {
        "format": "pt", "architecture": "llama", "hidden_size": D, "intermediate_size": HIDDEN,
        "num_hidden_layers": LAYERS, "num_attention_heads": H, "num_key_value_heads": G, "head_dim": K,
        "vocab_size": len(vocabulary), "max_position_embeddings": CONTEXT, "rms_norm_eps": EPS,
        "rope_theta": THETA, "tie_word_embeddings": "true", "bos_token_id": header["bos"],
        "eos_token_id": header["eos"], "vocabulary": "\n".join(vocabulary), "training_steps": args.steps,
        "training_batch": args.batch, "training_seed": args.seed, "training_corpus_seed": header["seed"],
        "validation_corpus_seed": fresh_header["seed"], "validation_stories": fresh_header["stories"],
        "validation_loss": f"{loss:.6f}", "validation_floor": f"{floor:.6f}",
    }
    if args.streams > 1:
        metadata |= {"residual_streams": args.streams, "sinkhorn_iterations": SINKHORN, "stream_epsilon": STREAM_EPS}
    save_file(weights, args.out, {key: str(value) for key, value in metadata.items()})


if __name__ == "__main__":
    main()
