/* Tests of ranks that disagree, or pass what is wrong: for cmocka, in a group that open_calls has opened. */
#ifndef MPI_MISTAKES_H
#define MPI_MISTAKES_H

void creations_that_fail_on_a_rank_fail_on_all(void **state);
void calls_that_disagree_or_are_mistaken_fail_on_all(void **state);
void one_that_lists_kept_tokens_is_named_where_calls_go_in_halves(void **state);
void types_may_differ(void **state);

#endif
