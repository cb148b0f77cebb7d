"""generate() with Tombola for its tokens: greedily as Transformers, sampled by the same law, and each row by itself."""
import numpy as np
import torch
from helping import caught
from models import END, PADDING, VOCABULARY, llama, prompts, table
from transformers import (GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria,
                          StoppingCriteriaList, T5Config, T5ForConditionalGeneration)
from transformers.generation import logits_process

import tombola
from tombola.transformers import Decoder, generate

NEEDS = "torch", "transformers"

MODEL = llama()
IDS, MASK = prompts(4, 9)
MIN_P = dict(min_p=0.02) if hasattr(logits_process, "MinPLogitsWarper") else {}   # Transformers 4.40 lacks it
FIRST = MODEL.generate(IDS, attention_mask=MASK, max_new_tokens=1, do_sample=False)[:, -1].tolist()
GREEDY = [dict(), dict(repetition_penalty=1.3), dict(no_repeat_ngram_size=2, min_new_tokens=5),
          dict(bad_words_ids=[[5, 6], [7], [993]], suppress_tokens=[9, FIRST[0]]), dict(min_length=14),
          dict(exponential_decay_length_penalty=(3, 1.5)), dict(sequence_bias={(11,): 30.0, (12,): -2.0}),
          dict(sequence_bias={(11, 12): 30.0, (11,): 30.0}), dict(forced_eos_token_id=END),
          dict(begin_suppress_tokens=FIRST, repetition_penalty=0.8), dict(eos_token_id=[END, 7, FIRST[1]]),
          dict(encoder_repetition_penalty=1.5), dict(remove_invalid_values=True, repetition_penalty=1.2),
          dict(repetition_penalty=1.1, no_repeat_ngram_size=3, min_new_tokens=3, forced_eos_token_id=END,
               exponential_decay_length_penalty=(2, 1.2), suppress_tokens=FIRST[:1], sequence_bias={(11,): 3.0})]


def drawn(model, ids, mask, decode=generate, **options):
    """The tokens that were generated, (rows, new) as lists."""
    return decode(model, input_ids=ids, attention_mask=mask, **options)[:, ids.shape[1]:].tolist()


def own(model, **options):
    return model.generate(**options)


class Passes(LogitsProcessor):
    """A processor of the user's own, which Tombola knows nothing of."""

    def __call__(self, input_ids, scores):
        scores = scores.clone()
        scores[:, 100:] -= 5
        return scores


def test_greedy_output_is_transformers_own():
    ended = 0
    for options in GREEDY:
        options = dict(max_new_tokens=12, do_sample=False, **options)
        expected = drawn(MODEL, IDS, MASK, own, **options)
        assert drawn(MODEL, IDS, MASK, **options) == expected, options
        ended += any(END in row for row in expected)
    assert ended > 2


def test_greedy_output_of_half_precision_models_is_transformers_own():
    model = llama(torch.bfloat16)
    for options in GREEDY[:2]:
        assert drawn(model, IDS, MASK, max_new_tokens=6, do_sample=False, **options) == \
            drawn(model, IDS, MASK, own, max_new_tokens=6, do_sample=False, **options)


def test_scores_and_logits_are_transformers_own():
    for options in [dict(do_sample=False, **options) for options in GREEDY[:6]] + [
            dict(do_sample=True, temperature=0.7, top_k=20, top_p=0.9), dict(do_sample=True, top_k=5),
            dict(do_sample=True, renormalize_logits=True), dict(do_sample=True, top_k=0, typical_p=0.5)]:
        options = dict(input_ids=IDS, attention_mask=MASK, max_new_tokens=3, return_dict_in_generate=True,
                       output_scores=True, output_logits=True, **options)
        told, expected = generate(MODEL, seeds=range(4), **options), MODEL.generate(**options)
        assert type(told) is type(expected) and len(told.scores) == len(expected.scores) == 3
        for mine, its in zip((told.scores[0], told.logits[0]), (expected.scores[0], expected.logits[0])):
            assert type(mine) is torch.Tensor
            assert torch.equal(mine == -np.inf, its == -np.inf), options
            assert torch.allclose(mine, its, rtol=1e-5, atol=1e-5), options


