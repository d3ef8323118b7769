/* @what@, exported to C99: weights @weights@.
 *
 * Usage:
@usage_of_state@ *     double row[@P@_N_CELLS];              in the order of @p@_names; NAN is missing
 *     row[...] = ...;
 *     @usage@
 *     if (@p@_is_alarm(score)) ...
 *
 * Link with -lm. Nothing is allocated and nothing global changes. Define @P@_CELL as float before this header is
 * included where double costs too much. Do not compile with -ffast-math: a missing cell is a NaN.
 * Test it on the machine where it will run: cc -std=c99 -D@P@_SELF_TEST -x c this_header -lm && ./a.out
 */
#ifndef @P@_H
#define @P@_H

#include <math.h>
#include <stdint.h>

/* The type of a reading. */
#ifndef @P@_CELL
#define @P@_CELL double
#endif

@definitions@

/* The place of each feature in a row, and its name. */
enum {
    @enum@
};

static const char *const @p@_names[@P@_N_CELLS] = {
    @names@};

@body@

#endif

#ifdef @P@_SELF_TEST
#include <stdio.h>

@test_rows@
@test_scores@

int main(void)
{
    int i, failures = 0;
    for (i = 0; i < (int)(sizeof @p@_test_scores / sizeof *@p@_test_scores); i++) {
        float score = @p@_score(@state@@p@_test_rows[i]);
        float expected = @p@_test_scores[i], most = @tolerance@ * (expected > 1.0f ? expected : 1.0f);
        if (!(fabsf(score - expected) <= most)) {
            printf("row %d: got %.7g, expected %.7g\n", i, (double)score, (double)expected);
            failures++;
        }
    }
    printf("%d features, %s first: %d rows, %d failures\n", @P@_N_CELLS, @p@_names[0], i, failures);
    return failures != 0;
}
#endif
