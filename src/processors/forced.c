/* Forced tokens: from the n-th generated token on, the row's own sequence comes, whatever its logits are. */
#include "processor.h"

int32_t forced_token(const struct processor_input *in)
{
    const size_t from = in->params->forced_from, place = generated(in) - from;
    return generated(in) >= from && place < in->forced.count ? in->forced.tokens[place] : -1;
}
