/* Stand-ins for the calls that are about buffers, and what is known of the host memory that these lie over. */
#include "faults_plan.h"

#include "harness.h"

enum { MOST_REGIONS = 1 << 14 };

static struct region {
    struct faults_region told;
    cl_mem buffer; /* NULL once it has been released */
} regions[MOST_REGIONS];
static size_t region_count;

void faults_limit_buffers(size_t bytes)
{
    static cl_ulong answer;
    answer = bytes;
    faults_plan.largest_buffer = bytes;
    faults_answer(CL_DEVICE_MAX_MEM_ALLOC_SIZE, &answer, sizeof answer);
}

void faults_forget_regions(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < region_count; i++)
        if (regions[i].buffer)
            regions[kept++] = regions[i];
    region_count = kept;
}

size_t faults_region_count(void)
{
    return region_count;
}

struct faults_region faults_region(size_t index)
{
    return regions[index].told;
}

static int overlap(const struct faults_region *a, const struct faults_region *b)
{
    return a->start < b->start + b->bytes && b->start < a->start + a->bytes;
}

static void note_region(cl_mem buffer, const char *start, size_t bytes)
{
    struct region region = {{start, bytes, 0}, buffer};
    if (region_count == MOST_REGIONS)
        faults_forget_regions();
    if (region_count == MOST_REGIONS)
        die("more than %d buffers over host memory", MOST_REGIONS);
    for (size_t i = 0; i < region_count; i++)
        if (regions[i].buffer && overlap(&regions[i].told, &region.told))
            region.told.overlaps = 1;
    regions[region_count++] = region;
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *code)
{
    const int is_wrapped = (flags & CL_MEM_USE_HOST_PTR) != 0;
    FAIL_TO_MAKE_IF_PLANNED(clCreateBuffer, code);
    if (faults_plan.largest_buffer != NEVER && size > faults_plan.largest_buffer) {
        *code = CL_INVALID_BUFFER_SIZE;
        return NULL;
    }
    faults_counts.wrapped += (flags & CL_MEM_USE_HOST_PTR) != 0;
    faults_counts.buffer_bytes += is_wrapped ? 0 : size;
    cl_mem buffer = REAL(clCreateBuffer)(context, flags, size, host, code);
    if (buffer && is_wrapped)
        note_region(buffer, host, size);
    return faults_made(buffer);
}

/* The library's references are one for each buffer: what it has released is memory of the caller's again. */
cl_int clReleaseMemObject(cl_mem buffer)
{
    for (size_t i = 0; i < region_count; i++)
        if (regions[i].buffer == buffer)
            regions[i].buffer = NULL;
    cl_int code = REAL(clReleaseMemObject)(buffer);
    faults_counts.held -= code == CL_SUCCESS;
    return code;
}
