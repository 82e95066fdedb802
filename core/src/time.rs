//! Points in time and lengths of time. Tokens count seconds, everything else counts milliseconds, and
//! a number alone does not say which: the types keep the two apart. All arithmetic saturates.

/// A point in time: milliseconds since 1970, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The point that is so much later.
    #[must_use]
    pub fn plus(self, length: Milliseconds) -> Self {
        Self(self.0.saturating_add(length.0))
    }

    /// The point that was so much earlier, or the beginning of 1970.
    #[must_use]
    pub fn minus(self, length: Milliseconds) -> Self {
        Self(self.0.saturating_sub(length.0))
    }

    /// How long ago `earlier` was; nothing where it is yet to come.
    #[must_use]
    pub fn since(self, earlier: Self) -> Milliseconds {
        Milliseconds(self.0.saturating_sub(earlier.0))
    }

    /// The second in which it lies.
    #[must_use]
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0 / 1000)
    }
}

/// A point in time: seconds since 1970, without leap seconds, as tokens have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// The point that is so much later.
    #[must_use]
    pub fn plus(self, length: Seconds) -> Self {
        Self(self.0.saturating_add(length.0))
    }

    /// The same as a `NumericDate` (RFC 7519 section 2), to be compared with a claim.
    #[must_use]
    pub fn numeric_date(self) -> f64 {
        // Exact for every time until the year 285 million.
        #[allow(clippy::cast_precision_loss)]
        let date = self.0 as f64;
        date
    }
}

/// A length of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Milliseconds(pub u64);

impl Milliseconds {
    /// So many of it, one after the other.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count.into()))
    }

    /// The whole seconds that it takes: the last one may be begun only.
    #[must_use]
    pub fn seconds_rounded_up(self) -> Seconds {
        Seconds(self.0.div_ceil(1000))
    }

    /// The same in microseconds.
    #[must_use]
    pub fn microseconds(self) -> u64 {
        self.0.saturating_mul(1000)
    }
}

/// A length of time in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(pub u64);

impl Seconds {
    /// The same in milliseconds.
    #[must_use]
    pub const fn milliseconds(self) -> Milliseconds {
        Milliseconds(self.0.saturating_mul(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_was_before_1970_and_nothing_comes_after_the_last() {
        let (early, late) = (UnixMillis(1000), UnixMillis(u64::MAX));
        assert_eq!(early.plus(Milliseconds(500)), UnixMillis(1500));
        assert_eq!(late.plus(Milliseconds(1)), late);
        assert_eq!(early.minus(Milliseconds(1)), UnixMillis(999));
        assert_eq!(early.minus(Milliseconds(1001)), UnixMillis(0));
        assert_eq!(UnixMillis(1500).since(early), Milliseconds(500));
        assert_eq!(early.since(late), Milliseconds(0));
        assert_eq!(UnixSeconds(1).plus(Seconds(2)), UnixSeconds(3));
    }

    #[test]
    fn a_point_lies_in_the_second_that_has_begun_and_a_wait_lasts_to_the_end_of_one() {
        assert_eq!(UnixMillis(1999).seconds(), UnixSeconds(1));
        assert_eq!(UnixMillis(2000).seconds(), UnixSeconds(2));
        assert_eq!(Milliseconds(0).seconds_rounded_up(), Seconds(0));
        assert_eq!(Milliseconds(1000).seconds_rounded_up(), Seconds(1));
        assert_eq!(Milliseconds(1001).seconds_rounded_up(), Seconds(2));
        assert_eq!(Seconds(60).milliseconds(), Milliseconds(60_000));
    }
}
