/* The version, and the names of the values that the interface uses. */
#include "tombola.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

int tombola_version(void)
{
    return TOMBOLA_VERSION;
}

const char *tombola_version_string(void)
{
    return TEXT(TOMBOLA_VERSION_MAJOR) "." TEXT(TOMBOLA_VERSION_MINOR) "." TEXT(TOMBOLA_VERSION_PATCH);
}

int tombola_contract(void)
{
    return TOMBOLA_CONTRACT;
}

const char *tombola_status_string(tombola_status status)
{
    switch (status) {
    case TOMBOLA_OK:
        return "ok";
    case TOMBOLA_INVALID_ARGUMENT:
        return "invalid argument";
    case TOMBOLA_NO_DEVICE:
        return "no device";
    case TOMBOLA_BUILD_FAILED:
        return "build failed";
    case TOMBOLA_SELF_TEST_FAILED:
        return "self-test failed";
    case TOMBOLA_DEVICE_FAILED:
        return "device failed";
    case TOMBOLA_OUT_OF_MEMORY:
        return "out of memory";
    case TOMBOLA_MODEL_FAILED:
        return "model failed";
    case TOMBOLA_BUSY:
        return "busy";
    case TOMBOLA_FORKED:
        return "forked";
    case TOMBOLA_TRANSPORT_FAILED:
        return "transport failed";
    }
    return "unknown status";
}

const char *tombola_row_status_string(tombola_row_status status)
{
    switch (status) {
    case TOMBOLA_ROW_OK:
        return "ok";
    case TOMBOLA_ROW_INVALID:
        return "invalid";
    case TOMBOLA_ROW_EMPTY:
        return "empty";
    }
    return "unknown status";
}

size_t tombola_type_size(tombola_type type)
{
    switch (type) {
    case TOMBOLA_FLOAT32:
        return 4;
    case TOMBOLA_FLOAT16:
    case TOMBOLA_BFLOAT16:
        return 2;
    }
    return 0;
}
