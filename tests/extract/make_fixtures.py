#!/usr/bin/env python3
"""Writes tests/extract/fixtures: small samples, and what other people's code extracts from them.

    pip install numpy scikit-learn pot torch
    pip install --no-deps concept-erasure repeng steering-vectors tqdm
    python make_fixtures.py

The fixtures in the repository are from numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1, pot 0.9.7.post1, torch 2.5.1,
concept-erasure 0.2.4, repeng 0.4.0 and steering-vectors 0.12.2, in Python 3.11. Which function made which file stands
beside each call of `save`; none of them needs a language model, so that `transformers` and
`gguf` are stand-ins here.

The samples are doubles that float32 holds exactly, so that a method that rounds its input to float32 sees the same.
"""
import pathlib
import sys
from unittest import mock

import numpy as np

np.float_ = np.float64  # repeng 0.4.0 names it; numpy 2 no longer does
sys.modules.update({name: mock.MagicMock() for name in ("transformers", "gguf")})

import ot
import repeng.extract
import torch
from concept_erasure import LeaceEraser
from concept_erasure.optimal_transport import ot_map
from sklearn.covariance import empirical_covariance, ledoit_wolf_shrinkage
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from steering_vectors import aggregators

HERE = pathlib.Path(__file__).parent / "fixtures"


def save(name, numbers):
    np.save(HERE / f"{name}.npy", np.ascontiguousarray(numbers, dtype="<f8"))


def samples():
    """Two sides of 24 correlated samples, width 8, away from the origin, with a shift between them."""
    random = np.random.default_rng(7)
    mixing = random.normal(size=(8, 8))
    centre, shift = random.normal(size=8) * 3, random.normal(size=8)
    negative = random.normal(size=(24, 8)) @ mixing + centre
    positive = random.normal(size=(24, 8)) @ mixing * 1.2 + centre + shift
    return positive.astype(np.float32).astype(np.float64), negative.astype(np.float32).astype(np.float64)


def by_repeng(positive, negative, method):
    """repeng's read_representations, with samples in place of a model's hidden states."""
    hidden = np.empty((2 * len(positive), positive.shape[1]))
    hidden[::2], hidden[1::2] = positive, negative
    pairs = [repeng.DatasetEntry("", "")] * len(positive)
    with (mock.patch.object(repeng.extract, "batched_get_hiddens", lambda *_: {0: hidden}),
          mock.patch.object(repeng.extract, "model_layer_list", lambda _: [None])):
        return repeng.extract.read_representations(None, None, pairs, [0], method=method)[0]


def logistic(positive, negative, penalty):
    """Weights and, last, the intercept."""
    fitted = LogisticRegression(C=1 / penalty, tol=1e-12, max_iter=10000, solver="newton-cholesky").fit(
        *labelled(positive, negative))
    return np.append(fitted.coef_[0], fitted.intercept_)


def labelled(positive, negative):
    return np.vstack([positive, negative]), np.repeat([1, 0], [len(positive), len(negative)])


def discriminant(positive, negative, **options):
    return LinearDiscriminantAnalysis(**options).fit(*labelled(positive, negative)).coef_[0]


def transports(positive, negative):
    """Slope and offset for each coordinate: numpy.polyfit through the sorted sides, or through their quantiles."""
    count = max(len(positive), len(negative))
    at = (np.arange(count) + 0.5) / count
    source, target = (np.quantile(side, at, axis=0, method="hazen") for side in (negative, positive))
    return np.stack([np.polyfit(a, b, 1) for a, b in zip(source.T, target.T)])


def main():
    HERE.mkdir(exist_ok=True)
    positive, negative = samples()
    save("positive", positive)
    save("negative", negative)
    few = negative[:17]  # the sides need not be of one size
    plus, minus = torch.from_numpy(positive), torch.from_numpy(negative)

    save("mean_aggregator", aggregators.mean_aggregator()(plus, minus))  # steering-vectors
    save("pca_aggregator", aggregators.pca_aggregator()(plus, minus))
    save("repeng_pca_center", by_repeng(positive, negative, "pca_center"))
    save("repeng_pca_diff", by_repeng(positive, negative, "pca_diff"))
    both = np.vstack([positive, few])
    pooled = PCA(n_components=1, svd_solver="full").fit(both)  # scikit-learn, as all that follow
    save("pca_pooled", np.append(pooled.components_[0], pooled.explained_variance_ratio_))
    truncated = TruncatedSVD(n_components=3, algorithm="arpack", tol=0, random_state=0).fit(positive - negative)
    squares = truncated.singular_values_**2 / np.sum((positive - negative)**2)
    save("truncated_svd", np.column_stack([truncated.components_, squares]))

    save("logistic_1", logistic(positive, few, 1.0))
    save("logistic_001", logistic(positive, few, 0.01))
    save("logistic_dual", logistic(positive[:4], negative[:3], 0.1))  # fewer samples than dimensions
    options = {"C": 1.0, "tol": 1e-7, "max_iter": 10000, "solver": "newton-cholesky"}
    save("logistic_aggregator", aggregators.logistic_aggregator(options)(plus, minus))  # steering-vectors

    save("lda_lsqr", discriminant(positive, few, solver="lsqr"))
    save("lda_eigen", discriminant(positive, few, solver="eigen"))
    save("lda_shrunk", discriminant(positive, few, solver="lsqr", shrinkage=0.3))
    save("lda_dual", discriminant(positive[:4], negative[:3], solver="lsqr", shrinkage=0.3))
    save("empirical_covariance", empirical_covariance(positive))
    save("numpy_cov", np.cov(positive, rowvar=False))
    save("ledoit_wolf_shrinkage", [ledoit_wolf_shrinkage(positive)])

    x, z = (torch.from_numpy(part) for part in labelled(positive, few))
    exact = {"shrinkage": False, "constrain_cov_trace": False, "svd_tol": 1e-9}
    binary = LeaceEraser.fit(x, z, **exact)  # concept-erasure
    save("leace_binary", binary.P)
    save("leace_binary_erased", binary(x))
    save("leace_default", LeaceEraser.fit(x, z).P)
    labels = np.column_stack([z, both[:, 0] > np.median(both[:, 0]), both[:, 1] * both[:, 2]])
    labels = labels.astype(np.float32).astype(np.float64)
    save("labels", labels)
    save("leace_labels", LeaceEraser.fit(x, torch.from_numpy(labels), **exact).P)

    scores = np.round(both @ (positive.mean(0) - negative.mean(0)))  # whole numbers: many ties
    save("scores", scores)
    save("roc_auc_score", [roc_auc_score(z, scores)])  # scikit-learn

    s1, s2 = (np.cov(side, rowvar=False) for side in (few, positive))
    linear, shift = ot.gaussian.bures_wasserstein_mapping(few.mean(0), positive.mean(0), s1, s2)  # POT
    save("bures_wasserstein", np.vstack([linear.T, shift]))
    save("ot_map", ot_map(torch.from_numpy(s1), torch.from_numpy(s2)))  # concept-erasure
    save("polyfit_sorted", transports(positive, negative))
    save("polyfit_quantiles", transports(positive, few))


if __name__ == "__main__":
    main()
