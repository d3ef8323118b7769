/* What the model remembers of the rows before. Where rows are scored one after the other, keep one of these for
 * each device and give it to @p@_score_next. */
typedef struct {
    float recent[@P@_N_CELLS]; /* mean contribution to the surprise over about ten rows */
    float level[@P@_N_CELLS];  /* mean, energy and movement of the residuals over about ten rows */
    float energy[@P@_N_CELLS];
    float moved[@P@_N_CELLS];
    float before[@P@_N_CELLS]; /* the reading before in deviations, NaN where there was none */
    @P@_CELL last[@P@_N_CELLS];  /* ... and as it was */
    float run[@P@_N_CELLS];    /* equal readings in a row */
    float agree;               /* how far clock and sensors agree */
} @p@_state;

@arrays@

static inline float @p@_clip(float value, float most)
{
    return value > most ? most : (value < -most ? -most : value);
}

static inline float @p@_from_0_to_1(float value)
{
    return value < 0.0f ? 0.0f : (value > 1.0f ? 1.0f : value);
}

/* A reading as signed log(1 + spreads from the centre). */
static inline float @p@_scaled(@P@_CELL value, int j)
{
    @P@_CELL deviation = value - @p@_centre[j], spread = @p@_spread[j];
    @P@_CELL distance = deviation < 0 ? -deviation : deviation, spreads;
    float size = @p@_first_move[j];
    if (distance == 0 || !(@p@_role[j] & @P@_MET))
        return 0.0f;
    if (spread > 0) {
        spreads = distance / spread;
        if (spreads < (@P@_CELL)1e30)
            size = log1pf((float)spreads);
        else
            size = (float)(log((double)distance < 1e150 ? (double)distance : 1e150) - log((double)spread));
    }
    return deviation > 0 ? size : -size;
}

/* A reading in standard deviations from the centre, 31 at most. */
static inline float @p@_deviations(@P@_CELL value, int j)
{
    @P@_CELL deviation = value - @p@_centre[j], spread = @p@_spread[j];
    if (!(@p@_role[j] & @P@_SCORED))
        return (float)value;
    if (deviation == 0)
        return 0.0f;
    if (!(spread > 0))
        return deviation > 0 ? 8.0f : -8.0f;
    deviation /= (@P@_CELL)1.2533 * spread;
    if (deviation >= 1000 || deviation <= -1000)
        return deviation > 0 ? 31.0f : -31.0f;
    return @p@_clip((float)deviation, 30.0f);
}

/* -log of the density of a scaled reading, between the bins of the feature's histogram. */
static inline float @p@_rarity(float scaled, int j)
{
    float place = (scaled + 5.0f) * 3.2f - 0.5f, beyond = 0.0f, part, inside;
    int low;
    if (place < 0.0f) {
        beyond = -place;
        place = 0.0f;
    } else if (place > @P@_N_BINS - 1.0f) {
        beyond = place - (@P@_N_BINS - 1.0f);
        place = @P@_N_BINS - 1.0f;
    }
    low = (int)place < @P@_N_BINS - 2 ? (int)place : @P@_N_BINS - 2;
    part = place - (float)low;
    inside = (float)@p@_table[j][low] * (1.0f - part) + (float)@p@_table[j][low + 1] * part;
    return @P@_TIMES(inside, @p@_table_scale, j) + beyond * 0.5f;
}

@dense@

