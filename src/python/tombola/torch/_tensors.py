"""What the packages for torch and Transformers share: tensors as the sampler reads them, and samplers kept for them."""
import threading

import torch

from .._library import lib
from ..context import Context
from ..params import FIELDS
from ..sampler import Sampler

DTYPES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}
_ENTRIES = {name: lib.tombola_params_field(place).contents for place, name in enumerate(FIELDS)}
#: Parameters that decide which tokens are left, with the value by which they leave all.
CUTS = {name: FIELDS[name].default for name, entry in _ENTRIES.items()
        if entry.filter not in (0, FIELDS["filters"].values["temperature"])}
#: Parameters that need a row's history, end tokens or the like.
NEEDY = {name for name, entry in _ENTRIES.items() if entry.needs}
_shared, _opening = [], threading.Lock()


def host_rows(logits):
    """A tensor (rows, vocabulary) as it lies, or copied where it lies on a device, or is of a type or a layout that the
    sampler doesn't read."""
    logits = logits.detach()
    if logits.dtype not in DTYPES:
        logits = logits.float()
    if logits.device.type != "cpu":
        logits = logits.cpu()
    fits = logits.stride(-1) == 1 and (len(logits) < 2 or logits.stride(0) >= logits.shape[-1])
    return logits if fits else logits.contiguous()


def without_filters(params):
    """A copy of parameters in which no filter cuts: temperature and penalties stay."""
    whole = params.copy()
    for name, neutral in CUTS.items():
        whole.array[name] = neutral
    whole.array["filters"] = 0
    return whole


def _shared_context():
    """The default device's context, which all that name no device share."""
    with _opening:
        if not _shared:
            _shared.append(Context())
        return _shared[0]


class Samplers:
    """A sampler for each vocabulary and type of logits, made when it is first needed and anew for larger batches.

    device  as Sampler takes it. Used by one thread at a time, as samplers are.
    """

    def __init__(self, device=None):
        self._device, self._context, self._samplers = device, None, {}

    def of(self, logits):
        """The sampler for a tensor that host_rows has given."""
        rows, vocabulary = logits.shape
        key = vocabulary, DTYPES[logits.dtype]
        sampler = self._samplers.get(key)
        if sampler is None or sampler.max_rows < rows:
            if self._context is None:
                own = isinstance(self._device, Context)
                self._context = self._device if own else _shared_context() if self._device is None else \
                    Context(self._device)
            if sampler is not None:
                sampler.close()
            sampler = self._samplers[key] = Sampler(vocabulary, rows, key[1], self._context)
        return sampler

    def close(self):
        """Closes the samplers; a device that was named is given back with them."""
        samplers, self._samplers = self._samplers, {}
        for sampler in samplers.values():
            sampler.close()
        context, self._context = self._context, None
        if context is not None and context is not self._device and context not in _shared:
            context.close()
