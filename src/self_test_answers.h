/* The answers of the self-test, as tests/reference_self_test.py works them out. */
#ifndef TOMBOLA_SELF_TEST_ANSWERS_H
#define TOMBOLA_SELF_TEST_ANSWERS_H

#include "tombola.h"

struct answer {
    int32_t token;
    tombola_row_status status;
    uint32_t kept;
    int32_t last; /* the boundary's token */
};

static const struct answer answers[2][ROWS] = {
    [TOMBOLA_LOGITS] = {{601, TOMBOLA_ROW_OK, 1000, 928},
                        {50, TOMBOLA_ROW_OK, 1, 50},
                        {307, TOMBOLA_ROW_OK, 50, 24},
                        {792, TOMBOLA_ROW_OK, 142, 277},
                        {771, TOMBOLA_ROW_OK, 37, 955},
                        {610, TOMBOLA_ROW_OK, 486, 976},
                        {83, TOMBOLA_ROW_OK, 500, 820},
                        {48, TOMBOLA_ROW_OK, 2, 101},
                        {-1, TOMBOLA_ROW_INVALID, 0, -1},
                        {-1, TOMBOLA_ROW_EMPTY, 0, -1},
                        {192, TOMBOLA_ROW_OK, 1000, 920},
                        {155, TOMBOLA_ROW_OK, 37, 769},
                        {509, TOMBOLA_ROW_OK, 500, 893},
                        {443, TOMBOLA_ROW_OK, 140, 588},
                        {467, TOMBOLA_ROW_OK, 98, 825},
                        {486, TOMBOLA_ROW_OK, 432, 964},
                        {352, TOMBOLA_ROW_OK, 263, 768}},
    [TOMBOLA_PROBABILITIES] = {{571, TOMBOLA_ROW_OK, 991, 977},
                               {50, TOMBOLA_ROW_OK, 1, 50},
                               {307, TOMBOLA_ROW_OK, 50, 24},
                               {792, TOMBOLA_ROW_OK, 682, 574},
                               {771, TOMBOLA_ROW_OK, 38, 35},
                               {610, TOMBOLA_ROW_OK, 991, 880},
                               {83, TOMBOLA_ROW_OK, 496, 471},
                               {48, TOMBOLA_ROW_OK, 2, 101},
                               {-1, TOMBOLA_ROW_INVALID, 0, -1},
                               {-1, TOMBOLA_ROW_EMPTY, 0, -1},
                               {163, TOMBOLA_ROW_OK, 991, 893},
                               {155, TOMBOLA_ROW_OK, 38, 827},
                               {507, TOMBOLA_ROW_OK, 496, 324},
                               {356, TOMBOLA_ROW_OK, 349, 826},
                               {494, TOMBOLA_ROW_OK, 547, 550},
                               {501, TOMBOLA_ROW_OK, 759, 844},
                               {324, TOMBOLA_ROW_OK, 217, 960}},
};

static const struct answer long_answers[2][LONG_ROWS] = {
    [TOMBOLA_LOGITS] = {{4409, TOMBOLA_ROW_OK, 5003, 4956},
                        {1512, TOMBOLA_ROW_OK, 911, 385},
                        {4079, TOMBOLA_ROW_OK, 44, 302},
                        {792, TOMBOLA_ROW_OK, 1845, 4854},
                        {3373, TOMBOLA_ROW_OK, 5003, 5001},
                        {4455, TOMBOLA_ROW_OK, 702, 3208},
                        {241, TOMBOLA_ROW_OK, 312, 398}},
    [TOMBOLA_PROBABILITIES] = {{4427, TOMBOLA_ROW_OK, 4960, 4952},
                               {1282, TOMBOLA_ROW_OK, 3867, 374},
                               {4079, TOMBOLA_ROW_OK, 45, 307},
                               {792, TOMBOLA_ROW_OK, 4963, 4749},
                               {3400, TOMBOLA_ROW_OK, 4959, 4862},
                               {4484, TOMBOLA_ROW_OK, 3404, 428},
                               {223, TOMBOLA_ROW_OK, 3025, 2428}},
};

/* With masks and biases. */
static const struct answer constrained_answers[2][LONG_ROWS] = {
    [TOMBOLA_LOGITS] = {{4409, TOMBOLA_ROW_OK, 3464, 1318},
                        {1512, TOMBOLA_ROW_OK, 618, 2610},
                        {4079, TOMBOLA_ROW_OK, 39, 1186},
                        {792, TOMBOLA_ROW_OK, 1193, 4993},
                        {3311, TOMBOLA_ROW_OK, 3472, 98},
                        {4428, TOMBOLA_ROW_OK, 480, 3616},
                        {154, TOMBOLA_ROW_OK, 123, 4685}},
    [TOMBOLA_PROBABILITIES] = {{4427, TOMBOLA_ROW_OK, 3440, 4952},
                               {1428, TOMBOLA_ROW_OK, 2690, 1563},
                               {2631, TOMBOLA_ROW_OK, 45, 2730},
                               {792, TOMBOLA_ROW_OK, 3449, 4749},
                               {3383, TOMBOLA_ROW_OK, 3446, 4862},
                               {4471, TOMBOLA_ROW_OK, 2364, 1635},
                               {83, TOMBOLA_ROW_OK, 2088, 2426}},
};

/* With histories; of logits alone. */
static const struct answer penalised_answers[LONG_ROWS] = {
    {4409, TOMBOLA_ROW_OK, 5002, 4956}, {1512, TOMBOLA_ROW_OK, 910, 385},   {4079, TOMBOLA_ROW_OK, 44, 302},
    {792, TOMBOLA_ROW_OK, 1846, 4854},  {3373, TOMBOLA_ROW_OK, 5002, 5001}, {4455, TOMBOLA_ROW_OK, 700, 2912},
    {241, TOMBOLA_ROW_OK, 307, 3933},
};

#endif
