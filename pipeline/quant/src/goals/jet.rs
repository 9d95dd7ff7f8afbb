//! Numbers that carry their exact first and second derivatives along.
//!
//! A law written once over [`Real`] serves as a probability (over `f64`) and as a term of the
//! likelihood with its derivatives (over [`Jet`]): forward differentiation to the second order
//! (Griewank and Walther, 2008, chapter 13).

use std::ops::{Add, Mul, Neg, Sub};

/// A number that a law is computed in.
pub(super) trait Real:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// A constant.
    fn constant(value: f64) -> Self;

    /// The plain value.
    fn value(self) -> f64;

    /// A function of this number, from its value and first two derivatives here.
    fn chain(self, value: f64, first: f64, second: f64) -> Self;

    fn exp(self) -> Self {
        let value = libm::exp(self.value());
        self.chain(value, value, value)
    }

    fn exp_m1(self) -> Self {
        let exp = libm::exp(self.value());
        self.chain(libm::expm1(self.value()), exp, exp)
    }

    fn ln(self) -> Self {
        let reciprocal = 1.0 / self.value();
        self.chain(libm::log(self.value()), reciprocal, -reciprocal * reciprocal)
    }

    fn ln_1p(self) -> Self {
        let reciprocal = 1.0 / (1.0 + self.value());
        self.chain(libm::log1p(self.value()), reciprocal, -reciprocal * reciprocal)
    }

    fn reciprocal(self) -> Self {
        let reciprocal = 1.0 / self.value();
        let square = reciprocal * reciprocal;
        self.chain(reciprocal, -square, 2.0 * square * reciprocal)
    }

    /// This number times a constant.
    fn times(self, factor: f64) -> Self;

    /// This number plus a constant.
    fn plus(self, term: f64) -> Self;

    /// `1 − self`.
    fn complement(self) -> Self {
        (-self).plus(1.0)
    }
}

impl Real for f64 {
    fn constant(value: f64) -> Self {
        value
    }

    fn value(self) -> f64 {
        self
    }

    fn chain(self, value: f64, _first: f64, _second: f64) -> Self {
        value
    }

    fn times(self, factor: f64) -> Self {
        self * factor
    }

    fn plus(self, term: f64) -> Self {
        self + term
    }
}

/// A value with its derivatives in `N` variables. Of the second derivatives the lower triangle is
/// kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jet<const N: usize> {
    pub(super) value: f64,
    pub(super) first: [f64; N],
    pub(super) second: [[f64; N]; N],
}

impl<const N: usize> Jet<N> {
    /// The variable number `index` itself.
    pub(super) fn variable(value: f64, index: usize) -> Self {
        let mut jet = Self::constant(value);
        jet.first[index] = 1.0;
        jet
    }

    fn each(
        mut self,
        value: f64,
        first: impl Fn(usize, f64) -> f64,
        second: impl Fn(usize, usize, f64) -> f64,
    ) -> Self {
        for i in 0..N {
            for j in 0..=i {
                self.second[i][j] = second(i, j, self.second[i][j]);
            }
        }
        for i in 0..N {
            self.first[i] = first(i, self.first[i]);
        }
        self.value = value;
        self
    }
}

impl<const N: usize> Real for Jet<N> {
    fn constant(value: f64) -> Self {
        Self { value, first: [0.0; N], second: [[0.0; N]; N] }
    }

    fn value(self) -> f64 {
        self.value
    }

    fn chain(self, value: f64, first: f64, second: f64) -> Self {
        let slopes = self.first;
        self.each(
            value,
            |_, own| first * own,
            |i, j, own| first * own + second * (slopes[i] * slopes[j]),
        )
    }

    fn times(self, factor: f64) -> Self {
        self.each(self.value * factor, |_, own| own * factor, |_, _, own| own * factor)
    }

    fn plus(mut self, term: f64) -> Self {
        self.value += term;
        self
    }
}

impl<const N: usize> Add for Jet<N> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.each(
            self.value + other.value,
            |i, own| own + other.first[i],
            |i, j, own| own + other.second[i][j],
        )
    }
}

impl<const N: usize> Sub for Jet<N> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl<const N: usize> Neg for Jet<N> {
    type Output = Self;
    fn neg(self) -> Self {
        self.each(-self.value, |_, own| -own, |_, _, own| -own)
    }
}

impl<const N: usize> Mul for Jet<N> {
    type Output = Self;

    #[allow(clippy::suspicious_arithmetic_impl, reason = "the product rule adds")]
    fn mul(self, other: Self) -> Self {
        let (a, b) = (self.first, other.first);
        self.each(
            self.value * other.value,
            |i, own| own * other.value + self.value * b[i],
            |i, j, own| {
                own * other.value + self.value * other.second[i][j] + (a[i] * b[j] + a[j] * b[i])
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function that uses every operation.
    fn f<T: Real>(x: T, y: T) -> T {
        let a = (x * y).exp() + y.ln().times(2.0) - x.reciprocal();
        let b = (x - y).exp_m1() + (x * x).ln_1p();
        -(a * b).plus(0.5).complement()
    }

    #[test]
    fn derivatives_agree_with_finite_differences() {
        let (x, y) = (0.7, 1.3);
        let jet = f(Jet::<2>::variable(x, 0), Jet::variable(y, 1));
        assert_eq!(jet.value, f(x, y));
        let step = 1e-4;
        let at = |i: f64, j: f64| f(x + i * step, y + j * step);
        let close = |got: f64, wanted: f64| {
            assert!((got - wanted).abs() < 1e-5 * wanted.abs().max(1.0), "{got} is not {wanted}");
        };
        close(jet.first[0], (at(1.0, 0.0) - at(-1.0, 0.0)) / (2.0 * step));
        close(jet.first[1], (at(0.0, 1.0) - at(0.0, -1.0)) / (2.0 * step));
        let square = step * step;
        close(jet.second[0][0], (at(1.0, 0.0) - 2.0 * at(0.0, 0.0) + at(-1.0, 0.0)) / square);
        close(jet.second[1][1], (at(0.0, 1.0) - 2.0 * at(0.0, 0.0) + at(0.0, -1.0)) / square);
        let corners = at(1.0, 1.0) - at(1.0, -1.0) - at(-1.0, 1.0) + at(-1.0, -1.0);
        close(jet.second[1][0], corners / (4.0 * square));
    }
}
