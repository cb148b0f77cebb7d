"""A real language model, and what becomes of its text by how tokens are drawn. Run by demo.sh."""
import argparse

import numpy as np

import demo_times
import tombola
from demo_page import WIDTH, say, title, write
from tombola.smollm import Model
from tombola.smollm.timing import Stopwatch
from tombola.smollm.transcript import Transcript

MOST_ROWS = 32


class Remembering:
    """A model that keeps the logits which it gave for one sequence."""

    def __init__(self, model, sequence):
        self._model, self._sequence, self.logits = model, sequence, []

    def __call__(self, step):
        logits = self._model(step)
        if self._sequence in step.sequences:
            self.logits.append(logits[step.sequences.index(self._sequence)].copy())
        return logits


class Demo:
    """A model and a sampler, and how long they have been at work."""

    def __init__(self, model, sampler):
        self.model, self.sampler = model, sampler
        self.seconds = self.sampling = self.tokens = 0

    def texts(self, prompts, max_tokens, heads=None, begins=None, **columns):
        """Lets texts be written below their headings, and gives their Generation."""
        begins = begins if begins is not None else [""] * len(prompts)
        heads = [(head + "\n" if head else "", begin) for head, begin in zip(heads or [""] * len(prompts), begins)]
        transcript = Transcript(write, self.model.tokenizer, heads, max_tokens, self.model.end_tokens, WIDTH, "  ")
        generation = self.generate(self.model, prompts, max_tokens, on_token=transcript, **columns)
        transcript.end()
        return generation

    def generate(self, model, prompts, max_tokens, on_token=None, **columns):
        watch = Stopwatch(model)
        with watch:
            generation = self.sampler.generate(watch.model, prompts, max_tokens=max_tokens, on_token=on_token,
                                               end_tokens=self.model.end_tokens, **columns)
        self.seconds += watch.seconds
        self.sampling += watch.sampling
        self.tokens += watch.model.tokens
        return generation


def greedy(demo):
    title("Greedy: always the most likely token", "Sooner or later the text comes to where it has been before, and "
          "goes round from there.")
    prompt = "The most important thing about the sea is"
    demo.texts([demo.model.encode(prompt)], 60, begins=[prompt], temperature=0)


def temperatures(demo):
    title("One prompt at four temperatures, in one batch", "Low: safe, and much the same each time. 1: the model's "
          "own odds. High: unlikely tokens as well, and soon no sense.")
    prompt, values = "The old lighthouse keeper opened the door and", [0.3, 0.7, 1.0, 1.5]
    demo.texts([demo.model.encode(prompt)] * 4, 40, [f"temperature {value}" for value in values], [prompt] * 4,
               temperature=values, seed=1)


def filters(demo):
    title("Filters at temperature 1.5, again in one batch", "Each leaves out what is unlikely in its own way: top-k "
          "keeps so many tokens, top-p the most likely ones that together hold a share, min-p those that are at least "
          "so many times as likely as the first.")
    prompt = "The old lighthouse keeper opened the door and"
    demo.texts([demo.model.encode(prompt)] * 3, 40, ["top-k 10", "top-p 0.5", "min-p 0.15"], [prompt] * 3,
               temperature=1.5, top_k=[10, 0, 0], top_p=[1, 0.5, 1], min_p=[0, 0, 0.15], seed=1)


def chat(demo):
    question = "What is gravity? Answer in two sentences."
    title("A question", question)
    demo.texts([demo.model.chat(question)], 80, temperature=0.6, top_p=0.9, seed=3)


def same_seeds(demo):
    title("The same seed writes the same text", "One text, of seed 2 at temperature 1: alone, and with others of other "
          "prompts, seeds and temperatures around it.")
    model, prompt = demo.model, "My favourite place is"
    others = ["The recipe begins with", "In the year 1900,", "def main():", "Dear Sir,", "The moon", "Once upon a time"]
    found = []
    for place, count in ((0, 1), (1, 3), (4, 7)):
        prompts = others[:count - 1]
        prompts.insert(place, prompt)
        remembering = Remembering(model, place)
        seeds, heats = 100 + np.arange(count), np.linspace(0.5, 1.5, count)
        seeds[place], heats[place] = 2, 1
        generation = demo.generate(remembering, list(map(model.encode, prompts)), 24, seed=seeds, stream=0,
                                   temperature=heats, top_p=0.9)
        found.append((generation.tokens[place], remembering.logits))
        write("alone:\n" if count == 1 else f"number {place + 1} of a batch of {count}:\n")
        transcript = Transcript(write, model.tokenizer, [("", prompt)], 24, model.end_tokens, WIDTH, "  ")
        transcript.take(generation.tokens[place])
    (alone, logits), *batches = found
    same = all(np.array_equal(alone, tokens) for tokens, _ in batches)
    apart = max(np.abs(a - b).max() for _, others in batches for a, b in zip(logits, others))
    write("\n")
    say("The same three times." if same else "Not the same this time: see below.")
    say(f"What is promised: the same logits draw the same token, always. This model's own logits change a little with "
        f"the size of its batch, by {apart:.0e} here, since it adds up in another order then; nearly the same logits "
        "draw the same token nearly always: noise of 5e-5 changed 1 of 65,536 draws.")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plot", help="the PNG to write")
    arguments = parser.parse_args()

    title("The model")
    model = Model()
    with tombola.Sampler(model.vocabulary, MOST_ROWS) as sampler:
        demo = Demo(model, sampler)
        say(f"SmolLM2-135M-Instruct, {model.vocabulary} tokens, in numpy {np.__version__}. It makes a row of logits "
            f"for each text; Tombola {tombola.version} draws the next token of each row, on "
            f"{sampler.context.device.name}.")
        for section in (greedy, temperatures, filters, chat, same_seeds):
            section(demo)
        demo_times.show_model(demo, arguments.plot)


if __name__ == "__main__":
    main()
