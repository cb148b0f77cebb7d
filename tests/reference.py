"""The draw, stated in numpy apart from the C: which token a row of logits yields.

A row is cut into blocks of 256 ids. A token's weight is an integer, 2^27 * 2^t, where t is
its scaled logit less its block's rounded maximum; block sums are exact. Shifting a sum by
the distance of its block's maximum from the row's brings all to one scale. Ranked by logit
(larger first, then lower id) the kept tokens are neighbours, and each filter keeps some of
them. Then blocks race, and the kept tokens of the block that wins: each arrives after an
exponential random number of its own divided by its weight, and the first is drawn. Or, by
inverse CDF, one random number of 64 bits picks a block, and a token in it.
"""
from collections import namedtuple
from math import isqrt

import numpy as np

from reference_arithmetic import (BLOCK, BLOCKS, CHOICES, GREEDY_BELOW, HOTTEST, INF, LEAST_MASS, SMALLEST, TOKENS,
                                  f32, f64, flushed, fused, in_units, logarithm, nearest, philox, precise_log,
                                  random_64, reached, reciprocal, scale_order, times, weight)

TEMPERATURE_FIRST = "temperature", "top_n_sigma", "top_k", "top_p", "min_p", "xtc"
TEMPERATURE_LAST = "top_n_sigma", "top_k", "top_p", "min_p", "xtc", "temperature"

# The filters by name, other modules' among them: whether it weighs tokens; whether it is on, by settings, which are the
# parameters by their names in draw(); and what it keeps of the ids kept so far, at the temperature in force.
FILTERS = {}
HEATS = [lambda row, ids, T, settings: (ids, T)]    # the last gives what stays, and the temperature from there on
SHAPES = [lambda row, ids, T, settings: (row, ids, T)]    # the last gives the row, ids and temperature to draw from


class Filter:
    def __init__(self, weighs, is_on, keep):
        self.weighs, self.is_on, self.keep = weighs, is_on, keep


def scale_of(T):
    """c. A temperature that is not given may bring its own (reference_entropy.py)."""
    return getattr(T, "scale", None) or f32(1.4426950408889634 / min(float(T), HOTTEST))


def exponents(z, top, scale, r):
    """t of logits, against one of them, `top`, and r, which is that one's scaled logit, rounded."""
    with np.errstate(over="ignore", invalid="ignore"):
        t = np.where(np.abs(r) < f32(2**23), fused(z, scale, -r), (z - top) * scale)
    return np.where(np.isfinite(t), t, -INF)


def floor_of(weight, z, T):
    """The logit that has this weight against a token of logit z."""
    with np.errstate(over="ignore"):
        return fused(logarithm(weight), f32(min(float(T), HOTTEST)), z)[0]


# A row at a temperature: whether it can be drawn from; weights; by block its scale, and the shift that brings a sum to
# the row's; and t, by token.
Weighing = namedtuple("Weighing", "status w r shift t")


