"""Mistakes that type checkers find, by the code that each line ends with: see test_types.py. Never run."""
import numpy as np

import tombola


def heard(sequence: int) -> None:
    pass


def model(step: tombola.Step) -> None:
    step.token   # attr-defined


logits = np.zeros((2, 8), np.float32)
sampler = tombola.Sampler(vocabulary="8", max_rows=2)   # arg-type
sampler = tombola.Sampler(vocabulary=8, max_rows=2, input="logit")   # arg-type
sampler = tombola.Sampler(vocabulary=8, max_rows=2, lane=4)   # call-arg
sampler.sample(logits, temprature=0.5)   # call-arg
sampler.sample(logits, temperature="hot")   # arg-type
sampler.sample(logits, top_k=0.5)   # arg-type
sampler.sample(logits, method="gumbel")   # arg-type
sampler.sample(logits, filters=["top_q"])   # list-item
sampler.sample([[1.0, 2.0]])   # arg-type
sampler.sample(logits, history=[["a"]])   # arg-type
sampler.generate(lambda step: logits, [[1]])   # call-arg
sampler.generate(model, [[1]], max_tokens=1)   # arg-type
sampler.generate(lambda step: logits, [[1]], max_tokens=1, on_token=heard)   # arg-type
tombola.Params(2, top_q=1)   # call-arg
tombola.Params(2).top_q   # attr-defined
tombola.Params(2).top_p = "all"   # assignment
shard = tombola.Shard(8, 2, 256)   # arg-type
shard = tombola.Shard(8, 2, (0, 8), allgather=heard)   # arg-type
shard.sample(logits, temprature=0.5)   # call-arg
shard.merge(3)   # arg-type
name: str = tombola.contract()   # assignment
