"""OpenCL by pip alone: finds what `tombola[cpu]` installs, where the system has nothing of its own."""
from __future__ import annotations

import ctypes
import glob
import os
import sys

VENDORS = "/etc/OpenCL/vendors"


def _load(path: str) -> ctypes.CDLL | None:
    """Loads a library of pip's, after those of its folder that it needs: it may have no search path for these."""
    tried: set[str] = set()
    while True:
        try:
            return ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
        except OSError as error:
            missing = str(error).split(":")[0]
            beside = os.path.join(os.path.dirname(path), missing)   # a whole path is that of a broken one
            if missing in tried or os.path.isabs(missing) or not os.path.exists(beside) or not _load(beside):
                return None
            tried.add(missing)


def offer(prefix: str = sys.prefix, vendors: str = VENDORS) -> None:
    """Loads the loader in `prefix` if the system has none, and names the driver there if no other is installed.

    A user's own OCL_ICD_VENDORS or OCL_ICD_FILENAMES stays as it is.
    """
    folder = os.path.join(prefix, "lib")
    try:
        ctypes.CDLL("libOpenCL.so.1")
    except OSError:
        loader = os.path.join(folder, "libOpenCL.so.1")
        if os.path.exists(loader):
            _load(loader)   # the library asks for it by its SONAME, which is loaded then
    driver = os.path.join(folder, "libintelocl.so")
    named = "OCL_ICD_VENDORS" in os.environ or "OCL_ICD_FILENAMES" in os.environ
    if not named and os.path.exists(driver) and not glob.glob(os.path.join(vendors, "*.icd")):
        os.environ["OCL_ICD_VENDORS"] = driver      # as ocl-icd has it
        os.environ["OCL_ICD_FILENAMES"] = driver    # as Khronos' loader has it
