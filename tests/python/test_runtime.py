"""A driver that pip has installed is named to the loader, unless the system or the user has another."""
import os
import tempfile

from tombola import _runtime

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
