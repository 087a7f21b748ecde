"""Every differentiable function, its value and its pullbacks side by side. Importing this puts operators on Tensor."""

from minivae.ops import operators
from minivae.ops.activations import elu, gelu, leaky_relu, relu, sigmoid, silu, softplus, tanh
from minivae.ops.arithmetic import add, div, mul, neg, power, sqrt, square, sub
from minivae.ops.conv import conv2d, conv_transpose2d
from minivae.ops.dropout import dropout
from minivae.ops.exponential import exp, expm1, log, log1p
from minivae.ops.indexing import getitem
from minivae.ops.joining import concat, pad, split, stack
from minivae.ops.likelihoods import binary_cross_entropy_with_logits, cross_entropy, gaussian_log_likelihood
from minivae.ops.linalg import dense, matmul
from minivae.ops.normalisation import batch_norm, group_norm, layer_norm
from minivae.ops.piecewise import abs, clip, maximum, minimum, where
from minivae.ops.pooling import avg_pool2d, max_pool2d, upsample_nearest
from minivae.ops.reductions import logsumexp, max, mean, min, sum, var
from minivae.ops.shapes import broadcast_to, flatten, flip, permute, reshape
from minivae.ops.softmax import log_softmax, softmax

__all__ = [
    "abs",
    "add",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "broadcast_to",
    "clip",
    "concat",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dense",
    "div",
    "dropout",
    "elu",
    "exp",
    "expm1",
    "flatten",
    "flip",
    "gaussian_log_likelihood",
    "gelu",
    "getitem",
    "group_norm",
    "layer_norm",
    "leaky_relu",
    "log",
    "log1p",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "max_pool2d",
    "maximum",
    "mean",
    "min",
    "minimum",
    "mul",
    "neg",
    "operators",
    "pad",
    "permute",
    "power",
    "relu",
    "reshape",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "stack",
    "sub",
    "sum",
    "tanh",
    "upsample_nearest",
    "var",
    "where",
]
