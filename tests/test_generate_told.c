/* Models whose logits lie in memory of their own, and what generate tells of each token drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "group.h"
#include "toy.h"
#include "tombola_cl.h"

enum { COUNT = 6, STRIDE = VOCABULARY + 5 };

/* The toy, whose rows lie in reverse order and apart from each other, and in a buffer if there is a queue. */
struct elsewhere {
    struct batch *batch;
    float rows[ROWS][STRIDE];
    uint32_t indices[ROWS];
    cl_command_queue queue;
    cl_mem buffer;
};

static int forward_elsewhere(void *user, const tombola_step *step)
{
    struct elsewhere *model = user;
    const int answer = toy_forward(model->batch, step);
    for (size_t row = 0; row < step->rows; row++) {
        float *given = (float *)step->logits + row * step->stride;
        memcpy(model->rows[ROWS - 1 - row], given, VOCABULARY * sizeof *given);
        memset(given, 0xff, VOCABULARY * sizeof *given); /* NaN: it must not be read */
        model->indices[row] = (uint32_t)(ROWS - 1 - row);
    }
    step->batch->indices = model->indices;
    step->batch->stride = STRIDE;
    step->batch->logits.host = model->rows;
    if (model->queue) {
        assert_int_equal(clEnqueueWriteBuffer(model->queue, model->buffer, CL_TRUE, 0, sizeof model->rows, model->rows,
                                              0, NULL, NULL),
                         CL_SUCCESS);
        step->batch->logits.host = NULL;
        step->batch->logits.buffer = model->buffer;
    }
    return answer;
}

static void draw_elsewhere(struct elsewhere *model, struct batch *batch)
{
    tombola_model callbacks = toy_model(batch);
    tombola_sampler *sampler;
    callbacks.user = model;
    callbacks.forward = forward_elsewhere;
    model->batch = batch;
    for (size_t i = 0; i < batch->count; i++) {
        batch->sequences[i].tokens = batch->tokens[i];
        batch->sequences[i].params = &batch->params[i];
    }
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, ROWS, NULL, &sampler, NULL), TOMBOLA_OK);
    assert_int_equal(tombola_sampler_generate(sampler, batch->sequences, batch->count, &callbacks, hear, batch, NULL),
                     TOMBOLA_OK);
    tombola_sampler_release(sampler);
}

static void logits_may_lie_in_the_models_own_memory_or_buffer(void **state)
{
    (void)state;
    struct batch expected = make_batch(COUNT);
    assert_int_equal(run(&expected, ROWS, NULL), TOMBOLA_OK);
    cl_int code;
    cl_context cl = tombola_context_cl_context(context);
    cl_command_queue queue = clCreateCommandQueue(cl, tombola_context_cl_device(context), 0, &code);
    assert_int_equal(code, CL_SUCCESS);
    for (int is_in_buffer = 0; is_in_buffer < 2; is_in_buffer++) {
        struct batch batch = make_batch(COUNT);
        struct elsewhere model = {.queue = is_in_buffer ? queue : NULL};
        if (is_in_buffer) {
            model.buffer = clCreateBuffer(cl, CL_MEM_READ_ONLY, sizeof model.rows, NULL, &code);
            assert_int_equal(code, CL_SUCCESS);
        }
        draw_elsewhere(&model, &batch);
        for (size_t i = 0; i < COUNT; i++)
            assert_same(&expected, i, &batch, i);
        if (model.buffer)
            clReleaseMemObject(model.buffer);
    }
    clReleaseCommandQueue(queue);
}

/* Of what a sample call says of the same row, sequence by sequence and step by step, to the bit. */
static void log_probabilities_are_those_of_each_draw(void **state)
{
    (void)state;
    float logprobs[COUNT][ROOM], raw_logprobs[COUNT][ROOM];
    struct batch batch = make_batch(COUNT);
    memset(logprobs, 0, sizeof logprobs);
    memset(raw_logprobs, 0, sizeof raw_logprobs);
    for (size_t i = 0; i < COUNT; i++) { /* each wants both, one or none */
        batch.sequences[i].logprobs = i % 3 == 2 ? NULL : logprobs[i];
        batch.sequences[i].raw_logprobs = i % 2 ? raw_logprobs[i] : NULL;
    }
    const struct batch start = batch;
    assert_int_equal(run(&batch, ROWS, NULL), TOMBOLA_OK);
    tombola_sampler *sampler;
    assert_int_equal(tombola_sampler_create(context, VOCABULARY, 1, NULL, &sampler, NULL), TOMBOLA_OK);
    for (size_t i = 0; i < COUNT; i++) {
        const size_t begin = start.sequences[i].length, drawn = batch.sequences[i].length - begin;
        assert_int_equal(drawn, start.sequences[i].max_new_tokens);
        for (size_t j = 0; j < drawn; j++) {
            float row[VOCABULARY], logprob, raw_logprob;
            int32_t token;
            tombola_params params = start.params[i];
            params.offset = j;
            toy_fill(TOMBOLA_FLOAT32, toy_state(TOY_START, batch.tokens[i], begin + j), row);
            tombola_rows rows = {.struct_size = sizeof rows, .count = 1, .logits.host = row, .params = &params};
            tombola_results results = {.struct_size = sizeof results,
                                       .tokens.host = &token,
                                       .logprobs.host = &logprob,
                                       .raw_logprobs.host = &raw_logprob};
            assert_int_equal(tombola_sampler_sample(sampler, &rows, &results, NULL), TOMBOLA_OK);
            assert_int_equal(token, batch.tokens[i][begin + j]);
            const float told = i % 3 == 2 ? 0 : logprob, raw_told = i % 2 ? raw_logprob : 0;
            assert_memory_equal(&logprobs[i][j], &told, sizeof told);
            assert_memory_equal(&raw_logprobs[i][j], &raw_told, sizeof raw_told);
        }
        assert_true(logprobs[i][drawn] == 0 && raw_logprobs[i][drawn] == 0);
    }
    tombola_sampler_release(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_may_lie_in_the_models_own_memory_or_buffer),
        cmocka_unit_test(log_probabilities_are_those_of_each_draw),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
