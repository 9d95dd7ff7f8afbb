//! Seeded chance: every draw of the simulator comes from here.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// One stream of random numbers. Streams of one seed are independent, so that what one match
/// draws does not depend on how much another drew.
#[derive(Debug, Clone)]
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// Uniform in `0..1`, in steps of 2^-53.
    pub(super) fn uniform(&mut self) -> f64 {
        // The shift leaves 53 bits, which a float holds exactly.
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A place in a list of this length, which is not zero.
    pub(super) fn place(&mut self, length: usize) -> usize {
        // Lists here are short: the product is exact enough and below the length.
        ((self.uniform() * length as f64) as usize).min(length - 1)
    }

    /// Normal with mean zero (Box and Muller 1958).
    pub(super) fn normal(&mut self, deviation: f64) -> f64 {
        // One minus a uniform lies in 0..=1 without zero, of which there is no logarithm.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        deviation * radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Poisson, by the number of uniforms whose product stays above `exp(-mean)` (Knuth 1969).
    /// For means up to some tens.
    pub(super) fn poisson(&mut self, mean: f64) -> u16 {
        let floor = libm::exp(-mean);
        let mut product = self.uniform();
        let mut count = 0;
        while product > floor && count < 500 {
            product *= self.uniform();
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(draw: impl FnMut() -> f64) -> (f64, f64) {
        let draws: Vec<f64> = std::iter::repeat_with(draw).take(100_000).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 1e5;
        (mean, variance)
    }

    #[test]
    fn draws_have_the_moments_of_their_laws() {
        let mut chance = Chance::new(1, 0);
        let (mean, variance) = moments(|| chance.uniform());
        assert!((mean - 0.5).abs() < 0.004 && (variance - 1.0 / 12.0).abs() < 0.002);
        let (mean, variance) = moments(|| chance.normal(2.0));
        assert!(mean.abs() < 0.03 && (variance - 4.0).abs() < 0.1);
        let (mean, variance) = moments(|| f64::from(chance.poisson(3.5)));
        assert!((mean - 3.5).abs() < 0.03 && (variance - 3.5).abs() < 0.1);
    }

    #[test]
    fn a_stream_repeats_itself_and_no_other() {
        let draw = |seed, stream| Chance::new(seed, stream).uniform();
        assert_eq!(draw(7, 3).to_bits(), draw(7, 3).to_bits());
        assert_ne!(draw(7, 3).to_bits(), draw(7, 4).to_bits());
        assert_ne!(draw(7, 3).to_bits(), draw(8, 3).to_bits());
    }
}
