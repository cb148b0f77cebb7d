/* What a device is called: by index, by a word for its type or platform, by a part of its name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_name.h"

static tombola_device of(uint32_t index, tombola_device_type type, const char *name, const char *platform)
{
    tombola_device device;
    memset(&device, 0, sizeof device);
    device.index = index;
    device.type = type;
    snprintf(device.name, sizeof device.name, "%s", name);
    snprintf(device.platform, sizeof device.platform, "%s", platform);
    return device;
}

enum { MACHINE = 8 };
static tombola_device machine[MACHINE];

static int plug_in(void **state)
{
    (void)state;
    machine[0] = of(0, TOMBOLA_DEVICE_CPU, "pthread-haswell-Intel(R) Xeon(R) GPU-less", "Portable Computing Language");
    machine[1] = of(1, TOMBOLA_DEVICE_GPU, "NVIDIA GeForce RTX 4090", "NVIDIA CUDA");
    machine[2] = of(2, TOMBOLA_DEVICE_GPU, "gfx1100", "AMD Accelerated Parallel Processing");
    machine[3] = of(3, TOMBOLA_DEVICE_OTHER, "Another CPU", "Intel(R) FPGA");
    machine[4] = of(4, TOMBOLA_DEVICE_CPU, "llvmpipe", "rusticl");
    machine[5] = of(5, TOMBOLA_DEVICE_GPU, "Radeon", "Clover");
    machine[6] = of(6, TOMBOLA_DEVICE_CPU, "Oclgrind Simulator", "Oclgrind");
    machine[7] = of(7, TOMBOLA_DEVICE_OTHER, "pocl-remote 7", "Mesa of another kind");
    return 0;
}

/* Those that match, as digits. */
static void expect_matches(const char *name, const char *expected)
{
    char got[MACHINE + 1] = "";
    for (size_t i = 0; i < MACHINE; i++)
        if (device_matches(&machine[i], name))
            snprintf(got + strlen(got), sizeof got - strlen(got), "%zu", i);
    if (strcmp(got, expected) != 0)
        fail_msg("%s means %s, not %s", name, got, expected);
}

static void digits_are_an_index(void **state)
{
    (void)state;
    expect_matches("4", "4");
    expect_matches("007", "7");
    expect_matches("4090", "");
    expect_matches("8", "");
}

static void words_for_types_match_the_type_alone(void **state)
{
    (void)state;
    expect_matches("cpu", "046");
    expect_matches("CPU", "046");
    expect_matches("Gpu", "125");
    expect_matches("other", "37");
    expect_matches("gpu-", "0");
    expect_matches("her C", "3");
}

static void platforms_go_by_their_common_names(void **state)
{
    (void)state;
    expect_matches("pocl", "07");
    expect_matches("PoCL", "07");
    expect_matches("mesa", "457");
    expect_matches("intel", "03");
    expect_matches("nvidia", "1");
    expect_matches("amd", "2");
    expect_matches("rusticl", "4");
    expect_matches("oclgrind", "6");
    expect_matches("computing LANG", "0");
    expect_matches("no such", "");
}

static void a_prefix_makes_anything_a_part_of_a_name(void **state)
{
    (void)state;
    expect_matches("name:4090", "1");
    expect_matches("NAME:7", "7");
    expect_matches("name:cpu", "3");
    expect_matches("name:GPU", "0");
    expect_matches("name:pocl", "7");
    expect_matches("name:nvidia cuda", "1");
    expect_matches("name:nothing", "");
}

static void labels_tell_all_that_can_be_asked_for(void **state)
{
    (void)state;
    char label[300], small[8];
    device_label(&machine[1], label, sizeof label);
    assert_string_equal(label, "1: NVIDIA GeForce RTX 4090 (NVIDIA CUDA, GPU)");
    device_label(&machine[7], label, sizeof label);
    assert_string_equal(label, "7: pocl-remote 7 (Mesa of another kind, other)");
    device_label(&machine[4], small, sizeof small);
    assert_string_equal(small, "4: llvm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_an_index),
        cmocka_unit_test(words_for_types_match_the_type_alone),
        cmocka_unit_test(platforms_go_by_their_common_names),
        cmocka_unit_test(a_prefix_makes_anything_a_part_of_a_name),
        cmocka_unit_test(labels_tell_all_that_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, plug_in, NULL);
}
