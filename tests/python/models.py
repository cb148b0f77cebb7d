"""Small models of Transformers' for tests, with random weights, or with logits that no batch moves."""
import numpy as np
import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM, PretrainedConfig, PreTrainedModel
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import CausalLMOutput

transformers.logging.set_verbosity_error()
torch.set_num_threads(1)
VOCABULARY, BEGIN, END, PADDING = 1000, 1, 2, 0


def llama(dtype=torch.float32, vocabulary=VOCABULARY, seed=1):
    """A Llama of two layers, whose logits are spread as those of a trained one."""
    torch.manual_seed(seed)
    config = LlamaConfig(vocab_size=vocabulary, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
                         bos_token_id=BEGIN, eos_token_id=END, pad_token_id=PADDING, initializer_range=0.3)
    return LlamaForCausalLM(config).eval().to(dtype)


class TableConfig(PretrainedConfig):
    model_type = "table"


class Table(PreTrainedModel, GenerationMixin):
    """A model whose logits are a row of a table: that of the last token, whatever else is in the batch."""

    config_class, base_model_prefix, main_input_name = TableConfig, "table", "input_ids"

    def __init__(self, config):
        super().__init__(config)
        self.table = torch.nn.Embedding(config.vocab_size, config.vocab_size)
        if hasattr(self, "post_init"):
            self.post_init()

    def _init_weights(self, module):
        pass

    def forward(self, input_ids, attention_mask=None, return_dict=True, **_):
        return CausalLMOutput(logits=self.table(input_ids))

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, **_):
        return {"input_ids": input_ids}


def table(logits):
    """The Table of an array (vocabulary, vocabulary)."""
    vocabulary = len(logits)
    model = Table(TableConfig(vocab_size=vocabulary, bos_token_id=BEGIN, eos_token_id=None, pad_token_id=PADDING,
                              hidden_size=1, num_hidden_layers=1, num_attention_heads=1))
    model.table.weight.data[:] = torch.from_numpy(np.asarray(logits, np.float32))
    return model.eval()


def prompts(rows, length, vocabulary=VOCABULARY, seed=0):
    """Random ids (rows, length), none of them special, and a mask that leaves none out."""
    ids = torch.from_numpy(np.random.default_rng(seed).integers(3, vocabulary, size=(rows, length)))
    return ids, torch.ones_like(ids)
