"""What type checkers read is what there is."""
import ast
import importlib.util
import inspect
import os

from helping import ROOT

import tombola

PACKAGE = os.path.dirname(os.path.abspath(tombola.__file__))


def test_types_of_parameters_are_those_of_the_librarys_table():
    spec = importlib.util.spec_from_file_location("make_columns", os.path.join(ROOT, "src/python/make_columns.py"))
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    with open(os.path.join(PACKAGE, "_columns.pyi")) as file:
        assert file.read() == maker.stub(tombola.FIELDS), "run src/python/make_columns.py"


def test_options_that_sample_takes_have_types():
    with open(os.path.join(PACKAGE, "_types.pyi")) as file:
        classes = {node.name: node for node in ast.parse(file.read()).body if isinstance(node, ast.ClassDef)}

    def names_of(name):
        return {part.target.id for part in classes[name].body if isinstance(part, ast.AnnAssign)}

    def keywords_of(function):
        return {name for name, parameter in inspect.signature(function).parameters.items()
                if parameter.kind is parameter.KEYWORD_ONLY}

    assert names_of("SampleOptions") == keywords_of(tombola.Sampler._place)
    assert names_of("ContextOptions") == keywords_of(tombola.Context)


def test_columns_of_results_have_types():
    types = tombola.Results.__annotations__
    assert types == {name: "NDArray[np.void]" if dtype.names else f"NDArray[np.{dtype.name}]"
                     for name, (dtype, _) in tombola.COLUMNS.items()}
