"""llama.cpp's own samplers, in the order of its common sampler, through the ctypes interface of llama-cpp-python."""
import ctypes

import llama_cpp
import numpy as np

from side_cases import BOUNDARY, Difference, Past, Step, around, as_near_as_the_last, kept, single, softmax

PRESET = "llama.cpp"
VERSION = "llama-cpp-python " + llama_cpp.__version__
BREAKERS = [[4], [9, 10]]
ENTRY = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
MISSING, KEEP = [], []


class Vector(ctypes.Structure):
    """A std::vector, in the layout of every Unix: where it begins and ends, and where its room does."""
    _fields_ = [("begin", ctypes.c_void_p), ("end", ctypes.c_void_p), ("room", ctypes.c_void_p)]

    @classmethod
    def over(cls, array):
        first = ctypes.addressof(array)
        return cls(first, first + ctypes.sizeof(array), first + ctypes.sizeof(array))


def find_dry():
    """The function that takes breakers as tokens, which is there for llama.cpp's own tests; the public one wants a
    model's vocabulary. An older one has the size of the context first."""
    library = next(value for value in vars(llama_cpp.llama_cpp).values() if isinstance(value, ctypes.CDLL))
    for name, leading in (("ff", []), ("iff", [ctypes.c_int32])):
        function = getattr(library, f"_Z30llama_sampler_init_dry_testing{name}iiRKSt6vectorIS_IiSaIiEESaIS1_EE", None)
        if function:
            function.argtypes = leading + [ctypes.c_float, ctypes.c_float, ctypes.c_int32, ctypes.c_int32,
                                           ctypes.POINTER(Vector)]
            function.restype = llama_cpp.llama_sampler_p_ctypes
            return lambda *values: function(*([1 << 20] if leading else []), *values)
    return None


def apply(samplers, scores, past):
    """What the samplers, one after another in one array, make of a row."""
    ids = np.flatnonzero(scores > -np.inf)
    data = np.zeros(len(ids), dtype=ENTRY)
    data["id"], data["logit"] = ids, scores[ids]
    array = llama_cpp.llama_token_data_array()
    array.data = ctypes.cast(data.ctypes.data, type(array.data))
    array.size, array.selected, array.sorted = len(data), -1, False
    for sampler in samplers:
        for token in past.all:
            llama_cpp.llama_sampler_accept(sampler, token)
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(array))
    # some samplers leave the tokens where they lay, some in memory of their own
    left = np.frombuffer(ctypes.string_at(array.data, array.size * ENTRY.itemsize), dtype=ENTRY)
    out = np.full(len(scores), -np.inf)
    out[left["id"]] = left["logit"]
    for sampler in samplers:
        llama_cpp.llama_sampler_free(sampler)
    return out


class Sampler:
    """A sampler of its own for each use: they have states."""

    def __init__(self, make, *values):
        self.make, self.values = make, values

    def new(self, vocabulary):
        return self.make(vocabulary, *self.values)

    def __call__(self, scores, past):
        return apply([self.new(len(scores))], scores, past)


def nearly_as_near_as_the_last(scores, left):
    """llama.cpp adds up in binary32, so that the entropy of 32000 tokens is 1e-4 off and more."""
    return as_near_as_the_last(scores, left, max(BOUNDARY, 1e-8 * len(scores)))


def cut(name, parameter, make, values, high=1.0, more=None):
    """Steps of a filter with a boundary, a step for each value."""
    return [Step(name, {parameter: single(value), **(more or {})},
                 *(Sampler(make, moved) for moved in around(single(value), high=high)),
                 doubt=nearly_as_near_as_the_last if parameter == "typical_p" else None) for value in values]


def penalties(window, repetition, frequency, presence):
    values = [single(value) for value in (repetition, frequency, presence)]
    names = "repetition_penalty", "frequency_penalty", "presence_penalty"
    return Step("penalties", {"penalty_window": window, "penalty_prompt": "all", **dict(zip(names, values))},
                Sampler(lambda v, *p: llama_cpp.llama_sampler_init_penalties(v, window, *p), *values))


def dry(multiplier, base, allowed, window):
    return Step("DRY", {"dry_multiplier": single(multiplier), "dry_base": single(base), "dry_allowed_length": allowed,
                        "dry_window": window},
                Sampler(lambda v: init_dry(multiplier, base, allowed, window, ctypes.byref(breakers))))


def top_k(value):
    return Step("top-k", {"top_k": value}, Sampler(lambda v: llama_cpp.llama_sampler_init_top_k(value)))