/* What the leave-one-out network expects of each cell given the others. */
static inline void @p@_expect(const float *shown, float *expected)
{
    float units[@P@_N_HIDDEN], terms[@P@_N_HIDDEN], x;
    int i, j, half;
    for (i = 0; i < @P@_N_HIDDEN; i++)
        units[i] = @p@_hidden_bias[i];
    j = 0;
    /* in fours, as in Python: sums in another order differ in the last digits */
    for (; j + 4 <= @P@_N_CELLS; j += 4) {
        float a = @P@_TIMES(shown[j], @p@_into_scale, j), b = @P@_TIMES(shown[j + 1], @p@_into_scale, j + 1);
        float c = @P@_TIMES(shown[j + 2], @p@_into_scale, j + 2), d = @P@_TIMES(shown[j + 3], @p@_into_scale, j + 3);
        for (i = 0; i < @P@_N_HIDDEN; i++)
            units[i] += (a * (float)@p@_into[j][i] + b * (float)@p@_into[j + 1][i]) +
                        (c * (float)@p@_into[j + 2][i] + d * (float)@p@_into[j + 3][i]);
    }
    for (; j < @P@_N_CELLS; j++)
        for (x = @P@_TIMES(shown[j], @p@_into_scale, j), i = 0; i < @P@_N_HIDDEN; i++)
            units[i] += x * (float)@p@_into[j][i];
    for (j = 0; j < @P@_N_CELLS; j++) {
        x = @P@_TIMES(shown[j], @p@_into_scale, j);
        for (i = 0; i < @P@_N_HIDDEN; i++) {
            float unit = units[i] - x * (float)@p@_into[j][i];
            terms[i] = (unit > 0.0f ? unit : 0.05f * unit) * (float)@p@_out_of[j][i];
        }
        for (half = @P@_N_HIDDEN / 2; half > 4; half /= 2)
            for (i = 0; i < half; i++)
                terms[i] += terms[i + half];
        x = ((terms[0] + terms[4]) + (terms[2] + terms[6])) + ((terms[1] + terms[5]) + (terms[3] + terms[7]));
        expected[j] = @p@_out_bias[j] + @P@_TIMES(x, @p@_out_of_scale, j);
    }
}

/* Nats of a sensor's statistic by its tail: 0 now, 1 level, 2 energy, 3 movement, 4 run of equal readings. */
static inline float @p@_tail(float value, int j, int statistic)
{
    float quantile = @p@_tails[j][2 * statistic], slope = @p@_tails[j][2 * statistic + 1];
    if (value <= quantile)
        return 2.99573227f * value / quantile;
    return 2.99573227f + logf(value / quantile) / slope;
}

/* Nats of a part of the row by the part's own distribution: the five above, and 6 the clock. */
static inline float @p@_part(float value, int part, float n_sensors)
{
    float low = @p@_low[part], high = @p@_high[part], slope = @p@_slope[part], width = high - low;
    if (part == 4) {
        value -= logf(n_sensors > 1.0f ? n_sensors : 1.0f);
        return value < 9.0f ? value : 9.0f;
    }
    if (part == 6)
        return 0.693147181f + 2.30258509f * value;
    if (value > high)
        return 2.99573227f + (value - high) / slope;
    return 0.693147181f + 2.30258509f * (value - low) / (width > 0.05f * slope ? width : 0.05f * slope);
}

/* Mean surprise of a row, -1 where no cell is usable; what each cell adds goes into contribution. */
static inline float @p@_surprise(const @p@_state *before, const @P@_CELL *cells, float *contribution)
{
    float seen[@P@_N_CELLS], made[@P@_N_CELLS], ratio, raw = 0.0f;
    int j, present = 0;
    for (j = 0; j < @P@_N_CELLS; j++) {
        seen[j] = contribution[j] = 0.0f;
        if (!isfinite(cells[j]))
            continue;
        seen[j] = @p@_scaled(cells[j], j);
        if (@p@_role[j] & @P@_SCORED) {
            contribution[j] = @p@_rarity(seen[j], j) + seen[j] * seen[j];
            present++;
        }
        seen[j] = @p@_clip(seen[j], 3.0f);
    }
    if (!present)
        return -1.0f;
    @p@_rebuild(seen, made);
    for (j = 0; j < @P@_N_CELLS; j++)
        if ((@p@_role[j] & @P@_SCORED) && isfinite(cells[j])) {
            ratio = fabsf(seen[j] - made[j]) * @p@_per_residual[j];
            contribution[j] += log1pf(ratio * ratio);
            raw += (1.0f - @P@_LEAN) * contribution[j] + @P@_LEAN * before->recent[j];
        }
    return raw / (float)present;
}

