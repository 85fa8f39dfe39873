#!/usr/bin/env python3
"""Times the library beside the Python packages that do the same, on the same samples, and prints one table of ratios.

    pip install numpy scikit-learn torch
    pip install --no-deps concept-erasure
    cmake --preset release -D STEER_NATIVE=ON && cmake --build --preset release --target steer_peers
    python bench/peers.py build/release/bin/steer_peers

Peer and library take turns on one machine. With one thread, the default, the time is the thread's own: what other
programs take meanwhile does not count. With --threads N the peers, not the library, get N, and all times are the wall's.
A row's ratio is the median over the turns of the peer's time by the library's: above 1 the library is faster. Results
are compared before anything is timed. Samples are float32, as a model writes them; "float32" and "float64" say what the
peer computes in, while the library sums in double.
"""
import argparse
import os
import pathlib
import subprocess
import tempfile
import time

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("program", type=pathlib.Path, help="steer_peers")
options.add_argument("--threads", type=int, default=1, help="for the peers")
options.add_argument("--turns", type=int, default=5)
options.add_argument("--only", default="", help="rows whose name contains this")
options = options.parse_args()
for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):  # before numpy is imported
    os.environ[f"{library}_NUM_THREADS"] = str(options.threads)

import numpy as np
import sklearn
import torch
from concept_erasure import LeaceFitter
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

torch.set_num_threads(options.threads)
CLOCK = time.process_time if options.threads == 1 else time.perf_counter


class Library:
    """The program, one call at a time."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen([options.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, method, samples):
        """Seconds, what the method says of its result, and the result."""
        result = self.folder / "result.npy"
        result.unlink(missing_ok=True)
        print(method, *(self.folder / f"{samples}_{side}.npy" for side in ("positive", "negative")), result,
              file=self.process.stdin, flush=True)
        seconds, says = map(float, self.process.stdout.readline().split())
        return seconds, says, np.load(result) if result.exists() else None


def contrast(folder, name, n, d, shift):
    """Two sides [n, d] whose spectrum falls as activations' does: column j has the deviation 20 / sqrt(1 + j)."""
    random = np.random.default_rng(1)
    sides = random.normal(size=(2, n, d)) * (20 / np.sqrt(1 + np.arange(d)))
    sides[0] += random.choice([-1, 1], d) * shift / np.sqrt(d)
    sides = sides.astype(np.float32)
    for side, rows in zip(("positive", "negative"), sides):
        np.save(pathlib.Path(folder) / f"{name}_{side}.npy", rows)
    return sides


def cosine(a, b):
    a, b = np.ravel(a).astype(np.float64), np.ravel(b).astype(np.float64)
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def full_svd(rows):
    return PCA(n_components=1, svd_solver="full").fit(rows).components_[0]


def chosen_by_scikit(rows):
    return PCA(n_components=1, random_state=0).fit(rows).components_[0]  # what repeng calls; randomised at this size


def power_iteration(rows, tolerance):
    """As llama.cpp's generator of control vectors: the square of width d in float32 and at most 1000 products with a vector.
    Its tolerance is 1e-7, but the check leaves the inner of two loops only, so that it does all 1000: tolerance 0."""
    centred = rows - rows.mean(0)
    square = centred.T @ centred
    v = np.random.default_rng(0).uniform(size=rows.shape[1]).astype(np.float32)
    v /= np.linalg.norm(v)
    for _ in range(1000):
        following = square @ v
        following /= np.linalg.norm(following)
        moved, v = np.linalg.norm(following - v), following
        if moved < tolerance:
            break
    return v


def loss_of(fitted, rows, sign):
    """In double, of scikit-learn's C = 1."""
    w = fitted.coef_[0].astype(np.float64)
    margin = sign * (rows.astype(np.float64) @ w + float(fitted.intercept_[0]))
    return np.logaddexp(0, -margin).sum() + 0.5 * w @ w


def logistic(rows, labels, tolerance):
    return LogisticRegression(C=1.0, tol=tolerance, max_iter=10000).fit(rows, labels)


def eraser(rows, labels, **how):
    return LeaceFitter.fit(rows, labels, **how).eraser


def fitter(rows, labels, **how):
    return LeaceFitter.fit(rows, labels, **how)


