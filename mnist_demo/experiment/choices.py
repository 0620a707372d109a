"""The choices a run can make, as the words that links, flags and files use for them."""

from enum import StrEnum


class Network(StrEnum):
    MLP = "mlp"
    CNN = "cnn"
    DEEP_CNN = "deep_cnn"


class Activation(StrEnum):
    RELU = "relu"
    SIGMOID = "sigmoid"
    TANH = "tanh"
    NONE = "none"


class Optimizer(StrEnum):
    SGD = "sgd"
    MOMENTUM = "momentum"
    ADAM = "adam"
    ADAMW = "adamw"


class Schedule(StrEnum):
    CONSTANT = "constant"
    ONE_CYCLE = "one_cycle"
    TRAPEZOID = "trapezoid"


class Augmentation(StrEnum):
    NONE = "none"
    SHIFT = "shift"
    AFFINE = "affine"
    HANDWRITING = "handwriting"


class Normalize(StrEnum):
    SYMMETRIC = "symmetric"  # [-1, 1], the notes' Normalize((0.5,), (0.5,))
    UNIT = "unit"  # [0, 1], ToTensor() alone
    RAW = "raw"  # 0 to 255, the bytes as they are


class Mistake(StrEnum):
    NONE = "none"
    NO_ZERO_GRAD = "no_zero_grad"
    NO_SHUFFLE = "no_shuffle"
    NO_EVAL = "no_eval"
    SOFTMAX_CROSS_ENTROPY = "softmax_cross_entropy"
    LOG_SOFTMAX_CROSS_ENTROPY = "log_softmax_cross_entropy"
    NLL_PROBABILITIES = "nll_probabilities"
    NLL_LOGITS = "nll_logits"