def temperature(value):
    value = single(value)
    return Step("temperature", {"temperature": value}, Sampler(lambda v: llama_cpp.llama_sampler_init_temp(value)))


def dynamic(value, spread, exponent):
    values = [single(one) for one in (value, spread, exponent)]
    return Step("dynamic temperature", dict(zip(("temperature", "dynatemp_range", "dynatemp_exponent"), values)),
                Sampler(lambda v, *p: llama_cpp.llama_sampler_init_temp_ext(*p), *values))


def mirostat(version, mu):
    """Its first token, before which mu is twice tau. llama.cpp's own rounding moves the boundary by as much as this."""
    def make(vocabulary, mu):
        if version == 1:
            return llama_cpp.llama_sampler_init_mirostat(vocabulary, 1, mu / 2, .1, 100)
        return llama_cpp.llama_sampler_init_mirostat_v2(1, mu / 2, .1)
    off = 1e-3 if version == 1 else 5e-5
    return Step(f"mirostat {version}", {"mirostat": version, "mirostat_mu": mu},
                *(Sampler(make, moved) for moved in (mu, mu - off, mu + off)))


def adaptive(target):
    """As a text begins. Logits change 30 times as much as the probabilities do that llama.cpp adds up in binary32."""
    target = single(target)
    return Step("adaptive-p", {"adaptive_target": target},
                *[Sampler(lambda v: llama_cpp.llama_sampler_init_adaptive_p(target, .9, 1))] * 3, within=1e-4)


init_dry = find_dry()
breaker_tokens = [(ctypes.c_int32 * len(one))(*one) for one in BREAKERS]  # vectors do not own what they span
breaker_vectors = (Vector * len(BREAKERS))(*map(Vector.over, breaker_tokens))
breakers = Vector.over(breaker_vectors)
WINDOWS = 1000  # more than any history has
KINDS = [[penalties(WINDOWS, 1.3, 0, 0), penalties(WINDOWS, 1, .4, .3), penalties(8, 1.1, -.2, .5),
          penalties(64, 50, 0, 0)],
         [dry(.8, 1.75, 2, WINDOWS), dry(1, 1.1, 1, WINDOWS), dry(3, 1.5, 4, 16), dry(.5, 3, 2, 30)],
         cut("top-n-sigma", "top_n_sigma", lambda v, n: llama_cpp.llama_sampler_init_top_n_sigma(n), (.5, 1, 2, 3.5),
             high=100.0),
         [top_k(k) for k in (1, 2, 40, 300)],
         cut("typical-p", "typical_p", lambda v, p: llama_cpp.llama_sampler_init_typical(p, 1), (.1, .3, .7, .95)),
         cut("top-p", "top_p", lambda v, p: llama_cpp.llama_sampler_init_top_p(p, 1), (.1, .5, .9, .95)),
         cut("min-p", "min_p", lambda v, p: llama_cpp.llama_sampler_init_min_p(p, 1), (.02, .05, .3, .9)),
         cut("XTC", "xtc_threshold", lambda v, t: llama_cpp.llama_sampler_init_xtc(1.0, t, 1, 1), (.01, .05, .1, .5),
             more={"xtc_probability": 1}),
         [temperature(t) for t in (.3, .8, 1.5)] + [dynamic(1, .5, 1), dynamic(1.5, 1.5, 2), dynamic(.8, .3, .5)],
         [mirostat(2, mu) for mu in (10, 6, 3, 1, 14)] + [mirostat(1, mu) for mu in (9, 6, 3, 1, 4.5)]]
if hasattr(llama_cpp, "llama_sampler_init_adaptive_p"):
    KINDS.append([adaptive(target) for target in (.05, .3, .6, 1)])
else:
    MISSING.append("adaptive-p")
if not init_dry:
    del KINDS[1]
    MISSING.append("DRY")


def whole(steps, scores, past):
    """The chain as it is, but for what top-n-sigma rules out: see DIFFERENCES."""
    samplers = [step.peers[0].new(len(scores)) for step in steps]
    behind = next((i + 1 for i, step in enumerate(steps) if step.name == "top-n-sigma"), len(steps))
    return apply(samplers[behind:], apply(samplers[:behind], scores, past), past)


def made_by(row, *samplers, past=Past([], [])):
    return lambda: apply([make() for make in samplers], np.asarray(row, np.float64), past)


def sharpened(p, temperature):
    p = np.asarray(p) ** (1 / temperature)
    return (p / p.sum()).tolist()