class Table:
    def __init__(self, library):
        self.library = library
        print(f"numpy {np.__version__}, scikit-learn {sklearn.__version__}, torch {torch.__version__}; "
              f"{options.threads} thread(s) for the peers")
        print(f"{'against':58} {'target':>7} {'ratio':>7} {'peer ms':>9} {'ours ms':>9}  equal")

    def row(self, name, target, method, samples, peer, agreement, before=lambda: None, turns=options.turns):
        """`agreement(peer's result, ours, what ours says)` says how far the two agree."""
        if options.only not in name:
            return
        _, says, ours = self.library(method, samples)
        equal = agreement(peer(before()), ours, says)
        times = []
        for _ in range(turns):
            prepared = before()
            start = CLOCK()
            peer(prepared)
            theirs = CLOCK() - start
            times.append((theirs, self.library(method, samples)[0]))
        theirs, mine = np.median(times, axis=0)
        ratio = np.median([a / b for a, b in times])
        print(f"{name:58} {target:>7} {ratio:7.2f} {1e3 * theirs:9.1f} {1e3 * mine:9.1f}  {equal}", flush=True)

    def limit(self, name, target, method, limit, samples):
        """The machine's limit instead of a peer: how much of it the library reaches."""
        if options.only not in name:
            return
        times = [(self.library(limit, samples)[0], self.library(method, samples)[0]) for _ in range(8 * options.turns)]
        bound, mine = np.median(times, axis=0)
        ratio = np.median([a / b for a, b in times])
        print(f"{name:58} {target:>7} {ratio:7.2f} {1e3 * bound:9.1f} {1e3 * mine:9.1f}  -", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        table = Table(Library(folder))

        positive, negative = contrast(folder, "pairs", 512, 4096, 8.0)
        table.limit("mean_difference n 2 x 512, d 4096: of a plain read", "0.9", "mean_difference", "look", "pairs")
        table.row("mean_difference: numpy means in float64", "", "mean_difference", "pairs",
                  lambda _: positive.mean(0, dtype=np.float64) - negative.mean(0, dtype=np.float64),
                  lambda theirs, ours, _: f"cosine 1 - {1 - cosine(theirs, ours):.0e}")

        pairs = positive - negative
        by_cosine = lambda theirs, ours, _: f"|cosine| 1 - {1 - abs(cosine(theirs, ours)):.0e}"
        for kind in (np.float64, np.float32):
            rows, called = pairs.astype(kind), np.dtype(kind).name
            table.row(f"PCA n 512, d 4096: scikit-learn full SVD, {called}", "10", "principal_component", "pairs",
                      lambda _: full_svd(rows), by_cosine)
            table.row(f"PCA n 512, d 4096: scikit-learn randomised, {called}", "", "principal_component", "pairs",
                      lambda _: chosen_by_scikit(rows), by_cosine)
        table.row("PCA n 512, d 4096: power iteration, stopped at 1e-7", "10", "principal_component", "pairs",
                  lambda _: power_iteration(pairs, 1e-7), by_cosine)
        table.row("PCA n 512, d 4096: power iteration, as the generator runs", "10", "principal_component", "pairs",
                  lambda _: power_iteration(pairs, 0), by_cosine, turns=1)

        sides = contrast(folder, "erased", 1024, 1024, 8.0)
        exact = {"shrinkage": False, "constrain_cov_trace": False, "svd_tol": 1e-9}
        labels = torch.from_numpy(np.repeat([1, 0], 1024))
        identity = np.eye(1024)
        by_projector = lambda theirs, ours, _: "|difference| {:.0e}".format(
            np.linalg.norm(identity - theirs.P.double().numpy() - ours.reshape(1024, 1024)) / np.linalg.norm(ours))
        for kind in (torch.float64, torch.float32):
            rows, called = torch.from_numpy(np.vstack(sides)).to(kind), str(kind).removeprefix("torch.")
            table.row(f"LEACE n 2048, d 1024: concept-erasure, {called}", "10", "binary_leace", "erased",
                      lambda _: eraser(rows, labels, **exact), by_projector)
            table.row(f"LEACE, its defaults (shrinkage), {called}", "", "binary_leace", "erased",
                      lambda _: eraser(rows, labels), lambda theirs, *_: "not the same map")
            table.row(f"LEACE d 1024 from its moments: concept-erasure, {called}", "10", "leace_of_moments", "erased",
                      lambda prepared: prepared.eraser, by_projector, lambda: fitter(rows, labels, **exact))
        table.limit("LEACE n 2048, d 1024: of the columns' products alone", "", "binary_leace", "products", "erased")

        sides = contrast(folder, "probed", 500, 4096, 8.0)
        labels = np.repeat([1, 0], 500)
        by_loss = lambda theirs, _, loss: f"loss 1 {loss_of(theirs, np.vstack(sides), 2 * labels - 1) / loss - 1:+.0e}"
        for kind in (np.float64, np.float32):
            rows, called = np.vstack(sides).astype(kind), np.dtype(kind).name
            table.row(f"probe n 1000, d 4096: L-BFGS to equal loss, {called}", "1", "probe", "probed",
                      lambda _: logistic(rows, labels, 1e-7), by_loss)
            table.row(f"probe: L-BFGS at its default tolerance, {called}", "", "probe", "probed",
                      lambda _: logistic(rows, labels, 1e-4), by_loss)
        table.limit("probe n 1000, d 4096: of the rows' products alone", "", "probe", "products", "probed")


if __name__ == "__main__":
    main()
