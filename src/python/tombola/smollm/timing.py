"""Where the time of a generation goes."""
import time


class Timed:
    """A model that counts how long it has been asked, in seconds, and for how many tokens."""

    def __init__(self, model):
        self._model, self.seconds, self.tokens = model, 0.0, 0

    def __call__(self, step):
        start = time.perf_counter()
        logits = self._model(step)
        self.seconds += time.perf_counter() - start
        self.tokens += len(logits)
        return logits


class Stopwatch:
    """A generation's time, in a `with`, and what of it was the model's."""

    def __init__(self, model):
        self.model = Timed(model)

    def __enter__(self):
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self._start

    @property
    def sampling(self):
        """The seconds that weren't the model's: those of drawing, and of all that goes with it."""
        return self.seconds - self.model.seconds

    def __str__(self):
        share = self.sampling / self.seconds
        return (f"{self.model.tokens} tokens in {self.seconds:.1f} s, {self.model.tokens / self.seconds:.0f} a second; "
                f"{share:.1%} of the time in sampling")
