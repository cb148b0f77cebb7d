#include "shape.h"

#include "error.h"

/* CPUs do best with one work-item that holds whole vector registers; GPUs want the lanes of a block
 * side by side, and several blocks to hide the way to memory. A device that has no vectors of its own takes
 * them apart, and compiles the longer the wider they are. */
void shape_choose(tombola_context *context, const tombola_context_options *o)
{
    int is_gpu = context->device.info.type == TOMBOLA_DEVICE_GPU;
    cl_uint native = 0;
    clGetDeviceInfo(context->device.id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof native, &native, NULL);
    context->lanes = o->lanes ? o->lanes : is_gpu ? 32 : 1;
    context->width = o->width ? o->width : is_gpu || native <= 1 ? 4 : 16;
    context->teams = o->teams ? o->teams : is_gpu && !o->lanes ? 8 : 1;
}

/* The work-items that the device takes in a group. */
static size_t largest_group(cl_device_id device)
{
    size_t largest = 1, along[16] = {0}; /* in each dimension, of which there are at least 3 */
    clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof largest, &largest, NULL);
    clGetDeviceInfo(device, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof along, along, NULL);
    return along[0] && along[0] < largest ? along[0] : largest;
}

tombola_status shape_fit(tombola_context *context, const tombola_context_options *o, tombola_error *error)
{
    const size_t largest = largest_group(context->device.id);
    while (!o->teams && context->teams > 1 && (size_t)context->lanes * context->teams > largest)
        context->teams /= 2;
    while (!o->lanes && context->lanes > 1 && (size_t)context->lanes * context->teams > largest)
        context->lanes /= 2;
    if ((size_t)context->lanes * context->teams > largest)
        return fail(error, TOMBOLA_INVALID_ARGUMENT,
                    "options.lanes %u and options.teams %u make %u work-items, but %s takes %zu in a work-group",
                    (unsigned)context->lanes, (unsigned)context->teams, (unsigned)(context->lanes * context->teams),
                    context->device.info.name, largest);
    return TOMBOLA_OK;
}
