"""A program of a user's that type checkers have nothing against, and that runs: see test_types.py."""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import tombola
import tombola.mpi


def model(step: tombola.Step) -> NDArray[np.float32]:
    step.constrain(biases={3: 1.5}, banned_words=[[1, 2]])
    rows: NDArray[np.float32] = np.eye(8, dtype=np.float32)
    return np.take(rows, (step.last_tokens + 1) % 8, axis=0)


def heard(sequence: int, token: int) -> bool:
    return sequence == 0 and token == 5


def gathered(message: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [message]


class Alone:
    """What serves as a communicator of mpi4py's, of one rank."""

    def Get_rank(self) -> int:
        return 0

    def Get_size(self) -> int:
        return 1

    def Allgather(self, sendbuf: NDArray[np.uint8], recvbuf: NDArray[np.uint8]) -> None:
        recvbuf[0] = sendbuf

    def Dup(self) -> Alone:
        return self

    def allgather(self, sendobj: Any) -> list[Any]:
        return [sendobj]

    def bcast(self, obj: object, root: int = 0) -> object:
        return obj


def main() -> list[object]:
    logits = np.zeros((2, 8), np.float32)
    flat = memoryview(bytearray(2 * 8 * 4)).cast("f", (2, 8))
    params = tombola.Params(2, temperature=[0, 0.7], top_k=4, method="race", filters=["top_k", "temperature", "top_p"])
    params.top_p = 0.9
    params.seed = np.arange(2)
    params.method = ["race", "inverse-cdf"]
    columns: NDArray[np.float32] = params.top_p
    names: list[str] = [name for name in tombola.FIELDS if name.startswith("min")] + tombola.presets()
    with tombola.Sampler(vocabulary=8, max_rows=2, dtype=np.float32, input="logits", cache="off") as sampler:
        results = sampler.sample(logits, params, want="tokens logprobs kept_ends kept_tokens", history=[[1], None],
                                 biases=[{1: 0.5}, None], frequency_penalty=0.5, end_tokens=[7], min_tokens=1)
        tokens: NDArray[np.int32] = results.tokens
        batch: tombola.Batch = sampler.submit(flat, temperature=0.5, seed=7, out={"tokens": tokens})
        status: NDArray[np.int32] = batch.result().status
        best, _logits, shares = sampler.top_k(logits, 3, temperature=2)
        scores: tombola.Ragged = sampler.score(logits, [[1, 2], [3]], top_p=0.5)
        generation = sampler.generate(model, [[1], [2, 3]], max_tokens=[3, 4], on_token=heard, stop=[[7, 0]],
                                      want="logprobs", temperature=0, thinking=([1], [2]))
        generation = sampler.generate(model, generation, max_tokens=2)
        texts: list[list[int]] = [drawn.tolist() for drawn in generation.tokens]
        seconds: float = sampler.times["kernel_seconds"]
        device: tombola.Device = sampler.context.device
    with tombola.Shard(8, 2, (0, 8), allgather=gathered) as shard:
        tokens = shard.sample(logits, params, want=["tokens", "ranks"]).tokens
        shard.begin(logits, temperature=0.5)
        done: bool = shard.merge([shard.partial()])
        rounds: int = shard.last_call["rounds"]
    with tombola.mpi.shard(Alone(), 8, 2, dtype="float32") as shard:
        tokens = shard.sample(logits, seed=3).tokens
    with tombola.Sampler(8, 2) as sampler:
        generation = tombola.mpi.generate(tombola.mpi.world(), sampler, model, [[1], [2, 3]], max_tokens=2, top_k=3)
    rows: list[int] = [row for part in tombola.mpi.chunks(None, 10, 4) for row in part]
    try:
        tombola.Context("no such device")
    except tombola.TombolaError as error:
        told: tuple[str, str | None, int | None] = error.message, error.argument, error.row
    found: float = tombola.watermark_detect(1, 2, [1, 2, 3], 8).p_value
    return [columns, names, status, best, shares, scores.row(1), texts, seconds, device.name, told, found, done,
            rounds, rows, generation.finish]
