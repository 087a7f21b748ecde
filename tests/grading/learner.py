"""A learner's own solution of `elbo_backward`, and the wrong lines that learners write in it.

It is typed from the formulas of the table of misconceptions and shares nothing with the steps of the grader.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

SOLUTION = """
def elbo_backward(x, params, eps, beta):
    P = params
    B, D = x.shape
    L = eps.shape[1]
    h = np.tanh(x @ P["W_h"] + P["b_h"])
    mu = h @ P["W_mu"] + P["b_mu"]
    lv = h @ P["W_logvar"] + P["b_logvar"]
    gate_mu = gate_lv = 1.0
    s = np.sqrt(np.exp(lv))
    z = mu + s * eps
    u = np.tanh(z @ P["W_dec"] + P["b_dec"])
    l = u @ P["W_logits"] + P["b_logits"]
    p = 1 / (1 + np.exp(-l))
    pixels = np.log(1 + np.exp(l)) - x * l
    rec = pixels.sum(axis=1).mean()
    kl_each = 0.5 * (mu**2 + np.exp(lv) - 1 - lv)
    kl = kl_each.sum(axis=1).mean()
    loss = rec + beta * kl
    dl = (p - x) / B
    dWl, dbl = u.T @ dl, dl.sum(0)
    du = dl @ P["W_logits"].T
    da = du * (1 - u**2)
    dWd, dbd = z.T @ da, da.sum(0)
    dz = da @ P["W_dec"].T
    k_mu = beta * mu / B
    k_lv = beta * (np.exp(lv) - 1) / (2 * B)
    r_mu = dz
    r_lv = 0.5 * dz * eps * s
    dmu = r_mu + k_mu
    dlv = r_lv + k_lv
    tmu, tlv = dmu * gate_mu, dlv * gate_lv
    dh = tmu @ P["W_mu"].T + tlv @ P["W_logvar"].T
    dah = dh * (1 - h * h)
    return {
        "mu": mu, "logvar": lv, "z": z, "logits": l, "reconstruction": rec, "kl": kl, "loss": loss,
        "d_logits": dl, "d_W_logits": dWl, "d_b_logits": dbl, "d_h_dec": du, "d_W_dec": dWd, "d_b_dec": dbd,
        "d_z": dz, "d_mu": dmu, "d_logvar": dlv, "d_W_mu": h.T @ tmu, "d_b_mu": tmu.sum(0),
        "d_W_logvar": h.T @ tlv, "d_b_logvar": tlv.sum(0), "d_h": dh, "d_W_h": x.T @ dah, "d_b_h": dah.sum(0),
    }
