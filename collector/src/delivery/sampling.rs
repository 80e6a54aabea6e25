//! Which kinds of event this machine takes part in.
//!
//! Sampling is by machine, not by event: a machine is in the sample of a kind or it is not, in every run,
//! so that what it reports is whole. Raising a rate keeps every machine that was in.

use super::spread::unit;

/// A share from 0 (nobody) to 1 (everybody).
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Rate(f64);

impl Rate {
    /// Everybody.
    pub const ALL: Self = Self(1.0);

    /// A rate; none if it is not from 0 to 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// The share.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    fn takes(self, seed: u64, kind: &str) -> bool {
        // `unit` is below 1, so that a rate of 1 takes everybody and a rate of 0 nobody.
        unit(seed, kind, 0) < self.0
    }
}

/// One machine's part in the samples, decided once when a run starts.
#[derive(Clone, PartialEq, Debug)]
pub struct Sampling {
    seed: u64,
    others: Rate,
    kinds: Vec<Sampled>,
}

/// A kind with a rate of its own, for `status`.
#[derive(Clone, PartialEq, Debug)]
pub struct Sampled {
    /// The kind.
    pub kind: String,
    /// The share of machines that record it.
    pub rate: Rate,
    /// Whether this one does.
    pub taken: bool,
}

impl Sampling {
    /// Sampling of some kinds at their own rates and of all others at one. `seed` is the machine's.
    #[must_use]
    pub fn new(seed: u64, others: Rate, kinds: impl IntoIterator<Item = (String, Rate)>) -> Self {
        let sampled = |(kind, rate): (String, Rate)| {
            let taken = rate.takes(seed, &kind);
            Sampled { kind, rate, taken }
        };
        Self { seed, others, kinds: kinds.into_iter().map(sampled).collect() }
    }

    /// Everything is recorded.
    #[must_use]
    pub fn all() -> Self {
        Self { seed: 0, others: Rate::ALL, kinds: Vec::new() }
    }

    /// Whether this machine records events of this kind.
    #[must_use]
    pub fn takes(&self, kind: &str) -> bool {
        match self.kinds.iter().find(|sampled| sampled.kind == kind) {
            Some(sampled) => sampled.taken,
            // The usual case costs no hash.
            None if self.others == Rate::ALL => true,
            None => self.others.takes(self.seed, kind),
        }
    }

    /// The kinds with rates of their own.
    #[must_use]
    pub fn kinds(&self) -> &[Sampled] {
        &self.kinds
    }

    /// The rate of all other kinds.
    #[must_use]
    pub fn others(&self) -> Rate {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(share: f64) -> Rate {
        Rate::new(share).unwrap()
    }

    #[test]
    fn a_rate_is_from_0_to_1_and_nothing_else() {
        for bad in [-0.1, 1.000_001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Rate::new(bad), None);
        }
        assert_eq!(
            [0.0, 0.5, 1.0].map(|share| Rate::new(share).map(Rate::get)),
            [Some(0.0), Some(0.5), Some(1.0)]
        );
    }

    #[test]
    fn the_share_of_a_fleet_is_the_rate() {
        for share in [0.0, 0.01, 0.25, 0.9, 1.0] {
            let taken = (0..100_000).filter(|seed| rate(share).takes(*seed, "feature.used")).count();
            assert!((taken as f64 - share * 100_000.0).abs() <= 500.0, "{taken} at {share}");
        }
    }

    #[test]
    fn a_machine_decides_the_same_in_every_run_and_stays_when_the_rate_is_raised() {
        for seed in 0..1_000 {
            let run = || Sampling::new(seed, rate(0.3), [("a".to_owned(), rate(0.2))]);
            assert_eq!(run(), run());
            for kind in ["a", "b", ""] {
                assert_eq!(run().takes(kind), run().takes(kind));
                assert!(!rate(0.2).takes(seed, kind) || rate(0.4).takes(seed, kind));
            }
        }
    }

    #[test]
    fn kinds_are_sampled_apart_from_each_other() {
        let both = (0..100_000).filter(|seed| rate(0.5).takes(*seed, "a") && rate(0.5).takes(*seed, "b"));
        assert!((24_000..26_000).contains(&both.count()));
    }

    #[test]
    fn a_kind_has_its_own_rate_and_status_can_say_so() {
        let it = Sampling::new(7, Rate::ALL, [("a".to_owned(), rate(0.0)), ("b".to_owned(), rate(1.0))]);
        assert!(!it.takes("a") && it.takes("b") && it.takes("c"));
        let seen: Vec<_> = it.kinds().iter().map(|s| (s.kind.as_str(), s.rate.get(), s.taken)).collect();
        assert_eq!(seen, [("a", 0.0, false), ("b", 1.0, true)]);
        assert!(Sampling::all().takes("anything"));
    }
}
