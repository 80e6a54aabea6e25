//! Numbers that look random across a fleet and never change on one machine.
//!
//! A decision that must be the same in every run (is this machine in the sample? how far is its interval
//! stretched?) is computed from the machine's seed instead of being drawn and stored.

/// FNV-1a. Each step is a bijection of the state, so two texts that differ in one byte never collide.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The finalizer of SplitMix64: every input bit moves every output bit.
fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number from 0 to below 1 that this seed always gives for this question.
pub(super) fn unit(seed: u64, question: &str, nth: u64) -> f64 {
    let bits = mixed(mixed(seed) ^ mixed(fnv(question.as_bytes()).wrapping_add(nth)));
    // 53 bits are what a double holds exactly.
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_one_answer_a_machine_and_even_answers_over_a_fleet() {
        let mut tenths = [0u32; 10];
        for seed in 0..100_000 {
            let it = unit(seed, "interval", 3);
            assert!((0.0..1.0).contains(&it));
            assert_eq!(it.to_bits(), unit(seed, "interval", 3).to_bits());
            tenths[(it * 10.0) as usize] += 1;
        }
        for count in tenths {
            assert!((9_500..10_500).contains(&count), "{tenths:?}");
        }
    }

    #[test]
    fn answers_to_two_questions_have_nothing_to_do_with_each_other() {
        let both = (0..100_000).filter(|s| unit(*s, "a", 0) < 0.5 && unit(*s, "b", 0) < 0.5).count();
        assert!((24_000..26_000).contains(&both), "{both}");
        let both = (0..100_000).filter(|s| unit(*s, "a", 0) < 0.5 && unit(*s, "a", 1) < 0.5).count();
        assert!((24_000..26_000).contains(&both), "{both}");
    }
}
