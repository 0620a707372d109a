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


# Words for the page, for choices whose own names would not be understood.
_WORDS = {
    Network.MLP: "MLP",
    Network.CNN: "CNN",
    Network.DEEP_CNN: "deep CNN",
    Activation.RELU: "ReLU",
    Optimizer.SGD: "SGD",
    Optimizer.MOMENTUM: "SGD with momentum",
    Optimizer.ADAM: "Adam",
    Optimizer.ADAMW: "AdamW",
    Schedule.ONE_CYCLE: "one cycle",
    Normalize.SYMMETRIC: "−1 to 1",
    Normalize.UNIT: "0 to 1",
    Normalize.RAW: "0 to 255",
    Mistake.NO_ZERO_GRAD: "zero_grad() forgotten",
    Mistake.NO_SHUFFLE: "not shuffled",
    Mistake.NO_EVAL: "eval() forgotten",
    Mistake.SOFTMAX_CROSS_ENTROPY: "softmax before CrossEntropyLoss",
    Mistake.LOG_SOFTMAX_CROSS_ENTROPY: "log-softmax before CrossEntropyLoss",
    Mistake.NLL_PROBABILITIES: "NLLLoss on probabilities",
    Mistake.NLL_LOGITS: "NLLLoss on logits",
}


def words(choice: StrEnum) -> str:
    """A choice in words for a person: "MLP", "SGD with momentum"."""
    return _WORDS.get(choice, choice.value)
