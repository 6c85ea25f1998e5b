/*
** What the tiers share that widen codes to 16 bits before they multiply: their products are exact
** for either sign, so there is no excess, and u8 times i8 is i8 times i8. Included behind a tier's
** ints_add_dot_i8().
*/
static inline Ints ints_add_excess_i8(Ints excess, Codes b) {
    (void)b;
    return excess;
}

static inline Ints ints_add_dot_u8i8(Ints sum, Codes a, Codes b) {
    return ints_add_dot_i8(sum, a, b);
}

static inline Ints ints_add_excess_u8i8(Ints excess, Codes b) {
    (void)b;
    return excess;
}