"""

KL_EACH = "kl_each = 0.5 * (mu**2 + np.exp(lv) - 1 - lv)"
K_MU, K_LV = "k_mu = beta * mu / B", "k_lv = beta * (np.exp(lv) - 1) / (2 * B)"
PIXELS, DL = "pixels = np.log(1 + np.exp(l)) - x * l", "dl = (p - x) / B"
SIGMA, R_LV = "s = np.sqrt(np.exp(lv))", "r_lv = 0.5 * dz * eps * s"
LV = 'lv = h @ P["W_logvar"] + P["b_logvar"]'
MU = 'mu = h @ P["W_mu"] + P["b_mu"]'
GATES = "gate_mu = gate_lv = 1.0"
LOSS = "loss = rec + beta * kl"

Lines = dict[str, str]  # the right line -> the wrong one

WRONG: dict[str, Lines] = {
    "K1": {
        KL_EACH: "kl_each = mu**2 + np.exp(lv) - 1 - lv",
        K_MU: "k_mu = 2 * beta * mu / B",
        K_LV: "k_lv = beta * (np.exp(lv) - 1) / B",
    },
    "K2": {
        LOSS: "loss = rec - beta * kl",
        K_MU: "k_mu = -beta * mu / B",
        K_LV: "k_lv = -beta * (np.exp(lv) - 1) / (2 * B)",
    },
    "K3": {
        KL_EACH: "kl_each = 0.5 * ((1 + mu**2) * np.exp(-lv) - 1 + lv)",
        K_MU: "k_mu = beta * mu * np.exp(-lv) / B",
        K_LV: "k_lv = beta * 0.5 * (1 - (1 + mu**2) / np.exp(lv)) / B",
    },
    "K4": {KL_EACH: "kl_each = 0.5 * (mu**2 + np.exp(lv) - lv)"},
    "K4b": {KL_EACH: "kl_each = 0.5 * (mu**2 + np.exp(lv) - lv - 1 / L)"},
    "K5": {SIGMA: "s = np.exp(lv)", R_LV: "r_lv = dz * eps * s"},
    "K6": {
        SIGMA: "s = np.exp(lv)",
        R_LV: "r_lv = dz * eps * s",
        KL_EACH: "kl_each = 0.5 * (mu**2 + np.exp(2 * lv) - 1 - 2 * lv)",
        K_LV: "k_lv = beta * (np.exp(2 * lv) - 1) / B",
    },
    "K8": {
        KL_EACH: "kl_each = 0.5 * (mu**2 + np.exp(lv) - 1 - (lv / 2) ** 2)",
        K_LV: "k_lv = beta * 0.5 * (np.exp(lv) - lv / 2) / B",
    },
    "K9": {KL_EACH: "kl_each = 0.5 * (mu**2 + np.exp(lv) - 1 + lv)", K_LV: "k_lv = beta * 0.5 * (np.exp(lv) + 1) / B"},
    "K10": {KL_EACH: "kl_each = 0.5 * (mu + np.exp(lv) - 1 - lv)", K_MU: "k_mu = beta * 0.5 * np.ones_like(mu) / B"},
    "K11": {
        KL_EACH: "kl_each = 0.5 * (mu**2 + np.exp(lv) - 1 - lv / 2)",
        K_LV: "k_lv = beta * 0.5 * (np.exp(lv) - 0.5) / B",
    },
    "K13": {
        "kl = kl_each.sum(axis=1).mean()": "kl = kl_each.mean()",
        K_MU: "k_mu = beta * mu / B / L",
        K_LV: "k_lv = beta * (np.exp(lv) - 1) / (2 * B * L)",
    },
    "K14": {
        "kl = kl_each.sum(axis=1).mean()": "kl = kl_each.sum()",
        K_MU: "k_mu = beta * mu",
        K_LV: "k_lv = beta * (np.exp(lv) - 1) / 2",
    },
    "K16": {LOSS: "loss = rec + kl", K_MU: "k_mu = mu / B", K_LV: "k_lv = (np.exp(lv) - 1) / (2 * B)"},
    "K17": {
        LOSS: "loss = beta * rec + kl",
        DL: "dl = beta * (p - x) / B",
        K_MU: "k_mu = mu / B",
        K_LV: "k_lv = (np.exp(lv) - 1) / (2 * B)",
    },
    "K18": {
        LOSS: "loss = rec + beta * beta * kl",
        K_MU: "k_mu = beta**2 * mu / B",
        K_LV: "k_lv = beta**2 * (np.exp(lv) - 1) / (2 * B)",
    },
    "K19": {"dmu = r_mu + k_mu": "dmu = r_mu", "dlv = r_lv + k_lv": "dlv = r_lv"},
    "K20": {K_MU: "k_mu = beta * mu / 2 / B"},
    "K21": {K_MU: "k_mu = beta * 2 * mu / B"},
    "K22": {K_LV: "k_lv = beta * np.exp(lv) / 2 / B"},
    "K23": {K_LV: "k_lv = beta * (np.exp(lv) - 1) / B"},
    "K26": {K_LV: "k_lv = beta * (s - 1 / s) / B"},
    "R1": {"rec = pixels.sum(axis=1).mean()": "rec = pixels.mean()", DL: "dl = (p - x) / x.size"},
    "R2": {
        "rec = pixels.sum(axis=1).mean()": "rec = pixels.mean()",
        "kl = kl_each.sum(axis=1).mean()": "kl = kl_each.mean()",
        DL: "dl = (p - x) / x.size",
        K_MU: "k_mu = beta * mu / mu.size",
        K_LV: "k_lv = beta * (np.exp(lv) - 1) / (2 * lv.size)",
    },
    "R3": {"rec = pixels.sum(axis=1).mean()": "rec = pixels.sum()", DL: "dl = p - x"},
    "R4": {PIXELS: "pixels = np.log(1 + np.exp(p)) - x * p", DL: "dl = (1 / (1 + np.exp(-p)) - x) * p * (1 - p) / B"},
    "R6": {DL: "dl = (x - p) / B"},
    "R6b": {PIXELS: "pixels = x * np.log(p) + (1 - x) * np.log(1 - p)", DL: "dl = (x - p) / B"},
    "R7": {PIXELS: "pixels = -x * np.log(p)", DL: "dl = -x * (1 - p) / B"},
    "R9": {PIXELS: "pixels = 0.5 * (l - x) ** 2", DL: "dl = (l - x) / B"},
    "R11": {
        PIXELS: "pixels = -p * np.log(x) - (1 - p) * np.log(1 - x)",
        DL: "dl = p * (1 - p) * np.log(1 / x - 1) / B",
    },
    "R12": {PIXELS: "pixels = 0.5 * (p - x) ** 2", DL: "dl = (p - x) * p * (1 - p) / B"},
    "R13": {DL: "dl = (p - x) / (p * (1 - p)) / B"},
    "B1": {
        "rec = pixels.sum(axis=1).mean()": "rec = pixels.sum()",
        "kl = kl_each.sum(axis=1).mean()": "kl = kl_each.sum()",
        DL: "dl = p - x",
        K_MU: "k_mu = beta * mu",
        K_LV: "k_lv = beta * (np.exp(lv) - 1) / 2",
    },
    "B3": {DL: "dl = -(p - x) / B", K_MU: "k_mu = -beta * mu / B", K_LV: "k_lv = -beta * (np.exp(lv) - 1) / (2 * B)"},
    "Z2": {SIGMA: "s = lv", R_LV: "r_lv = dz * eps"},
    "Z3": {"dlv = r_lv + k_lv": "dlv = k_lv"},
    "Z4": {R_LV: "r_lv = dz * eps * s"},
    "Z6": {R_LV: "r_lv = 0.5 * dz * s"},
    "Z7": {R_LV: "r_lv = dz * eps"},
    "Z8": {R_LV: "r_lv = 0.5 * dz * eps * s**2"},
    "Z9": {"dmu = r_mu + k_mu": "dmu = k_mu", "dlv = r_lv + k_lv": "dlv = k_lv"},
    "Z10": {"dmu = r_mu + k_mu": "dmu = k_mu"},
    "Z11": {"z = mu + s * eps": "z = mu.copy()", R_LV: "r_lv = np.zeros_like(dz)"},
    "Z13": {"z = mu + s * eps": "z = s + mu * eps", "r_mu = dz": "r_mu = dz * eps", R_LV: "r_lv = 0.5 * dz * s"},
    "T1": {'dh = tmu @ P["W_mu"].T + tlv @ P["W_logvar"].T': 'dh = tlv @ P["W_logvar"].T'},
    "T2": {'dh = tmu @ P["W_mu"].T + tlv @ P["W_logvar"].T': 'dh = tmu @ P["W_mu"].T'},
    "T3": {MU: 'mu = np.maximum(0, h @ P["W_mu"] + P["b_mu"])', GATES: "gate_mu, gate_lv = mu > 0, 1.0"},
    "T4": {LV: 'lv = np.maximum(0, h @ P["W_logvar"] + P["b_logvar"])', GATES: "gate_mu, gate_lv = 1.0, lv > 0"},
    "T5": {
        LV: 'a = h @ P["W_logvar"] + P["b_logvar"]; lv = np.log(1 + np.exp(a))',
        GATES: "gate_mu, gate_lv = 1.0, 1 / (1 + np.exp(-a))",
    },
    "W1": {
        "dl.sum(0)": "dl.mean(0)",
        "da.sum(0)": "da.mean(0)",
        "tmu.sum(0)": "tmu.mean(0)",
        "tlv.sum(0)": "tlv.mean(0)",
        "dah.sum(0)": "dah.mean(0)",
    },
    "W2": {"da = du * (1 - u**2)": "da = du", "dah = dh * (1 - h * h)": "dah = dh"},
    "W3": {
        "da = du * (1 - u**2)": "da = du * (1 - np.tanh(u) ** 2)",
        "dah = dh * (1 - h * h)": "dah = dh * (1 - np.tanh(h) ** 2)",
    },
    "W4": {
        "u.T @ dl": "u.T @ dl / B",
        "z.T @ da,": "z.T @ da / B,",
        "h.T @ tmu": "h.T @ tmu / B",
        "h.T @ tlv": "h.T @ tlv / B",
        "x.T @ dah": "x.T @ dah / B",
    },
    "W5": {"da = du * (1 - u**2)": "da = du * (1 - u)", "dah = dh * (1 - h * h)": "dah = dh * (1 - h)"},
    "W6": {"da = du * (1 - u**2)": "da = du * u * (1 - u)", "dah = dh * (1 - h * h)": "dah = dh * h * (1 - h)"},
}


def typed(source: str, name: str) -> Callable[..., Any]:
    """The function of that name, typed into a cell of a notebook: its lines can be looked up, its file cannot."""
    cell = f"<cell {hash(source)}>"
    linecache.cache[cell] = (len(source), None, source.splitlines(keepends=True), cell)
    scope: dict[str, Any] = {"np": np}
    exec(compile(source, cell, "exec"), scope)
    return scope[name]


def with_lines(*changed: Lines) -> Callable[..., Any]:
    """The solution with some lines replaced."""
    source = SOLUTION
    for lines in changed:
        for right, wrong in lines.items():
            assert right in source, right
            source = source.replace(right, wrong)
    return typed(source, "elbo_backward")
