#include "build_options.h"

#include "device.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

/* Those of OpenCL, and those that clang has beside them. -cl-denorms-are-zero is none: no token depends on numbers so
 * small. */
static const char *const relaxing[] = {
    "-cl-fast-relaxed-math",
    "-cl-unsafe-math-optimizations",
    "-cl-finite-math-only",
    "-cl-mad-enable",
    "-cl-no-signed-zeros",
    "-cl-single-precision-constant",
    "-ffast-math",
    "-funsafe-math-optimizations",
    "-ffinite-math-only",
    "-fno-signed-zeros",
    "-fassociative-math",
    "-freciprocal-math",
    "-ffp-contract=fast",
    "-ffp-contract=on",
    "-Ofast",
};

#define BETWEEN_OPTIONS " \t\n\r\v\f\"'"

static const char *find_relaxing(const char *options)
{
    for (const char *option = options + strspn(options, BETWEEN_OPTIONS); *option;) {
        size_t length = strcspn(option, BETWEEN_OPTIONS);
        for (size_t i = 0; i < sizeof relaxing / sizeof relaxing[0]; i++)
            if (strlen(relaxing[i]) == length && strncmp(option, relaxing[i], length) == 0)
                return relaxing[i];
        option += length;
        option += strspn(option, BETWEEN_OPTIONS);
    }
    return NULL;
}

tombola_status build_options_check(const char *options, tombola_error *error)
{
    const char *found = options ? find_relaxing(options) : NULL;
    if (!found)
        return TOMBOLA_OK;
    return fail(error, TOMBOLA_INVALID_ARGUMENT,
                "options.build_options has %s, which lets the compiler change tokens: leave it out", found);
}

tombola_status build_options_check_environment(const char *platform, tombola_error *error)
{
    static const struct {
        const char *platform, *variable;
    } added[] = {{PLATFORM_POCL, "POCL_EXTRA_BUILD_FLAGS"},
                 {"AMD Accelerated Parallel Processing", "AMD_OCL_BUILD_OPTIONS"},
                 {"AMD Accelerated Parallel Processing", "AMD_OCL_BUILD_OPTIONS_APPEND"}};
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++) {
        const char *options = strcmp(platform, added[i].platform) == 0 ? getenv(added[i].variable) : NULL;
        const char *found = options ? find_relaxing(options) : NULL;
        if (found)
            return fail(error, TOMBOLA_BUILD_FAILED,
                        "%s in the environment has %s, which lets the compiler change tokens: leave it out",
                        added[i].variable, found);
    }
    return TOMBOLA_OK;
}
