"""The package's structs are the headers', as a C compiler has them."""
import ctypes
import os
import shutil
import subprocess
import tempfile

import numpy as np
from helping import ROOT

from tombola import BIAS, BOUNDARY, params
from tombola._structs import COLUMNS, SHARD_HEAD, STRUCTS, Array, Results


def program():
    lines = ["#include <tombola_shard.h>", "#include <stdio.h>"]

    def same(c, number):
        lines.append(f'_Static_assert({c} == {number}, "{c}");')

    for struct in STRUCTS:
        same(f"sizeof({struct.c_name})", ctypes.sizeof(struct))
        for name, kind in struct._fields_:
            same(f"offsetof({struct.c_name}, {name})", getattr(struct, name).offset)
            same(f"sizeof((({struct.c_name} *)0)->{name})", ctypes.sizeof(kind))
    same("sizeof(tombola_params)", params.params_dtype.itemsize)
    for name, (dtype, offset, *_) in params.params_dtype.fields.items():
        same(f"offsetof(tombola_params, {name})", offset)
        same(f"sizeof(((tombola_params *)0)->{name})", dtype.itemsize)
    for name, dtype in (("tombola_bias", BIAS), ("tombola_boundary", BOUNDARY),
                        ("tombola_shard_head", SHARD_HEAD)):
        same(f"sizeof({name})", dtype.itemsize)
        for field, (_, offset, *_) in dtype.fields.items():
            same(f"offsetof({name}, {field})", offset)
    for name, (dtype, _) in COLUMNS.items():
        same(f"sizeof(*((tombola_results *)0)->{name}.host)", dtype.itemsize)
    lines.append("int main(void) { tombola_params p = tombola_params_default(); "
                 "return fwrite(&p, sizeof p, 1, stdout) != 1; }")
    return "\n".join(lines) + "\n"


def test_sizes_and_offsets_are_those_of_the_header_and_defaults_too():
    compiler = os.environ.get("CC") or shutil.which("cc")
    if not compiler:
        print("        no C compiler: left out")
        return
    with tempfile.TemporaryDirectory() as folder:
        source, binary = os.path.join(folder, "layout.c"), os.path.join(folder, "layout")
        with open(source, "w") as file:
            file.write(program())
        subprocess.run([*compiler.split(), "-I" + os.path.join(ROOT, "include"), source, "-o", binary], check=True)
        default = subprocess.run([binary], check=True, capture_output=True).stdout
    assert np.frombuffer(default, params.params_dtype)[0] == params.DEFAULT[0]
    assert default == params.DEFAULT.tobytes()


def test_every_array_of_the_results_is_a_column():
    assert {name for name, kind in Results._fields_ if kind is Array} == set(COLUMNS)
