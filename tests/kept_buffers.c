/* Buffers that are never released, loaded before libOpenCL. Oclgrind 21.10, looking for memory without a value, keeps
 * what it knows of a buffer when that goes, and takes it for the next one at the same address. Of a larger one, what
 * lies behind the end of the first then never gets a value:
 *
 *     kernel void fill(global int *x, int n)
 *     {
 *         for (int i = 0; i < n; i++)
 *             x[i] = i;
 *         for (int i = 0; i < n; i++)
 *             if (x[i] == 77) // "depends on uninitialized value" from 4 on
 *                 x[0] = 1;
 *     }
 *
 * run on a buffer of 4, which is then released, and on another of 16. */
#include <CL/cl.h>

__attribute__((visibility("default"))) cl_int clReleaseMemObject(cl_mem buffer)
{
    (void)buffer;
    return CL_SUCCESS;
}
