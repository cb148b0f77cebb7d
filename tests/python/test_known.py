"""Tokens are the known answers, which come from numpy alone."""
import itertools
import os

import numpy as np
from helping import TESTS, reference_rows

import tombola

STATUS = {"ok": tombola.OK, "invalid": tombola.INVALID, "empty": tombola.EMPTY}
TYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}


def answers():
    """Lines of known_answers.txt as dicts, a third of them, of rows that are not long."""
    names = None
    with open(os.path.join(TESTS, "known_answers.txt")) as file:
        for number, line in enumerate(file):
            if line.startswith("#columns"):
                names = line.split()[1:]
            elif not line.startswith("#") and number % 3 == 0:
                answer = dict(zip(names, line.split()))
                if int(answer["vocabulary"]) <= 1000:
                    yield answer


def row_as_stored(answer):
    make = reference_rows.probability_row if answer["input"] == "probabilities" else reference_rows.logit_row
    return reference_rows.through_type(make(answer["kind"], int(answer["row_seed"]), int(answer["vocabulary"])),
                                       answer["type"])


def stored(values, name):
    if name == "f32":
        return values
    if name == "f16":
        return values.astype(np.float16)
    return (values.view(np.uint32) >> 16).astype(np.uint16)


def parameters(answers):
    columns = {}
    for name, field in tombola.FIELDS.items():
        if not any(name in answer for answer in answers):
            continue    # older lines lack the columns of newer filters
        default = str(int(field.default)) if field.limit else field.default.hex()
        texts = [answer.get(name, default) for answer in answers]
        if name == "filters":
            texts = [t if t in field.presets else t.split(",") for t in texts]
        elif field.values:
            texts = [t if t in field.values else int(t) for t in texts]
        elif field.limit:
            texts = np.array([int(t) for t in texts], np.uint64)
        else:
            texts = np.array([float.fromhex(t) for t in texts])
        columns[name] = texts
    return columns


def groups():
    def shape(answer):
        return answer["type"], answer["input"], int(answer["vocabulary"])
    for key, group in itertools.groupby(sorted(answers(), key=shape), key=shape):
        yield key, list(group)


def test_a_batch_draws_the_known_answers_with_masks_and_biases():
    checked = 0
    with tombola.Context() as context:
        for (kind, source, vocabulary), group in groups():
            with tombola.Sampler(vocabulary, len(group), TYPES[kind], context, input=source) as sampler:
                logits = np.stack([stored(row_as_stored(answer), kind) for answer in group])
                masks = [reference_rows.mask_of(int(answer["mask"]), vocabulary) for answer in group]
                have = [r for r, mask in enumerate(masks) if mask is not None]
                options = {}
                if have:
                    options["masks"] = np.stack([masks[r] for r in have])
                    options["mask_of_row"] = [have.index(r) if r in have else -1 for r in range(len(group))]
                if source == "logits":
                    options["biases"] = [dict(reference_rows.biases_of(int(answer["biases"]), vocabulary))
                                         for answer in group]
                results = sampler.sample(logits, want="tokens kept status", **options, **parameters(group))
            for column, expected in (("tokens", [int(a["token"]) for a in group]),
                                     ("kept", [int(a["kept"]) for a in group]),
                                     ("status", [STATUS[a["status"]] for a in group])):
                assert getattr(results, column).tolist() == expected, (column, kind, source, vocabulary)
            checked += len(group)
    assert checked >= 300, checked