/* Each cell's deviation (NaN if missing), and how far it is, in usual ones, from what the others make one expect. */
static inline void @p@_residuals(const @P@_CELL *cells, float *z, float *linear, float *q)
{
    float shown[@P@_N_CELLS], cell;
    int j, k;
    for (j = 0; j < @P@_N_CELLS; j++) {
        z[j] = isfinite(cells[j]) && (@p@_role[j] & @P@_MET) ? @p@_deviations(cells[j], j) : NAN;
        shown[j] = z[j] == z[j] ? @p@_clip(z[j], 4.0f) : 0.0f;
        linear[j] = 0.0f;
    }
    @p@_expect(shown, q);
    for (k = 0; k < @P@_N_CELLS; k++) {
        if (z[k] != z[k])
            continue;
        cell = (z[k] - @p@_mean[k]) * @p@_per_deviation[k];
        cell = @P@_TIMES(cell, @p@_inverse_scale, k);
        for (j = 0; j < @P@_N_CELLS; j++)
            linear[j] += cell * (float)@p@_inverse[k][j];
    }
    for (j = 0; j < @P@_N_CELLS; j++) {
        linear[j] /= @P@_TIMES((float)@p@_inverse[j][j], @p@_inverse_scale, j);
        q[j] = (linear[j] - q[j]) * @p@_per_usual[j];
    }
}

static inline int @p@_is_known(const float *z, int j)
{
    return z[j] == z[j] && (@p@_role[j] & @P@_KNOWN);
}

/* Whether the row is to be carried forward: 0 absurd, 1 yes, -1 the row before came twice. */
static inline int @p@_kind_of_row(const @p@_state *before, const @P@_CELL *cells, const float *z)
{
    float doubled = 0.0f, farthest = 0.0f;
    int j, same = 1;
    for (j = 0; j < @P@_N_CELLS; j++) {
        if (!@p@_is_known(z, j))
            continue;
        same = same && cells[j] == before->last[j];
        if (before->run[j] == 0.0f)
            doubled += @p@_by_chance[j];
        farthest = fabsf(z[j]) > farthest ? fabsf(z[j]) : farthest;
    }
    return same && doubled > 4.0f ? -1 : farthest <= 30.0f;
}

/* The five statistics of a known sensor; what is kept of them goes into next, if given. */
static inline void @p@_statistics(const @p@_state *before, @p@_state *next, int j, @P@_CELL cell, float z, float q,
                                  float *values)
{
    /* a little more than nothing: what fades without end becomes a hundred times slower to work with */
    float level = before->level[j] + 0.1f * (@p@_clip(q, 4.0f) + 1e-30f - before->level[j]);
    float square = q * q < 12.0f ? q * q + 1e-30f : 12.0f;
    float energy = before->energy[j] + 0.1f * (square - before->energy[j]);
    float steps = before->before[j] == before->before[j] ? fabsf(z - before->before[j]) * @p@_per_step[j] : 1.0f;
    float moved = before->moved[j] + 0.1f * ((steps < 5.0f ? steps + 1e-30f : 5.0f) - before->moved[j]);
    values[0] = fabsf(q);
    values[1] = fabsf(level) * @p@_per_level[j];
    values[2] = energy;
    values[3] = fabsf(logf(moved + 0.02f) - @p@_move_mean[j]) * @p@_per_move[j];
    values[4] = cell == before->last[j] ? @p@_nats_of_run[j] + before->run[j] * @p@_nats_of_staying[j] : 0.0f;
    if (next) {
        next->level[j] = level;
        next->energy[j] = energy;
        next->moved[j] = moved;
    }
}

/* How far the hour that the sensors tell agrees with the clock's over the recent rows; NaN without a clock. */
static inline float @p@_agreement(const @p@_state *before, const float *z, const float *linear)
{
    float agree = 0.0f;
    int j, told = 0;
    for (j = 0; j < @P@_N_CELLS; j++)
        if ((@p@_role[j] & @P@_CLOCK) && z[j] == z[j]) {
            told++;
            agree += z[j] * (z[j] - linear[j] / @p@_per_deviation[j]);
        }
    if (!told)
        return NAN;
    return before->agree + 0.05f * (@p@_clip(agree / (float)told, 3.0f) - before->agree);
}

/* Most nats of the parts, weighed; how far sensors are listened to is left in listened. */
static inline float @p@_evidence(const float *largest, float n_sensors, float present, float *listened)
{
    float share = n_sensors / (present > 1.0f ? present : 1.0f);
    float sensors = @p@_from_0_to_1((share - 0.1f) / 0.2f), best = 0.693147181f, nats;
    int part;
    for (part = 0; part < 7; part++) {
        if (part == 5)
            continue;
        nats = @p@_part(largest[part], part, n_sensors) - @p@_reduced[part];
        if (nats > 0.0f)
            nats *= @p@_say[part] * sensors;
        best = nats > best ? nats : best;
    }
    *listened = @P@_ORDER * sensors;
    return best;
}

