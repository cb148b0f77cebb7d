"""OpenCL by pip alone: its loader and its driver are found, and where there is none, what to install is said."""
import os
import subprocess
import sys
import tempfile

from tombola import _library, _runtime

NAMES = "OCL_ICD_VENDORS", "OCL_ICD_FILENAMES"


def named_by(prefix, vendors, **environment):
    before = {name: os.environ.pop(name, None) for name in NAMES}
    os.environ.update(environment)
    try:
        _runtime.offer(prefix, vendors)
        return tuple(os.environ.get(name) for name in NAMES)
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def test_pips_driver_is_named_where_there_is_no_other():
    with tempfile.TemporaryDirectory() as folder:
        vendors = os.path.join(folder, "vendors")
        assert named_by(folder, vendors) == (None, None)
        os.mkdir(os.path.join(folder, "lib"))
        driver = os.path.join(folder, "lib", "libintelocl.so")
        open(driver, "w").close()
        assert named_by(folder, vendors) == (driver, driver)
        assert named_by(folder, vendors, OCL_ICD_VENDORS="/x") == ("/x", None)
        assert named_by(folder, vendors, OCL_ICD_FILENAMES="") == (None, "")
        os.mkdir(vendors)
        open(os.path.join(vendors, "pocl.icd"), "w").close()
        assert named_by(folder, vendors) == (None, None)


def imported_without_loader():
    """What comes of `import tombola` with no OpenCL loader: the library asks for one of another name."""
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, "libtombola.so")
        with open(_library.path, "rb") as own:
            content = own.read()
        assert b"\0libOpenCL.so.1\0" in content
        with open(library, "wb") as other:
            other.write(content.replace(b"\0libOpenCL.so.1\0", b"\0libOpenCL.so.X\0"))
        return subprocess.run([sys.executable, "-c", "import tombola"], capture_output=True, text=True,
                              env=dict(os.environ, TOMBOLA_LIBRARY=library))


def test_a_missing_loader_says_what_to_install():
    found = imported_without_loader()
    assert found.returncode == 1, found
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ") and "the OpenCL loader is missing" in last, last
    assert "ocl-icd-libopencl1 pocl-opencl-icd`" in last and "`pip install tombola[cpu]`" in last, last


def test_pips_loader_serves_where_the_system_has_none():
    loaded, lacks = [], {"libOpenCL.so.1": ["libsvml.so", "libimf.so"], "libsvml.so": ["libintlc.so.5"]}

    def load(name, *mode):
        folder, file = os.path.split(name)
        for needed in ["libOpenCL.so.1"] if not folder else lacks.get(file, []):
            if needed not in loaded:
                raise OSError(f"{needed}: cannot open shared object file: No such file or directory")
        if folder and not os.path.getsize(name):
            raise OSError(f"{name}: file too short")
        assert mode == (_runtime.ctypes.RTLD_GLOBAL,)
        loaded.append(file)
        return object()

    def offered(prefix, *files, content="ELF"):
        del loaded[:]
        for file in files:
            with open(os.path.join(prefix, "lib", file), "w") as library:
                library.write(content)
        _runtime.offer(prefix, prefix)
        return loaded

    real, _runtime.ctypes.CDLL = _runtime.ctypes.CDLL, load
    try:
        with tempfile.TemporaryDirectory() as prefix:
            os.mkdir(os.path.join(prefix, "lib"))
            assert offered(prefix) == []
            assert offered(prefix, "libOpenCL.so.1", "libsvml.so", "libimf.so") == []   # one is missing still
            assert offered(prefix, "libintlc.so.5", content="") == []
            assert offered(prefix, "libintlc.so.5") == ["libintlc.so.5", "libsvml.so", "libimf.so", "libOpenCL.so.1"]
    finally:
        _runtime.ctypes.CDLL = real