class Row:
    """A row, checked and ranked once; draws from it at any parameters."""

    def __init__(self, values, probabilities=False, mask=None, biases=()):
        """mask: flags of the tokens that may be drawn; biases: pairs of id and what is added to its logit."""
        self.V = len(values)
        self.has_probabilities = probabilities
        values = flushed(values)
        if mask is not None:
            values = np.where(mask, values, f32(0) if probabilities else -INF)
        for token, bias in biases:
            if mask is None or mask[token]:
                values[token] = -INF if bias == -INF else flushed(values[token] + f32(bias))
        bad = np.isnan(values) | (values == INF)
        if probabilities:
            bad |= values < 0
            self.z = np.full(self.V, -INF)
            usable = (values > 0) & ~bad
            self.z[usable] = logarithm(values[usable])
        else:
            self.z = values
        self.living = int((self.z > -INF).sum())
        self.status = "invalid" if bad.any() else "ok" if self.living else "empty"
        if self.status == "ok":
            self.order = np.argsort(-values.astype(f64), kind="stable")    # stable: lower ids first among equals
        self.weighings = {}

    def weigh(self, T):
        if T in self.weighings:
            return self.weighings[T]
        scale = scale_of(T)
        blocks = -(-self.V // BLOCK)
        z = np.full((blocks, BLOCK), -INF)
        z.reshape(-1)[:self.V] = self.z
        top = z.max(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            r = np.rint(top * scale)
            t = exponents(z, top[:, None], scale, r[:, None])
            w = np.where(r[:, None] > -INF, weight(t), 0)
            distance = r.max() - r
        shift = np.where(distance < 63, distance, 63)
        status = "invalid" if r.max() == INF else "empty" if r.max() == -INF else "ok"
        shift = np.where(np.isnan(shift), 63, shift).astype(np.int64)
        self.weighings[T] = Weighing(status, w.reshape(-1)[:self.V], r, shift, t.reshape(-1)[:self.V])
        return self.weighings[T]

    def sums(self, w, ids):
        """The weights of these tokens, by block."""
        return np.bincount(ids // BLOCK, weights=w[ids], minlength=-(-self.V // BLOCK)).astype(np.int64)

    def block_masses(self, ids, T):
        """The mass of these tokens, by block."""
        at = self.weigh(T)
        return self.sums(at.w, ids) << 12 >> at.shift

    def mass(self, ids, T):
        return int(self.block_masses(ids, T).sum())

    def masses(self, ids, T):
        """Of each of these tokens by itself."""
        at = self.weigh(T)
        return at.w[ids] << 12 >> at.shift[ids // BLOCK]

    def first_reciprocal(self, T):
        """1 / the weight of the row's first token."""
        return reciprocal(self.weigh(T).w[self.order[:1]].astype(f32))

    def in_firsts(self, mass, T):
        """A mass as a number of tokens like the row's first one."""
        return nearest(mass >> 8) * f32(2.0**-4) * self.first_reciprocal(T)

    def top_p(self, ids, p, T):
        """Filters take the ids that are kept so far, in rank order, and give those that they keep."""
        total, masses = self.mass(ids, T), self.masses(ids, T)
        target = max((total * in_units(p) >> 32) - (total >> 20), 0)
        return ids[:max(1, int(np.searchsorted(np.cumsum(masses) - masses, target, side="left")))]

    def min_p(self, ids, m, T):
        with np.errstate(over="ignore"):
            log = precise_log(float(m))
            reach = f32(log) * f32(float(T)) if hasattr(T, "scale") else f32(min(float(T), HOTTEST) * log)
            floor = self.z[ids[0]] + reach
        return ids[:max(1, int((self.z[ids] >= floor).sum()))]

    def top_n_sigma(self, ids, n):
        with np.errstate(over="ignore", invalid="ignore"):
            below = self.z[ids[0]] - self.z[ids]
            q = np.trunc(below[below <= f32(1024)] * f32(65536)).astype(np.int64)
            high, low = q >> 16, q & 0xFFFF
            squares = (int((high * high).sum()) << 32) + (int((high * low).sum()) << 17) + int((low * low).sum())
            spread = len(q) * squares - int(q.sum()) ** 2
            deviation = f32(0)
            if spread > 0:
                half = (spread.bit_length() + 1) // 2 - 24
                root = f32(isqrt(spread >> 2 * half if half >= 0 else spread << -2 * half))
                deviation = (root * reciprocal(np.array([len(q)], f32)) * f32(2.0 ** (half - 16)))[0]
            floor = self.z[ids[0]] - deviation * max(f32(n), f32(2.0**-60))
        return ids[self.z[ids] >= floor]

    def xtc(self, ids, threshold, T):
        mass = self.mass(ids, T)
        if mass < LEAST_MASS:
            return ids
        share = f32(0) if threshold < 2.0**-100 else reached(threshold)
        y = self.in_firsts(mass, T) * share
        if y[0] > 1:
            return ids
        floor = floor_of(y, self.z[self.order[0]], T) if share > 0 else -INF
        return ids[max(0, int((self.z[ids] >= floor).sum()) - 1):]

    def keep(self, T, order, settings):
        """The ids that the filters leave, in this order; None where one meets weights without bound."""
        ids, now = self.order[:self.living], T if "temperature" not in order else f32(1)
        for step in order:
            if step == "temperature":
                ids, now = HEATS[-1](self, ids, T, settings)
                if ids is None:
                    return None
            elif step in FILTERS and FILTERS[step].is_on(settings):
                if FILTERS[step].weighs and self.weigh(now).status == "invalid":
                    return None
                left = FILTERS[step].keep(self, ids, settings, now)
                if len(left) < settings.get("min_keep", 0) and len(left) < len(ids):
                    left = ids if step == "xtc" else ids[:settings["min_keep"]]
                ids = left
        self.heat = now
        return ids

    def block_race(self, kept, T, stream):
        """-> the blocks that have weight, and when they arrive."""
        at = self.weigh(T)
        sums = self.sums(at.w, kept)
        blocks = np.flatnonzero(sums)
        return blocks, times(BLOCKS, blocks, sums[blocks], *stream) - scale_order(at.r[blocks]) * 2**23

    def token_race(self, kept, block, T, stream):
        """-> the tokens of a block that have weight, in the order of ids, and when they arrive."""
        w, ids = self.weigh(T).w, np.sort(kept)
        ids = ids[(ids // BLOCK == block) & (w[ids] > 0)]
        return ids, times(TOKENS, ids, w[ids], *stream)

    def race(self, kept, T, stream):
        blocks, arrivals = self.block_race(kept, T, stream)
        if len(blocks) == 0:
            return int(kept[0])
        ids, arrivals = self.token_race(kept, blocks[np.argmin(arrivals)], T, stream)     # argmin: the first of equals
        return int(ids[np.argmin(arrivals)])

    def invert(self, kept, T, stream):
        at = self.weigh(T)
        masses = self.block_masses(kept, T)
        if masses.sum() == 0:
            return int(kept[0])
        R = random_64(*stream) * int(masses.sum()) >> 64
        ends = np.cumsum(masses)
        b = int(np.searchsorted(ends, R, side="right"))
        R -= int(ends[b] - masses[b])
        shift = int(at.shift[b])
        q = R >> 12 - shift if shift <= 12 else R << shift - 12
        ids = np.sort(kept)
        ids = ids[ids // BLOCK == b]
        return int(ids[np.searchsorted(np.cumsum(at.w[ids]), q, side="right")])

    def draw(self, T=1.0, k=0, p=1.0, m=0.0, seed=0, offset=0, stream=0, method="race", order=TEMPERATURE_FIRST,
             n=0.0, x=(0.0, 0.1), **settings):
        """-> token, number of tokens kept, status; the last one kept is left in self.boundary. x: XTC's probability and
        threshold. settings: what other modules' filters take."""
        T, p, m, n = f32(T), f32(p), f32(m), f32(n)
        if self.status != "ok":
            return -1, 0, self.status
        if T < GREEDY_BELOW:
            self.boundary = int(self.order[0])
            return self.boundary, 1, "ok"
        status = self.weigh(T).status
        if status != "ok":
            return -1, 0, status
        threshold = f32(x[1]) if int(philox(CHOICES, 0, seed, offset, stream)[0]) < in_units(x[0]) else None
        settings.update(k=k, p=p, m=m, n=n, x=threshold)
        kept = self.keep(T, order, settings)
        if kept is None:
            return -1, 0, "invalid"
        self.boundary = int(kept[-1])
        row, ids, heat = SHAPES[-1](self, kept, self.heat, settings)
        pick = row.race if method == "race" else row.invert
        return pick(ids, heat, (seed, offset, stream)), len(kept), "ok"


FILTERS.update(
    top_k=Filter(False, lambda s: s["k"] > 0, lambda row, ids, s, T: ids[:s["k"]]),
    top_p=Filter(True, lambda s: s["p"] < 1, lambda row, ids, s, T: row.top_p(ids, s["p"], T)),
    min_p=Filter(False, lambda s: s["m"] >= SMALLEST, lambda row, ids, s, T: row.min_p(ids, s["m"], T)),
    top_n_sigma=Filter(False, lambda s: s["n"] > 0, lambda row, ids, s, T: row.top_n_sigma(ids, s["n"])),
    xtc=Filter(True, lambda s: s["x"] is not None, lambda row, ids, s, T: row.xtc(ids, s["x"], T)))