/* The surprise, joined with the evidence at equal rarity, as a score in [0, 1). */
static inline float @p@_joined(float raw, float best, float listened)
{
    float low = @p@_low[7], high = @p@_high[7], slope = @p@_slope[7], most = high > 9.0f ? high : 9.0f;
    float other = low + (best - 0.693147181f) / 2.30258509f * (high - low), own = logf(raw + 0.5f) - slope * listened;
    if (best > 2.99573227f) {
        other = high + (best - 2.99573227f) * slope;
        other = other < most ? other : most;
    }
    raw = own > other ? own : other;
    other = own > other ? other : own;
    raw = expf(raw + 0.5f * log1pf(expf(2.0f * (other - raw)))) - 0.5f;
    return raw > 0.0f ? raw / (8.0f + raw) : 0.0f;
}

/* Let the recent surprise follow a row. */
static inline void @p@_follow(@p@_state *state, const @P@_CELL *cells, const float *contribution)
{
    float mean = 0.0f, factor = 1.0f;
    int j, present = 0;
    for (j = 0; j < @P@_N_CELLS; j++) {
        mean += contribution[j];
        present += isfinite(cells[j]) && (@p@_role[j] & @P@_SCORED);
    }
    mean /= (float)present;
    if (mean - @P@_USUAL > @P@_REACH)
        factor = (@P@_USUAL + @P@_REACH) / mean;
    for (j = 0; j < @P@_N_CELLS; j++)
        if (isfinite(cells[j]))
            state->recent[j] += (@p@_role[j] & @P@_MET ? 0.1f : 1.0f) * (contribution[j] * factor - state->recent[j]);
}

static inline float @p@_judge(const @p@_state *before, @p@_state *next, const @P@_CELL *cells)
{
    float contribution[@P@_N_CELLS], z[@P@_N_CELLS], linear[@P@_N_CELLS], q[@P@_N_CELLS];
    float largest[7] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f}, values[5], nats, agree, listened;
    float raw = @p@_surprise(before, cells, contribution), present = 0.0f, n_sensors = 0.0f;
    int j, k, kind;
    if (raw < 0.0f)
        return @P@_EMPTY_SCORE;
    @p@_residuals(cells, z, linear, q);
    kind = next ? @p@_kind_of_row(before, cells, z) : 0;
    agree = @p@_agreement(before, z, linear);
    for (j = 0; j < @P@_N_CELLS; j++) {
        if (@p@_is_known(z, j)) {
            @p@_statistics(before, kind == 1 ? next : 0, j, cells[j], z[j], q[j], values);
            present += 1.0f;
            if (!(@p@_role[j] & @P@_FLAG)) {
                n_sensors += 1.0f;
                for (k = 0; k < 5; k++) {
                    nats = @p@_tail(values[k], j, k);
                    largest[k] = nats > largest[k] ? nats : largest[k];
                }
            }
        }
        if (kind != 0 && cells[j] == before->last[j])
            next->run[j] = before->run[j] + 1.0f;
        else if (kind == 1 && z[j] == z[j])
            next->run[j] = 0.0f;
        if (kind == 1 && z[j] == z[j]) {
            next->last[j] = cells[j];
            next->before[j] = @p@_clip(z[j], 8.0f);
        }
    }
    if (agree == agree) {
        largest[6] = (@P@_AGREE_MEAN - agree) * @P@_PER_AGREE;
        if (kind == 1)
            next->agree = agree;
    }
    if (next && kind >= 0)
        @p@_follow(next, cells, contribution);
    nats = @p@_evidence(largest, n_sensors, present, &listened);
    return @p@_joined(raw, nats, listened);
}

/* The score of a row in [0, 1), as the model's score_one gives it; nothing changes. NaN and infinities are missing.
 * cells: @P@_N_CELLS readings in the order of @p@_names. */
static inline float @p@_score(const @p@_state *state, const @P@_CELL *cells)
{
    return @p@_judge(state, 0, cells);
}

/* The same, and the state goes on to the next row. What is usual stays as it was exported: nothing is learned. */
static inline float @p@_score_next(@p@_state *state, const @P@_CELL *cells)
{
    return @p@_judge(state, state, cells);
}

/* Whether a score is an alarm by the cut that the model had when it was exported. */
static inline int @p@_is_alarm(float score)
{
    return score > @P@_CUT;
}
