#include "tool.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static const char DOC[] = "Lists the OpenCL devices of this machine. The default, marked with *, is the one that is "
                          "tried first where neither --device nor $TOMBOLA_DEVICE names one. One marked with + works "
                          "in the thread that calls it, and takes batches of few rows off the others of its platform.";

static const struct argp_option OPTIONS[] = {
    {"json", 'j', 0, 0, "An object a line in place of the table", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    int *json = state->input;
    switch (key) {
    case 'j':
        *json = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "takes no argument, but got '%s'", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *type_name(tombola_device_type type)
{
    switch (type) {
    case TOMBOLA_DEVICE_CPU:
        return "CPU";
    case TOMBOLA_DEVICE_GPU:
        return "GPU";
    default:
        return "other";
    }
}

static int print_json(const tombola_device *devices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const tombola_device *device = &devices[i];
        json_t *object =
            json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:b, s:i}", "index", (json_int_t)device->index,
                      "platform", device->platform, "device", device->name, "type", type_name(device->type), "version",
                      device->version, "driver", device->driver, "memory", (json_int_t)device->memory, "compute_units",
                      (json_int_t)device->compute_units, "default", device->is_default, "in_thread",
                      device->is_in_thread, "contract", tombola_contract());
        if (tool_json_print(stdout, object))
            return TOOL_FAILURE;
    }
    return 0;
}

static int wider(int width, const char *text)
{
    int length = (int)strlen(text);
    return length > width ? length : width;
}

static void print_table(const tombola_device *devices, size_t count)
{
    int platform = (int)strlen("platform"), name = (int)strlen("device"), version = (int)strlen("version");
    for (size_t i = 0; i < count; i++) {
        platform = wider(platform, devices[i].platform);
        name = wider(name, devices[i].name);
        version = wider(version, devices[i].version);
    }
    printf("  index  type   %-*s  %-*s  %-*s  memory\n", name, "device", platform, "platform", version, "version");
    for (size_t i = 0; i < count; i++)
        printf("%c %5u  %-5s  %-*s  %-*s  %-*s  %.1f GiB\n",
               devices[i].is_default     ? '*'
               : devices[i].is_in_thread ? '+'
                                         : ' ',
               devices[i].index, type_name(devices[i].type), name, devices[i].name, platform, devices[i].platform,
               version, devices[i].version, (double)devices[i].memory / (1024.0 * 1024 * 1024));
    printf("contract %d: whatever has the same number draws the same tokens\n", tombola_contract());
}

int tool_devices(int argc, char **argv)
{
    const struct argp argp = {.options = OPTIONS, .parser = parse, .doc = DOC};
    int json = 0;
    if (tool_parse(&argp, argc, argv, &json))
        return TOOL_FAILURE;

    tombola_error error = tombola_error_default();
    size_t count, room;
    if (tombola_device_list(NULL, 0, &count, &error)) {
        warnx("%s", error.message);
        return TOOL_FAILURE;
    }
    tombola_device *devices = calloc(count ? count : 1, sizeof *devices);
    if (!devices) {
        warnx("out of memory");
        return TOOL_FAILURE;
    }
    int status = TOOL_FAILURE;
    room = count;
    for (size_t i = 0; i < room; i++)
        devices[i] = tombola_device_default();
    if (tombola_device_list(devices, room, &count, &error)) {
        warnx("%s", error.message);
        goto done;
    }
    if (count > room)
        count = room; /* one was plugged in between the calls */
    if (count == 0) {
        tombola_context *context; /* which there will be none of, and the message tells why */
        if (tombola_context_open(NULL, NULL, &context, &error))
            warnx("%s", error.message);
        else
            tombola_context_close(context);
        goto done;
    }
    status = 0;
    if (json)
        status = print_json(devices, count);
    else
        print_table(devices, count);
done:
    free(devices);
    return status;
}
