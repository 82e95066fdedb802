// What Rust would need Unicode's tables for.

// What servers and databases drop or overlook: accents, and the characters that show nothing.
const OVERLOOKED = /[\p{Mark}\p{Default_Ignorable_Code_Point}]/gu;

const bare = (text) => text.normalize('NFKD').replace(OVERLOOKED, '');

/**
 * One text for all that differ in case, width, font, marks or invisible characters. Through both cases, since some
 * letters share one alone: `ı` and `i` the upper, `K` (Kelvin) and `k` the lower.
 */
export const fold = (text) => bare(bare(text).toLowerCase().toUpperCase().toLowerCase());