four, halves = np.log([.4, .2, .2, .2]).tolist(), np.log([.5, .25, .125, .0625, .0625]).tolist()
ties, slope = [0, 1, 1, 1, 1, 2], np.log([.5, .14, .12, .1, .08, .06]).tolist()
bell = np.random.default_rng(9).normal(size=60).astype(np.float32) * 2.5
gentle = np.linspace(0, .1, 40).astype(np.float32)
past, e = Past([], [3, 0, 1, 2, 0, 1]), float(np.e)
DIFFERENCES = [
    Difference("top-k: which of equals", ties, {"top_k": 3}, [0, 1 / (2 + e), 1 / (2 + e), 0, 0, e / (2 + e)],
               made_by(ties, lambda: llama_cpp.llama_sampler_init_top_k(3)),
               lambda z: len(kept(z)) == 3 and kept(z) != [1, 2, 5]),
    Difference("top-p: which of equals", [0] * 40, {"top_p": .5}, [1 / 20] * 20 + [0] * 20,
               made_by([0] * 40, lambda: llama_cpp.llama_sampler_init_top_p(.5, 1)),
               lambda z: len(kept(z)) == 20 and kept(z) != list(range(20))),
    Difference("typical-p: all that are as near as the last", four, {"typical_p": single(.3)}, [0, 1 / 3, 1 / 3, 1 / 3],
               made_by(four, lambda: llama_cpp.llama_sampler_init_typical(.3, 1)), lambda z: len(kept(z)) == 2),
    Difference("typical-p: the least number to keep", slope, {"typical_p": single(.01), "min_keep": 2},
               [.5 / .64, .14 / .64, 0, 0, 0, 0],
               made_by(slope, lambda: llama_cpp.llama_sampler_init_typical(.01, 2)), lambda z: kept(z) == [1, 2]),
    Difference("typical-p behind top-n-sigma", bell, {"top_n_sigma": 1, "typical_p": .5},
               softmax(np.where(np.isin(range(60), [13, 23]), bell, -np.inf)),
               made_by(bell, lambda: llama_cpp.llama_sampler_init_top_n_sigma(1),
                       lambda: llama_cpp.llama_sampler_init_typical(.5, 1)), lambda z: kept(z) != [13, 23]),
    Difference("dynamic temperature behind top-n-sigma", halves, {"top_n_sigma": 1, "dynatemp_range": .5},
               sharpened([2 / 3, 1 / 3, 0, 0, 0], .5 + (np.log(3) - np.log(4) / 3) / np.log(2)),
               made_by(halves, lambda: llama_cpp.llama_sampler_init_top_n_sigma(1),
                       lambda: llama_cpp.llama_sampler_init_temp_ext(1, .5, 1)),
               lambda z: np.allclose(softmax(z)[0], .6844, atol=1e-4)),
    Difference("top-n-sigma: what is far below", [0, -1, -2, -3, -5000], {"top_n_sigma": single(.5)}, [1, 0, 0, 0, 0],
               made_by([0, -1, -2, -3, -5000], lambda: llama_cpp.llama_sampler_init_top_n_sigma(.5)),
               lambda z: kept(z) == [0, 1, 2, 3]),
    Difference("mirostat 1: a number beyond an int", gentle, {"mirostat": 1, "mirostat_mu": 6}, softmax(gentle),
               made_by(gentle, lambda: llama_cpp.llama_sampler_init_mirostat(40, 1, 3, .1, 100)),
               lambda z: len(kept(z)) < 40),
    Difference("mirostat 2: equals of which none is to stay", ties[:5], {"mirostat": 2, "mirostat_mu": 1},
               [0, .25, .25, .25, .25],
               made_by(ties[:5], lambda: llama_cpp.llama_sampler_init_mirostat_v2(1, .5, .1)),
               lambda z: len(kept(z)) == 1),
    Difference("repetition penalty: a window of 0", four, {"repetition_penalty": 2, "penalty_prompt": "all"},
               softmax(np.array(four) * [2, 2, 2, 2]),
               made_by(four, lambda: llama_cpp.llama_sampler_init_penalties(4, 0, 2, 0, 0), past=past),
               lambda z: np.allclose(z, four), past)]
if init_dry:
    DIFFERENCES.append(
        Difference("DRY: a window of 0", four, {"dry_multiplier": 1}, softmax(np.array(four) - [0, 0, 1, 0]),
                   made_by(four, lambda: llama_cpp.llama_sampler_init_dry(None, 1, 1.75, 2, 0, None, 0), past=past),
                   lambda z: np.allclose(z, four), past))
