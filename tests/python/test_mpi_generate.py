"""`mpirun -n N python -m tombola generate PROMPTS.jsonl --output FILE` writes what one process writes."""
import json
import os
import sys
import tempfile

import toy_llama
from test_mpi import mpirun
from test_write import text_of

import tombola

NEEDS = "mpi4py"

SHARES = "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POCL_MAX_PTHREAD_COUNT"   # the command's own, between ranks
PROMPTS = ['"Once"', '{"prompt": "The sea", "id": "b", "temperature": 0}', '"In 1900"',
           '{"prompt": [65, 66], "seed": 9}', '{"prompt": "x", "max_tokens": 3}', '"Dear"', '"Why?"']


def test_ranks_write_the_texts_that_one_process_writes():
    with tempfile.TemporaryDirectory() as folder:
        model, prompts = toy_llama.write(folder), os.path.join(folder, "prompts.jsonl")
        with open(prompts, "w") as file:
            file.write("\n".join(PROMPTS))
        path = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])

        def generate(ranks, output, *options):
            return mpirun(ranks, "-m", "tombola", "generate", prompts, "--model", model, "--output",
                          os.path.join(folder, output), "--chunk", "2", "--max-tokens", "8", "--temperature", "1",
                          *options, PYTHONPATH=path, **dict.fromkeys(SHARES))

        ended = generate(1, "one")
        assert ended.returncode == 0 and ended.stderr == "", ended.stderr
        with open(os.path.join(folder, "sitecustomize.py"), "w") as file:   # which Python runs at its start
            file.write("import os\nif os.environ.get('OMPI_COMM_WORLD_RANK') == '1':\n"
                       "    os.environ['TOMBOLA_DEVICE'] = 'nonsense'\n")
        ended = generate(3, "three")
        assert ended.returncode == 0 and ended.stderr.startswith("tombola generate: rank 1 on "), ended.stderr
        assert "nonsense" in ended.stderr and ended.stderr.endswith("; it takes no part\n"), ended.stderr
        text = text_of(os.path.join(folder, "one"))
        assert text == text_of(os.path.join(folder, "three"))
        lines = [json.loads(line) for line in text.splitlines()]
        assert [line.get("id") for line in lines] == [None, "b"] + [None] * 5
        assert [len(line["output"]) for line in lines if line["finish"] == "limit"][0] == 8
        assert lines[4]["prompt"] == [ord("x")] and len(lines[4]["output"]) <= 3
        for place in (0, 6):   # the last of them is alone in its chunk
            assert lines[place] == told(folder, lines[place]["prompt"], place, 0 if place else 1, lines)
        ended = generate(2, "two", "--heat", "2")
        assert ended.returncode == 2 and ended.stderr.count("unrecognized arguments") == 1, ended.stderr
        assert sorted(os.listdir(folder)) == ["model.gguf", "one", "prompts.jsonl", "sitecustomize.py", "three",
                                              "tokenizers.py"]


def told(folder, prompt, place, others, lines):
    """The line of a text as Sampler.generate makes it, with so many that come behind it in its batch."""
    sys.path.insert(0, folder)
    try:
        from tombola.smollm import Model
        model = Model(os.path.join(folder, "model.gguf"))
    finally:
        sys.path.remove(folder)
    prompts = [line["prompt"] for line in lines[place:place + others + 1]]
    with tombola.Sampler(model.vocabulary, 2) as sampler:
        got = sampler.generate(model, prompts, max_tokens=8, stream=range(place, place + others + 1),
                               temperature=[1, 0][:others + 1], end_tokens=model.end_tokens)
    shown = got.tokens[0][:-1] if got.finish[0] == "end token" else got.tokens[0]
    return {"prompt": prompt, "output": got.tokens[0].tolist(), "text": model.decode(shown), "finish": got.finish[0]}
