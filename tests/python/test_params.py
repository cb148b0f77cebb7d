"""Parameters come from the library's table, and refuse what they can't hold."""
import numpy as np
from helping import caught

import tombola
from tombola import FIELDS, Params


def test_every_field_of_the_table_is_a_column_with_its_default_and_words():
    params = Params(3)
    assert tombola.params_dtype.names == ("struct_size", *FIELDS)
    assert len(FIELDS) >= 40
    for name, field in FIELDS.items():
        assert getattr(Params, name).__doc__ == field.help
        assert (getattr(params, name) == (0 if name == "filters" else np.float64(field.default))).all(), name
        assert name in Params.__doc__ and name in tombola.Sampler.sample.__doc__


def test_a_column_is_set_by_one_value_or_one_for_each_row():
    params = Params(3, temperature=[0, 0.5, 1], top_p=0.9, seed=2**64 - 1, top_k=np.arange(3), method="inverse-cdf")
    assert params.temperature.tolist() == [0, 0.5, 1] and (params.top_p == np.float32(0.9)).all()
    assert params.seed.tolist() == [2**64 - 1] * 3 and params.top_k.tolist() == [0, 1, 2]
    assert params.method.tolist() == [1] * 3
    params.method = ["race", "inverse-cdf", 0]
    assert params.method.tolist() == [0, 1, 0]
    assert "temperature" in repr(params) and "min_p" not in repr(params)


def test_orders_are_taken_by_name_by_steps_and_by_row():
    params = Params(2, filters="temperature-last")
    assert params.filters[0].tolist() == list(FIELDS["filters"].presets["temperature-last"])
    params.filters = ["top_k", "temperature"]
    assert params.filters[1].tolist() == [2, 1] + [0] * 14
    params.filters = ["default", ["temperature", "top_p"]]
    assert params.filters[:, :2].tolist() == [[0, 0], [1, 3]]
    assert "nonsense" in str(caught(ValueError, Params, 1, filters=["nonsense"]))
    assert "nonsense" in str(caught(ValueError, Params, 1, filters="nonsense"))
    caught(ValueError, Params, 1, filters=["top_k"] * 17)
    caught(TypeError, Params, 1, filters=3)


def test_what_a_type_cannot_hold_is_refused_by_name():
    for options, words in ((dict(top_k=-1), "top_k is -1"), (dict(top_k=2**32), "top_k is 4294967296"),
                           (dict(seed=np.array([-5])), "seed is from -5"), (dict(method="x"), "method is 'x'")):
        assert words in str(caught(ValueError, Params, 1, **options))
    for options in (dict(top_k=1.5), dict(temperature="hot"), dict(temperature=1j), dict(top_k=None)):
        assert next(iter(options)) in str(caught(TypeError, Params, 1, **options))
    caught(ValueError, Params, 2, top_p=[1, 1, 1])
    caught(TypeError, Params, 1, no_such=1)


def test_seeds_of_64_bits_are_taken_from_a_list_whatever_side_of_the_middle_they_are_on():
    seeds = [2**64 - 1, 1, 2**63, np.uint64(2**63 + 1)]
    assert Params(4, seed=seeds).seed.tolist() == Params(4, seed=tuple(seeds)).seed.tolist() == list(map(int, seeds))
    for wrong in ([2**64, 1], [2**63, -1], [2**63, 1.5], [True, False]):
        assert "seed" in str(caught((ValueError, TypeError), Params, 2, seed=wrong))


def test_what_is_no_parameter_is_refused_by_name():
    for name in ("top_q", "array"):
        assert f"there is no parameter {name}" in str(caught(TypeError, Params, 2, **{name: 1}))


def test_presets_are_the_librarys():
    assert tombola.presets()[0] == "default" and "llama.cpp" in tombola.presets()
    assert Params.preset("default").array == Params(1).array
    assert Params.preset("greedy", 3, seed=5).temperature.tolist() == [0, 0, 0]
    error = caught(tombola.InvalidArgument, Params.preset, "nobody")
    assert "nobody" in error.message and "vllm" in error.message


def test_observe_moves_on_what_adapts_and_nothing_else():
    params = Params(3, mirostat=[0, 2, 2])
    params.observe(np.float32([-1, -1, -np.inf]))
    assert params.mirostat_mu[0] == np.inf and params.mirostat_mu[2] == np.inf
    surprise = 1 / np.log(2)
    assert abs(params.mirostat_mu[1] - (10 - 0.1 * (surprise - 5))) < 1e-5
    caught(ValueError, params.observe, [0.0])


def test_parts_are_views_and_copies_are_not():
    params = Params(4)
    params[1:3].top_k = 7
    params.copy().top_k = 9
    assert params.top_k.tolist() == [0, 7, 7, 0] and len(params[0]) == 1