def chi_square(counts, expected):
    """How many standard deviations above what is to be expected, roughly (Wilson and Hilferty)."""
    there = expected > 0
    assert counts[~there].sum() == 0
    degrees = there.sum() - 1
    value = ((counts[there] - expected[there]) ** 2 / expected[there]).sum()
    return ((value / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / (2 / (9 * degrees)) ** 0.5


def test_sampled_tokens_have_the_distribution_that_transformers_draws_from():
    rows, vocabulary = 20000, 40
    logits = np.random.default_rng(5).normal(size=(vocabulary, vocabulary)) * 2
    model = table(logits)
    ids = torch.full((rows, 2), 17)
    for options in (dict(), dict(top_k=0, temperature=0.8, repetition_penalty=1.4), dict(top_k=0, top_p=0.9),
                    dict(top_k=12, **MIN_P), dict(top_k=0, typical_p=0.8), dict(top_k=0, epsilon_cutoff=0.02),
                    dict(top_k=0, eta_cutoff=0.05), dict(top_k=0, logits_processor=LogitsProcessorList([Passes()]))):
        options = dict(max_new_tokens=1, do_sample=True, **options)
        told = model.generate(input_ids=ids[:1], attention_mask=torch.ones_like(ids[:1]), output_scores=True,
                              return_dict_in_generate=True, **options)
        expected = rows * torch.softmax(told.scores[0][0].double(), -1).numpy()
        tokens = np.array(drawn(model, ids, torch.ones_like(ids), seeds=np.arange(rows), **options))
        assert chi_square(np.bincount(tokens[:, 0], minlength=vocabulary), expected) < 3.5, options
        assert chi_square(np.bincount(tokens[:, 0], minlength=vocabulary), np.roll(expected, 1) + 1e-3) > 10


def test_a_row_keeps_its_tokens_in_any_batch():
    model = table(np.random.default_rng(6).normal(size=(300, 300)) * 3)
    ids, mask = prompts(6, 5, 300)
    options = dict(max_new_tokens=20, do_sample=True, top_p=0.95, repetition_penalty=1.1, no_repeat_ngram_size=3)
    whole = drawn(model, ids, mask, seeds=range(6), **options)
    assert len({tuple(row) for row in whole}) == 6
    for row in range(6):
        assert drawn(model, ids[row:row + 1], mask[:1], seeds=[row], **options) == [whole[row]]
    turned = [5, 0, 0, 3, 1]
    assert drawn(model, ids[turned], mask[:5], seeds=turned, **options) == [whole[row] for row in turned]


def test_padding_is_no_history():
    logits = np.random.default_rng(7).normal(size=(300, 300)) * 3
    logits[:, PADDING] = logits.max(axis=1) + 0.5   # what counts padding would hardly ever draw it
    model = table(logits)
    ids, mask = prompts(3, 4, 300)
    padded = torch.cat([torch.full((3, 6), PADDING), ids], dim=1)
    padded_mask = torch.cat([torch.zeros((3, 6), dtype=mask.dtype), mask], dim=1)
    for options in (dict(do_sample=False, repetition_penalty=1.5, no_repeat_ngram_size=2),
                    dict(do_sample=True, seeds=range(3), repetition_penalty=2.0, min_new_tokens=4, eos_token_id=END,
                         exponential_decay_length_penalty=(5, 1.1), forced_eos_token_id=7)):
        assert drawn(model, padded, padded_mask, max_new_tokens=12, **options) == \
            drawn(model, ids, mask, max_new_tokens=12, **options)
    assert drawn(MODEL, IDS, MASK, max_new_tokens=8, do_sample=False, repetition_penalty=1.3) == \
        [drawn(MODEL, IDS[row:row + 1], MASK[:1], own, max_new_tokens=8, do_sample=False, repetition_penalty=1.3)[0]
         for row in range(4)]


def test_an_end_token_that_is_banned_stays_so_whatever_the_length_penalty():
    options = dict(max_new_tokens=12, do_sample=False, exponential_decay_length_penalty=(1, 9.0))
    assert all(END in row[:9] for row in drawn(MODEL, IDS, MASK, **options))
    assert all(row.index(END) == 9 for row in drawn(MODEL, IDS, MASK, min_new_tokens=9, **options))


def test_an_end_token_that_is_forced_is_drawn_though_it_is_suppressed():
    options = dict(max_new_tokens=5, do_sample=False, forced_eos_token_id=END, suppress_tokens=[END])
    try:
        assert all(row.index(END) == 4 for row in drawn(MODEL, IDS, MASK, **options))
    except ValueError as error:   # newer versions of Transformers refuse it themselves
        assert "forced_eos_token_id" in str(error) and "suppress_tokens" in str(error)


def test_seeds_are_for_prompts_and_their_sequences_are_streams():
    options = dict(max_new_tokens=6, do_sample=True)
    many = drawn(MODEL, IDS[:2], MASK[:2], seeds=[3, 4], num_return_sequences=3, **options)
    assert len({tuple(row) for row in many}) == 6
    assert many[::3] == drawn(MODEL, IDS[:2], MASK[:2], seeds=[3, 4], **options)
    assert many[3:] == drawn(MODEL, IDS[1:2], MASK[:1], seeds=4, num_return_sequences=3, **options)
    assert drawn(MODEL, IDS[:1], MASK[:1], num_return_sequences=2, params={"stream": [0, 2]}, seeds=3, **options) == \
        [many[0], many[2]]
    torch.manual_seed(5)
    first = drawn(MODEL, IDS, MASK, **options)
    assert drawn(MODEL, IDS, MASK, **options) != first
    torch.manual_seed(5)
    assert drawn(MODEL, IDS, MASK, **options) == first
    assert "seeds" in str(caught(ValueError, generate, MODEL, IDS, attention_mask=MASK, seeds=[1, 2, 3], **options))
    assert drawn(MODEL, IDS, MASK, seeds=iter([2**64 - 1, 1, 2, 3]), **options) == \
        drawn(MODEL, IDS, MASK, seeds=np.array([2**64 - 1, 1, 2, 3], np.uint64), **options)
    for wrong in ([-1, 2, 3, 4], [1.5, 2, 3, 4], torch.arange(4) - 1, 2**64, "1234"):
        assert "seed" in str(caught((ValueError, TypeError), generate, MODEL, IDS, seeds=wrong, **options))


def test_a_text_goes_on_as_if_it_had_not_stopped():
    model = table(np.random.default_rng(8).normal(size=(300, 300)) * 3)
    ids, mask = prompts(2, 4, 300)
    whole = generate(model, ids, attention_mask=mask, seeds=[1, 2], do_sample=True, max_new_tokens=10)
    half = generate(model, ids, attention_mask=mask, seeds=[1, 2], do_sample=True, max_new_tokens=4)
    rest = generate(model, half, attention_mask=torch.ones_like(half), seeds=[1, 2], offsets=4, do_sample=True,
                    max_new_tokens=6)
    assert rest.tolist() == whole.tolist()


def test_parameters_of_tombolas_own_go_before_the_config_and_may_differ_from_row_to_row():
    options = dict(max_new_tokens=8, do_sample=True, temperature=1.5, top_k=0)
    mixed = drawn(MODEL, IDS, MASK, seeds=range(4), params={"temperature": [0, 1.5, 0, 1.5]}, **options)
    hot, greedy = drawn(MODEL, IDS, MASK, seeds=range(4), **options), drawn(MODEL, IDS, MASK, own, max_new_tokens=8)
    assert mixed == [greedy[0], hot[1], greedy[2], hot[3]]
    assert drawn(MODEL, IDS, MASK, seeds=1, params=dict(top_n_sigma=0.001, dry_multiplier=1), **options) == greedy
    error = caught((AttributeError, TypeError), drawn, MODEL, IDS, MASK, params={"no_such": 1}, **options)
    assert "no_such" in str(error)


def test_parameters_that_adapt_move_on_from_token_to_token():
    logits = (np.random.default_rng(9).normal(size=(300, 300)) * 3).astype(np.float32)
    ids, mask = prompts(3, 4, 300)
    for adapting in (dict(mirostat=2, mirostat_entropy=2), dict(min_p=0.01, adaptive_target=0.3)):
        params, last, expected = tombola.Params(3, seed=np.arange(3), **adapting), ids[:, -1].numpy(), []
        with tombola.Sampler(300, 3) as sampler:
            for step in range(12):
                params.offset = step
                results = sampler.sample(logits[last], params, want="tokens observed")
                params.observe(results.observed)
                last = results.tokens
                expected.append(last.tolist())
        assert drawn(table(logits), ids, mask, seeds=range(3), params=adapting, do_sample=True, top_k=0,
                     max_new_tokens=12) == np.transpose(expected).tolist()


def test_the_cache_is_used_and_the_model_stays_as_it_was():
    model, lengths = llama(), []
    forward = type(model).forward

    def counted(*arguments, **options):
        lengths.append(options["input_ids"].shape[1])
        return forward(model, *arguments, **options)

    before = dict(vars(model))
    model.forward = counted
    try:
        drawn(model, IDS, MASK, max_new_tokens=4, do_sample=True)
    finally:
        del model.forward
    assert lengths == [IDS.shape[1], 1, 1, 1]
    assert type(model) is type(MODEL) and vars(model).keys() == before.keys()


class Wrapper:
    """A model around a model, as PEFT has them."""

    def generate(self, *arguments, **options):
        return MODEL.generate(*arguments, **options)


class Astray(type(MODEL)):
    """A model whose generate() draws in a way of its own."""

    def generate(self, input_ids, **_):
        return input_ids


class Streamer:
    def __init__(self):
        self.put_in, self.ended = [], False

    def put(self, ids):
        self.put_in.append(ids.tolist())

    def end(self):
        self.ended = True


class After(StoppingCriteria):
    """Ends the first row after three tokens."""

    def __call__(self, input_ids, scores, **_):
        done = torch.zeros(len(input_ids), dtype=torch.bool)
        done[0] = input_ids.shape[1] >= IDS.shape[1] + 3
        return done


def test_streamers_and_stopping_criteria_are_served():
    streamer = Streamer()
    tokens = drawn(MODEL, IDS[:1], MASK[:1], streamer=streamer, max_new_tokens=5, do_sample=True)
    assert streamer.ended and streamer.put_in == [IDS[:1].tolist(), *([token] for token in tokens[0])]
    stopped = drawn(MODEL, IDS, MASK, stopping_criteria=StoppingCriteriaList([After()]), max_new_tokens=6,
                    seeds=range(4), do_sample=True, eos_token_id=END)
    whole = drawn(MODEL, IDS, MASK, max_new_tokens=6, seeds=range(4), do_sample=True, eos_token_id=END)
    assert stopped[0] == whole[0][:3] + [PADDING] * 3 and stopped[1:] == whole[1:]


def test_a_config_of_ones_own_and_the_models_serve_as_options_do():
    options = dict(max_new_tokens=6, do_sample=True, top_p=0.7, temperature=1.3)
    expected = drawn(MODEL, IDS, MASK, seeds=range(4), **options)
    config = GenerationConfig(eos_token_id=END, pad_token_id=PADDING, **options)
    assert drawn(MODEL, IDS, MASK, seeds=range(4), generation_config=config) == expected
    model = llama()
    model.generation_config = config
    assert drawn(model, IDS, MASK, seeds=range(4)) == expected and config.do_sample is True


def test_what_draws_no_token_from_each_row_is_refused_by_name():
    for options, words in ((dict(num_beams=2), "num_beams"), (dict(num_beams=4, do_sample=True), "num_beams"),
                           (dict(penalty_alpha=0.6, top_k=4), "penalty_alpha"),
                           (dict(num_beams=4, num_beam_groups=2, diversity_penalty=1.0), "num_beam_groups"),
                           (dict(prompt_lookup_num_tokens=3), "prompt_lookup_num_tokens"),
                           (dict(assistant_model=MODEL), "assistant_model"),
                           (dict(num_beams=4, force_words_ids=[[[5]]]), "force_words_ids")):
        told = str(caught(ValueError, generate, MODEL, IDS[:1], attention_mask=MASK[:1], max_new_tokens=3, **options))
        assert told.startswith("Tombola has no ") and words in told, told
    assert "not asked Tombola" in str(caught(ValueError, generate, Astray(MODEL.config), IDS))


def test_rows_that_cannot_be_drawn_from_are_told():
    logits = np.zeros((50, 50))
    logits[7], logits[8] = -np.inf, np.nan
    model = table(logits)
    for token, words in ((7, "ruled out"), (8, "NaN")):
        told = str(caught(ValueError, drawn, model, torch.tensor([[5], [token]]), torch.ones(2, 1), max_new_tokens=1))
        assert "row 1" in told and words in told
    assert drawn(model, torch.tensor([[5], [6]]), torch.ones(2, 1), max_new_tokens=1) == [[0], [0]]
    logits[5, END], logits[6, 9], logits[9, 9], logits[PADDING] = 1, 1, 1, np.nan   # a row that has ended may hold it
    assert drawn(table(logits), torch.tensor([[5], [6]]), torch.ones(2, 1), max_new_tokens=3, eos_token_id=END) == \
        [[END, PADDING, PADDING], [9, 9, 9]]


def test_what_is_wanted_of_each_step_is_told():
    with Decoder([1, 2, 3, 4], want="logprobs kept_tokens") as decoder:
        ids = decoder.generate(MODEL, IDS, attention_mask=MASK, do_sample=True, top_k=7, max_new_tokens=3)
        assert len(decoder.results) == 3
        for step, results in enumerate(decoder.results):
            assert results.tokens.tolist() == ids[:, IDS.shape[1] + step].tolist()
            assert results.logprobs.shape == (4,) and all(len(results.kept_of(row)) == 7 for row in range(4))


def test_custom_generate_draws_the_same_where_transformers_calls_it():
    if not hasattr(type(MODEL), "_extract_generation_mode_kwargs"):   # older than 4.56: it has no callables
        assert callable(Decoder())
        return
    options = dict(max_new_tokens=6, do_sample=True, top_p=0.8)
    expected = drawn(MODEL, IDS, MASK, seeds=range(4), **options)
    decoder = Decoder(range(4))
    assert drawn(MODEL, IDS, MASK, own, custom_generate=decoder, **options) == expected
    assert drawn(MODEL, IDS, MASK, own, custom_generate=Decoder(), seeds=range(4), **options) == expected
    told = caught(ValueError, MODEL.generate, IDS[:1], attention_mask=MASK[:1], num_beams=2, custom_generate=decoder)
    assert "num_beams" in str(told)
    assert drawn(Wrapper(), IDS, MASK, seeds=range(4), **options) == expected


def test_the_vocabulary_and_the_batch_may_grow_from_call_to_call():
    with Decoder(device=tombola.Context()) as decoder:
        for rows, vocabulary in ((1, 300), (3, 300), (2, VOCABULARY), (2, 300)):
            model = table(np.random.default_rng(rows).normal(size=(vocabulary, vocabulary)))
            ids, mask = prompts(rows, 3, vocabulary)
            assert drawn(model, ids, mask, lambda model, **o: decoder.generate(model, **o), max_new_tokens=2) == \
                drawn(model, ids, mask, own, max_new_tokens=2)


def test_encoder_decoder_models_and_prompts_of_embeddings_are_served():
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(T5Config(
        vocab_size=300, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=PADDING,
        pad_token_id=PADDING, eos_token_id=1)).eval()
    for parameter in model.parameters():
        parameter.data *= 3
    ids = prompts(3, 7, 300)[0]
    embeddings = MODEL.get_input_embeddings()(IDS)
    for options in (dict(), dict(repetition_penalty=1.5), dict(no_repeat_ngram_size=2)):
        options = dict(do_sample=False, max_new_tokens=9, **options)
        assert generate(model, ids, **options).tolist() == model.generate(ids, **options).tolist()
        assert generate(MODEL, inputs_embeds=embeddings, attention_mask=MASK, **options).tolist() == \
            MODEL.generate(inputs_embeds=embeddings, attention_mask=MASK, **options).tolist()
