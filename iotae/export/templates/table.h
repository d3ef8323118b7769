@arrays@

@dense@

/* A reading on the scale of its column; NaN for a missing one. */
static inline float @p@_scaled(@P@_CELL value, int j)
{
    float scaled;
    if (value != value)
        value = @p@_filling[j];
    if (value != value)
        return NAN;
    value = (value - @p@_centre[j]) / @p@_unit[j];
    scaled = value > (@P@_CELL)@most@ ? @most@f : (value < -(@P@_CELL)@most@ ? -@most@f : (float)value);
    @bend@return scaled;
}

/* The score of a row, at least 0. NaN is missing.
 * cells: @P@_N_CELLS readings in the order of @p@_names. */
static inline float @p@_score(const @P@_CELL *cells)
{
    float seen[@P@_N_CELLS], made[@P@_N_CELLS]@code_array@, total = 0.0f;
    int j, @count@;
    for (j = 0; j < @P@_N_CELLS; j++) {
        float scaled = @p@_scaled(cells[j], j);
        seen[j] = scaled == scaled ? scaled : 0.0f;
    }
    @p@_rebuild(seen, made@code_argument@);
    for (j = 0; j < @P@_N_CELLS; j++) {
        float scaled = @p@_scaled(cells[j], j);
        made[j] = scaled == scaled ? scaled - made[j] : 0.0f;
        @present@
    }
@length@
}

/* Whether a score is an alarm. */
static inline int @p@_is_alarm(float score)
{
    return score > @P@_CUT;
}
